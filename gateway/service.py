"""The gateway as one object: engine, configuration, inbox. HTTP, CLI and worker are thin around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import id_registry
import lineage
from connectors.contract import Delivery
from connectors.errors import BadRecord
from connectors.manifest.kinds import manifest_files
from connectors.registry import Catalogue, installed
from core_tickets.people import load_roster, roster_version
from gateway import clock, leases, metrics, traces
from gateway.automation.work import TicketWork
from gateway.config import store
from gateway.config.documents import Documents
from gateway.config.hub import HUB, Hub, Live
from gateway.database import Limits, is_conflict, is_outage, open_engine, reader, writer
from gateway.errors import TooLarge, Unavailable, WeftError
from gateway.ingest.inbox import Done, Inbox, Incoming
from gateway.ingest.item import End, Prepared, prepare
from gateway.ingest.recall import split
from gateway.ingest.unit import Unit
from gateway.secrets import Vault, open_vault
from gateway.settings import Settings
from gateway.telemetry import keeping as telemetry

if TYPE_CHECKING:
    from gateway.search.index import SearchIndex

log = structlog.get_logger(__name__)

T = TypeVar("T")
ATTEMPTS = 30
FOLLOW_S = 1.0


class Gateway:
    """Everything a process of the hub shares. `start` and `close` frame its life."""

    def __init__(self, settings: Settings, *, catalogue: Catalogue | None = None, engine: Engine | None = None) -> None:
        self.settings = settings
        self.since = clock.now()
        """When this process began; what happened before, others may have missed."""
        limits = Limits.of(settings)
        self.engine = engine or open_engine(settings.database, limits)
        self.reader = reader(self.engine)
        self.writer = writer(self.engine, limits)
        if settings.otel_endpoint:
            traces.configure(settings.otel_endpoint)
        for engine in (self.engine, self.reader, self.writer):
            lineage.keep_segments(engine, settings.segments_folder)
        self._folder = settings.home / "connectors" if catalogue is None else None
        self._manifests = _state_of(self._folder)
        self.installed = catalogue or installed(folders=[settings.home / "connectors"])
        """The connectors that need no configuration to be there; `catalogue` has those of the configuration too."""
        self.vault: Vault = open_vault(settings)
        self.serial = clock.Serial()
        self.inbox = Inbox(self._commit, bury=self._bury, max_waiting=settings.inbox_waiting)
        self.wake_worker = threading.Event()
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None
        self._loading = threading.Lock()
        self._hub: Hub | None = None
        self._retired: list[list[Live]] = []
        self._next_flush = 0.0

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the configuration and begin to take messages."""
        self.reload()
        self.inbox.start()

    def close(self) -> None:
        """Commit what waits, then let go of everything."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join(timeout=60)
        self.inbox.close()
        if self._hub is not None:  # else nothing was counted, and nothing need be loaded for it
            try:
                self.flush_telemetry(at_once=True)
            except (WeftError, DBAPIError) as error:
                log.warning("telemetry.lost", reason=str(error))
        for retired in self._retired:
            _close(retired)
        if self._hub is not None:
            _close(self._hub.connections.values())
        self.search.close()
        self.writer.dispose()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that writes. Raises Unavailable when the database does not answer."""
        try:
            with self.engine.begin() as conn:
                yield conn
                leases.confirm(conn)
        except PoolTimeout as error:
            raise Unavailable() from error
        except DBAPIError as error:
            if is_conflict(error) or not is_outage(error):
                raise
            raise _unavailable(error) from error

    def transact(self, do: Callable[[Connection], T]) -> T:
        """`do` in a transaction that writes, again from its beginning when another was faster with the same thing.
        Raises Unavailable."""
        for _ in range(ATTEMPTS):
            try:
                with self.transaction() as conn:
                    return do(conn)
            except (DBAPIError, id_registry.ConcurrentChange) as error:
                if isinstance(error, DBAPIError) and not is_conflict(error):
                    raise
                metrics.RETRIES.inc()
        raise Unavailable("The database refused the transaction again and again; send again.")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises Unavailable when the database does not answer."""
        try:
            with self.reader.begin() as conn:
                yield conn
        except PoolTimeout as error:
            raise Unavailable() from error
        except DBAPIError as error:
            if not is_outage(error):
                raise
            raise _unavailable(error) from error

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Call `what` on a thread of its own after so many seconds, unless the hub closes first."""
        if self._closing.is_set():
            return
        timer = threading.Timer(seconds, lambda: None if self._closing.is_set() else what())
        timer.daemon = True
        timer.start()

    @cached_property
    def search(self) -> SearchIndex:
        """Texts of solved tickets and knowledge articles, on this machine's disk; a worker feeds it."""
        from gateway.search.index import SearchIndex  # its library is large, and most processes never search

        return SearchIndex(self.settings.home)

    # -- configuration ------------------------------------------------------------------------------------------------

    @property
    def hub(self) -> Hub:
        """The configuration that runs; immutable, so keep the one you began with until you are done."""
        if self._hub is None:
            return self.reload()
        return self._hub

    @property
    def catalogue(self) -> Catalogue:
        """All connectors there are."""
        return self._hub.catalogue if self._hub is not None else self.installed

    def reload(self) -> Hub:
        """Take over the stored configuration, the manifests in the hub's folder, and the people, where they changed."""
        with self._loading:
            manifests = _state_of(self._folder)
            changed = manifests != self._manifests
            if changed and self._folder is not None:
                self.installed, self._manifests = installed(folders=[self._folder]), manifests
            with self.reading() as conn:
                number = store.generation(conn)
                if self._hub is not None and self._hub.generation == number and not changed:
                    if self._hub.roster.version != roster_version(conn):
                        self._hub = replace(self._hub, roster=load_roster(conn, self._hub.connections, now=clock.now()))
                    return self._hub
                running = self._hub.connections if self._hub is not None else {}
                hub = store.load(conn, self.installed, self.vault, running)
            hub = replace(hub, public_url=self.settings.public_url.rstrip("/"))
            with self.transaction() as conn:
                store.remember_rules(conn, hub, clock.now())
            for live in hub.connections.values():
                if live.broken:
                    log.warning("connection.broken", connection=live.id, reason=live.broken)
            # whoever began with an old one may still be at it; what was replaced two changes ago is surely done with
            self._retired.append([old for name, old in running.items() if hub.connections.get(name) is not old])
            for retired in self._retired[:-2]:
                _close(retired)
            del self._retired[:-2]
            self._hub = hub
            return hub

    def follow(self) -> None:
        """Take over what other processes configure, within a second, until closed. A worker does so by itself."""
        self._follower = threading.Thread(target=self._follow, name="weft-configuration", daemon=True)
        self._follower.start()

    def flush_telemetry(self, *, at_once: bool = False) -> None:
        """Write down what this process counted of its connections, every ten seconds. Raises Unavailable."""
        if not at_once and monotonic() < self._next_flush:
            return
        self._next_flush = monotonic() + telemetry.FLUSH_S
        hub = self.hub
        if any(live.tally.busy for live in hub.connections.values()):
            self.transact(lambda conn: telemetry.flush(conn, hub, self.serial, clock.now()))

    def _follow(self) -> None:
        while not self._closing.wait(FOLLOW_S):
            try:
                self.reload()
                self.flush_telemetry()
            except (WeftError, DBAPIError) as error:
                log.warning("configuration.not_read", reason=str(error))

    def apply(
        self, documents: Documents, *, dry_run: bool = False, actor: str = "", note: str = ""
    ) -> list[store.Change]:
        """Put configuration into force; `actor` and `note` are kept with it. Raises BadConfiguration; then nothing
        changed."""
        changes, _ = self.plan(documents, dry_run=dry_run, actor=actor, note=note)
        if not dry_run:
            self.reload()
        return changes

    def plan(
        self, documents: Documents, *, dry_run: bool = True, actor: str = "", note: str = ""
    ) -> tuple[list[store.Change], Hub]:
        """What `apply` would change, and the hub as it would run then; nothing runs yet. Raises BadConfiguration."""
        return self.transact(
            lambda conn: store.apply(
                conn, documents, self.installed, self.vault, clock.now(), dry_run=dry_run, actor=actor, note=note
            )
        )

    def roll_back(
        self, generation: int, *, actor: str, note: str = "", dry_run: bool = False
    ) -> tuple[list[store.Change], Hub]:
        """Put a configuration of before into force again, exactly. Raises NotFound, or BadConfiguration."""
        done = self.transact(
            lambda conn: store.restore(
                conn, generation, self.installed, self.vault, clock.now(), actor=actor, note=note, dry_run=dry_run
            )
        )
        if not dry_run:
            self.reload()
        return done

    # -- messages -----------------------------------------------------------------------------------------------------

    def receive(self, live: Live, delivery: Delivery, done: Done) -> Incoming:
        """Verify, split, queue. `done` is told when it is committed. Raises what `inbox.offer` and the connector's
        runtime raise (AuthProblem), and TooLarge; a delivery that is unusable as a whole is queued as a dead letter."""
        limit = live.runtime.policy.max_delivery_bytes if live.runtime else 1 << 20
        if len(delivery.body) > limit:
            raise TooLarge(f"Connection {live.id!r} takes at most {limit} bytes a message.")
        bad: BadRecord | None
        events, bad = split(live, delivery)
        number = next(iter(self.serial.take()))
        incoming = Incoming(number, live, delivery, events, self.now(), done, bad)
        if traces.on():
            _trace(incoming)
        self.inbox.offer(incoming)
        return incoming

    def _commit(self, group: Sequence[Incoming]) -> None:
        self.commit([(incoming, prepare(incoming)) for incoming in group])

    def commit(self, group: Sequence[tuple[Incoming, Sequence[Prepared]]]) -> None:
        """One transaction for the whole group; tried again when another gateway was faster with the same thing."""
        hub = self.hub
        for attempt in range(ATTEMPTS):
            for incoming, _ in group:
                incoming.ends.clear()
            try:
                with self.writer.begin() as conn:
                    unit = Unit(conn, hub, self.serial, self.now(), group)
                    work = unit.run()
            except (DBAPIError, id_registry.ConcurrentChange) as error:
                if isinstance(error, DBAPIError) and not is_conflict(error):
                    if error.connection_invalidated and not attempt:  # the pool held a connection the server had ended
                        continue
                    if not is_outage(error):  # a value of one message is at fault: the inbox finds out which
                        raise
                    raise _unavailable(error) from error
                metrics.RETRIES.inc()
                log.info("inbox.retry", attempt=attempt, reason=_shortly(error))
                continue
            except PoolTimeout as error:
                raise Unavailable() from error
            self.committed(unit, work)
            if work.opened or work.happened:
                self.wake_worker.set()
            return
        raise Unavailable("The database refused the transaction again and again; send again.")

    def now(self) -> int:
        """Microseconds UTC, by this hub's clock."""
        return clock.now()

    def committed(self, unit: Unit, work: TicketWork) -> None:
        """A group of messages is stored, with everything that follows from it."""
        metrics.count_group(unit.items)
        for item in unit.items:
            told = item.prepared.event
            record = None if told is None or item.live.id == HUB else told.record
            item.live.tally.received("" if told is None else told.stream, record, dead=item.end is End.dead)

    def _bury(self, incoming: Incoming, error: Exception) -> None:
        """Keep a message that broke the hub itself as a dead letter: nothing is lost, and it stops nobody."""
        told = f"the hub failed on this message: {type(error).__name__}: {_shortly(error)}"
        reason = BadRecord(told, hint="report this, then replay")
        incoming.bad = reason
        self.commit([(incoming, prepare(incoming))])

    def run_in_inbox(self, live: Live, delivery: Delivery, timeout_s: float = 30) -> Incoming:
        """Queue a message and wait until it is committed. Raises what `receive` raises, and the error of the commit."""
        finished = threading.Event()
        errors: list[BaseException] = []

        def done(error: Exception | None) -> None:
            if error is not None:
                errors.append(error)
            finished.set()

        incoming = self.receive(live, delivery, done)
        if not finished.wait(timeout_s):
            raise Unavailable("The message was not committed in time.")
        if errors:
            raise errors[0]
        return incoming


def _trace(incoming: Incoming) -> None:
    """Its way from here to the commit is a span, which goes on from the sender's."""
    parent = incoming.delivery.headers.get("traceparent")
    told = {"connection": incoming.live.id, "message": str(incoming.id), "events": len(incoming.events)}
    incoming.trace, end = traces.begin("weft.ingest", parent, **told)
    done = incoming.done

    def ended(error: WeftError | None) -> None:
        end("" if error is None else type(error).__name__)
        done(error)

    incoming.done = ended


def _close(connections: Iterable[Live]) -> None:
    for live in connections:
        if live.runtime is not None:
            live.runtime.close()


def _shortly(error: Exception) -> str:
    """What it says, without statement and values, as any database can store it."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)[:300]
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _state_of(folder: Path | None) -> tuple[tuple[str, int, int], ...]:
    """What tells that the manifests of a folder are others than before: name, time and size of each file."""
    try:
        files = [(file.name, file.stat()) for file in manifest_files([folder] if folder is not None else [])]
    except OSError:  # it went away while we looked; the next look tells
        return ()
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in files)


def _unavailable(error: DBAPIError) -> Unavailable:
    log.warning("database.unavailable", error=_shortly(error))
    return Unavailable("The database did not answer; nothing was stored, send again.")
