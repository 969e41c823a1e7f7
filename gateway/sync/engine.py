"""One run over a stream of business records: read in batches, written a few thousand at a time, each with its cursor.

Nothing is locked while the source is waited for. A transaction holds everything that belongs together: rows, origins,
ids, tickets, dead letters, counts, and the cursor from which the next run goes on. Killed in between, a run resumes from
the last one, and whatever it reads again is compared and found known.
"""

from __future__ import annotations

import threading
from collections import abc
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Connection

import lineage
from connectors.contract import Batch, Cursor, Stream
from connectors.errors import BadRecord, ConnectorError
from gateway import clock, leases
from gateway.automation.records import base_names
from gateway.automation.watching import wanted
from gateway.config.hub import Hub, Live
from gateway.errors import Conflict, Unavailable, WeftError
from gateway.ingest.item import Fault
from gateway.policies.matching import KIND as MATCHING
from gateway.service import Gateway
from gateway.sync import state, store
from gateway.sync.calm import calm
from gateway.sync.columns import ByColumns
from gateway.sync.identity import Identifier
from gateway.sync.keeping import Keeper
from gateway.sync.presence import Presence
from gateway.sync.rows import Reader, object_id
from gateway.sync.sorting import Sorting, Unusable
from gateway.sync.state import Counts
from gateway.sync.store import Held
from gateway.sync.telling import of_connector, printable
from gateway.sync.writing import Progress, RunStopped, Waiting, Writing
from gateway.telemetry.tally import LOOKED_AT
from mappings import Mapping

log = structlog.get_logger(__name__)

ROWS, SECONDS = 10_000, 5.0
"""A transaction is begun when so many rows wait, or the eldest has waited so long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, and what ended it early; `vetoes`: things that share a strong key and were not linked, with why."""

    counts: Counts
    error: str = ""
    vetoes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self.counts) | {"error": self.error, "vetoes": list(self.vetoes)}


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
        self._identifier = Identifier(live.id, mapping.target, live.spec.codes)
        self._reader = Reader(live.dataset(stream.name), stream, mapping.version)
        self._rules = hub.rules.hash_of(mapping.target)
        self._wants = wanted(hub.rules, mapping.target, base_names(live, stream.name, mapping.target))
        self._columns = ByColumns(mapping)
        self._presence: Presence | None = None
        self._writing: Writing
        self._empty = False

    def go(self, full: bool) -> Outcome:
        cursor, whole, new_rules = self._begin(full)
        error = "the hub itself failed; its log says why"
        try:
            if whole and self._stream.deletes == "absence":
                self._presence = Presence()
            self._writing.link()  # what a run before left to be compared
            self._read(cursor)
            if self._presence is not None:
                self._writing.remove_absent(self._presence, full)
            if new_rules:
                self._writing.sweep(self._stop)
            if whole:
                self._gateway.transact(lambda c: store.forget_unusable(c, self._writing.shelf.id, self._number))
            error = ""
        except (ConnectorError, RunStopped) as problem:
            error = str(problem)
            log.warning("sync.failed", connection=self._live.id, stream=self._stream.name, reason=error)
        except Unavailable as problem:
            error = str(problem)
            raise
        finally:
            self._end(error)
        return Outcome(self._writing.counts, error, tuple(self._writing.vetoes))

    # -- beginning and end --------------------------------------------------------------------------------------------

    def _begin(self, full: bool) -> tuple[Cursor, bool, bool]:
        """Take the stream; answers where to begin, whether that is the beginning, and whether its rules are new."""
        return self._gateway.transact(lambda conn: self._took(conn, full))

    def _took(self, conn: Connection, full: bool) -> tuple[Cursor, bool, bool]:
        live, name, now = self._live, self._stream.name, clock.now()
        state.begin(conn, self._number, live.id, name, self._owner, now, full=full)
        held = store.shelf(conn, live.id, name)
        if held is not None and held.record != self._mapping.target:
            store.forget(conn, live.id, name)
            held = None
        # what another mapping made is not what this one would make of it: all of it is read again
        anew = held is None or held.mapping != self._mapping.version
        self._empty = held is None or store.is_empty(conn, held.id)
        shelf = store.shelf_for(conn, live.id, name, self._mapping.target, self._mapping.version)
        # of two mappings until the end is reached; whichever counts by then reads all again
        if anew and held is not None:
            store.change_shelf(conn, shelf.id, mapping="")
        job = lineage.open_run(conn, f"{live.id}.{name}", now)
        lineage.close_run(conn, job, now)
        dataset, wants_news = live.dataset(name), self._wants is not None
        matched = self._identifier.own_kind in MATCHING.of(self._hub.policies).terms
        keeper = Keeper(live.id, dataset, shelf, self._mapping, self._identifier, wants_news, job.id, matched)
        self._writing = Writing(
            self._gateway, self._hub, live, self._stream, self._number, self._owner, self._reader, self._sorting, shelf, keeper,
            self._progress, now, renewed=now,
        )  # fmt: skip
        cursor = None if full or anew or self._stream.mode == "snapshot" else state.cursor_of(conn, live.id, name)
        return cursor, cursor is None, shelf.rules != self._rules and shelf.live > 0

    def _end(self, error: str) -> None:
        now = clock.now()

        def ended(conn: Connection) -> None:
            if leases.renew(conn, self._lease, self._owner, now, 0):
                state.finish(conn, self._number, self._live.id, self._stream.name, self._writing.counts, error, now)
                if not error:
                    store.change_shelf(conn, self._writing.shelf.id, mapping=self._mapping.version, rules=self._rules)
                leases.release(conn, self._owner)  # not only run out: a clock that is set back would make it hold again

        try:
            self._gateway.transact(ended)
        except WeftError as problem:  # the next run finds it lost
            log.warning("sync.not_ended", connection=self._live.id, stream=self._stream.name, reason=str(problem))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, cursor: Cursor) -> None:
        assert self._live.runtime is not None
        waiting = Waiting(self._sorting())
        batches: Iterator[Batch] = self._live.runtime.read(self._stream, cursor)
        try:
            for batch in batches:
                self._take(batch, waiting)
                if len(waiting) >= ROWS or (len(waiting) and monotonic() - waiting.since >= SECONDS):
                    self._writing.commit(waiting)
                    waiting = Waiting(self._sorting())
                elif clock.now() - self._writing.renewed > state.LEASE // 3:
                    self._writing.renew()
                if self._stop.is_set():
                    break
        except ConnectorError:
            self._writing.commit(waiting)  # every batch that was given out is good
            raise
        self._writing.commit(waiting)
        if self._stop.is_set():
            raise RunStopped("The hub is shutting down; the next run goes on from here.")

    def _sorting(self) -> Sorting:
        dataset = self._live.dataset(self._stream.name)
        return Sorting(dataset, self._mapping, self._identifier, self._wants, self._columns)

    def _take(self, batch: Batch, waiting: Waiting) -> None:
        """Compare a page with what is held, and map what changed; nothing is locked meanwhile."""
        if not len(waiting):
            waiting.read_at, waiting.since = clock.now(), monotonic()
        self._live.tally.read(self._stream.name, batch.records[:LOOKED_AT], len(batch.records))
        page = self._reader.page(batch.records)
        if len(page):
            waiting.sorted.take(page, self._known(page.ids))
        if self._presence is not None:
            self._presence.saw(page.there)
        for bad, record in page.refused:
            self._unusable(waiting, bad, record)
        for told in batch.bad:
            self._unusable(waiting, told, told.record)
        if batch.cursor is not None:
            waiting.cursor = batch.cursor

    def _known(self, ids: Sequence[int]) -> dict[int, Held]:
        """What is held of these. Of a stream that was empty nothing is looked up: should a row come twice, the database
        refuses the second, and the transaction is tried again with what is held by then."""
        if self._empty:
            return {}
        with self._gateway.reading() as conn:
            return store.known(conn, self._writing.shelf.id, ids)

    def _unusable(self, waiting: Waiting, bad: BadRecord, record: Any) -> None:
        """A record that makes no row: with the connector's reason, or ours. Its key tells that the object is there."""
        told = of_connector(BadRecord(str(bad), record=record, hint=bad.hint))
        try:
            key = self._reader.key(record) if isinstance(record, abc.Mapping) else ""
            number = object_id(self._reader.object(key))
        except (BadRecord, lineage.UnstorableValue):
            key, number = "", 0
        if self._presence is not None:
            self._presence.blind |= not key
            self._presence.saw_one(number)
        waiting.unusable.append(Unusable(key, told, Fault("", printable(str(bad)), printable(bad.hint))))
