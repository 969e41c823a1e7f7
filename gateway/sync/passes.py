"""One pass over records of a stream, or of a part of it: read page by page, written a few thousand at a time."""

from __future__ import annotations

import threading
from collections import abc
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from sqlalchemy import Connection

import lineage
from connectors.contract import Batch, Cursor, Part, Stream
from connectors.errors import BadRecord, ConnectorError
from gateway import clock
from gateway.automation.records import base_names
from gateway.automation.watching import wanted
from gateway.config.hub import Hub, Live
from gateway.ingest.item import Fault
from gateway.policies.matching import KIND as MATCHING
from gateway.service import Gateway
from gateway.sync import state, store
from gateway.sync.books import Book
from gateway.sync.columns import ByColumns
from gateway.sync.identity import Identifier
from gateway.sync.keeping import Keeper
from gateway.sync.presence import Presence
from gateway.sync.rows import Reader, object_id
from gateway.sync.sorting import Sorting, Unusable
from gateway.sync.store import Held, Shelf
from gateway.sync.telling import of_connector, printable
from gateway.sync.writing import Progress, RunStopped, Waiting, Writing
from gateway.telemetry.tally import LOOKED_AT
from mappings import Mapping

ROWS, SECONDS = 8_000, 5.0
"""A transaction is begun when so many rows of a first load wait (or what weighs as much), or the eldest has waited so long."""


def shelf_of(conn: Connection, live: Live, stream: str, mapping: Mapping) -> tuple[Shelf, bool]:
    """Where the stream's records are held, and whether all of it is read anew: what another mapping made is not what this
    one would make of it."""
    held = store.shelf(conn, live.id, stream)
    if held is not None and held.record != mapping.target:
        store.forget(conn, live.id, stream)
        held = None
    anew = held is None or held.mapping != mapping.version
    shelf = store.shelf_for(conn, live.id, stream, mapping.target, mapping.version)
    # of two mappings until the end is reached; whichever counts by then reads all again
    if anew and held is not None:
        store.change_shelf(conn, shelf.id, mapping="")
    return shelf, anew


class Pass:
    """What every pass has in common. `_write_to` comes first, then `_read`."""

    def __init__(
        self, gateway: Gateway, hub: Hub, live: Live, stream: Stream, mapping: Mapping, progress: Progress, stop: threading.Event
    ) -> None:  # fmt: skip
        self._gateway, self._hub, self._live, self._stream, self._mapping = gateway, hub, live, stream, mapping
        self._progress, self._stop = progress, stop
        self._identifier = Identifier(live.id, mapping.target, live.spec.codes)
        self._reader = Reader(live.dataset(stream.name), stream, mapping.version)
        self._rules = hub.rules.hash_of(mapping.target)
        self._wants = wanted(hub.rules, mapping.target, base_names(live, stream.name, mapping.target))
        self._columns = ByColumns(mapping)
        self._presence: Presence | None = None
        self._writing: Writing
        self._empty = False

    def _write_to(self, conn: Connection, shelf: Shelf, run: int, book: Book, now: int, *, links: bool = True) -> None:
        live, name = self._live, self._stream.name
        self._empty = store.is_empty(conn, shelf.id)
        job = lineage.open_run(conn, f"{live.id}.{name}", now)
        lineage.close_run(conn, job, now)
        dataset, wants_news = live.dataset(name), self._wants is not None
        matched = self._identifier.own_kind in MATCHING.of(self._hub.policies).terms
        keeper = Keeper(live.id, dataset, shelf, self._mapping, self._identifier, wants_news, job.id, matched)
        self._writing = Writing(
            self._gateway, self._hub, live, self._stream, run, book, self._reader, self._sorting, shelf, keeper, self._progress,
            now, renewed=now, links=links,
        )  # fmt: skip

    def _read(self, cursor: Cursor, part: Part | None = None) -> None:
        assert self._live.runtime is not None
        waiting = Waiting(self._sorting())
        batches: Iterator[Batch] = self._live.runtime.read(self._stream, cursor, part)
        try:
            for batch in batches:
                self._take(batch, waiting)
                if waiting.weight >= ROWS or (len(waiting) and monotonic() - waiting.since >= SECONDS):
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
