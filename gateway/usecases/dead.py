"""Dead letters: listed with the reason, shown with the raw message, and replayed once the cause is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from gateway import clock, tables
from gateway.automation.work import TicketWork
from gateway.config.hub import Hub
from gateway.errors import Conflict, NotFound
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import PART_BITS, End, Fault, Item, Prepared, places, prepare
from gateway.ingest.recall import live_of, split
from gateway.ingest.stored import restore
from gateway.ingest.unit import Unit
from gateway.service import Gateway

_L, _M, _D = tables.dead_letter.c, tables.message.c, tables.delivery.c


@dataclass(frozen=True, slots=True)
class DeadLetter:
    message_id: int
    connection_id: str
    stream: str
    path: str
    reason: str
    hint: str
    at: int
    replays: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters: each of these that is given must fit. `words`: in the reason, in any case."""

    connection: str | None = None
    stream: str | None = None
    path: str | None = None
    reason: str | None = None
    words: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Of those that nobody settled."""
        found: list[ColumnElement[bool]] = [_L.settled_at.is_(None)]
        for column, value in ((_L.connection_id, self.connection), (_L.stream, self.stream), (_L.path, self.path),
                              (_L.reason, self.reason)):  # fmt: skip
            if value is not None:
                found.append(column == value)
        if self.words:
            found.append(_L.reason.icontains(self.words, autoescape=True))
        return found


EVERY = Wanted()


@dataclass(frozen=True, slots=True)
class Together:
    """Dead letters that died of the same: where, of what, how many, from when to when."""

    connection_id: str
    stream: str
    path: str
    reason: str
    count: int
    first_at: int
    last_at: int


def grouped(conn: Connection, wanted: Wanted = EVERY, limit: int = 100) -> list[Together]:
    """By what they died of, the most frequent first."""
    places = (_L.connection_id, _L.stream, _L.path, _L.reason)
    query = (
        select(*places, func.count(), func.min(_L.at), func.max(_L.at)).where(*wanted.conditions()).group_by(*places)
    )
    return [Together(*row) for row in conn.execute(query.order_by(func.count().desc(), *places).limit(limit))]


def count(conn: Connection, connection: str) -> int:
    """How many of a connection nobody settled."""
    mine = Wanted(connection=connection).conditions()
    return conn.execute(select(func.count()).select_from(tables.dead_letter).where(*mine)).scalar_one()


def eldest(conn: Connection, wanted: Wanted, limit: int) -> list[int]:
    """Messages in the order they came."""
    query = select(_L.message_id).where(*wanted.conditions()).order_by(_L.message_id).limit(limit)
    return list(conn.execute(query).scalars())


def listed(conn: Connection, *, before: int | None = None, limit: int = 50, wanted: Wanted = EVERY) -> list[DeadLetter]:
    """Those that nobody settled, newest first."""
    query = select(*tables.dead_letter.c).where(*wanted.conditions())
    if before is not None:
        query = query.where(_L.message_id < before)
    rows = conn.execute(query.order_by(_L.message_id.desc()).limit(limit))
    return [
        DeadLetter(r.message_id, r.connection_id, r.stream, r.path, r.reason, r.hint, r.at, r.replays) for r in rows
    ]


def shown(conn: Connection, message_id: int) -> tuple[DeadLetter, Any]:
    """A dead letter with its stored delivery. Raises NotFound."""
    row = conn.execute(select(*tables.dead_letter.c).where(_L.message_id == message_id)).first()
    if row is None:
        raise NotFound(f"There is no dead letter {message_id}.")
    letter = DeadLetter(
        row.message_id, row.connection_id, row.stream, row.path, row.reason, row.hint, row.at, row.replays
    )
    delivery = conn.execute(
        select(tables.delivery)
        .join_from(tables.delivery, tables.message, _M.delivery_id == _D.id)
        .where(_M.id == message_id)
    ).one()
    return letter, delivery


def replay_all(gateway: Gateway, ids: Sequence[int]) -> dict[int, str]:
    """Replay these one by one; answers the end of each. One that was settled meanwhile, or whose connection cannot work,
    says why instead."""
    ends: dict[int, str] = {}
    for message_id in ids:
        try:
            ends[message_id] = replay(gateway, message_id)
        except (NotFound, Conflict) as refused:
            ends[message_id] = refused.detail
    return ends


def replay(gateway: Gateway, message_id: int) -> str:
    """Run a dead letter through today's connector, mapping and rules; answers the end it came to (`dead`: still unusable,
    with the new reason). Raises NotFound, and Conflict when it was settled before."""
    hub = gateway.hub  # loaded before the transaction: SQLite has one writer
    end = gateway.transact(lambda conn: _replay(conn, gateway, hub, message_id))
    gateway.wake_worker.set()
    return end


def _replay(conn: Connection, gateway: Gateway, hub: Hub, message_id: int) -> str:
    now = clock.now()
    locked = select(*tables.dead_letter.c).where(_L.message_id == message_id).with_for_update()
    letter = conn.execute(locked).first()
    if letter is None:
        raise NotFound(f"There is no dead letter {message_id}.")
    if letter.settled_at is not None:
        raise Conflict(f"Dead letter {message_id} was replayed successfully before.")
    live = live_of(hub, letter.connection_id)
    if live is None:
        raise Conflict(f"Connection {letter.connection_id!r} is not there or cannot work; mend it, then replay.")
    _, row = shown(conn, message_id)
    position = conn.execute(select(_M.position).where(_M.id == message_id)).scalar_one()
    if row.pruned_at is not None:
        raise Conflict(f"The raw message was pruned on {clock.rfc3339(row.pruned_at)}; its sender must send it again.")
    delivery = restore(row)
    events, bad = split(live, delivery)
    incoming = Incoming(row.id, live, delivery, events, row.received_at, lambda _: None, bad)
    everything = prepare(incoming)
    # a delivery that was unusable as a whole may now tell several events; the first takes the old row's place
    mine = list(everything) if row.events == 1 or bad else _told_by(conn, row.id, everything, position)
    if not mine:
        mine = [Prepared(None, None, None, Fault("", "today's connector finds no such event in the message any more"))]
    unit = Unit(conn, hub, gateway.serial, now, [(incoming, mine)], replaying=True)
    work = unit.run()
    items = unit.items
    _settle(conn, message_id, row.id, items, work, now)
    return str(items[0].end)


def _told_by(conn: Connection, delivery_id: int, everything: Sequence[Prepared], position: int) -> list[Prepared]:
    """What is at this place of a delivery. Of one that packs several messages: all that the message of that place tells
    now, if it was unusable as a whole then."""
    told = list(zip(places(everything), everything, strict=True))
    part = position >> PART_BITS
    packed = [each for _, each in told if each.event is not None and each.event.part == part]
    if packed:
        within = _M.position.between(part << PART_BITS, (part + 1 << PART_BITS) - 1)
        rows = select(func.count()).select_from(tables.message).where(_M.delivery_id == delivery_id, within)
        if conn.execute(rows).scalar_one() == 1:
            return packed
    return [each for place, each in told if place == position]


def _settle(conn: Connection, message_id: int, delivery_id: int, items: list[Item], work: TicketWork, now: int) -> None:
    first = items[0]
    assert first.end is not None
    if first.end is End.dead:
        assert first.fault is not None
        changed: dict[str, Any] = {"path": first.fault.path, "reason": first.fault.reason, "hint": first.fault.hint}
    else:
        changed = {"settled_at": now}
        told = {"end": first.end.value, "rule": first.rule, "ticket_id": first.ticket_id, "trace": first.traced(),
                "stream": first.event.stream if first.prepared.event else ""}  # fmt: skip
        conn.execute(update(tables.message).where(_M.id == message_id).values(told))
    letter = update(tables.dead_letter).where(_L.message_id == message_id)
    conn.execute(letter.values(changed | {"replays": _L.replays + 1}))
    for item in items[1:]:
        assert item.end is not None
        row: dict[str, Any] = {
            "id": item.id, "delivery_id": delivery_id, "position": item.position, "connection_id": item.live.id,
            "stream": item.event.stream, "event_id": None, "end": item.end.value, "rule": item.rule,
            "ticket_id": item.ticket_id, "trace": item.traced(), "at": now,
        }  # fmt: skip
        conn.execute(tables.message.insert().values(row))
        if item.fault is not None:
            conn.execute(tables.dead_letter.insert().values(
                message_id=item.id, connection_id=item.live.id, stream=item.event.stream, path=item.fault.path,
                reason=item.fault.reason, hint=item.fault.hint, at=now,
            ))  # fmt: skip
    if len(items) > 1:
        more = update(tables.delivery).where(_D.id == delivery_id)
        conn.execute(more.values(events=_D.events + len(items) - 1))
