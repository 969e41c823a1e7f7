"""What an alert costs from the socket to the committed ticket, and how fast alerts are taken, on a durable PostgreSQL.

    python -m benchmarks.ingest [--alerts 4000] [--rounds 3]

`weft serve` runs as users run it; 32 keep-alive connections each send one Alertmanager message with one alert (about
430 bytes) once the last one was answered. CPU is that of the hub's and of PostgreSQL's process trees together, so the
figures depend little on what else the machine does; the sender is a process of its own and is not counted. Claims are
measured with --no-worker: context and commands are deferred by design, and a worker may run elsewhere. The cost with
the embedded worker is told beside it. Throughput is a ratio: the same client sends the same alerts to a bare FastAPI
endpoint (`benchmarks/bare.py`, made of the hub's own parts) on the same PostgreSQL, in turns; beside it is told how the
hub compares with the fastest endpoint that could be written. The best round counts; the ledger must add up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.client import Client
from benchmarks.meters import (
    HEADERS,
    INBOUND,
    Claim,
    Meter,
    durable_postgres,
    ended,
    hub,
    hub_pid,
    new_database,
    server_pid,
)
from tests.acceptance.running_hub import eventually
from tests.real.postgres import Postgres, free_port

WARM_UP = 1_000


@contextmanager
def bare_endpoint(server: Postgres) -> Iterator[tuple[int, int]]:
    """The port and the process id of the bare endpoint, a process of its own."""
    port = free_port()
    url = new_database(server, "bare").replace("+psycopg", "")
    command = [sys.executable, "-m", "benchmarks.bare", str(port), url]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    try:
        eventually(lambda: _answers(port), 60)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        return httpx.post(f"http://127.0.0.1:{port}/bare", content=b"x", timeout=5).status_code == 202
    except httpx.TransportError:
        return False


def without_worker(server: Postgres, alerts: int, rounds: int) -> list[Claim]:
    """The hub, the bare endpoint of its own stack and the raw one take the same alerts in turns."""
    new, again, bare, beside_bare, beside_raw = [], [], [], [], []
    url = new_database(server, "ingest")
    with hub(url, "--no-worker") as running, bare_endpoint(server) as (port, bare_pid), ExitStack() as stack:
        meter = Meter({"hub": hub_pid(running), "postgresql": server_pid(server)})
        bare_meter = Meter({"bare": bare_pid, "postgresql": server_pid(server)})
        client = stack.enter_context(Client(running.port, INBOUND, headers=HEADERS))
        yardstick = stack.enter_context(Client(port, "/bare"))
        raw = stack.enter_context(Client(port, "/raw"))
        for each in (client, yardstick, raw):
            each.send(0, WARM_UP)
        for number in range(rounds):
            first = WARM_UP + number * alerts
            bare_meter.start()
            base = _speed(yardstick.send(first, alerts))
            bare.append(sum(bare_meter.read().values()) / alerts * 1000)
            fastest = _speed(raw.send(first, alerts))
            meter.start()
            taken = client.send(first, alerts)
            parts = {name: seconds / alerts * 1000 for name, seconds in meter.read().items()}
            new.append(sum(parts.values()))
            meter.start()
            repeated = client.send(first, alerts)
            again.append(sum(meter.read().values()) / alerts * 1000)
            beside_bare.append(_speed(taken) / base)
            beside_raw.append(_speed(taken) / fastest)
            told = {"new": new[-1], **parts, "duplicate": again[-1], "new/s": _speed(taken), "p99": taken["p99_ms"],
                    "bare": bare[-1], "bare/s": base, "raw/s": fastest, "duplicates/s": _speed(repeated)}  # fmt: skip
            sys.stderr.write(f"round {number}: {', '.join(f'{k} {v:.3f}' for k, v in told.items())}\n")
        running.audit()
        expected = WARM_UP + rounds * alerts
        found = ended(url)
        if found != {"ticketed": expected, "merged": rounds * alerts, "tickets": expected}:
            raise RuntimeError(f"the ledger does not add up: {found}, expected {expected} tickets")
    return [
        Claim("CPU per new ticketed alert (hub + PostgreSQL)", min(new), "ms", at_most=1.0),
        Claim("the same for the bare endpoint that inserts a row", min(bare), "ms"),
        Claim("CPU per duplicate (hub + PostgreSQL)", min(again), "ms", at_most=0.6),
        Claim("new alerts/s beside a bare FastAPI endpoint that inserts a row", max(beside_bare), "x", at_least=1.0),
        Claim("the same beside one without SQLAlchemy: asynchronous psycopg, prepared", max(beside_raw), "x"),
    ]


def _speed(answer: dict[str, Any]) -> float:
    return float(answer["requests"] / answer["seconds"])


def with_worker(server: Postgres, alerts: int) -> list[Claim]:
    """With the embedded worker at its work in the same process meanwhile; what it has not got to yet is not counted."""
    url = new_database(server, "ingest_worker")
    with hub(url) as running:
        meter = Meter({"hub": hub_pid(running), "postgresql": server_pid(server)})
        with Client(running.port, INBOUND, headers=HEADERS) as client:
            client.send(0, WARM_UP)
            meter.start()
            client.send(WARM_UP, alerts)
            used = sum(meter.read().values())
        running.audit()
    return [Claim("the same while the embedded worker runs", used / alerts * 1000, "ms")]


def run(alerts: int = 4_000, rounds: int = 3) -> list[Claim]:
    with durable_postgres() as server:
        return without_worker(server, alerts, rounds) + with_worker(server, alerts)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--alerts", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    claims = run(given.alerts, given.rounds)
    for claim in claims:
        sys.stdout.write(claim.line() + "\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
