"""What measurements share: CPU of process trees, a PostgreSQL and a hub to measure, and what a claim holds against."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine

from tests.acceptance.alerts import CONNECTION, TOKEN
from tests.acceptance.running_hub import RunningHub
from tests.real.postgres import Postgres

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
INBOUND = "/v1/inbound/am"


@dataclass(frozen=True)
class Claim:
    """One promise of the product with what was measured. `at_most` or `at_least` is the promise."""

    text: str
    measured: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        return (self.at_most is None or self.measured <= self.at_most) and (
            self.at_least is None or self.measured >= self.at_least
        )

    def line(self) -> str:
        if self.at_most is None and self.at_least is None:
            verdict, promise = "    ", ""
        else:
            verdict = "PASS" if self.holds else "FAIL"
            promise = f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"
        return f"{verdict}  {self.text:<78} {self.measured:>9.3f} {self.unit:<14} {promise}"


def tree_cpu(pid: int) -> float:
    """CPU seconds that a process, its children, and its children that ended have used."""
    root = psutil.Process(pid)
    own = root.cpu_times()
    total = float(own.user + own.system + own.children_user + own.children_system)
    for child in root.children(recursive=True):
        try:
            used = child.cpu_times()
        except psutil.NoSuchProcess:  # ended meanwhile; it is counted with its parent from now on
            continue
        total += float(used.user + used.system + used.children_user + used.children_system)
    return total


@dataclass
class Meter:
    """CPU of several process trees by name, since `start`."""

    trees: dict[str, int]

    def start(self) -> None:
        self._before = {name: tree_cpu(pid) for name, pid in self.trees.items()}

    def read(self) -> dict[str, float]:
        return {name: tree_cpu(pid) - self._before[name] for name, pid in self.trees.items()}


@contextmanager
def durable_postgres() -> Iterator[Postgres]:
    """A PostgreSQL as production has it: fsync and synchronous_commit on."""
    server = Postgres(durable=True).start()
    try:
        yield server
    finally:
        server.remove()


def server_pid(server: Postgres) -> int:
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])


def new_database(server: Postgres, name: str) -> str:
    """The URL of a new, empty database."""
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.url.rsplit("/", 1)[0] + "/" + name


@contextmanager
def hub(url: str, *arguments: str, connections: tuple[dict[str, Any], ...] = (CONNECTION,)) -> Iterator[RunningHub]:
    """`weft serve` as a process on this database, with a connection `am` for an Alertmanager."""
    home = Path(tempfile.mkdtemp(prefix="weft-benchmark-"))
    running = RunningHub(home, url, {"connections": list(connections)}, arguments)
    try:
        yield running.start()
    finally:
        running.stop()
        shutil.rmtree(home, ignore_errors=True)


def hub_pid(running: RunningHub) -> int:
    assert running.process is not None
    return running.process.pid


def ended(url: str) -> dict[str, int]:
    """Messages by the end they came to, and the number of tickets, from the ledger itself."""
    engine = create_engine(url)
    with engine.connect() as conn:
        found = {str(end): int(n) for end, n in conn.exec_driver_sql('SELECT "end", count(*) FROM message GROUP BY 1')}
        found["tickets"] = int(conn.exec_driver_sql("SELECT count(*) FROM ticket").scalar_one())
    engine.dispose()
    return found
