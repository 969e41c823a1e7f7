"""Streams of business records are read again and again, each as often as its connection or its connector says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from connectors.contract import Stream
from connectors.errors import ConnectorError
from gateway import clock, tables
from gateway.config.hub import Hub, Live
from gateway.errors import Conflict, WeftError
from gateway.service import Gateway
from gateway.sync import engine

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""Runs at once in one worker; they are busy, and tickets go first."""
_Y = tables.sync_state.c

Place = tuple[str, str]


class Schedule:
    """What a worker runs. Several workers share the streams: whoever takes a stream's lease first reads it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="weft-sync")
        self._running: dict[Place, Future[None]] = {}
        self._streams: dict[str, tuple[Live, tuple[Stream, ...]]] = {}
        self._stop = threading.Event()

    def close(self) -> None:
        """End runs after the transaction they are at."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tick(self, hub: Hub) -> int:
        """Begin what is due; answers how many runs that were."""
        self._running = {place: run for place, run in self._running.items() if not run.done()}
        now, begun = clock.now(), 0
        began = self._began()
        for live in hub.connections.values():
            for stream, every in self._due_of(live):
                place = (live.id, stream.name)
                # begun in the future: the clock was set back, and nobody knows how long ago that was
                if place not in self._running and not began.get(place, 0) <= now < began.get(place, 0) + every:
                    self._running[place] = self._pool.submit(self._run, hub, live, stream)
                    begun += 1
        return begun

    def _began(self) -> dict[Place, int]:
        """When each stream was last begun to be read, by whomever."""
        with self._gateway.reading() as conn:
            rows = conn.execute(select(_Y.connection_id, _Y.stream, _Y.started_at))
            return {(connection, stream): at or 0 for connection, stream, at in rows}

    def _due_of(self, live: Live) -> Iterator[tuple[Stream, int]]:
        """The streams of a connection that become records of business, and how often each is read, in microseconds."""
        if not live.spec.enabled or live.runtime is None or "reads" not in live.can:
            return
        for stream in self._streams_of(live):
            mapping = live.mappings.get(stream.name)
            if mapping is not None and mapping.target not in ("Alert", "Reading", "Ticket"):
                default = int(stream.every.total_seconds())
                yield stream, live.spec.sync_every_s.get(stream.name, default) * clock.SECOND

    def _streams_of(self, live: Live) -> tuple[Stream, ...]:
        known = self._streams.get(live.id)
        if known is not None and known[0] is live:
            return known[1]
        assert live.runtime is not None
        try:
            found = tuple(live.runtime.streams())
        except ConnectorError as error:
            log.warning("sync.no_streams", connection=live.id, reason=str(error))
            return ()
        self._streams[live.id] = (live, found)
        return found

    def _run(self, hub: Hub, live: Live, stream: Stream) -> None:
        try:
            done = engine.run(self._gateway, hub, live, stream, stop=self._stop)
        except Conflict:
            return  # another worker was quicker
        except (WeftError, ConnectorError, DBAPIError) as error:
            log.warning("sync.failed", connection=live.id, stream=stream.name, reason=str(error))
            return
        except Exception:
            log.exception("sync.broke", connection=live.id, stream=stream.name)
            return
        changed = {name: n for name, n in done.as_dict().items() if n and name not in ("unchanged", "vetoes", "error")}
        log.info("sync.done", connection=live.id, stream=stream.name, **changed)
