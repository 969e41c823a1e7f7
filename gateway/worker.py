"""The worker: commands out, context, timers, subscriptions, reconciliation, configuration changes.

As many as one likes on PostgreSQL: rows are claimed with SKIP LOCKED, and what only one may do is held by a lease.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial

import orjson
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from connectors.contract import Delivery
from connectors.errors import ConnectorError
from connectors.runtime import CALLS_AT_ONCE, Kept
from gateway import clock, heartbeats, leases, tables
from gateway.bridge import outbox
from gateway.config.hub import Hub, Live
from gateway.context import snapshot
from gateway.errors import TooBusy, WeftError
from gateway.periodic import IDLE_S, LEASE, Periodic, periodic
from gateway.reconcile import reconcile
from gateway.scheduling.embedded import Embedded
from gateway.service import Gateway
from gateway.telemetry import keeping as telemetry

log = structlog.get_logger(__name__)

QUESTIONS = 32
"""Questions asked at once. They have threads of their own: a system that does not answer holds up no command."""
SHARE_S = 5.0
AGAIN_S = 2.0
SCHEDULE_S = 1.0


class SubscriptionSink:
    """Hands what a subscription receives to the inbox; acknowledges once it is committed."""

    def __init__(self, gateway: Gateway, connection_id: str) -> None:
        self._gateway = gateway
        self._connection_id = connection_id
        self._lock = threading.Lock()
        self._refused: list[tuple[Delivery, Callable[[], None]]] = []

    def offer(self, delivery: Delivery, acknowledge: Callable[[], None]) -> bool:
        """False: the hub cannot take it now; the subscription keeps it and offers it again."""
        live = self._gateway.hub.connections.get(self._connection_id)
        if live is None or live.runtime is None:
            return False
        try:
            self._gateway.receive(live, delivery, self._done(delivery, acknowledge))
        except TooBusy:
            return False
        except (WeftError, ConnectorError) as error:
            log.warning("subscription.refused", connection=self._connection_id, reason=str(error))
            return False
        return True

    def _done(self, delivery: Delivery, acknowledge: Callable[[], None]) -> Callable[[Exception | None], None]:
        def done(error: Exception | None) -> None:
            if error is None:
                acknowledge()
            else:  # the database is away: on another thread, since the inbox waits for this one
                self._keep([(delivery, acknowledge)])

        return done

    def _keep(self, refused: list[tuple[Delivery, Callable[[], None]]]) -> None:
        """Offer these again in a while; one timer for all that gather until then."""
        with self._lock:
            first = not self._refused
            self._refused += refused
        if first:
            self._gateway.later(AGAIN_S, self._again)

    def _again(self) -> None:
        with self._lock:
            waiting, self._refused = self._refused, []
        still = [(delivery, acknowledge) for delivery, acknowledge in waiting if not self.offer(delivery, acknowledge)]
        if still:
            self._keep(still)


class Worker:
    """One thread that looks what is due, and two pools: one does it, the other waits for answers to questions."""

    def __init__(self, gateway: Gateway, *, threads: int = 8) -> None:
        self._gateway = gateway
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"[:64]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="weft-worker")
        self._asking = ThreadPoolExecutor(QUESTIONS, thread_name_prefix="weft-questions")
        self._asked: dict[Future[None], str] = {}
        """Questions that are being asked, and the connection of each."""
        self._schedule = Embedded(gateway)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weft-worker", daemon=True)
        self._busy: dict[object, Future[None]] = {}
        self._subscriptions: dict[str, tuple[Live, Kept]] = {}
        self._next: dict[str, float] = {}
        self._held: dict[str, float] = {}
        """Until when each lease is surely ours, by a clock that nobody sets."""
        self._periodic = periodic(gateway)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop taking work, let what runs end."""
        self._stop.set()
        self._gateway.wake_worker.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        for _, kept in self._subscriptions.values():
            kept.close()
        for live in self._gateway.hub.connections.values():
            if live.runtime is not None:
                live.runtime.end_waiting()  # else a try that waits for the next one would hold the shutdown up
        self._schedule.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._asking.shutdown(wait=True, cancel_futures=True)
        try:
            with self._gateway.transaction() as conn:
                leases.release(conn, self.owner)
        except (WeftError, DBAPIError) as error:
            log.warning("worker.leases_kept", reason=str(error))  # they run out by themselves

    def alive(self) -> bool:
        return self._thread.is_alive()

    def subscriptions(self) -> dict[str, dict[str, object]]:
        """State of each running subscription, by connection."""
        return {connection: dict(kept.detail()) for connection, (_, kept) in self._subscriptions.items()}

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                found = self._round()
            except (WeftError, DBAPIError) as error:
                log.warning("worker.round_failed", reason=str(error))
                found = 0
            except Exception:
                log.exception("worker.round_broke")
                found = 0
            if not found:
                self._gateway.wake_worker.wait(IDLE_S)
            self._gateway.wake_worker.clear()

    def _round(self) -> int:
        """One look at everything; answers how much was begun."""
        gateway = self._gateway
        if self._due("config", 1.0):
            gateway.reload()
        if self._due("heartbeat", 5.0):
            self._beat()
        if self._due("telemetry", telemetry.FLUSH_S):
            self._once("telemetry", lambda: gateway.flush_telemetry(at_once=True))
        hub = gateway.hub
        self._tend_subscriptions(hub)
        found = self._commands(hub) + self._questions(hub)
        found += sum(self._periodically(each, hub) for each in self._periodic)
        self._poll(hub)
        if self._due("schedule", SCHEDULE_S):
            self._schedule.follow(hub)
            self._schedule.tend()
        self._heartbeats(hub)
        return found

    def _due(self, what: str, every_s: float) -> bool:
        now = clock.steady()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_s
        return True

    def _periodically(self, what: Periodic, hub: Hub) -> int:
        """Begin it if it is its time and ours to do; answers how much was begun, where that counts."""
        if not what.wanted(hub) or not self._due(what.name, what.every_s):
            return 0
        # a lease lasts until the next time at least, so that of several workers one does it
        lasting = max(LEASE, int(1.5 * what.every_s * clock.SECOND))
        if what.lease and not self._lease(what.lease, lasting):
            return 0

        def work() -> None:
            with leases.fenced(what.lease, self.owner, lasting) if what.lease else nullcontext():
                what.work(hub, clock.now())

        begun = self._once(what.name, work)
        return begun if what.counts else 0

    def _lease(self, name: str, lasting: int = LEASE) -> bool:
        """Ours? Renewed when a third of it is over, so that holding on costs no write each second."""
        now, lasting_s = clock.steady(), lasting / clock.SECOND
        if self._held.get(name, 0) > now + lasting_s * 2 / 3:
            return True
        with self._gateway.transaction() as conn:
            taken = leases.take(conn, name, self.owner, clock.shared(conn), lasting)
        self._held[name] = now + lasting_s if taken else 0
        return taken

    def _once(self, key: object, work: Callable[[], object]) -> int:
        """Run in the pool unless the same is running already."""
        running = self._busy.get(key)
        if running is not None and not running.done():
            return 0
        self._busy[key] = self._pool.submit(self._guarded, key, work)
        return 1

    def _guarded(self, key: object, work: Callable[[], object]) -> None:
        try:
            work()
        except (WeftError, ConnectorError, DBAPIError) as error:
            log.warning("worker.task_failed", task=str(key), reason=str(error))
        except Exception:
            log.exception("worker.task_broke", task=str(key))
        finally:
            self._gateway.wake_worker.set()

    def _commands(self, hub: Hub) -> int:
        if self._room() <= 0:
            return 0
        taken = outbox.take(self._gateway, hub, self._room(), self._of_others(hub))
        for each in taken:
            self._once(("command", each.id), lambda c=each: outbox.carry_out(self._gateway, hub, c))  # type: ignore[misc]
        return len(taken)

    def _of_others(self, hub: Hub) -> set[str]:
        """Connections with a window of calls that another worker counts: of all, one carries out their commands."""
        return {
            live.id
            for live in hub.connections.values()
            if live.runtime is not None and live.runtime.room is not None and not self._counts(f"window:{live.id}")
        }

    def _counts(self, name: str) -> bool:
        """As `_lease`, but who does not have it asks only now and then."""
        return self._lease(name) if self._due(name, SHARE_S) else self._held.get(name, 0) > clock.steady()

    def _heartbeats(self, hub: Hub) -> None:
        if not self._due("heartbeats", SHARE_S) or not self._lease("heartbeats"):
            return
        for connection, every_s in heartbeats.watched(hub).items():
            self._once(("health", connection), partial(heartbeats.beat, self._gateway, hub, connection, every_s))
        self._once("unwatched", lambda: heartbeats.forget_unwatched(self._gateway, hub))

    def _questions(self, hub: Hub) -> int:
        self._asked = {future: connection for future, connection in self._asked.items() if not future.done()}
        with self._gateway.transaction() as conn:
            expanded = snapshot.expand(conn, hub, clock.now())
            room, asked = QUESTIONS - len(self._asked), Counter(self._asked.values())
            claimed = snapshot.claim(conn, clock.now(), room, asked=asked, each=CALLS_AT_ONCE)
        for each in claimed:
            work = partial(snapshot.ask, self._gateway, hub, each)
            future = self._asking.submit(self._guarded, ("question", each.ticket_id, each.name), work)
            self._asked[future] = each.connection_id
        return expanded + len(claimed)

    def _room(self) -> int:
        self._busy = {key: future for key, future in self._busy.items() if not future.done()}
        return 32 - len(self._busy)

    def _poll(self, hub: Hub) -> None:
        for live in hub.connections.values():
            if not live.spec.enabled or live.runtime is None or "reads" not in live.can:
                continue
            every = live.spec.poll_every_s
            # held until the next time, so that of several workers one reads
            if not self._due(f"poll:{live.id}", every) or not self._lease(f"poll:{live.id}", every * clock.SECOND):
                continue
            self._once(("poll", live.id), lambda c=live: self._reconcile(hub, c))  # type: ignore[misc]

    def _reconcile(self, hub: Hub, live: Live) -> None:
        assert live.runtime is not None
        for stream in live.runtime.streams():
            mapping = live.mappings.get(stream.name)
            if mapping is not None and mapping.target == "Alert":
                reconcile(self._gateway, hub, live, stream)

    def _tend_subscriptions(self, hub: Hub) -> None:
        if not self._due("subscriptions", 1.0):
            return
        wanted = {
            live.id: live
            for live in hub.connections.values()
            if live.spec.enabled and live.runtime is not None and "subscribes" in live.can
            and self._lease(f"subscription:{live.id}")
        }  # fmt: skip
        for connection, (live, kept) in list(self._subscriptions.items()):
            if wanted.get(connection) is not live:
                kept.close()
                del self._subscriptions[connection]
        for connection, live in wanted.items():
            if connection not in self._subscriptions:
                assert live.runtime is not None
                kept = Kept(live.runtime, SubscriptionSink(self._gateway, connection), time.monotonic)
                self._subscriptions[connection] = (live, kept)
            kept = self._subscriptions[connection][1]
            self._once(("tend", connection), kept.tend)

    def _beat(self) -> None:
        detail = orjson.dumps({"subscriptions": self.subscriptions()}, default=str).decode()
        with self._gateway.transaction() as conn:
            insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
            values = {"at": clock.now(), "detail": detail}
            statement = insert(tables.heartbeat).values(owner=self.owner, **values)
            conn.execute(statement.on_conflict_do_update(index_elements=["owner"], set_=values))
