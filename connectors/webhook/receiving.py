"""From a message to events. Pure: no network, and no clock but the delivery's own time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from connectors.contract import DELETED, Delivery, Event, Record
from connectors.errors import BadRecord
from connectors.manifest.paths import at
from connectors.manifest.shapes import read_json, storable
from connectors.manifest.templates import Values
from connectors.webhook.form import InboundForm, MessageForm
from connectors.webhook.signatures import prove


class _HasInbound(Protocol):
    @property
    def inbound(self) -> InboundForm: ...
    @property
    def values(self) -> Values: ...


class Receiving:
    """What a connector with `inbound` can do beside the rest."""

    def receive(self: _HasInbound, delivery: Delivery) -> Sequence[Event]:
        """The events of a message; none for one that is to be ignored. Raises AuthProblem, BadRecord."""
        if not delivery.verified:
            prove(self.inbound.signature, delivery, self.values)
        return events_of(self.inbound, delivery)


def events_of(inbound: InboundForm, delivery: Delivery) -> list[Event]:
    """One event for each record of a message. Of an unusable one the event's record is `{"problem": ..., "raw": ...}`, so
    that it alone ends in the dead letters. Raises BadRecord when nothing of the message can be used."""
    message = _message(inbound, delivery.body)
    if any(condition.holds(message) for condition in inbound.ignore):
        return []
    form = next((m for m in inbound.messages if m.when is None or m.when.holds(message)), None)
    if form is None:
        kinds = ", ".join(f"{m.when.path} = {m.when.equals!r}" for m in inbound.messages if m.when is not None)
        raise BadRecord(f"a message of no known kind (known: {kinds})", record=message)
    rows = at(message, form.records)
    rows = rows if isinstance(rows, list) else [rows]
    if not rows:
        raise BadRecord(f"no records at {form.records or 'the top'}", record=message)
    prefix = _message_id(inbound, message, delivery)
    shape, events, last = form.shape, [], None
    for place, row in enumerate(rows):
        try:
            events.append(_event(form, shape.record(row), f"{prefix}:{place}"))
        except BadRecord as reason:
            last = reason
            events.append(Event(f"{prefix}:{place}", form.stream, {"problem": str(reason), "raw": row}))
    if last is not None and all("problem" in event.record for event in events):
        raise last
    return events


def _message(inbound: InboundForm, body: bytes) -> Any:
    if inbound.content == "form":
        try:
            return storable(dict(parse_qsl(body.decode(), strict_parsing=True)))
        except (UnicodeDecodeError, ValueError):
            raise BadRecord("the body is no form (a=1&b=2)", record=body[:500].decode("utf-8", "replace")) from None
    try:
        return read_json(body.decode())
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8 at byte {error.start}", record=body[:500].decode("utf-8", "replace")) from None


def _message_id(inbound: InboundForm, message: Any, delivery: Delivery) -> str:
    """The sender's own id. Headers do not last until a message is read again, so it stands in the message, or in
    `webhook-id`, which does last."""
    own = at(message, inbound.id) if inbound.id else delivery.headers.get("webhook-id")
    told = str(own) if isinstance(own, str | int) and not isinstance(own, bool) else ""
    return told if 0 < len(told) <= 100 else hashlib.sha256(delivery.body).hexdigest()


def _event(form: MessageForm, record: Record, number: str) -> Event:
    key = "/".join(_key_text(record[name]) for name in form.key)
    return Event(number, form.stream, record, key=key, op="delete" if record.get(DELETED) else "upsert")


def _key_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
