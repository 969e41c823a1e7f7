"""What does it cost to bring a stock table into the hub, beside dlt and beside a COPY by hand?

    python -m benchmarks.sync [--rows 500000] [--rounds 3] [--driver odbc|psycopg]

A table of stock (12 columns) on a durable PostgreSQL is read once as a whole, then again after 1 % of it changed. The hub
reads it by ODBC through a mapping, with ids, lineage of every field and the built-in rule on safety stock; dlt, with its
defaults and with the best it has for PostgreSQL, and the COPY by hand take the columns as they are. All of them run one
after the other, each in a process of its own, on the same server and in one run of this program. As the machine's other work
disturbs all of them, each is compared with its neighbours of the same round, on fresh databases, and the median of the
rounds counts. Before each run the server vacuums and analyzes all databases, as autovacuum would meanwhile. CPU seconds are
those of the client and of the server together, of one scheduled run: the hub's worker is there all the time, a dlt pipeline
is a program that its scheduler starts (its start is shown apart). Every way is checked against the source after each run.
dlt gets a virtual environment of its own (setup/dlt.lock).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks.meters import Claim, durable_postgres, new_database, server_pid, tree_cpu
from benchmarks.sync_source import fill, touch
from tests.real.postgres import Postgres

HERE = Path(__file__).parent
DLT = HERE.parent / ".components" / "dlt"
LOCK = HERE.parent / "setup" / "dlt.lock"
MEMORY_MB = 150


@dataclass(frozen=True)
class Cost:
    """One scheduled run: CPU seconds of the client and of the server, the client's highest memory. `start`: what the
    client's start and imports cost before that, where every run starts anew."""

    client: float
    server: float
    memory_mb: float
    start: float = 0.0

    @property
    def cpu(self) -> float:
        return self.start + self.client + self.server


@dataclass
class Way:
    """One way of syncing: its command, and how to see that it did it. `runs_on`: it is there all the time and has a
    schedule of its own; the others are started for every run."""

    name: str
    command: list[str]
    database: str
    check: str
    runs_on: bool

    def run(self, server: Postgres) -> Cost:
        pipe = subprocess.PIPE
        process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(), text=True)
        assert process.stdout is not None
        ready = process.stdout.readline()
        _settle(server)
        before = tree_cpu(server_pid(server))
        told, failed = process.communicate("go\n")
        if process.returncode or ready != "ready\n":
            raise RuntimeError(f"{self.name} failed: {failed[-3000:]}")
        said = orjson.loads(told.splitlines()[-1])
        used = tree_cpu(server_pid(server)) - before
        start = 0.0 if self.runs_on else said["cpu_s"] - said["run_cpu_s"]
        return Cost(said["run_cpu_s"], used, said["memory_mb"], start)


def _settle(server: Postgres) -> None:
    """What PostgreSQL would do in the background after the run before is done now, and counted to nobody."""
    every = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
    with create_engine(server.url, isolation_level="AUTOCOMMIT").connect() as conn:
        databases = conn.exec_driver_sql(every).scalars().all()
        conn.exec_driver_sql("CHECKPOINT")
    for database in databases:
        url = make_url(server.url).set(database=database)
        with create_engine(url, isolation_level="AUTOCOMMIT").connect() as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")


def _environment() -> dict[str, str]:
    """Nothing is told to anybody."""
    return os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false", "PYTHONPATH": str(HERE.parent)}


def dlt_python() -> Path:
    """Python with dlt; installed once, from the lock."""
    python, stamp = DLT / "bin" / "python", DLT / "lock"
    lock = LOCK.read_bytes()
    if not stamp.exists() or stamp.read_bytes() != lock:
        shutil.rmtree(DLT, ignore_errors=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(DLT)], check=True)
        subprocess.run(
            [*uv, "pip", "install", "-q", "--python", str(python), "--require-hashes", "-r", str(LOCK)], check=True
        )
        stamp.write_bytes(lock)
    return python


def ways(server: Postgres, source: str, folder: Path, driver: str, names: Sequence[str]) -> list[Way]:
    """All of them, each with a database of its own."""
    plain = source.replace("+psycopg", "").replace("weft@", "weft:weft@")
    made = []
    for name in names:
        database = new_database(server, name)
        target = database.replace("+psycopg", "").replace("weft@", "weft:weft@")
        if name == "hub":
            command = [sys.executable, "-m", "benchmarks.sync_hub", database, source, driver]
            check = (
                "SELECT count(*), sum((\"values\"::json ->> 'quantity')::numeric) FROM replica WHERE deleted_at IS NULL"
            )
        elif name == "copy":
            command = [sys.executable, "-m", "benchmarks.sync_plain", plain, target]
            check = "SELECT count(*), sum(qty) FROM plain"
        else:
            backend, file_format = (
                ("sqlalchemy", "insert_values") if name == "dlt_default" else ("connectorx", "parquet")
            )
            command = [
                str(dlt_python()),
                str(HERE / "sync_dlt.py"),
                plain,
                target,
                str(folder / name),
                backend,
                file_format,
            ]
            check = "SELECT count(*), sum(qty) FROM bench.stock"
        made.append(Way(name, command, database, check, runs_on=name == "hub"))
    return made


def _same(way: Way, source: str) -> None:
    """Raises RuntimeError unless the target holds what the source has."""
    with create_engine(source).connect() as conn:
        wanted = tuple(conn.exec_driver_sql("SELECT count(*), sum(qty) FROM stock").one())
    with create_engine(way.database).connect() as conn:
        found = tuple(conn.exec_driver_sql(way.check).one())
    if wanted != found:
        raise RuntimeError(f"{way.name} holds {found}, the source has {wanted}")


Costs = dict[str, Cost]


def measure(
    rows: int, rounds: int, driver: str, tell: Callable[[str], object], names: Sequence[str]
) -> tuple[list[Costs], list[Costs]]:
    """What the whole table and the changed share cost, by way, in each round."""
    full: list[Costs] = []
    changed: list[Costs] = []
    for n in range(rounds):
        with durable_postgres() as server, tempfile.TemporaryDirectory() as folder:
            source = new_database(server, "source")
            fill(source, rows)
            all_ways = ways(server, source, Path(folder), driver, names)
            full.append(_once(all_ways, server, source, lambda name, cost: tell(_line(name, "whole", rows, cost))))
            touched = touch(source, 0.01)
            changed.append(
                _once(all_ways, server, source, lambda name, cost, n=touched: tell(_line(name, "1 %", n, cost)))  # type: ignore[misc]
            )
        tell(f"round {n + 1} of {rounds} done\n")
    return full, changed


def _once(all_ways: Sequence[Way], server: Postgres, source: str, tell: Callable[[str, Cost], object]) -> Costs:
    costs: Costs = {}
    for way in all_ways:
        costs[way.name] = way.run(server)
        _same(way, source)
        tell(way.name, costs[way.name])
    return costs


def _ratio(rounds: Sequence[Costs], of: Sequence[str], by: Sequence[str]) -> float:
    """CPU of the cheapest of `of` by that of the cheapest of `by`: in each round, and the median of these."""
    return median(min(costs[name].cpu for name in of) / min(costs[name].cpu for name in by) for costs in rounds)


def _line(name: str, what: str, rows: int, cost: Cost) -> str:
    return (
        f"{name:<12} {what:<6} {rows:>8,} rows: start {cost.start:5.2f} s, client {cost.client:6.2f} s, "
        f"server {cost.server:6.2f} s, "
        f"{rows / cost.cpu:>9,.0f} rows per CPU second, {cost.memory_mb:6.0f} MB\n"
    )


def run(
    rows: int = 500_000, rounds: int = 3, driver: str = "odbc", tell: Callable[[str], object] = sys.stdout.write
) -> list[Claim]:
    """The claims of this part."""
    full, changed = measure(rows, rounds, driver, tell, ("hub", "dlt_best", "copy", "dlt_default"))
    hub, best, default, copy = ["hub"], ["dlt_best"], ["dlt_default"], ["copy"]
    least = {name: min(costs[name].cpu for costs in full) for name in full[0]}
    memory = max(costs["hub"].memory_mb for costs in [*full, *changed])
    return [
        Claim("sync: rows per CPU second, of dlt's with its defaults", _ratio(full, default, hub), "times", at_least=3),
        Claim("sync: rows per CPU second, of dlt's best", _ratio(full, best, hub), "times", at_least=0.5),
        Claim(
            "sync: CPU for 1 % changed, of the cheaper dlt's",
            _ratio(changed, hub, best + default),
            "times",
            at_most=0.25,
        ),
        Claim("sync: highest memory of any run", memory, "MB", at_most=MEMORY_MB),
        Claim("sync: rows per CPU second, of a COPY by hand", _ratio(full, copy, hub), "times"),
        Claim("sync: rows per CPU second, of dlt's best, each's best round", least["dlt_best"] / least["hub"], "times"),
        Claim("sync: thousand rows per CPU second, best round", rows / least["hub"] / 1000, "k/s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--driver", choices=["odbc", "psycopg"], default="odbc")
    given = parser.parse_args()
    sys.stdout.write("\n".join(claim.line() for claim in run(given.rows, given.rounds, given.driver)) + "\n")


if __name__ == "__main__":
    main()
