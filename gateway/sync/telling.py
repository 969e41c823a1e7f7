"""What rules say to records that were read goes through the ledger like any message: stored, decided, explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

import lineage
from connectors.contract import DELETED, Event
from connectors.errors import BadRecord
from gateway import clock
from gateway.automation.watching import Verdict
from gateway.automation.work import TicketWork
from gateway.config.hub import Hub, Live
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import Item, Prepared
from gateway.ingest.recorded import UNUSABLE, records_delivery
from gateway.ingest.unit import Unit
from gateway.sync.sorting import Unusable

DEEPEST = 50


def tell(
    conn: Connection, hub: Hub, serial: clock.Serial, live: Live, stream: str, verdicts: Sequence[Verdict],
    unusable: Sequence[Unusable], now: int,
) -> tuple[list[Item], TicketWork | None]:  # fmt: skip
    """Carry out what rules decided and bury what is unusable, in one delivery; answers its messages, in this order."""
    prepared = [_verdict(live, stream, verdict, now) for verdict in verdicts]
    prepared += [_unusable(live, stream, bad, now) for bad in unusable]
    if not prepared:
        return [], None
    events = [p.event for p in prepared if p.event is not None]
    delivery = records_delivery(stream, events, clock.to_datetime(now))
    number = next(iter(serial.take()))
    incoming = Incoming(number, live, delivery, events, now, lambda _: None)
    unit = Unit(conn, hub, serial, now, [(incoming, prepared)])
    work = unit.run()
    return unit.items, work


def _verdict(live: Live, stream: str, verdict: Verdict, now: int) -> Prepared:
    news = verdict.news
    raw = {**news.raw, DELETED: True} if news.gone else dict(news.raw)
    told = f"{stream}/{news.key}/{verdict.rule.spec.id}/{verdict.status}/{verdict.since}/{now}"
    event = Event(_short(told), stream, raw, news.key, "delete" if news.gone else "upsert")
    return Prepared(event, live.mappings[stream], dict(news.values), None, verdict=verdict)


def _unusable(live: Live, stream: str, bad: Unusable, now: int) -> Prepared:
    event = Event(f"unusable/{stream}/{now}", stream, _storable(bad.record), bad.key)
    return Prepared(event, live.mappings[stream], None, bad.fault)


def of_connector(bad: BadRecord) -> dict[str, Any]:
    """A record that the connector itself could not use, as it is kept: with the connector's reason."""
    return {UNUSABLE: {"reason": printable(str(bad)), "hint": printable(bad.hint), "record": _shown(bad.record)}}


def printable(text: str) -> str:
    """The text without what no database holds: NUL, and half characters."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _short(text: str) -> str:
    return text if len(text) <= 255 else "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _shown(value: Any, depth: int = 0) -> Any:
    """What JSON can say of it; the rest as text."""
    if isinstance(value, str):
        return printable(value)
    if value is None or isinstance(value, int | bool):
        return value
    if isinstance(value, dict | list | tuple) and depth == DEEPEST:
        return "(nested too deeply to be shown)"
    if isinstance(value, dict):
        return {printable(str(k)): _shown(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(v, depth + 1) for v in value]
    return printable(str(value))


def _storable(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record, or, when it holds what no record may, what can be shown of it."""
    try:
        lineage.encode(record)
    except lineage.UnstorableValue:
        shown: Mapping[str, Any] = _shown(dict(record))
        return shown
    return record
