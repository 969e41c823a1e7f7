"""The scheduler inside a worker: APScheduler has the times, the database says who of several workers begins.

What is begun by a worker that is killed is begun again by another within a minute; what was missed while nobody ran is made
up for once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from sqlalchemy.exc import DBAPIError

from connectors.errors import ConnectorError
from gateway import clock, leases
from gateway.config.hub import Hub
from gateway.config.syncs import Timing
from gateway.errors import Conflict, WeftError
from gateway.policies.scheduling import FRESHNESS, KIND
from gateway.scheduling import airflow, claims
from gateway.scheduling.claims import Claim, Later
from gateway.scheduling.jobs import JOBS
from gateway.service import Gateway
from gateway.sync import engine, parts
from gateway.sync.engine import Outcome
from gateway.sync.planned import Sync, planned

log = structlog.get_logger(__name__)

SYNCS_AT_ONCE = 2
"""Runs at once in one worker; they are busy, and tickets go first."""
JOBS_AT_ONCE = 2
RENEW_S = 15.0
LOOK_AGAIN_S = 30.0
"""After a failure of the database."""
JUMP_S = 5.0


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is begun again and again. `run` answers what went wrong, or nothing."""

    name: str
    timing: Timing
    run: Callable[[Hub], str]
    pool: str


class Embedded:
    """`follow` takes over what is configured; `tend` keeps what runs. Both are quick, and called again and again."""

    def __init__(self, gateway: Gateway, *, on: bool = True) -> None:
        self._gateway = gateway
        self._stop = threading.Event()
        self._items: dict[str, Item] = {}
        self._hub: Hub | None = None
        self._running: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._arranging = threading.Lock()
        self._renewed = 0.0
        self._drift = _drift()
        executors = {"sync": ThreadPoolExecutor(SYNCS_AT_ONCE), "job": ThreadPoolExecutor(JOBS_AT_ONCE)}
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._times = BackgroundScheduler(executors=executors, job_defaults=defaults, timezone="UTC", daemon=True)
        if on:
            self._times.start()

    def close(self) -> None:
        """End runs after the transaction they are at."""
        with self._arranging:  # a run must not wait for the scheduler that from now on waits for it
            self._stop.set()
        if self._times.running:
            self._times.shutdown(wait=True)

    def follow(self, hub: Hub) -> None:
        """Take over what is configured, and look at all of it again when the clock has jumped."""
        jumped = abs(_drift() - self._drift) > JUMP_S
        if hub is self._hub and not jumped:
            return
        if jumped:
            log.warning("schedule.clock_jumped", seconds=round(_drift() - self._drift, 1))
        self._hub, self._drift = hub, _drift()
        if self._gateway.settings.airflow_file is not None and airflow.write(hub, self._gateway.settings.airflow_file):
            log.info("airflow.written", file=str(self._gateway.settings.airflow_file))
        before, self._items = self._items, {item.name: item for item in self.items(hub)}
        for name in before.keys() - self._items.keys():
            self._forget(name)
        for name, item in self._items.items():
            if jumped or name not in before or before[name].timing != item.timing:
                self._look_at(item, clock.now())

    def items(self, hub: Hub) -> Iterator[Item]:
        """What this worker's scheduler begins: nothing but the watch over freshness where Airflow begins the rest."""
        scheduling = KIND.of(hub.policies)
        for name, timing in scheduling.jobs.items():
            if not scheduling.airflow or name == FRESHNESS:
                yield Item(f"job:{name}", timing, lambda hub, n=name: self._job(hub, n), "job")  # type: ignore[misc]
        if not scheduling.airflow:
            for sync in planned(hub):
                name = f"sync:{sync.name}"
                yield Item(name, sync.timing, lambda hub, s=sync: self._sync(hub, s), "sync")  # type: ignore[misc]

    def tend(self) -> None:
        """Renew what is claimed by what runs here."""
        now = time.monotonic()
        if now < self._renewed + RENEW_S:
            return
        self._renewed = now
        with self._lock:
            running = list(self._running.values())
        for claim in running:
            with self._gateway.transaction() as conn:
                if not claims.hold(conn, claim):
                    log.warning("schedule.lost", name=claim.name)

    def attempt(self, item: Item, hub: Hub) -> bool:
        """Begin it if it is due and nobody else does; answers whether it ran. The next look is arranged."""
        found = self._claimed(item)
        if isinstance(found, Claim):
            self._carry_out(item, found, hub)
            with self._gateway.reading() as conn:
                found = Later(claims.next_at(conn, item.name, item.timing))
            self._look_at(item, found.at)
            return True
        self._look_at(item, found.at)
        return False

    def _claimed(self, item: Item) -> Claim | Later:
        with self._gateway.reading() as conn:  # most looks find that it is not time: they write nothing
            at, now = claims.next_at(conn, item.name, item.timing), clock.shared(conn)
        if at > now:
            return Later(at)
        return self._gateway.transact(lambda conn: claims.claim(conn, item.name, item.timing))

    def _carry_out(self, item: Item, claim: Claim, hub: Hub) -> None:
        with self._lock:
            self._running[item.name] = claim
        error = "the hub itself failed; its log says why"
        try:
            with leases.fenced(claim.lease, claim.owner, claims.LEASE):
                error = item.run(hub)
        except (WeftError, ConnectorError, DBAPIError) as problem:
            error = str(problem)
            log.warning("schedule.failed", name=item.name, reason=error)
        except Exception:
            log.exception("schedule.broke", name=item.name)
        finally:
            with self._lock:
                del self._running[item.name]
            if not self._gateway.transact(lambda conn: claims.end(conn, claim, error)):
                log.warning("schedule.lost", name=item.name)

    def _fire(self, name: str) -> None:
        """On a thread of APScheduler's."""
        item, hub = self._items.get(name), self._hub
        if item is None or hub is None or self._stop.is_set():
            return
        try:
            self.attempt(item, hub)
        except (WeftError, DBAPIError) as error:
            log.warning("schedule.no_look", name=name, reason=str(error))
            self._look_at(item, clock.now() + int(LOOK_AGAIN_S * clock.SECOND))

    def _look_at(self, item: Item, at: int) -> None:
        with self._arranging:
            if not self._times.running or self._stop.is_set() or item.name not in self._items:
                return
            when = _Next(clock.to_datetime(max(at, clock.now())))
            self._times.add_job(
                self._fire, when, args=(item.name,), id=item.name, executor=item.pool, replace_existing=True
            )

    def _forget(self, name: str) -> None:
        try:
            self._times.remove_job(name)
        except JobLookupError:
            return  # it runs right now, and is not looked at again

    # -- what is begun ------------------------------------------------------------------------------------------------

    def _job(self, hub: Hub, name: str) -> str:
        done = JOBS[name].run(self._gateway, hub, clock.now())
        log.info("job.done", job=name, **{k: v for k, v in done.items() if isinstance(v, int | bool)})
        return str(done.get("error", ""))

    def _sync(self, hub: Hub, sync: Sync) -> str:
        try:
            done = run_sync(self._gateway, hub, sync, self._stop)
        except Conflict as error:
            return str(error)  # somebody reads it by hand
        changed: dict[str, Any] = done.as_dict()
        told = {name: n for name, n in changed.items() if n and name not in ("unchanged", "vetoes", "error")}
        log.info("sync.done", connection=sync.live.id, stream=sync.stream.name, **told)
        return done.error


def run_sync(gateway: Gateway, hub: Hub, sync: Sync, stop: threading.Event) -> Outcome:
    """As it is defined: in parts or as a whole, in full or from the cursor."""
    if sync.partitions is not None:
        return parts.run(gateway, hub, sync, stop=stop)
    return engine.run(gateway, hub, sync.live, sync.stream, full=sync.full, stop=stop)


class _Next(DateTrigger):  # type: ignore[misc]
    """Fires once, as late as it may be; each run arranges the next. A day later it would fire again: a scheduler that ends
    while it takes away a job that never comes again breaks (APScheduler 3)."""

    def __init__(self, when: datetime) -> None:
        super().__init__(when, timezone="UTC")

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return self.run_date if previous is None else now + timedelta(days=1)


def _drift() -> float:
    """How far the time of day is ahead of a clock that nobody sets, in seconds."""
    return clock.now() / clock.SECOND - time.monotonic()
