"""What value lineage costs: to append, to keep, and to ask.

    python -m benchmarks.lineage [--tickets 50000] [--batch 100] [--naive 50000] [--url postgresql+psycopg://...]

Tickets of 20 fields are written from alerts through two mappings, and half of them written a second time (2 fields).
The same writes then go, for `--naive` of the tickets, into a table with a row per field (source, path, raw value,
value, mapping, formula, time: what a drill-down answers) and its two indexes. CPU is that of this process, and on
PostgreSQL that of its server process; a drill-down is timed by the clock, over random fields of random tickets.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil  # type: ignore[import-untyped]
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    insert,
)

from lineage import (
    Effect,
    Fact,
    FieldGraph,
    SourceRead,
    Write,
    drill,
    impact,
    land,
    metadata,
    note_effects,
    plan,
    record,
)
from mappings import compile_expression, load_mapping
from tests.real.postgres import Postgres

NOW = 1_795_341_600_000_000
FIRST = 12_026_000_000_000
NAMES = [f"field_{number:02}" for number in range(20)]

STAGE_1 = load_mapping("""
mapping: bench_alert
from: {connector: benchmark, stream: alert}
to: Alert
tables: {severity: {critical: critical, warning: warning}}
fields:
  key: fingerprint
  episode: startsAt
  status: status
  severity: lookup(labels.severity, severity)
  title: annotations.summary
  description: annotations.description
  device: labels.instance
  site: labels.site
  value: {expr: num(annotations.value), on_error: null}
  labels: labels
  starts_at: datetime(startsAt)
  rule: labels.alertname
  url: generatorURL
tests: [{in: {}, dead: key}]
""")
FORMULAS = [
    "title",
    "concat(title, ' on ', ids.device)",
    "description",
    "'P1' if severity == 'critical' else 'P2'",
    "ids.device",
    "site",
    "key",
    "url",
    "text(round(0.3 * value + 0.7 * hub.load, 2))",
    "rule",
]
STAGE_2 = load_mapping(
    "mapping: bench_ticket\nfrom: {connector: hub, stream: alert}\n"
    "to: {dataset: benchmark.ticket, key: [field_00]}\nfields:\n"
    + "".join(
        f'  {name}: {{expr: "{FORMULAS[number % 10]}", type: text, on_error: {"null" if number else "dead_letter"}}}\n'
        for number, name in enumerate(NAMES)
    )
    + "tests: [{in: {title: a}, out: {field_00: a}}]\n"
)

naive = Table(
    "naive_field_lineage",
    MetaData(),
    Column("rec", BigInteger),
    Column("field", Text),
    Column("at", BigInteger),
    Column("dataset", Text),
    Column("source_key", Text),
    Column("source_field", Text),
    Column("raw", Text),
    Column("value", Text),
    Column("mapping", Text),
    Column("expression", Text),
    Index("naive_rec", "rec", "field", "at"),
    Index("naive_source", "dataset", "source_key", "source_field"),
)


def alert(number: int) -> dict[str, Any]:
    """An alert of 700 bytes; hosts and rules repeat, times, values and fingerprints don't."""
    r = random.Random(number)
    host = f"press-{r.randrange(5000)}.hall-{number % 40}.example.com:9100"
    return {
        "status": "firing",
        "labels": {
            "alertname": r.choice(["HighTemperature", "DiskFull", "VibrationTooHigh", "NoHeartbeat"]),
            "instance": host,
            "severity": r.choice(["critical", "warning"]),
            "site": f"hall-{number % 40}",
            "job": "node",
            "team": r.choice(["maintenance", "it", "quality"]),
        },
        "annotations": {
            "summary": f"{host} is {r.randrange(600, 999) / 10} degrees",
            "description": "The value has been above its threshold for five minutes; see the runbook of this rule.",
            "value": f"{r.random() * 100:.3f}",
        },
        "startsAt": f"2026-11-{r.randrange(10, 30)}T{r.randrange(10, 24)}:{r.randrange(10, 60)}:{number % 50 + 10}Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"http://prometheus.example.com:9090/graph?g0.expr=temp+%3E+{r.randrange(100)}&g0.tab=1",
        "fingerprint": f"{r.getrandbits(64):016x}",
    }


@contextmanager
def databases(url: str) -> Iterator[list[Engine]]:
    """An engine on an empty SQLite file, and one on PostgreSQL (a server of our own unless a URL is given)."""
    server = None if url else Postgres().start()
    with tempfile.TemporaryDirectory() as folder:
        sqlite = create_engine(f"sqlite:///{Path(folder, 'weft.db')}")

        @event.listens_for(sqlite, "connect")
        def _set_up(raw: Any, _record: object) -> None:
            raw.isolation_level = None
            raw.execute("PRAGMA journal_mode=WAL")

        @event.listens_for(sqlite, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        engines = [sqlite, create_engine(server.url if server is not None else url)]
        try:
            yield engines
        finally:
            for engine in engines:
                engine.dispose()
            if server is not None:
                server.remove()


def backend_clock(conn: Connection) -> Callable[[], float]:
    """CPU seconds used by the server process of this connection; 0 where there is none on this machine."""
    if conn.dialect.name != "postgresql":
        return lambda: 0.0
    process = psutil.Process(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    return lambda: float(process.cpu_times().user + process.cpu_times().system)


@dataclass
class Cost:
    """CPU seconds of one kind of work."""

    client: float = 0.0
    server: float = 0.0
    client_clock: Callable[[], float] = time.process_time
    server_clock: Callable[[], float] = field(default=lambda: 0.0)

    @contextmanager
    def measured(self) -> Iterator[None]:
        client, server = self.client_clock(), self.server_clock()
        yield
        self.client += self.client_clock() - client
        self.server += self.server_clock() - server

    def per(self, count: int) -> str:
        return f"{self.client / count * 1e6:6.2f} us client + {self.server / count * 1e6:6.2f} us server"


def facts_of(number: int) -> dict[str, Any]:
    return {
        "ids.device": Fact(f"DEV-2026-{number % 5000:06}", "registry", ("device", "am-main", f"press-{number % 5000}")),
        "hub.load": number % 100,
    }


def write_tickets(engine: Engine, count: int, batch: int) -> None:
    """Land, record, and record again for every other ticket; prints what that cost."""
    with engine.connect() as conn:
        clock = backend_clock(conn)
        landing, recording, commit = (Cost(server_clock=clock) for _ in range(3))
        for start in range(0, count, batch):
            numbers = range(start, min(start + batch, count))
            reads = [SourceRead("am-main/alert", str(n), alert(n), NOW + n) for n in numbers]
            with landing.measured():
                ids = land(conn, reads)
            made = plan(conn, (STAGE_1, STAGE_2))
            first = [
                Write(FIRST + n, made, NAMES, (i,), facts_of(n), "rule:bench", NOW + n)
                for n, i in zip(numbers, ids, strict=True)
            ]
            again = [w._replace(fields=("field_00", "field_03"), at=w.at + 60_000_000) for w in first[::2]]
            with recording.measured():
                record(conn, first)
                record(conn, again)
            with commit.measured():
                conn.commit()
            note_effects(
                conn, [Effect(w.rec, "close", "zbx/problem", str(w.rec), "applied", w.at) for w in first[::10]]
            )
            conn.commit()
    fields = count * 20 + (count + 1) // 2 * 2
    print(f"  append: land   {landing.per(count)} per alert")
    print(f"          record {recording.per(count)} per ticket ({recording.per(fields)} per field)")
    print(f"          commit {commit.per(count)} per ticket, in batches of {batch}")


def write_naive(engine: Engine, count: int, batch: int) -> None:
    """The same writes with a row per field."""
    naive.metadata.create_all(engine)
    formulas = {name: STAGE_2.rules[name].tree.text for name in NAMES}
    with engine.connect() as conn:
        cost = Cost(server_clock=backend_clock(conn))
        for start in range(0, count, batch):
            rows = []
            for n in range(start, min(start + batch, count)):
                source = alert(n)
                for again, names in ((0, NAMES), (1, NAMES[:4:3])):
                    rows += [
                        {
                            "rec": FIRST + n,
                            "field": name,
                            "at": NOW + n + again * 60_000_000,
                            "dataset": "am-main/alert",
                            "source_key": str(n),
                            "source_field": "annotations.summary",
                            "raw": source["annotations"]["summary"],
                            "value": source["annotations"]["summary"],
                            "mapping": STAGE_2.version,
                            "expression": formulas[name],
                        }
                        for name in (names if again == 0 or n % 2 == 0 else ())
                    ]
            with cost.measured():
                conn.execute(insert(naive), rows)
                conn.commit()
    print(f"  a row per field: append {cost.per(count * 21)} per field")


def sizes(engine: Engine) -> dict[str, int]:
    """Bytes by table, indexes included."""
    with engine.connect() as conn:
        if engine.dialect.name == "postgresql":
            rows = conn.exec_driver_sql(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
                "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).all()
        else:
            rows = conn.exec_driver_sql(
                "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s "
                "JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
            ).all()
    return {name: int(size) for name, size in rows}


def print_sizes(engine: Engine, tickets: int, naive_tickets: int) -> float:
    """Prints bytes per ticket; returns the naive table's size over that of provenance."""
    found = sizes(engine)
    provenance = (
        sum(found[f"lineage_{t}"] for t in ("prov", "prov_src", "effect", "plan", "field", "dataset")) / tickets
    )
    landing = sum(found[f"lineage_{t}"] for t in ("landing", "dictionary")) / tickets
    each = found["naive_field_lineage"] / naive_tickets
    print(
        f"  size per ticket: provenance {provenance:.0f} B ({provenance / 21:.1f} B a field), landing {landing:.0f} B"
    )
    print(f"  a row per field: {each:.0f} B a ticket = {each / provenance:.1f} x provenance, ", end="")
    print(f"{each / (provenance + landing):.1f} x provenance and landing")
    return each / provenance


def timed(count: int, work: Callable[[int], Any]) -> str:
    """p50 and p99 by the clock, and the mean CPU of this process."""
    for number in range(50):
        work(number)
    taken = []
    cpu = time.process_time()
    for number in range(count):
        start = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    cuts = quantiles(taken, n=100)
    return f"p50 {cuts[49] * 1e3:.3f} ms, p99 {cuts[98] * 1e3:.3f} ms, {cpu / count * 1e3:.3f} ms CPU here"


def ask(engine: Engine, tickets: int, asks: int) -> None:
    r = random.Random(7)
    graph = FieldGraph()
    graph.add(STAGE_1, "am-main/alert", "Alert")
    graph.add(STAGE_2, "Alert", "Ticket", roots={"ids": "registry", "hub": "hub"})
    graph.add_rule(
        "close", "zbx/problem", {"message": compile_expression("ticket.field_00")}, roots={"ticket": "Ticket"}
    )
    picks = [(FIRST + r.randrange(tickets), r.choice(NAMES)) for _ in range(asks)]
    with engine.connect() as conn:
        print(f"  drill-down {timed(asks, lambda n: drill(conn, *picks[n % asks]))}")
        print(f"  impact     {timed(asks // 4, lambda n: impact(conn, *picks[n % asks], graph=graph))}")


def closure() -> None:
    """The schema graph: everything below a field among 6,000 fields and 20,000 edges."""
    from lineage import Node

    r = random.Random(1)
    graph = FieldGraph()
    for target in range(1, 60):
        for _ in range(20_000 // 59 + 1):
            source = Node(f"dataset{r.randrange(max(0, target - 5), target)}", (f"f{r.randrange(100)}",))
            graph.connect(source, Node(f"dataset{target}", (f"f{r.randrange(100)}",)), "DIRECT", "IDENTITY", via="m")
    start = [Node("dataset0", (f"f{number}",)) for number in range(100)]
    size = len(graph.downstream(start[1], None).nodes)
    result = timed(300, lambda n: graph.downstream(start[n % 100], None))
    print(f"closure over {len(graph.nodes()):,} fields, {len(graph):,} edges ({size:,} reached): {result}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tickets", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--naive", type=int, default=50_000, help="tickets in the row-per-field table")
    parser.add_argument("--asks", type=int, default=2000)
    parser.add_argument("--url", default="", help="an empty PostgreSQL database to use")
    given = parser.parse_args(arguments)
    worst = float("inf")
    with databases(given.url) as engines:
        for engine in engines:
            metadata.create_all(engine)
            print(f"{engine.dialect.name}: {given.tickets:,} tickets of 20 fields, load {os.getloadavg()[0]:.1f}")
            write_tickets(engine, given.tickets, given.batch)
            compared = min(given.naive, given.tickets)
            write_naive(engine, compared, given.batch)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")
            worst = min(worst, print_sizes(engine, given.tickets, compared))
            ask(engine, given.tickets, given.asks)
    closure()
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if worst < 10:
        print("provenance is larger than a tenth of a row per field")
    return 0 if worst >= 10 else 1


if __name__ == "__main__":
    sys.exit(main())
