"""One run over a stream of business records: read in batches, written a few thousand at a time, each with its cursor.

Nothing is locked while the source is waited for. A transaction holds everything that belongs together: rows, origins,
ids, tickets, dead letters, counts, and the cursor from which the next run goes on. Killed in between, a run resumes from
the last one, and whatever it reads again is compared and found known.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from connectors.contract import Cursor, Stream
from connectors.errors import ConnectorError
from gateway import clock, leases
from gateway.config.hub import Hub, Live
from gateway.errors import Conflict, Unavailable, WeftError
from gateway.service import Gateway
from gateway.sync import state, store
from gateway.sync.books import StreamBook
from gateway.sync.calm import calm
from gateway.sync.passes import Pass, shelf_of
from gateway.sync.presence import Presence
from gateway.sync.state import Counts
from gateway.sync.writing import Progress, RunStopped
from mappings import Mapping

log = structlog.get_logger(__name__)


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


class _Run(Pass):
    """Of a whole stream."""

    def __init__(
        self, gateway: Gateway, hub: Hub, live: Live, stream: Stream, mapping: Mapping, progress: Progress, stop: threading.Event
    ) -> None:  # fmt: skip
        super().__init__(gateway, hub, live, stream, mapping, progress, stop)
        self._owner = state.new_owner()
        self._lease = state.lease_name(live.id, stream.name)
        self._number = next(iter(gateway.serial.take()))

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
        shelf, anew = shelf_of(conn, live, name, self._mapping)
        self._write_to(conn, shelf, self._number, StreamBook(self._number, live.id, name, self._owner), now)
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
