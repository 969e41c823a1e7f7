"""What goes to devices as a command, and what their answers and states mean. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.contract import Command, Outcome, Receipt
from connectors.errors import Ambiguous, BadRecord
from connectors.mqtt.values import clean, json_of

_REJECTED = frozenset({"error", "failed", "failure", "rejected", "refused", "denied", "nok", "invalid", "unsupported"})
_DONE = frozenset({"", "ok", "done", "accepted", "success", "applied"})
_REASONS = ("reason", "message", "error", "detail")


def exact_json(value: Any) -> str:
    """JSON in which a Decimal keeps every digit. :raises BadRecord: the value is no JSON."""
    if isinstance(value, Mapping):
        return (
            "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{exact_json(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(exact_json, value)) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f") if -40 < value.adjusted() < 40 else str(value)
    if isinstance(value, datetime):
        return json.dumps(value.isoformat())
    if value is None or isinstance(value, (str, bool, int)):
        return json.dumps(value, ensure_ascii=False)
    raise BadRecord(f"{type(value).__name__} {str(value)[:60]!r} can't be sent as JSON")


def receipt_of(command: Command, body: bytes, *, raw: bool) -> Receipt:
    """A device's answer. An object says no by `ok: false`, a `status` such as rejected, or an `error`.

    :raises Ambiguous: the answer can't be read
    """
    try:
        text = body.decode().strip()
        told = json_of(body) if text[:1] in ("{", "[", '"') else text
    except (UnicodeDecodeError, BadRecord) as e:
        raise Ambiguous("the device's answer can't be read") from e
    if isinstance(told, dict):
        return _object(command, told)
    word = str(told).lower()
    if word.split(" ")[0].strip(":.,;") in _REJECTED:
        return Receipt(command.id, Outcome.rejected, reason=str(told)[:500])
    if raw or word in _DONE:
        return Receipt(command.id, Outcome.applied, values={"answer": clean(str(told)[:500], "answer")} if told else {})
    raise Ambiguous(f"the device answered {str(told)[:60]!r}, which says neither yes nor no")


def _object(command: Command, told: dict[str, Any]) -> Receipt:
    status = str(told.get("status") or told.get("result") or "").lower()
    reason = next((str(told[name]) for name in _REASONS if told.get(name) not in (None, "", False)), "")
    if told.get("ok") is False or told.get("error") or status in _REJECTED:
        return Receipt(command.id, Outcome.rejected, reason=(reason or status or "the device refused")[:500])
    outcome = Outcome.duplicate if status == "duplicate" else Outcome.applied
    values = {key: value for key, value in told.items() if key not in ("id", "status", "ok")}
    return Receipt(command.id, outcome, reason=reason[:500], values=values)


def receipt_of_state(command: Command, body: bytes, field: str, args: Any) -> Receipt | None:
    """What a device's retained state says of a command; None: it was not done.

    :raises BadRecord: the state is no JSON object
    """
    state = json_of(body)
    if not isinstance(state, dict):
        raise BadRecord("the device's state is no JSON object")
    key = command.idempotency_key
    if field in state:
        latest = state[field]
        done = key in latest if isinstance(latest, list) else key == latest
    else:
        wanted = args if isinstance(args, Mapping) else {}
        done = bool(wanted) and all(name in state and state[name] == value for name, value in wanted.items())
    return Receipt(command.id, Outcome.applied, reason="found in the device's state") if done else None
