"""A stream read in parts, by as many processes as there are parts: `plan`, then `run_part` for each, then `finish`.

Together they write what one run over the whole stream would: the same rows, ids, origins, tickets, counts.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog
from sqlalchemy import Connection

from connectors.contract import Part
from connectors.errors import ConnectorError
from gateway import clock, leases
from gateway.config.hub import Hub
from gateway.config.syncs import BEFORE
from gateway.errors import BadConfiguration, Conflict, Problem, WeftError
from gateway.service import Gateway
from gateway.sync import rounds, state, store
from gateway.sync.books import PartBook, StreamBook
from gateway.sync.calm import calm
from gateway.sync.engine import Outcome
from gateway.sync.passes import Pass, shelf_of
from gateway.sync.planned import Sync
from gateway.sync.presence import Presence
from gateway.sync.rounds import Round
from gateway.sync.writing import Progress, RunStopped, TakenOver
from mappings import Mapping
from mappings.suggestions import among

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parts: `names` (empty: all), or the days from `since` to `until`, both included; `full`: from their beginning."""

    full: bool = False
    names: Collection[str] = ()
    since: date | None = None
    until: date | None = None

    @property
    def backfill(self) -> bool:
        return bool(self.names) or self.since is not None


def plan(gateway: Gateway, sync: Sync, wanted: Wanted | None = None, *, asked_by: str | None = None) -> Round:
    """Begin a round: which parts are to be read, each from where. The same `asked_by` again is answered with the same round.

    Raises Conflict while the stream is being read; BadConfiguration for parts that there are not.
    """
    wanted = wanted or Wanted()
    mapping = _mapping_of(sync)
    return gateway.transact(lambda conn: _plan(conn, gateway, sync, mapping, wanted, asked_by))


def _plan(
    conn: Connection, gateway: Gateway, sync: Sync, mapping: Mapping, wanted: Wanted, asked_by: str | None
) -> Round:
    connection, stream, now = sync.live.id, sync.stream.name, clock.now()
    if asked_by is not None and (before := rounds.asked_before(conn, connection, stream, asked_by)) is not None:
        return before
    full = wanted.full or sync.full
    of = Round(next(iter(gateway.serial.take())), connection, stream, full, "running")
    state.begin(conn, of.id, connection, stream, of.owner, now, full=full, asked_by=asked_by, lasting=rounds.LEASE)
    rounds.forget_seen(conn, connection, stream)
    _, anew = shelf_of(conn, sync.live, stream, mapping)
    last = rounds.last_states(conn, connection, stream)
    division = _division(sync, now)
    # a part that was never read has everything that was read as a whole
    shared = state.cursor_of(conn, connection, stream)
    renewed = full or anew
    from_beginning = renewed or wanted.backfill or sync.stream.mode == "snapshot"
    known = (
        {} if renewed else {part.name: was for part in division if (was := last.get(part.name)) and was.part == part}
    )

    def cursor_of(part: Part) -> object:
        return None if from_beginning else known[part.name].cursor if part.name in known else shared

    done = {name for name, was in known.items() if was.state == "complete"}
    chosen = _chosen(sync, division, done, wanted, now)
    rounds.set_up(conn, of, [(part, cursor_of(part)) for part in chosen], keep=[*known])
    return of


def _division(sync: Sync, now: int) -> list[Part]:
    assert sync.partitions is not None
    return sync.partitions.parts(sync.partitions.today(now))


def _chosen(sync: Sync, division: Sequence[Part], done: Collection[str], wanted: Wanted, now: int) -> list[Part]:
    """The parts of this round: those that were asked for; else all, or of days those that are new or may have changed."""
    by_name = {part.name: part for part in division}
    assert sync.partitions is not None
    if wanted.since is not None:
        if sync.partitions.since is None:
            raise _refused(sync, "is not divided by day", "leave the days out, or name parts")
        last = wanted.until or sync.partitions.today(now)
        days = [(wanted.since + timedelta(days=n)).isoformat() for n in range((last - wanted.since).days + 1)]
        chosen = [by_name[day] for day in days if day in by_name]
    elif wanted.names:
        if unknown := sorted({*wanted.names} - by_name.keys()):
            raise _refused(sync, f"has no part {unknown[0]!r}", among(unknown[0], sorted(by_name)))
        chosen = [by_name[name] for name in sorted({*wanted.names})]
    elif sync.partitions.since is not None:
        recent = (sync.partitions.today(now) - timedelta(days=sync.partitions.again)).isoformat()
        chosen = [part for part in division if part.name not in done or (part.name >= recent and part.name != BEFORE)]
    else:
        chosen = list(division)
    if not chosen:
        raise _refused(sync, "has no part in these days", f"its days begin on {sync.partitions.since}")
    return chosen


def run_part(
    gateway: Gateway, hub: Hub, sync: Sync, number: int, name: str, *, progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Outcome:  # fmt: skip
    """Read one part of a round, from its cursor on. A part that is complete is answered with its counts.

    Raises Conflict while another reads it, or when the round is over; NotFound; Unavailable.
    """
    mapping = _mapping_of(sync)
    with calm():
        return _PartRun(gateway, hub, sync, mapping, progress or (lambda _: None), stop or threading.Event()).go(
            number, name
        )


class _PartRun(Pass):
    def __init__(
        self, gateway: Gateway, hub: Hub, sync: Sync, mapping: Mapping, progress: Progress, stop: threading.Event
    ) -> None:
        super().__init__(gateway, hub, sync.live, sync.stream, mapping, progress, stop)
        self._owner = state.new_owner()
        self._whole = False

    def go(self, number: int, name: str) -> Outcome:
        of, part = self._gateway.transact(lambda conn: self._took(conn, number, name))
        self._whole = part.whole
        if part.state == "complete":
            return Outcome(part.counts)
        error = "the hub itself failed; its log says why"
        try:
            if part.whole and self._stream.deletes == "absence":
                self._presence = Presence()
            self._read(part.cursor, part.part)
            error = ""
        except (ConnectorError, RunStopped) as problem:
            error = str(problem)
            log.warning("sync.part_failed", connection=of.connection, stream=of.stream, part=name, reason=error)
        finally:
            self._end(of, name, error)
        return Outcome(part.counts + self._writing.counts, error)

    def _took(self, conn: Connection, number: int, name: str) -> tuple[Round, rounds.PartState]:
        of, now = rounds.found(conn, self._live.id, self._stream.name, number), clock.now()
        part = rounds.begin_part(conn, of, name, self._owner)
        shelf = store.shelf(conn, of.connection, of.stream)
        if shelf is None or shelf.record != self._mapping.target or shelf.mapping not in ("", self._mapping.version):
            raise Conflict(f"The mapping of {of.connection}/{of.stream} is another by now; plan a new reading.")
        self._write_to(conn, shelf, of.id, PartBook(of, name, self._owner, part.counts), now, links=False)
        return of, part

    def _end(self, of: Round, name: str, error: str) -> None:
        def ended(conn: Connection) -> None:
            lease, now = of.lease_of(name), clock.now()
            if leases.renew(conn, lease, self._owner, now, 0) and leases.shared(conn, of.lease, of.owner):
                if not error and self._presence is not None and not self._presence.blind:
                    rounds.save_seen(conn, of, name, self._presence)
                whole = self._whole and not (self._presence is not None and self._presence.blind)
                done = "failed" if error else "complete"
                rounds.save_part(conn, of, name, state=done, finished_at=now, error=error, whole=whole)
                leases.give_back(conn, lease, self._owner)

        try:
            self._gateway.transact(ended)
        except WeftError as problem:  # whoever comes next finds it unfinished
            log.warning(
                "sync.part_not_ended", connection=of.connection, stream=of.stream, part=name, reason=str(problem)
            )


def finish(
    gateway: Gateway, hub: Hub, sync: Sync, number: int, *, progress: Progress | None = None, stop: threading.Event | None = None
) -> Outcome:  # fmt: skip
    """End a round all of whose parts are complete: what none of them had is gone, new rules look at what is held.

    Raises Conflict naming the parts that are not complete, and when the round is over.
    """
    mapping = _mapping_of(sync)
    return _Finish(gateway, hub, sync, mapping, progress or (lambda _: None), stop or threading.Event()).go(number)


class _Finish(Pass):
    def __init__(
        self, gateway: Gateway, hub: Hub, sync: Sync, mapping: Mapping, progress: Progress, stop: threading.Event
    ) -> None:
        super().__init__(gateway, hub, sync.live, sync.stream, mapping, progress, stop)
        self._division = [part.name for part in _division(sync, clock.now())]
        self._by_day = sync.partitions is not None and sync.partitions.since is not None

    def go(self, number: int) -> Outcome:
        of, whole, new_rules = self._gateway.transact(lambda conn: self._took(conn, number))
        if of.state == "complete":
            with self._gateway.reading() as conn:
                return Outcome(rounds.sum_up(conn, of))
        error = "the hub itself failed; its log says why"
        try:
            self._writing.link()
            if whole and self._stream.deletes == "absence":
                with self._gateway.reading() as conn:
                    presence = rounds.seen(conn, of)
                self._writing.remove_absent(presence, of.full)
            if new_rules:
                self._writing.sweep(self._stop)
            error = ""
        except (ConnectorError, RunStopped) as problem:
            error = str(problem)
            log.warning("sync.failed", connection=of.connection, stream=of.stream, reason=error)
            if isinstance(problem, TakenOver):
                raise
        finally:
            self._end(of, whole, error)
        return Outcome(self._writing.counts, error, tuple(self._writing.vetoes))

    def _took(self, conn: Connection, number: int) -> tuple[Round, bool, bool]:
        of, now = rounds.found(conn, self._live.id, self._stream.name, number), clock.now()
        if of.state == "complete":
            return of, False, False
        parts = rounds.parts_of(conn, of)
        if open_ := [
            f"{name} ({part.error or part.state})" for name, part in parts.items() if part.state != "complete"
        ]:
            raise Conflict(f"Reading {of.id} is not complete: {', '.join(open_[:10])}. Read these parts first.")
        if of.state != "running" or not leases.renew(conn, of.lease, of.owner, clock.shared(conn), rounds.LEASE):
            raise Conflict(
                f"Reading {of.id} of {of.connection}/{of.stream} is over: another took the stream. Plan a new one."
            )
        shelf = store.shelf(conn, of.connection, of.stream)
        assert shelf is not None  # made when the round was planned
        self._write_to(conn, shelf, of.id, StreamBook(of.id, of.connection, of.stream, of.owner), now)
        self._writing.counts = rounds.sum_up(conn, of)
        whole = all(part.whole for part in parts.values()) and {*parts} >= {*self._division}
        return of, whole, shelf.rules != self._rules and shelf.live > 0

    def _end(self, of: Round, whole: bool, error: str) -> None:
        def ended(conn: Connection) -> None:
            now = clock.now()
            if not leases.renew(conn, of.lease, of.owner, now, 0):
                return
            state.finish(conn, of.id, of.connection, of.stream, self._writing.counts, error, now)
            if not error:
                held = rounds.last_states(conn, of.connection, of.stream)
                # a backfill of some parts does not make the others those of this mapping
                complete = all(name in held and held[name].state == "complete" for name in self._division)
                mapping = {"mapping": self._mapping.version} if complete else {}
                store.change_shelf(conn, self._writing.shelf.id, **mapping, rules=self._rules)
                if whole:
                    store.forget_unusable(conn, self._writing.shelf.id, of.id)
            rounds.forget_seen(conn, of.connection, of.stream)
            leases.give_back(conn, of.lease, of.owner)

        try:
            self._gateway.transact(ended)
        except WeftError as problem:  # the next round finds it lost
            log.warning("sync.not_ended", connection=of.connection, stream=of.stream, reason=str(problem))


def run(
    gateway: Gateway, hub: Hub, sync: Sync, wanted: Wanted | None = None, *, progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Outcome:  # fmt: skip
    """The same by one process: plan, each part in turn, finish. A part that fails ends the round; the others stay read."""
    of = plan(gateway, sync, wanted)
    with gateway.reading() as conn:
        names = list(rounds.parts_of(conn, of))
    failed: Outcome | None = None
    for name in names:
        done = run_part(gateway, hub, sync, of.id, name, progress=progress, stop=stop)
        if done.error:
            failed = done
            break
    if failed is None:
        return finish(gateway, hub, sync, of.id, progress=progress, stop=stop)
    give_up(gateway, of, failed.error)
    with gateway.reading() as conn:
        return Outcome(rounds.sum_up(conn, of), failed.error)


def give_up(gateway: Gateway, of: Round, error: str) -> None:
    """End a round that cannot be completed; the parts keep how far they came."""

    def ended(conn: Connection) -> None:
        if leases.renew(conn, of.lease, of.owner, clock.shared(conn), 0):
            state.finish(conn, of.id, of.connection, of.stream, rounds.sum_up(conn, of), error, clock.now())
            rounds.forget_seen(conn, of.connection, of.stream)
            leases.give_back(conn, of.lease, of.owner)

    gateway.transact(ended)


def _mapping_of(sync: Sync) -> Mapping:
    if sync.partitions is None:
        raise _refused(sync, "is read as a whole", "give it `partitions`")
    return sync.live.mappings[sync.stream.name]


def _refused(sync: Sync, what: str, hint: str) -> BadConfiguration:
    return BadConfiguration(
        "It cannot be read in these parts.", [Problem(f"syncs[{sync.name}].partitions", f"{sync.name} {what}", hint)]
    )
