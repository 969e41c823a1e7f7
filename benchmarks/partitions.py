"""How reading a stream grows with the number of its parts, and taking messages with the number of processes.

    python -m benchmarks.partitions [--rows 60000] [--alerts 2000]

A stock table on a durable PostgreSQL is read into a hub on the same server, as a whole and in 2 and 4 parts by warehouse, each
part by a process of its own (`weft sync part`, as Airflow's mapped tasks begin them), each time into a fresh database. Only the
reading counts: from the first process to the end of the last, less what an empty part takes to start. The same alerts are
then sent to one and to two gateway processes. Ratios of one run; two cores cannot be twice as fast at anything that PostgreSQL
itself does half of.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from benchmarks.client import Client
from benchmarks.meters import HEADERS, INBOUND, Claim, durable_postgres, ended, hub, new_database
from tests.acceptance.running_hub import WEFT, RunningHub
from tests.real.postgres import Postgres

WAREHOUSES = 8
FIELDS = {"item": {"type": "text"}, "warehouse": {"type": "text"}, "qty": {"type": "number"}}


def fill(url: str, rows: int) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql(
            "CREATE TABLE stock (item text, warehouse text, qty numeric(18,4), PRIMARY KEY (warehouse, item))"
        )
        conn.execute(
            text(
                "INSERT INTO stock SELECT 'ART-' || lpad(n::text, 7, '0'), 'W' || (n % :w), n % 1000 "
                "FROM generate_series(1, :rows) n"
            ),
            {"rows": rows, "w": WAREHOUSES},
        )
    engine.dispose()


def configuration(source: str, parts: int) -> dict[str, Any]:
    """`parts` parts of the same size, and the empty one of what is in none of them."""
    url = source.replace("//weft@", "//")  # a URL without a user: it is told apart
    stream = {"table": "stock", "key": ["warehouse", "item"], "page_rows": 2000, "fields": FIELDS}
    config = {"url": url, "username": "weft" if "//weft@" in source else "", "streams": {"stock": stream}}
    mapping = {"mapping": "bench", "from": {"connector": "sql", "stream": "stock"}, "to": "StockLevel",
               "fields": {"item": "item", "warehouse": "warehouse", "quantity": "qty"},
               "tests": [{"in": {"item": "a", "warehouse": "w", "qty": 1}, "out": {"item": "a"}}]}  # fmt: skip
    bounds = [f"W{WAREHOUSES // parts * n}" for n in range(1, parts)] or ["W0"]
    return {
        "connections": [{"id": "erp", "connector": "sql", "mappings": {"stock": "bench"}, "config": config}],
        "mappings": [mapping],
        "syncs": [{"connection": "erp", "stream": "stock", "partitions": {"by": "warehouse", "bounds": bounds}}],
        "policies": [{"policy": "scheduling", "scheduler": "airflow"}],
    }


def read(server: Postgres, source: str, parts: int, rows: int) -> float:
    """Rows per second with so many processes side by side."""
    with tempfile.TemporaryDirectory(prefix="weft-benchmark-") as folder:
        home = Path(folder)
        running = RunningHub(home, new_database(server, f"parts_{parts}"))
        (home / "config.json").write_text(json.dumps(configuration(source, parts)), "utf-8")
        for words in (("migrate",), ("apply", str(home / "config.json"))):
            running.weft(*words)
        plan = json.loads(running.weft("sync", "plan", "erp", "stock", "--json").stdout)
        began = time.perf_counter()
        command = ["sync", "part", "--reading", str(plan["reading"]), "--json", "--", "erp", "stock"]
        processes = [
            subprocess.Popen([str(WEFT), *command, name], env=running.environment, cwd=home, stdout=subprocess.PIPE)
            for name in plan["parts"]
        ]
        told = [json.loads(process.communicate()[0]) for process in processes]
        took = time.perf_counter() - began
        running.weft("sync", "finish", "erp", "stock", "--reading", str(plan["reading"]))
        found = sum(each["added"] for each in told)
        if found != rows:
            raise RuntimeError(f"{found} of {rows} rows were added: {told}")
        running.weft("audit")
        sys.stderr.write(f"{parts} parts: {took:.2f} s, of each {[each['added'] for each in told]}\n")
        return rows / took


def take(server: Postgres, processes: int, alerts: int) -> float:
    """Alerts per second by so many gateway processes behind one port."""
    url = new_database(server, f"inbox_{processes}")
    with (
        hub(url, "--no-worker", "--workers", str(processes)) as running,
        Client(running.port, INBOUND, headers=HEADERS) as client,
    ):
        client.send(0, 200)
        answer = client.send(200, alerts)
        running.audit()
    found = ended(url)
    if found["tickets"] != alerts + 200:
        raise RuntimeError(f"the ledger does not add up: {found}")
    return float(answer["requests"] / answer["seconds"])


def run(rows: int = 60_000, alerts: int = 2_000) -> list[Claim]:
    with durable_postgres() as server:
        source = new_database(server, "source")
        fill(source, rows)
        speed = {parts: read(server, source, parts, rows) for parts in (1, 2, 4)}
        inbox = {processes: take(server, processes, alerts) for processes in (1, 2)}
    return [
        Claim("rows/s of a stream read by one process (its start included)", speed[1], "rows/s"),
        Claim("the same in 2 parts by 2 processes", speed[2] / speed[1], "x"),
        Claim("the same in 4 parts by 4 processes", speed[4] / speed[1], "x"),
        Claim("alerts/s taken by one gateway process", inbox[1], "alerts/s"),
        Claim("the same by two gateway processes on one PostgreSQL", inbox[2] / inbox[1], "x"),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--alerts", type=int, default=2_000)
    given = parser.parse_args(arguments)
    sys.stdout.write("\n".join(claim.line() for claim in run(given.rows, given.alerts)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
