"""Comparisons in the background: one at a time in a process, their progress and reports in the database for all.

Whoever computes one tells how far it is every second and looks whether it shall stop; one that was not heard of for a
minute is lost with its process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from ulid import ULID

from gateway import clock
from gateway.config.documents import Documents
from gateway.config.hub import Hub
from gateway.errors import NotFound, TooBusy, WeftError
from gateway.service import Gateway
from gateway.studio.comparing import Limits, compare
from gateway.studio.tables import job

log = structlog.get_logger(__name__)

TELL_S = 1.0
LOST = clock.MINUTE
KEPT = 20
"""Reports that one person keeps."""
_J = job.c


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    title: str
    state: str
    done: int
    total: int
    asked_at: int
    ended_at: int | None
    error: str
    report: dict[str, Any] | None = None


def listed(conn: Connection, owner: str, now: int) -> list[Job]:
    """Without their reports, the latest first."""
    return [
        _of(r, now) for r in conn.execute(select(job).where(_J.owner == owner).order_by(_J.asked_at.desc()).limit(KEPT))
    ]


def get(conn: Connection, owner: str, job_id: str, now: int) -> Job:
    """With its report. Raises NotFound."""
    row = conn.execute(select(job).where(_J.id == job_id, _J.owner == owner)).first()
    if row is None:
        raise NotFound(f"You have no comparison {job_id!r}.")
    return _of(row, now, whole=True)


def cancel(conn: Connection, owner: str, job_id: str) -> None:
    """Ask it to stop; what it found so far is its report. Raises NotFound."""
    if not conn.execute(update(job).where(_J.id == job_id, _J.owner == owner).values(cancel=True)).rowcount:
        raise NotFound(f"You have no comparison {job_id!r}.")


class Jobs:
    """The comparisons of one process."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._running: tuple[threading.Thread, threading.Event] | None = None

    def begin(self, owner: str, title: str, draft: Documents, days: float, limits: Limits | None = None) -> str:
        """Compare the last days' messages; answers the job's id at once. Raises TooBusy while another one runs here, and
        BadConfiguration for a draft that could not run."""
        with self._lock:
            if self._running is not None and self._running[0].is_alive():
                raise TooBusy(
                    "Another comparison is running in this process; wait for it, or cancel it.", retry_after=5
                )
            _, now = self._gateway.plan(Documents())
            _, then = self._gateway.plan(draft)
            job_id, asked_at, stop = str(ULID()), clock.now(), threading.Event()
            self._gateway.transact(lambda conn: self._keep(conn, job_id, owner, title, asked_at))
            since = asked_at - int(days * clock.DAY)
            thread = threading.Thread(
                target=self._run,
                args=(job_id, now, then, since, asked_at, limits, stop),
                name="weft-comparison",
                daemon=True,
            )
            self._running = thread, stop
            thread.start()
        return job_id

    def close(self) -> None:
        """Stop what runs and wait for it."""
        with self._lock:
            if self._running is not None:
                self._running[1].set()
                self._running[0].join(timeout=30)

    def _keep(self, conn: Connection, job_id: str, owner: str, title: str, asked_at: int) -> None:
        old = select(_J.id).where(_J.owner == owner).order_by(_J.asked_at.desc()).offset(KEPT - 1).limit(1_000)
        conn.execute(delete(job).where(_J.id.in_(list(conn.execute(old).scalars()))))
        conn.execute(insert(job).values(id=job_id, owner=owner, title=title, state="running", done=0, total=0, cancel=False,
                                        asked_at=asked_at, seen_at=asked_at))  # fmt: skip

    def _run(
        self, job_id: str, now: Hub, then: Hub, since: int, until: int, limits: Limits | None, stop: threading.Event
    ) -> None:
        heard = _Heard(self._gateway, job_id, stop)
        values: dict[str, Any]
        try:
            report = compare(
                self._gateway, now, then, since=since, until=until, limits=limits, progress=heard, stop=stop
            )
            state = "cancelled" if report["stopped"] == "cancelled" else "done"
            text = orjson.dumps(report, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
            values = {"state": state, "report": text.replace("\\u0000", "\\ufffd"), "done": report["messages"]}
        except (WeftError, DBAPIError) as error:
            values = {"state": "failed", "error": str(error)[:1_000]}
        except Exception:
            log.exception("comparison.broke", job=job_id)
            values = {"state": "failed", "error": "the comparison itself failed; the hub's log says why"}
        finally:
            for hub in (now, then):
                for live in hub.connections.values():
                    if live.runtime is not None:
                        live.runtime.close()
        try:
            heard.write(values | {"ended_at": clock.now()})
        except (WeftError, DBAPIError) as error:
            log.warning("comparison.not_kept", job=job_id, reason=str(error))


class _Heard:
    """Writes the progress down once a second, and hears whether the job shall stop."""

    def __init__(self, gateway: Gateway, job_id: str, stop: threading.Event) -> None:
        self._gateway, self._job, self._stop, self._next = gateway, job_id, stop, 0

    def __call__(self, done: int, total: int) -> None:
        now = clock.now()
        if now < self._next:
            return
        self._next = now + int(TELL_S * clock.SECOND)
        if self.write({"done": done, "total": total}):
            self._stop.set()

    def write(self, values: dict[str, Any]) -> bool:
        """True: somebody asked it to stop."""
        with self._gateway.transaction() as conn:
            conn.execute(update(job).where(_J.id == self._job).values(values | {"seen_at": clock.now()}))
            return bool(conn.execute(select(_J.cancel).where(_J.id == self._job)).scalar())


def _of(row: Any, now: int, *, whole: bool = False) -> Job:
    lost = row.state == "running" and row.seen_at < now - LOST
    state, error = ("failed", "its process was restarted; begin it again") if lost else (row.state, row.error)
    report = orjson.loads(row.report) if whole and row.report else None
    return Job(row.id, row.title, state, row.done, row.total, row.asked_at, row.ended_at, error, report)
