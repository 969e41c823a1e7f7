"""The messages of the past that a configuration would take otherwise: which, and read again in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

import lineage
from connectors.contract import Delivery, Event
from connectors.errors import BadRecord, ConnectorError
from gateway import clock, tables
from gateway.automation.specs import STANDING
from gateway.clock import MINUTE, Serial
from gateway.config.hub import HUB, Hub, Live
from gateway.ingest.inbox import Incoming
from gateway.ingest.internal import HELD, SILENCE
from gateway.ingest.item import Prepared, prepare
from gateway.ingest.recall import live_of, split
from gateway.ingest.stored import restore
from gateway.service import Gateway
from gateway.sync import store
from gateway.sync.rows import Reader

CHUNK = 400
EVENTS = 1_000
TOGETHER = MINUTE
"""Messages that came within a minute are played as one group, as a busy inbox would."""
RETOLD = frozenset({HELD, SILENCE})
"""What the hub's timers told; a rehearsal has timers of its own."""
SAMPLE = 500
_D, _M = tables.delivery.c, tables.message.c


@dataclass(slots=True)
class Told:
    """One delivery as both configurations understand it, at the time it came; None: this one does not have it."""

    at: int
    now: tuple[Incoming, Sequence[Prepared]] | None
    then: tuple[Incoming, Sequence[Prepared]] | None
    events: int


@dataclass(slots=True)
class Difference:
    """What the new configuration makes different: the connections whose messages must be played, each with why."""

    connections: dict[str, list[str]] = field(default_factory=dict)

    def add(self, connection: str, why: str) -> None:
        reasons = self.connections.setdefault(connection, [])
        if why not in reasons:
            reasons.append(why)


def difference(now: Hub, then: Hub) -> Difference:
    """Connections that would understand or decide anything otherwise."""
    found = Difference()
    kinds = {k for k in {*now.rules.by_kind, *then.rules.by_kind} if now.rules.hash_of(k) != then.rules.hash_of(k)}
    moved = [name for name, spec in then.policies.specs.items() if now.policies.specs.get(name) != spec]
    for connection in sorted({*now.connections, *then.connections}):
        old, new = now.connections.get(connection), then.connections.get(connection)
        for why in _differs(old, new):
            found.add(connection, why)
        targets = {m.target for live in (old, new) if live is not None for m in live.mappings.values()}
        for kind in sorted(targets & kinds):
            found.add(connection, f"rules on {kind}")
        for name in moved:
            found.add(connection, f"policy {name}")
    if kinds & {"Alert"} or moved:
        found.add(HUB, "rules on Alert" if "Alert" in kinds else f"policy {moved[0]}")
    return found


def _differs(old: Live | None, new: Live | None) -> Iterator[str]:
    if old is None or new is None:
        yield "new connection" if old is None else "connection removed"
        return
    if (old.spec.connector, old.config, old.spec.codes) != (new.spec.connector, new.config, new.spec.codes):
        yield "settings"
    for stream in sorted({*old.mappings, *new.mappings}):
        before, after = old.mappings.get(stream), new.mappings.get(stream)
        if before is None or after is None or before.version != after.version:
            yield f"mapping of {stream}"


@dataclass(slots=True)
class Past:
    """The stored messages of some connections from `since` up to `until` (both microseconds UTC), oldest first."""

    gateway: Gateway
    now: Hub
    then: Hub
    connections: Sequence[str]
    since: int
    until: int
    unreadable: int = 0
    """Messages that a connector cannot take apart any more, and records that were erased."""

    def narrowed(self, most: int) -> int:
        """Where to begin so that at most so many messages are played: the newest. Answers how many those are."""
        window = self._window()
        with self.gateway.reading() as conn:
            total = conn.execute(select(func.coalesce(func.sum(_D.events), 0)).where(*window)).scalar_one()
            if total > most:
                per = max(1, round(total / (conn.execute(select(func.count()).where(*window)).scalar_one() or 1)))
                first = select(_D.received_at).where(*window).order_by(_D.id.desc()).offset(max(1, most // per) - 1)
                self.since = conn.execute(first.limit(1)).scalar_one()
                window = self._window()
                total = conn.execute(select(func.coalesce(func.sum(_D.events), 0)).where(*window)).scalar_one()
        return int(total)

    def deliveries(self) -> Iterator[list[Told]]:
        """Groups of deliveries that came about together."""
        waiting: list[Told] = []
        events, last = 0, 0
        while rows := self._chunk(last):
            for row in rows:
                told = self._told(row)
                if told is None:
                    continue
                if waiting and (events + told.events > EVENTS or told.at - waiting[0].at > TOGETHER):
                    yield waiting
                    waiting, events = [], 0
                waiting.append(told)
                events += told.events
            last = rows[-1].id
        if waiting:
            yield waiting

    def then_ends(self, group: Sequence[Told]) -> dict[tuple[int, int], tuple[str, str]]:
        """How the messages of these deliveries really ended, by delivery and position: (end, rule)."""
        ids = [told.now[0].id for told in group if told.now is not None]
        query = select(_M.delivery_id, _M.position, _M.end, _M.rule).where(_M.delivery_id.in_(ids))
        with self.gateway.reading() as conn:
            return {(r.delivery_id, r.position): (r.end, r.rule) for r in conn.execute(query)}

    def _window(self) -> list[Any]:
        first, behind = Serial.first_at(self.since), Serial.first_at(self.until)
        return [_D.id >= first, _D.id < behind, _D.connection_id.in_(list(self.connections))]

    def _chunk(self, last: int) -> list[Any]:
        query = select(tables.delivery).where(*self._window(), _D.id > last).order_by(_D.id).limit(CHUNK)
        with self.gateway.reading() as conn:
            return list(conn.execute(query))

    def _told(self, row: Any) -> Told | None:
        old, new = live_of(self.now, row.connection_id), live_of(self.then, row.connection_id)
        try:
            before = None if old is None else self._read(old, row)
            after = None if new is None else before if before is not None and _alike(old, new) else self._read(new, row)
        except ConnectorError:
            self.unreadable += 1
            return None
        if new is not None and after is not None and after is before:
            incoming, prepared = after
            copy = Incoming(
                incoming.id, new, incoming.delivery, incoming.events, incoming.received_at, _nobody, incoming.bad
            )
            after = (copy, [_again(new, incoming.delivery, p) for p in prepared])
        parts = before or after
        if parts is None:
            return None
        return Told(row.received_at, before, after, max(1, len(parts[1])))

    def _read(self, live: Live, row: Any) -> tuple[Incoming, Sequence[Prepared]] | None:
        delivery = restore(row)
        events, bad = split(live, delivery)
        if live.id == HUB and events and events[0].stream in RETOLD:
            return None
        events = [e for e in events if not _standing(live, e)]
        if not events and bad is None:
            return None
        incoming = Incoming(row.id, live, delivery, events, row.received_at, _nobody, bad)
        return incoming, prepare(incoming)


def _nobody(_: object) -> None:
    """Nobody waits for the answer."""


def _standing(live: Live, event: Event) -> bool:
    """A record of business is played from the replica, as it stands, not from the messages rules made of it."""
    mapping = live.mappings.get(event.stream)
    return mapping is not None and mapping.target in STANDING


def _alike(old: Live | None, new: Live) -> bool:
    """Do both take a delivery apart in the same way?"""
    return old is new or (old is not None and old.spec.connector == new.spec.connector and old.config == new.config)


def _again(live: Live, delivery: Delivery, given: Prepared) -> Prepared:
    """The same event through this connection's mapping; as it is where the mapping is the same."""
    event, mapping = given.event, None if given.event is None else live.mappings.get(given.event.stream)
    if event is None or (
        mapping is not None and given.mapping is not None and mapping.version == given.mapping.version
    ):
        return given
    return prepare(Incoming(0, live, delivery, [event], 0, _nobody))[0]


def standing(past: Past, conn: Connection, connection: str, stream: str) -> Iterator[list[Event]]:
    """The raw records of business that the hub holds of a stream, as events, in blocks."""
    shelf = store.shelf(conn, connection, stream)
    after: int | None = None
    while shelf is not None:
        rows = store.live_rows(conn, shelf.id, after, CHUNK)
        landed = lineage.fetch(conn, [r.landing for r in rows])
        events = []
        for row in rows:
            source = landed.get(row.landing)
            if source is None or source.problem or not isinstance(source.record, dict):
                past.unreadable += 1
                continue
            events.append(Event(id=f"held/{stream}/{row.key}"[:255], stream=stream, record=source.record, key=row.key))
        yield events
        if len(rows) < CHUNK:
            return
        after = rows[-1].id


def sampled(live: Live, stream: str, most: int = SAMPLE) -> list[Event]:
    """Records of a stream as its system gives them now, at most so many. Raises ConnectorError."""
    assert live.runtime is not None
    found = next((s for s in live.runtime.streams() if s.name == stream), None)
    mapping = live.mappings.get(stream)
    if found is None or mapping is None:
        return []
    reader = Reader(live.dataset(stream), found, mapping.version)
    events: list[Event] = []
    for batch in live.runtime.read(found, None):
        for record in batch.records:
            try:
                key = reader.key(record)
            except BadRecord:
                continue
            events.append(Event(id=f"read/{stream}/{key}"[:255], stream=stream, record=dict(record), key=key))
            if len(events) >= most:
                return events
    return events


def group_of(events: Sequence[Event], now: Live | None, then: Live | None, number: int, at: int) -> list[Told]:
    """Records that are played as one delivery."""
    sides: list[tuple[Incoming, Sequence[Prepared]] | None] = []
    for live in (now, then):
        if live is None or live.runtime is None:
            sides.append(None)
            continue
        incoming = Incoming(number, live, Delivery(b"{}", received_at=clock.to_datetime(at)), list(events), at, _nobody)
        sides.append((incoming, prepare(incoming)))
    return [Told(at, sides[0], sides[1], max(1, len(events)))]
