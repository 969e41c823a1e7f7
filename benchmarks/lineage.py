"""What value lineage costs: to append, to keep, and to ask.

    python -m benchmarks.lineage [--tickets 50000] [--batch 100] [--naive 20000] [--database sqlite]

Tickets of 20 fields are written from alerts through two mappings, and half of them written a second time (2 fields).
The same writes then go, for `--naive` of the tickets, into a table with a row per field (source, path, raw value,
value, mapping, time: what a drill-down answers) and its two indexes. CPU is that of this process, and on
PostgreSQL that of its server process; a drill-down is timed by the clock, over random fields of random tickets.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
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

from benchmarks.meters import Claim
from lineage import (
    Effect,
    Fact,
    FieldGraph,
    Node,
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
    Column("mapping", BigInteger),
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
def databases(url: str = "") -> Iterator[list[Engine]]:
    """An engine on an empty SQLite file, and one on PostgreSQL: a server of our own unless a URL is given."""
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
    """CPU seconds of one kind of work, here and in the server."""

    client: float = 0.0
    server: float = 0.0
    server_clock: Callable[[], float] = field(default=lambda: 0.0)

    @contextmanager
    def measured(self) -> Iterator[None]:
        client, server = time.process_time(), self.server_clock()
        yield
        self.client += time.process_time() - client
        self.server += self.server_clock() - server


def facts_of(number: int) -> dict[str, Any]:
    return {
        "ids.device": Fact(f"DEV-2026-{number % 5000:06}", "registry", ("device", "am-main", f"press-{number % 5000}")),
        "hub.load": number % 100,
    }


def write_tickets(engine: Engine, count: int, batch: int) -> list[Claim]:
    """Land and record, a transaction a batch; and write two fields of every other ticket again, another."""
    with engine.connect() as conn:
        clock = backend_clock(conn)
        landing, recording, again = (Cost(server_clock=clock) for _ in range(3))
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
            with recording.measured():
                record(conn, first)
                conn.commit()
            with again.measured():
                record(conn, [w._replace(fields=NAMES[:4:3], at=w.at + 60_000_000) for w in first[::2]])
                conn.commit()
            note_effects(
                conn, [Effect(w.rec, "close", "zbx/problem", str(w.rec), "applied", w.at) for w in first[::10]]
            )
            conn.commit()
    name, each = engine.dialect.name, 1e6 / count
    both = landing.client + recording.client
    claims = [
        Claim(f"{name}: record a ticket, CPU here per field", recording.client * each / 20, "us", at_most=2),
        Claim(f"{name}: land and record an alert, commit included, CPU here", both * each, "us", at_most=60),
        Claim(f"{name}: write two fields again, CPU here", again.client * each * 2, "us"),
    ]
    if clock() > 0:
        both = landing.server + recording.server
        claims.append(Claim(f"{name}: land and record an alert, CPU of the server", both * each, "us", at_most=40))
    return claims


def write_naive(engine: Engine, count: int, batch: int) -> list[Claim]:
    """The same writes with a row per field."""
    naive.metadata.create_all(engine)
    with engine.connect() as conn:
        cost = Cost(server_clock=backend_clock(conn))
        for start in range(0, count, batch):
            rows = []
            for n in range(start, min(start + batch, count)):
                text = alert(n)["annotations"]["summary"]
                writes = [(NOW + n, NAMES), (NOW + n + 60_000_000, NAMES[:4:3] if n % 2 == 0 else [])]
                rows += [
                    {
                        "rec": FIRST + n,
                        "field": name,
                        "at": at,
                        "dataset": "am-main/alert",
                        "source_key": str(n),
                        "source_field": "annotations.summary",
                        "raw": text,
                        "value": text,
                        "mapping": 1,
                    }
                    for at, names in writes
                    for name in names
                ]
            with cost.measured():
                conn.execute(insert(naive), rows)
                conn.commit()
    name = engine.dialect.name
    return [Claim(f"{name}: a row per field instead, CPU here per field", cost.client / count / 21 * 1e6, "us")]


def sizes(engine: Engine) -> dict[str, int]:
    """Bytes by table, indexes included."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if engine.dialect.name == "postgresql":
            conn.exec_driver_sql("VACUUM ANALYZE")
            statement = (
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
                "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        else:
            conn.exec_driver_sql("ANALYZE")
            statement = (
                "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s "
                "JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
            )
        return {name: int(size) for name, size in conn.exec_driver_sql(statement)}


def compare_sizes(engine: Engine, tickets: int, naive_tickets: int) -> list[Claim]:
    found, name = sizes(engine), engine.dialect.name
    provenance = (
        sum(found[f"lineage_{t}"] for t in ("prov", "prov_src", "effect", "plan", "field", "dataset")) / tickets
    )
    landing = sum(found[f"lineage_{t}"] for t in ("landing", "dictionary")) / tickets
    each = found["naive_field_lineage"] / naive_tickets
    return [
        Claim(f"{name}: provenance of a ticket", provenance, "bytes"),
        Claim(f"{name}: its source record (needed for the replay)", landing, "bytes"),
        Claim(f"{name}: a row per field, over provenance", each / provenance, "times", at_least=10),
        Claim(f"{name}: a row per field, over provenance and source record", each / (provenance + landing), "times"),
    ]


def timed(count: int, clock: Callable[[], float], work: Callable[[int], Any]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    for number in range(50):
        work(number)
    taken = []
    for number in range(count):
        start = clock()
        work(number)
        taken.append(clock() - start)
    cuts = quantiles(taken, n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3


def ask(engine: Engine, tickets: int, asks: int) -> list[Claim]:
    r = random.Random(7)
    name = engine.dialect.name
    graph = FieldGraph()
    graph.add(STAGE_1, "am-main/alert", "Alert")
    graph.add(STAGE_2, "Alert", "Ticket", roots={"ids": "registry", "hub": "hub"})
    message = {"message": compile_expression("ticket.field_00")}
    graph.add_rule("close", "zbx/problem", message, roots={"ticket": "Ticket"})
    picks = [(FIRST + r.randrange(tickets), r.choice(NAMES)) for _ in range(asks)]
    wall = time.perf_counter
    with engine.connect() as conn:
        nothing = timed(asks, wall, lambda _: conn.exec_driver_sql("SELECT 1").all())
        drilled = timed(asks, wall, lambda n: drill(conn, *picks[n % asks]))
        impacts = timed(asks, wall, lambda n: impact(conn, *picks[n % asks], graph=graph))
    bound = 0.7 if name == "postgresql" else 0.2
    return [
        Claim(f"{name}: SELECT 1, p50 (what the machine does else shows here)", nothing[0], "ms"),
        Claim(f"{name}: drill down into any field, p50", drilled[0], "ms", at_most=bound),
        Claim(f"{name}: drill down into any field, p99", drilled[1], "ms"),
        Claim(f"{name}: impact of any field, p50", impacts[0], "ms"),
    ]


def closure() -> list[Claim]:
    """The schema graph: everything below a field among 6,000 fields and 20,000 edges."""
    r = random.Random(1)
    graph = FieldGraph()
    for target in range(1, 60):
        for _ in range(20_000 // 59 + 1):
            source = Node(f"dataset{r.randrange(max(0, target - 5), target)}", (f"f{r.randrange(100)}",))
            graph.connect(source, Node(f"dataset{target}", (f"f{r.randrange(100)}",)), "DIRECT", "IDENTITY", via="m")
    start = [Node("dataset0", (f"f{number}",)) for number in range(100)]
    p50, _ = timed(300, time.process_time, lambda n: graph.downstream(start[n % 100], None))
    size = f"{len(graph.nodes()):,} fields and {len(graph):,} edges"
    return [Claim(f"everything below a field among {size}, p50 CPU", p50, "ms", at_most=2)]


def run(
    tickets: int = 50_000, batch: int = 100, compared: int = 20_000, only: Sequence[str] = (), url: str = ""
) -> list[Claim]:
    """All claims about lineage, measured on SQLite and on PostgreSQL."""
    claims = []
    compared = min(compared, tickets)
    with databases(url) as engines:
        for engine in (e for e in engines if not only or e.dialect.name in only):
            metadata.create_all(engine)
            claims += write_tickets(engine, tickets, batch)
            claims += write_naive(engine, compared, batch)
            claims += compare_sizes(engine, tickets, compared)
            claims += ask(engine, tickets, 2000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*claims, *closure(), Claim("memory of this process at its peak", peak, "MiB", at_most=4096)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tickets", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--naive", type=int, default=20_000, help="tickets in the row-per-field table")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append", help="only this one")
    parser.add_argument("--url", default="", help="an empty PostgreSQL database to use instead of one of our own")
    given = parser.parse_args(arguments)
    claims = run(given.tickets, given.batch, given.naive, given.database or (), given.url)
    print(f"{given.tickets:,} tickets of 20 fields, batches of {given.batch}, load {os.getloadavg()[0]:.1f}")
    print("\n".join(claim.line() for claim in claims))
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
