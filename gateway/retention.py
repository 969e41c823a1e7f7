"""Retention: what is old leaves the database, and nothing that is still needed.

| kind | what happens to it |
|---|---|
| `messages` | the bodies and headers of deliveries go; what became of each message stays, so the ledger adds up for ever |
| `tickets` | the lineage of tickets closed long ago moves into sealed segments; drill-downs go on from there |
| `landing` | source records and blocks of bulk reads move into sealed segments likewise |
| `segments` | the values in old segments go; what was read where and when, and what it fed, stays |

Raw messages are held as long as a ticket that is not closed, a dead letter that nobody settled, or a message in flight
needs them. Work is done in slices, each a transaction of its own, so nobody waits long and a crash loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import structlog
from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update

import core_tickets
import lineage
from gateway import clock, tables
from gateway.clock import Serial
from gateway.database import patient
from gateway.errors import BadConfiguration, Problem
from gateway.service import Gateway
from gateway.settings import Settings

log = structlog.get_logger(__name__)

Kind: TypeAlias = Literal["messages", "tickets", "landing", "segments"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SLICE = 1_000

_D, _M, _L, _S = tables.delivery.c, tables.message.c, tables.dead_letter.c, tables.storm_member.c
_T = core_tickets.metadata.tables["ticket"].c
_P = lineage.metadata.tables["lineage_prov"].c


@dataclass(slots=True)
class Done:
    """What one kind came to. `before`: the moment whose elders are due, None when they are kept for ever; `rows`: pruned
    or moved (in a dry run: that would be); `held`: too old, and needed all the same; `segments`: files written, with
    their `bytes`; `complete`: False when the time was up."""

    kind: Kind
    before: int | None
    rows: int = 0
    held: int = 0
    segments: int = 0
    bytes: int = 0
    complete: bool = True


@dataclass(slots=True)
class Report:
    """One run over all kinds asked for. `swept`: files of segments that no transaction ever committed."""

    dry_run: bool
    done: list[Done] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)


def horizons(s: Settings, now: int) -> dict[Kind, int | None]:
    """Of each kind the moment before which it is due; None: never."""
    days: dict[Kind, int] = {
        "messages": s.keep_messages_days, "tickets": s.seal_tickets_days, "landing": s.seal_landing_days,
        "segments": s.keep_segments_days,
    }  # fmt: skip
    return {kind: now - n * clock.DAY if n else None for kind, n in days.items()}


def run(
    gateway: Gateway, *, now: int | None = None, kinds: Collection[str] = KINDS, dry_run: bool = False,
    limit_s: float | None = None,
) -> Report:  # fmt: skip
    """Do all that is due of these kinds, within `limit_s` seconds if given; may be called at any time, by any process,
    again and again. A dry run counts. Raises BadConfiguration for a kind that is none, and Unavailable."""
    if unknown := sorted(set(kinds) - set(KINDS)):
        problems = [Problem("kinds", f"there is no kind {kind!r}", f"one of {', '.join(KINDS)}") for kind in unknown]
        raise BadConfiguration("Retention knows other kinds.", problems)
    now = clock.now() if now is None else now
    until = None if limit_s is None else time.monotonic() + limit_s
    report = Report(dry_run)
    work: dict[Kind, Callable[[Gateway, Done, int, _Budget], None]] = {
        "messages": _messages, "tickets": _tickets, "landing": _landing, "segments": _segments,
    }  # fmt: skip
    for kind, before in horizons(gateway.settings, now).items():
        if kind not in kinds:
            continue
        done = Done(kind, before)
        report.done.append(done)
        if before is None:
            continue
        if dry_run:
            _count(gateway, done, before)
            continue
        work[kind](gateway, done, now, _Budget(until))
        if done.rows:
            log.info("retention.done", kind=kind, rows=done.rows, segments=done.segments, bytes=done.bytes)
    if not dry_run:
        with gateway.transaction() as conn:
            report.swept = lineage.sweep(conn) if gateway.settings.segments_folder.exists() else []
    return report


@dataclass(frozen=True, slots=True)
class _Budget:
    until: float | None

    def over(self, done: Done) -> bool:
        if self.until is not None and time.monotonic() >= self.until:
            done.complete = False
        return not done.complete


# -- messages ----------------------------------------------------------------------------------------------------------


def _needed() -> ColumnElement[bool]:
    """Is the delivery's body needed by a ticket that is not closed, a dead letter, or a message in flight?"""
    mine = _M.delivery_id == _D.id
    at_work = exists().where(mine, _M.ticket_id == _T.id, _T.status != "closed")
    dead = exists().where(mine, _L.message_id == _M.id, _L.settled_at.is_(None))
    moving = exists().where(mine, _M.end == "in_flight")
    in_a_storm = exists().where(mine, _S.message_id == _M.id, _S.ticket_id == _T.id, _T.status != "closed")
    return or_(at_work, dead, moving, in_a_storm)


def _old_deliveries(before: int) -> ColumnElement[bool]:
    """By the key, which rises with time."""
    return (_D.id < Serial.first_at(before)) & (_D.received_at < before) & _D.pruned_at.is_(None)


def _messages(gateway: Gateway, done: Done, now: int, budget: _Budget) -> None:
    assert done.before is not None
    after = 0
    while not budget.over(done):
        with gateway.transaction() as conn:
            due = select(_D.id, _needed().label("needed"), func.length(_D.body).label("size"))
            due = due.where(_old_deliveries(done.before), _D.id > after).order_by(_D.id).limit(SLICE)
            found = conn.execute(due).all()
            if not found:
                return
            after = found[-1].id
            free = [row.id for row in found if not row.needed]
            done.held += len(found) - len(free)
            pruned = update(tables.delivery).where(_D.id.in_(free), _D.pruned_at.is_(None))
            conn.execute(pruned.values(body=b"", packed=False, headers="{}", pruned_at=now))
        done.rows += len(free)
        done.bytes += sum(row.size for row in found if not row.needed)


# -- lineage -----------------------------------------------------------------------------------------------------------


def _closed_before(before: int) -> ColumnElement[bool]:
    """Closed for so long, and not written since."""
    later = exists().where(_P.rec == _T.id, _P.at >= before)
    return (_T.status == "closed") & (_T.closed_at < before) & exists().where(_P.rec == _T.id) & ~later


def _tickets(gateway: Gateway, done: Done, now: int, budget: _Budget) -> None:
    assert done.before is not None
    while not budget.over(done):
        with gateway.transaction() as conn:
            ids = conn.execute(select(_T.id).where(_closed_before(done.before)).order_by(_T.id).limit(SLICE)).scalars()
            if not _note(done, lineage.seal_records(conn, list(ids), now)):
                return


def _landing(gateway: Gateway, done: Done, now: int, budget: _Budget) -> None:
    assert done.before is not None
    for seal in (lineage.seal_landing, lineage.seal_blocks):
        after = 0
        while not budget.over(done):
            with gateway.transaction() as conn:
                segment = seal(conn, done.before, now, after=after)
            if segment is None or not _note(done, segment):
                break
            after = segment.last


def _note(done: Done, segment: lineage.Segment | None) -> bool:
    if segment is None:
        return False
    done.rows += segment.rows
    done.bytes += segment.size
    done.segments += 1
    return True


def _segments(gateway: Gateway, done: Done, now: int, budget: _Budget) -> None:
    assert done.before is not None
    with gateway.reading() as conn:
        due = [s for s in lineage.listed_segments(conn) if s.last_at < done.before and s.pruned_at is None]
    for segment in due:
        if budget.over(done):
            return
        with gateway.transaction() as conn:
            _note(done, lineage.prune(conn, segment, now))


# -- looking -----------------------------------------------------------------------------------------------------------


def _count(gateway: Gateway, done: Done, before: int) -> None:
    with gateway.reading() as conn:
        patient(conn)
        if done.kind == "messages":
            of = select(_needed().label("needed"), func.count(), func.coalesce(func.sum(func.length(_D.body)), 0))
            for needed, n, size in conn.execute(of.where(_old_deliveries(before)).group_by("needed")):
                if needed:
                    done.held = n
                else:
                    done.rows, done.bytes = n, int(size)
        elif done.kind == "tickets":
            ids = select(_T.id).where(_closed_before(before))
            done.rows = _scalar(conn, select(func.count()).where(_P.rec.in_(ids)))
        elif done.kind == "landing":
            for table in ("lineage_landing", "lineage_block"):
                c = lineage.metadata.tables[table].c
                newest = select(func.max(c.id)).scalar_subquery()
                done.rows += _scalar(conn, select(func.count()).where(c.read_at < before, c.id < newest))
        else:
            old = [s for s in lineage.listed_segments(conn) if s.last_at < before and s.pruned_at is None]
            done.segments, done.rows = len(old), sum(s.rows for s in old)
            done.bytes = sum(s.size for s in old)


def _scalar(conn: Connection, query: object) -> int:
    return int(conn.execute(query).scalar() or 0)  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Held:
    """What there is of each kind, whatever its age: rows in the database, and bytes where they are known."""

    deliveries: int
    pruned: int
    writes: int
    landing: int
    blocks: int
    segments: int
    sealed_rows: int
    sealed_bytes: int


def held(gateway: Gateway) -> Held:
    """Count what is there. Raises Unavailable."""
    with gateway.reading() as conn:
        patient(conn)
        count = {
            name: _scalar(conn, select(func.count()).select_from(lineage.metadata.tables[name]))
            for name in ("lineage_prov", "lineage_landing", "lineage_block")
        }
        sealed = lineage.listed_segments(conn)
        return Held(
            deliveries=_scalar(conn, select(func.count(_D.id))),
            pruned=_scalar(conn, select(func.count()).where(_D.pruned_at.is_not(None))),
            writes=count["lineage_prov"],
            landing=count["lineage_landing"],
            blocks=count["lineage_block"],
            segments=len(sealed),
            sealed_rows=sum(segment.rows for segment in sealed),
            sealed_bytes=sum(segment.size for segment in sealed),
        )
