"""Writing what a run read: a transaction holds everything that belongs together, and only as long as the run holds its lease."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import structlog
from sqlalchemy import Connection

from connectors.contract import Cursor, Stream
from gateway import clock, metrics
from gateway.automation.records import base_names
from gateway.automation.watching import Verdict, Watcher
from gateway.config.hub import Hub, Live
from gateway.errors import Refused
from gateway.policies.matching import KIND as MATCHING
from gateway.service import Gateway
from gateway.sync import linking, store, sweeping
from gateway.sync.books import Book
from gateway.sync.keeping import Keeper, News, tombstone
from gateway.sync.pages import Page
from gateway.sync.presence import Presence
from gateway.sync.rows import Reader
from gateway.sync.sorting import Sorting, Unusable
from gateway.sync.state import Counts
from gateway.sync.store import Shelf
from gateway.sync.telling import tell
from id_registry import matching

log = structlog.get_logger(__name__)

TOO_MANY_BAD = 1_000
MISSED_AT_ONCE = 100
DELETED_AT_ONCE = 10_000

Progress = Callable[[Counts], None]


class RunStopped(Refused):
    """The run was stopped; what was committed before stays."""

    status, title = 409, "The run was stopped"


class TakenOver(RunStopped):
    """Another run reads the stream by now; nothing that this one did since is stored."""


@dataclass
class Waiting:
    """What was read and is not written yet. `cursor`: safe once all of it is."""

    sorted: Sorting
    unusable: list[Unusable] = field(default_factory=list)
    read_at: int = 0
    since: float = 0.0
    cursor: Cursor = None

    def __len__(self) -> int:
        return self.sorted.counts.read + len(self.unusable)

    @property
    def weight(self) -> int:
        """In rows of a first load: one that is looked at by itself, with what was held of it, takes four times the memory."""
        return len(self) + 3 * len(self.sorted.last)


@dataclass
class Writing:
    """The transactions of one run. `counts` is what they committed so far; `sorting` makes an empty one."""

    gateway: Gateway
    hub: Hub
    live: Live
    stream: Stream
    run: int
    book: Book
    reader: Reader
    sorting: Callable[[], Sorting]
    shelf: Shelf
    keeper: Keeper
    progress: Progress
    began: int
    counts: Counts = field(default_factory=Counts)
    vetoes: list[str] = field(default_factory=list)
    renewed: int = 0
    links: bool = True
    """Whether strong keys are compared after every transaction; else once all parts of the stream are read."""

    def commit(self, waiting: Waiting) -> None:
        if not len(waiting) and waiting.cursor is None:
            return
        tries = count()
        counts, opened = self.gateway.transact(lambda conn: self._write(conn, waiting, first=next(tries) == 0))
        self.keeper.identifier.committed(waiting.sorted.keys)
        self.counts = self.counts + counts
        if opened:
            self.gateway.wake_worker.set()
        metrics.SYNCED.labels(self.live.id, self.stream.name).inc(counts.read)
        self.link()
        self.progress(self.counts)
        self._refuse_nonsense()

    def _write(self, conn: Connection, waiting: Waiting, *, first: bool) -> tuple[Counts, bool]:
        now, found = clock.now(), waiting.sorted
        self.hold_lease(conn, now)
        if not first:  # somebody was quicker with one of these rows
            found.again(store.known(conn, self.shelf.id, found.ids))
        news, late = self.keeper.write(conn, found, waiting.read_at, now)
        bad = len(waiting.unusable)
        counts = found.counts + Counts(read=bad, bad=bad) + late
        told, opened = self._tell(conn, news, [*found.bad, *waiting.unusable], now)
        counts.told = told
        self.book.count(conn, self.counts + counts)
        if waiting.cursor is not None:
            self.book.reached(conn, waiting.cursor)
        return counts, opened

    def _tell(self, conn: Connection, news: Sequence[News], unusable: Sequence[Unusable], now: int) -> tuple[int, bool]:
        """Rules on what changed, dead letters for what is unusable; answers how many messages rules made."""
        verdicts: list[Verdict] = []
        if news:
            base = base_names(self.live, self.stream.name, self.keeper.mapping.target)
            codes = self.live.spec.codes
            watcher = Watcher(conn, self.hub.rules, self.shelf.id, self.keeper.mapping.target, base, now, codes)
            verdicts = watcher.judge(news)
        digests = {bad.digest(self.keeper.mapping.version): bad for bad in unusable}
        fresh = store.first_told(conn, self.shelf.id, digests, self.run)
        buried = [bad for digest, bad in digests.items() if digest in fresh]
        serial = self.gateway.serial
        _, work = tell(conn, self.hub, serial, self.live, self.stream.name, verdicts, buried, now)
        return len(verdicts), work is not None and bool(work.opened or work.happened)

    def _refuse_nonsense(self) -> None:
        """A mapping that does not fit makes a dead letter of every record: a thousand are enough to see it."""
        c = self.counts
        if c.bad >= TOO_MANY_BAD and c.bad * 2 > c.read:
            raise RunStopped(
                f"{c.bad} of the first {c.read} records are unusable, so the run was stopped: mend the mapping or the "
                "connection's settings (weft dead list shows why), then run it again. The cursor stands behind what was read."
            )

    def hold_lease(self, conn: Connection, now: int) -> None:
        if not self.book.hold(conn):
            raise TakenOver("Another run took the stream over; this one was held up for too long.")
        self.renewed = now

    def renew(self) -> None:
        now = clock.now()
        if not self.gateway.transact(lambda conn: self.book.hold(conn, beat=True)):
            raise TakenOver("Another run took the stream over; this one was held up for too long.")
        self.renewed = now

    def link(self) -> None:
        """Compare new strong keys with those of other systems, a batch a transaction; then what the records say."""
        kind = self.keeper.identifier.own_kind
        if kind not in linking.KINDS or not self.links:
            return
        assert kind is not None

        def linked(conn: Connection) -> linking.Linked:
            self.hold_lease(conn, clock.now())
            return linking.link(conn, kind, clock.now())

        while True:
            did = self.gateway.transact(linked)
            self.counts.linked += did.merged
            self.vetoes += did.vetoes
            if did.compared < linking.BATCH:
                break
        self.match(kind)

    def match(self, kind: str) -> None:
        """Compare what new and changed records say with what others of their kind say, a batch a transaction."""
        terms = MATCHING.of(self.hub.policies).terms.get(kind)
        if terms is None:
            return

        def matched(conn: Connection) -> matching.Matched:
            self.hold_lease(conn, clock.now())
            return matching.match(conn, kind, terms, clock.now())

        while True:
            did = self.gateway.transact(matched)
            self.counts.linked += did.linked
            if did.compared < matching.BATCH:
                return

    # -- what is not there any more, and what is looked at anew --------------------------------------------------------

    def remove_absent(self, presence: Presence, full: bool) -> None:
        """Rows that are held but were not in the whole that was read."""
        if presence.blind:
            log.warning("sync.absence_unknown", connection=self.live.id, stream=self.stream.name)
            return
        with self.gateway.reading() as conn:
            absent = presence.absent(conn, self.shelf.id)
            held = store.shelf(conn, self.live.id, self.stream.name)
        live = held.live if held is not None else 0
        most = len(absent) > MISSED_AT_ONCE and len(absent) * 2 > live
        if not full and (most or 1 < live <= len(absent)):  # nothing at all is often a right that was lost
            raise RunStopped(
                f"{len(absent)} of {live} records are missing at once, so none was deleted: the source may have given "
                f"only a part. If they are really gone: weft sync run {self.live.id} {self.stream.name} --full"
            )
        for start in range(0, len(absent), DELETED_AT_ONCE):
            part = absent[start : start + DELETED_AT_ONCE]
            self.counts = self.counts + self.gateway.transact(lambda conn, ids=part: self._drop(conn, ids))  # type: ignore[misc]
            self.progress(self.counts)

    def _drop(self, conn: Connection, ids: Sequence[int]) -> Counts:
        now = clock.now()
        self.hold_lease(conn, now)
        held = store.before(conn, self.shelf.id, ids)
        gone = [tombstone(i, was.key, self.reader.object(was.key)) for i, was in held.items() if not was.deleted]
        found = self.sorting()
        found.take(Page(gone), store.known(conn, self.shelf.id, [row.id for row in gone]))
        # what was pushed while the whole was read is newer than it, and is not missing
        news, late = self.keeper.write(conn, found, self.began, now)
        told, opened = self._tell(conn, news, [], now)
        counts = Counts(absent=len(found.gone) + late.deleted, told=told)
        self.book.count(conn, self.counts + counts)
        if opened:
            self.gateway.wake_worker.set()
        return counts

    def sweep(self, stop: threading.Event) -> None:
        """The rules are new: they look at what is held, too."""
        after: int | None = None
        while True:
            step = self.gateway.transact(lambda conn, a=after: self._swept(conn, a))  # type: ignore[misc]
            self.counts.told += step.told
            if step.last is None:
                return
            after = step.last
            if stop.is_set():
                raise RunStopped("The hub is shutting down; the next run looks again.")

    def _swept(self, conn: Connection, after: int | None) -> sweeping.Swept:
        now = clock.now()
        self.hold_lease(conn, now)
        return sweeping.sweep(conn, self.hub, self.gateway.serial, self.live, self.stream.name, self.shelf, after, now)
