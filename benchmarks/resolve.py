"""How much does resolving identities cost beside the bare index look-up?

    python -m benchmarks.resolve [--keys 30000] [--batch 5000] [--rounds 8] [--database postgresql|sqlite]

Counts CPU seconds of this process plus, on PostgreSQL, of the server process that serves it, so the figures depend
little on what else the machine does. Every round runs all cases on keys in random order; each case's best round counts.

raw        PostgreSQL: one index probe per key, a batch per statement, through the bare driver, rows fetched and
           dropped. SQLite: one prepared SELECT per key through the bare driver.
known      resolve() of keys that all exist (redirects followed, answer as a dict)
10 % new   resolve() of which every tenth key does not exist yet
new        resolve() of keys that do not exist yet
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import Connection, Engine, create_engine, event

from benchmarks.meters import Claim
from id_registry import KINDS, Key, merge, metadata, resolve
from tests.real.postgres import Postgres

NOW = 1_790_000_000_000_000
SYSTEMS = ("crm-main", "erp-group", "monitoring", "mes-plant-2")
KIND_NAMES = ("customer", "device", "article")
MERGED = 0.01
"""Share of the known keys that are merged with another, so that redirects are followed in earnest."""
RAW = """
SELECT k.o, x.gid FROM unnest(%b::smallint[], %b::text[], %b::text[]) WITH ORDINALITY k(kind, system, local, o)
CROSS JOIN LATERAL (
  SELECT gid FROM xref WHERE kind = k.kind AND system = k.system AND local = k.local OFFSET 0) x
"""
RAW_SQLITE = "SELECT gid FROM xref WHERE kind = ? AND system = ? AND local = ?"


def keys_of(series: str, count: int) -> list[Key]:
    return [Key(KIND_NAMES[i % 3], SYSTEMS[i % 4], f"{series}-{i:08d}") for i in range(count)]


@contextmanager
def database(name: str) -> Iterator[Engine]:
    """An engine on an empty database of that make."""
    if name == "postgresql":
        server = Postgres().start()
        engine = create_engine(server.url)
        try:
            yield engine
        finally:
            engine.dispose()
            server.remove()
        return
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder, 'weft.db')}")

        @event.listens_for(engine, "connect")
        def _set_up(raw: object, _record: object) -> None:
            raw.isolation_level = None  # type: ignore[attr-defined]
            raw.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        yield engine
        engine.dispose()


def cpu_clock(conn: Connection) -> Callable[[], float]:
    """CPU seconds used so far by this process and by the server process of this connection."""
    if conn.dialect.name != "postgresql":
        return time.process_time
    pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    exact, backend = Path(f"/proc/{pid}/schedstat"), psutil.Process(pid)

    def used() -> float:
        if exact.exists():  # Linux tells nanoseconds there, and hundredths of a second elsewhere
            return time.process_time() + int(exact.read_text().split()[0]) / 1e9
        server = backend.cpu_times()
        return time.process_time() + float(server.user) + float(server.system)

    return used


def look_up_raw(conn: Connection, batches: Sequence[Sequence[Key]]) -> None:
    driver = conn.connection.driver_connection
    assert driver is not None
    numbers = {name: kind.number for name, kind in KINDS.items()}
    cursor = driver.cursor()
    for batch in batches:
        if conn.dialect.name == "postgresql":
            columns = [numbers[key[0]] for key in batch], [key[1] for key in batch], [key[2] for key in batch]
            cursor.execute(RAW, columns, prepare=False)
            found = len(cursor.fetchall())
        else:
            found = sum(cursor.execute(RAW_SQLITE, (numbers[k], s, i)).fetchone() is not None for k, s, i in batch)
        assert found == len(batch)
        driver.commit()
    cursor.close()


def look_up(conn: Connection, batches: Sequence[Sequence[Key]]) -> None:
    for batch in batches:
        found = resolve(conn, batch, NOW)
        conn.commit()
        assert len(found) == len(batch)


def shuffled_batches(keys: Sequence[Key], size: int) -> list[list[Key]]:
    order = random.sample(keys, len(keys))
    return [order[start : start + size] for start in range(0, len(order), size)]


def prepare(engine: Engine, known: Sequence[Key], batch: int) -> None:
    """The known keys, a few of them merged, in tables that the planner has looked at."""
    metadata.create_all(engine)
    with engine.connect() as conn:
        look_up(conn, shuffled_batches(known, batch))
        pairs = known[: int(len(known) * MERGED)]
        gids = resolve(conn, pairs, NOW)
        for a, b in zip(pairs, pairs[12:], strict=False):  # 12 further on: the same kind
            if hash(a) % 2:
                merge(conn, gids[a], gids[b], actor="benchmark", reason="", now=NOW)
        conn.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")


def measure(engine: Engine, count: int, batch: int, rounds: int) -> dict[str, float]:
    """Case -> keys per CPU second, the best of the rounds."""
    known = keys_of("known", count)
    prepare(engine, known, batch)
    best: dict[str, float] = {}
    with engine.connect() as conn:
        clock = cpu_clock(conn)
        conn.commit()
        for number in range(rounds):
            tenth = keys_of(f"tenth{number}", count // 10)
            cases: dict[str, tuple[Callable[[Connection, Sequence[Sequence[Key]]], None], Sequence[Key]]] = {
                "raw": (look_up_raw, known),
                "known": (look_up, known),
                "10 % new": (look_up, known[: count - len(tenth)] + tenth),
                "new": (look_up, keys_of(f"new{number}", count)),
            }
            for case, (run, keys) in cases.items():
                batches = shuffled_batches(keys, batch)
                before = clock()
                run(conn, batches)
                best[case] = max(best.get(case, 0.0), len(keys) / (clock() - before))
    return best


def run(keys: int = 30_000, batch: int = 5_000, rounds: int = 8) -> list[Claim]:
    """The claim about known ids, on PostgreSQL; what is new is for information."""
    with database("postgresql") as engine:
        speeds = measure(engine, keys, batch, rounds)
    claims = [Claim("known ids resolved / raw index lookup, per CPU second", speeds["known"] / speeds["raw"], "x",
                    at_least=0.8)]  # fmt: skip
    return claims + [Claim(f"      the same, {c}", speeds[c] / speeds["raw"], "x") for c in ("10 % new", "new")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--keys", type=int, default=30_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), action="append")
    given = parser.parse_args()
    for name in given.database or ("postgresql", "sqlite"):
        with database(name) as engine:
            speeds = measure(engine, given.keys, given.batch, given.rounds)
        size = f"{given.keys:,} keys in batches of {given.batch:,}"
        print(f"{name}: {size}, best of {given.rounds}, load {os.getloadavg()[0]:.1f}")
        for case, speed in speeds.items():
            print(f"  {case:9} {speed / 1000:8.1f} k keys per CPU second   {speed / speeds['raw']:.2f} of raw")


if __name__ == "__main__":
    main()
