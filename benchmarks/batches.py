"""What an alert costs when Alertmanager sends a hundred at a time, on a durable PostgreSQL: each its own ticket, and a
storm.

    python -m benchmarks.batches [--alerts 10000] [--rounds 2]

CPU of the hub's and of PostgreSQL's process trees together, `weft serve --no-worker`, 4 connections that each send the
next message once the last one was answered. In a storm all alerts have one name: the hub opens 50 tickets, then one more
that takes in the rest as its members. The best round counts; the ledger must add up.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

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
from tests.real.postgres import Postgres

WARM_UP = 1_000
BATCH = 100


def costs(server: Postgres, alerts: int, rounds: int, *, storm: bool) -> list[float]:
    """Milliseconds of CPU per alert, one figure a round."""
    url = new_database(server, "storm_batches" if storm else "distinct_batches")
    figures = []
    with hub(url, "--no-worker") as running, Client(running.port, INBOUND, 4, HEADERS) as client:
        meter = Meter({"hub": hub_pid(running), "postgresql": server_pid(server)})
        client.send(0, WARM_UP, batch=BATCH)
        for number in range(rounds):
            name = f"Everything{number}Down" if storm else ""
            meter.start()
            sent = client.send(WARM_UP + number * alerts, alerts, batch=BATCH, name=name)
            used = {part: seconds / alerts * 1000 for part, seconds in meter.read().items()}
            figures.append(sum(used.values()))
            told = ", ".join(f"{part} {cost:.3f}" for part, cost in used.items())
            sys.stderr.write(
                f"{'storm' if storm else 'distinct'} {number}: {told} ms, {alerts / sent['seconds']:.0f}/s\n"
            )
        running.audit()
    opened = rounds * (51 if storm else alerts) + WARM_UP
    folded = rounds * (alerts - 51) if storm else 0
    expected = {"ticketed": opened, "tickets": opened} | ({"merged": folded} if folded else {})
    if (found := ended(url)) != expected:
        raise RuntimeError(f"the ledger does not add up: {found}, expected {expected}")
    return figures


def run(alerts: int = 10_000, rounds: int = 2) -> list[Claim]:
    with durable_postgres() as server:
        distinct = costs(server, alerts, rounds, storm=False)
        storm = costs(server, alerts, rounds, storm=True)
    return [
        Claim(
            "CPU per alert in batches of 100, each its own ticket (hub + PostgreSQL)", min(distinct), "ms", at_most=0.25
        ),
        Claim("CPU per alert in batches of 100, all of one storm (hub + PostgreSQL)", min(storm), "ms", at_most=0.25),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args(arguments)
    claims = run(given.alerts, given.rounds)
    for claim in claims:
        sys.stdout.write(claim.line() + "\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
