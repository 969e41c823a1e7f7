"""One run over a stream of business records: read in batches, written a few thousand at a time, each with its cursor.

Nothing is locked while the source is waited for. A transaction holds everything that belongs together: rows, origins,
ids, tickets, dead letters, counts, and the cursor from which the next run goes on. Killed in between, a run resumes from
the last one, and whatever it reads again is compared and found known.
"""

from __future__ import annotations

import threading
from array import array
from collections import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Connection

import lineage
from connectors.contract import Batch, Cursor, Stream
from connectors.errors import BadRecord, ConnectorError
from gateway import clock, leases, metrics
from gateway.automation.records import base_names
from gateway.automation.watching import Verdict, Watcher, wanted
from gateway.config.hub import Hub, Live
from gateway.errors import Conflict, Refused, Unavailable, WeftError
from gateway.ingest.item import Fault
from gateway.service import Gateway
from gateway.sync import linking, state, store, sweeping
from gateway.sync.calm import calm
from gateway.sync.columns import ByColumns
from gateway.sync.identity import Identifier
from gateway.sync.keeping import Keeper, News, tombstone
from gateway.sync.rows import Page, Reader, Row, object_id
from gateway.sync.sorting import Sorting, Unusable
from gateway.sync.state import Counts
from gateway.sync.store import Held, Shelf
from gateway.sync.telling import of_connector, printable, tell
from mappings import Mapping

log = structlog.get_logger(__name__)

ROWS, SECONDS = 10_000, 5.0
"""A transaction is begun when so many rows wait, or the eldest has waited so long."""
TOO_MANY_BAD = 1_000
MISSED_AT_ONCE = 100
_BUCKETS, _SHIFT = 32, 59

Progress = Callable[[Counts], None]


class RunStopped(Refused):
    """The run was stopped; what was committed before stays."""

    status, title = 409, "The run was stopped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, and what ended it early; `vetoes`: things that share a strong key and were not linked, with why."""

    counts: Counts
    error: str = ""
    vetoes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self.counts) | {"error": self.error, "vetoes": list(self.vetoes)}


@dataclass
class _Waiting:
    """What was read and is not written yet. `cursor`: safe once all of it is."""

    sorted: Sorting
    unusable: list[Unusable] = field(default_factory=list)
    read_at: int = 0
    since: float = 0.0
    cursor: Cursor = None

    def __len__(self) -> int:
        return self.sorted.counts.read + len(self.unusable)


def run(
    gateway: Gateway, hub: Hub, live: Live, stream: Stream, *, full: bool = False, progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Outcome:  # fmt: skip
    """Read a stream from where the last run ended (`full`: from its beginning) and write what changed.

    `progress` is told the counts after every transaction; `stop` ends the run after the transaction that is on its way.
    What goes wrong at the source is the outcome's `error`. Raises Conflict while another run reads the stream, or when it
    has no mapping to a record of business; Unavailable when the database does not answer.
    """
    mapping = live.mappings.get(stream.name)
    if mapping is None or mapping.target in ("Alert", "Reading", "Ticket"):
        raise Conflict(f"Stream {stream.name!r} has no mapping to a record that the hub keeps.")
    with calm():
        return _Run(gateway, hub, live, stream, mapping, progress or (lambda _: None), stop or threading.Event()).go(
            full
        )


class _Run:
    def __init__(
        self, gateway: Gateway, hub: Hub, live: Live, stream: Stream, mapping: Mapping, progress: Progress, stop: threading.Event
    ) -> None:  # fmt: skip
        self._gateway, self._hub, self._live, self._stream, self._mapping = gateway, hub, live, stream, mapping
        self._progress, self._stop = progress, stop
        self._owner = state.new_owner()
        self._lease = state.lease_name(live.id, stream.name)
        self._number = next(iter(gateway.serial.take()))
        self._counts = Counts()
        self._identifier = Identifier(live.id, mapping.target, live.spec.codes)
        self._reader = Reader(live.dataset(stream.name), stream, mapping.version)
        self._rules = hub.rules.hash_of(mapping.target)
        self._wants = wanted(hub.rules, mapping.target, base_names(live, stream.name, mapping.target))
        self._columns = ByColumns(mapping)
        self._seen: list[array[int]] | None = None
        self._blind = False
        """Something was read of which not even the key is known: nothing can be called absent."""
        self._vetoes: list[str] = []
        self._shelf: Shelf
        self._keeper: Keeper
        self._began = self._renewed = 0
        self._empty = False

    def go(self, full: bool) -> Outcome:
        cursor, whole, new_rules = self._begin(full)
        error = "the hub itself failed; its log says why"
        try:
            if whole and self._stream.deletes == "absence":
                self._seen = [array("q") for _ in range(_BUCKETS)]
            self._link()  # what a run before left to be compared
            self._read(cursor)
            if self._seen is not None:
                self._remove_absent(full)
            if new_rules:
                self._sweep()
            if whole:
                self._gateway.transact(lambda c: store.forget_unusable(c, self._shelf.id, self._number))
            error = ""
        except (ConnectorError, RunStopped) as problem:
            error = str(problem)
            log.warning("sync.failed", connection=self._live.id, stream=self._stream.name, reason=error)
        except Unavailable as problem:
            error = str(problem)
            raise
        finally:
            self._end(error)
        return Outcome(self._counts, error, tuple(self._vetoes))

    # -- beginning and end --------------------------------------------------------------------------------------------

    def _begin(self, full: bool) -> tuple[Cursor, bool, bool]:
        """Take the stream; answers where to begin, whether that is the beginning, and whether its rules are new."""
        return self._gateway.transact(lambda conn: self._took(conn, full))

    def _took(self, conn: Connection, full: bool) -> tuple[Cursor, bool, bool]:
        live, name, now = self._live, self._stream.name, clock.now()
        state.begin(conn, self._number, live.id, name, self._owner, now, full=full)
        self._began = self._renewed = now
        held = store.shelf(conn, live.id, name)
        if held is not None and held.record != self._mapping.target:
            store.forget(conn, live.id, name)
            held = None
        # what another mapping made is not what this one would make of it: all of it is read again
        anew = held is None or held.mapping != self._mapping.version
        self._empty = held is None or store.is_empty(conn, held.id)
        self._shelf = store.shelf_for(conn, live.id, name, self._mapping.target, self._mapping.version)
        # of two mappings until the end is reached; whichever counts by then reads all again
        if anew and held is not None:
            store.change_shelf(conn, self._shelf.id, mapping="")
        job = lineage.open_run(conn, f"{live.id}.{name}", now)
        lineage.close_run(conn, job, now)
        self._keeper = Keeper(
            live.id, live.dataset(name), self._shelf, self._mapping, self._identifier, self._wants is not None, job.id
        )
        cursor = None if full or anew or self._stream.mode == "snapshot" else state.cursor_of(conn, live.id, name)
        return cursor, cursor is None, self._shelf.rules != self._rules and self._shelf.live > 0

    def _end(self, error: str) -> None:
        now = clock.now()

        def ended(conn: Connection) -> None:
            if leases.renew(conn, self._lease, self._owner, now, 0):
                state.finish(conn, self._number, self._live.id, self._stream.name, self._counts, error, now)
                if not error:
                    store.change_shelf(conn, self._shelf.id, mapping=self._mapping.version, rules=self._rules)
                leases.release(conn, self._owner)  # not only run out: a clock that is set back would make it hold again

        try:
            self._gateway.transact(ended)
        except WeftError as problem:  # the next run finds it lost
            log.warning("sync.not_ended", connection=self._live.id, stream=self._stream.name, reason=str(problem))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, cursor: Cursor) -> None:
        assert self._live.runtime is not None
        waiting = self._waiting()
        batches: Iterator[Batch] = self._live.runtime.read(self._stream, cursor)
        try:
            for batch in batches:
                self._take(batch, waiting)
                if len(waiting) >= ROWS or (len(waiting) and monotonic() - waiting.since >= SECONDS):
                    self._commit(waiting)
                    waiting = self._waiting()
                elif clock.now() - self._renewed > state.LEASE // 3:
                    self._renew()
                if self._stop.is_set():
                    break
        except ConnectorError:
            self._commit(waiting)  # every batch that was given out is good
            raise
        self._commit(waiting)
        if self._stop.is_set():
            raise RunStopped("The hub is shutting down; the next run goes on from here.")

    def _waiting(self) -> _Waiting:
        dataset = self._live.dataset(self._stream.name)
        return _Waiting(Sorting(dataset, self._mapping, self._identifier, self._wants, self._columns))

    def _take(self, batch: Batch, waiting: _Waiting) -> None:
        """Compare a page with what is held, and map what changed; nothing is locked meanwhile."""
        if not len(waiting):
            waiting.read_at, waiting.since = clock.now(), monotonic()
        page = self._reader.page(batch.records)
        if page.rows:
            waiting.sorted.take(page, self._known(page.rows))
        if self._seen is not None:
            for row in page.rows:
                if not row.deleted:
                    self._seen[row.id >> _SHIFT].append(row.id)
        for bad, record in page.refused:
            self._unusable(waiting, bad, record)
        for told in batch.bad:
            self._unusable(waiting, told, told.record)
        if batch.cursor is not None:
            waiting.cursor = batch.cursor

    def _known(self, rows: Sequence[Row]) -> dict[int, Held]:
        """What is held of these. Of a stream that was empty nothing is looked up: should a row come twice, the database
        refuses the second, and the transaction is tried again with what is held by then."""
        if self._empty:
            return {}
        with self._gateway.reading() as conn:
            return store.known(conn, self._shelf.id, [row.id for row in rows])

    def _unusable(self, waiting: _Waiting, bad: BadRecord, record: Any) -> None:
        """A record that makes no row: with the connector's reason, or ours. Its key tells that the object is there."""
        told = of_connector(BadRecord(str(bad), record=record, hint=bad.hint))
        try:
            key = self._reader.key(record) if isinstance(record, abc.Mapping) else ""
            number = object_id(self._reader.object(key))
        except (BadRecord, lineage.UnstorableValue):
            key, number = "", 0
        if not key:
            self._blind = True
        elif self._seen is not None:
            self._seen[number >> _SHIFT].append(number)
        waiting.unusable.append(Unusable(key, told, Fault("", printable(str(bad)), printable(bad.hint))))

    # -- writing ------------------------------------------------------------------------------------------------------

    def _commit(self, waiting: _Waiting) -> None:
        if not len(waiting) and waiting.cursor is None:
            return
        tries = count()
        counts, opened = self._gateway.transact(lambda conn: self._write(conn, waiting, first=next(tries) == 0))
        self._identifier.committed(waiting.sorted.keys)
        self._counts = self._counts + counts
        if opened:
            self._gateway.wake_worker.set()
        metrics.SYNCED.labels(self._live.id, self._stream.name).inc(counts.read)
        self._link()
        self._progress(self._counts)
        self._refuse_nonsense()

    def _write(self, conn: Connection, waiting: _Waiting, *, first: bool) -> tuple[Counts, bool]:
        now, found = clock.now(), waiting.sorted
        self._hold_lease(conn, now)
        if not first:  # somebody was quicker with one of these rows
            found.again(store.known(conn, self._shelf.id, list(found.last)))
        news, late = self._keeper.write(conn, found, waiting.read_at, now)
        bad = len(waiting.unusable)
        counts = found.counts + Counts(read=bad, bad=bad) + late
        told, opened = self._tell(conn, news, [*found.bad, *waiting.unusable], now)
        counts.told = told
        state.save_counts(conn, self._number, self._counts + counts)
        if waiting.cursor is not None:
            state.save_cursor(conn, self._live.id, self._stream.name, waiting.cursor)
        return counts, opened

    def _tell(self, conn: Connection, news: Sequence[News], unusable: Sequence[Unusable], now: int) -> tuple[int, bool]:
        """Rules on what changed, dead letters for what is unusable; answers how many messages rules made."""
        verdicts: list[Verdict] = []
        if news:
            base = base_names(self._live, self._stream.name, self._mapping.target)
            codes = self._live.spec.codes
            watcher = Watcher(conn, self._hub.rules, self._shelf.id, self._mapping.target, base, now, codes)
            verdicts = watcher.judge(news)
        digests = {bad.digest(self._mapping.version): bad for bad in unusable}
        fresh = store.first_told(conn, self._shelf.id, digests, self._number)
        buried = [bad for digest, bad in digests.items() if digest in fresh]
        serial = self._gateway.serial
        _, work = tell(conn, self._hub, serial, self._live, self._stream.name, verdicts, buried, now)
        return len(verdicts), work is not None and bool(work.opened or work.happened)

    def _refuse_nonsense(self) -> None:
        """A mapping that does not fit makes a dead letter of every record: a thousand are enough to see it."""
        c = self._counts
        if c.bad >= TOO_MANY_BAD and c.bad * 2 > c.read:
            raise RunStopped(
                f"{c.bad} of the first {c.read} records are unusable, so the run was stopped: mend the mapping or the "
                "connection's settings (weft dead list shows why), then run it again. The cursor stands behind what was read."
            )

    def _hold_lease(self, conn: Connection, now: int) -> None:
        if not leases.renew(conn, self._lease, self._owner, now, state.LEASE):
            raise RunStopped("Another run took the stream over; this one was held up for too long.")
        self._renewed = now

    def _renew(self) -> None:
        self._gateway.transact(lambda conn: self._hold_lease(conn, clock.now()))

    def _link(self) -> None:
        """Compare new strong keys with those of other systems, a batch a transaction."""
        kind = self._identifier.own_kind
        if kind not in linking.KINDS:
            return
        assert kind is not None
        while True:
            did = self._gateway.transact(lambda conn: linking.link(conn, kind, clock.now()))
            self._counts.linked += did.merged
            self._vetoes += did.vetoes
            if did.compared < linking.BATCH:
                return

    # -- what is not there any more, and what is looked at anew --------------------------------------------------------

    def _remove_absent(self, full: bool) -> None:
        """Rows that are held but were not in the whole that was read."""
        assert self._seen is not None
        if self._blind:
            log.warning("sync.absence_unknown", connection=self._live.id, stream=self._stream.name)
            return
        with self._gateway.reading() as conn:
            absent = [i for n, bucket in enumerate(self._seen) for i in self._absent_in(conn, n, set(bucket))]
            held = store.shelf(conn, self._live.id, self._stream.name)
        live = held.live if held is not None else 0
        most = len(absent) > MISSED_AT_ONCE and len(absent) * 2 > live
        if not full and (most or 1 < live <= len(absent)):  # nothing at all is often a right that was lost
            raise RunStopped(
                f"{len(absent)} of {live} records are missing at once, so none was deleted: the source may have given "
                f"only a part. If they are really gone: weft sync run {self._live.id} {self._stream.name} --full"
            )
        for start in range(0, len(absent), ROWS):
            part = absent[start : start + ROWS]
            self._counts = self._counts + self._gateway.transact(lambda conn, ids=part: self._drop(conn, ids))  # type: ignore[misc]
            self._progress(self._counts)

    def _absent_in(self, conn: Connection, bucket: int, seen: set[int]) -> set[int]:
        first = bucket - _BUCKETS if bucket >= _BUCKETS // 2 else bucket
        low = first << _SHIFT
        return store.ids_between(conn, self._shelf.id, low, low + (1 << _SHIFT) - 1) - seen

    def _drop(self, conn: Connection, ids: Sequence[int]) -> Counts:
        now = clock.now()
        self._hold_lease(conn, now)
        held = store.before(conn, self._shelf.id, ids)
        gone = [tombstone(i, was.key, self._reader.object(was.key)) for i, was in held.items() if not was.deleted]
        found = self._waiting().sorted
        found.take(Page(gone), store.known(conn, self._shelf.id, [row.id for row in gone]))
        # what was pushed while the whole was read is newer than it, and is not missing
        news, late = self._keeper.write(conn, found, self._began, now)
        told, opened = self._tell(conn, news, [], now)
        counts = Counts(absent=len(found.gone) + late.deleted, told=told)
        state.save_counts(conn, self._number, self._counts + counts)
        if opened:
            self._gateway.wake_worker.set()
        return counts

    def _sweep(self) -> None:
        """The rules are new: they look at what is held, too."""
        after: int | None = None
        while True:
            step = self._gateway.transact(lambda conn, a=after: self._swept(conn, a))  # type: ignore[misc]
            self._counts.told += step.told
            if step.last is None:
                return
            after = step.last
            if self._stop.is_set():
                raise RunStopped("The hub is shutting down; the next run looks again.")

    def _swept(self, conn: Connection, after: int | None) -> sweeping.Swept:
        now = clock.now()
        self._hold_lease(conn, now)
        return sweeping.sweep(
            conn, self._hub, self._gateway.serial, self._live, self._stream.name, self._shelf, after, now
        )
