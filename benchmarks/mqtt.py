"""How many MQTT readings a second the hub takes, each committed before it is acknowledged, beside a bare subscriber.

    python -m benchmarks.mqtt [--readings 20000] [--rounds 2]

A real mosquitto for each; a publisher in a process of its own (`gateway.demo.sensors`, QoS 1, JSON of about 70 bytes, 50
devices); the subscriber is either a paho client whose callback only counts (acknowledged by the library), or `weft
serve` with an MQTT connection, on SQLite (synchronous FULL) and on PostgreSQL (synchronous_commit on). Time runs from
the start of the publisher to the last reading counted, which for the hub means committed: counted in its ledger. Bare
and hub in turns, the best ratio of the rounds counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Connection, create_engine, text

from benchmarks.meters import Claim, Meter, durable_postgres, hub, hub_pid, new_database, server_pid
from connectors.mqtt.sandbox import settings
from tests.acceptance.running_hub import eventually
from tests.real import mosquitto

_REPOSITORY = Path(__file__).parents[1]
TOPIC = "dt/#"


def count_bare(port: int, count: int) -> None:
    """The bare subscriber: says when it is ready, and when it has counted so many."""
    client = Client(CallbackAPIVersion.VERSION2)
    seen = 0

    def counted(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            sys.stdout.write("done\n")
            sys.stdout.flush()
            client.disconnect()

    def ready(*_: object) -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def connected(*_: object) -> None:
        client.subscribe(TOPIC, qos=1)

    client.on_connect, client.on_subscribe, client.on_message = connected, ready, counted
    client.connect("127.0.0.1", port)
    client.loop_forever()


def bare_speed(port: int, readings: int) -> float:
    command = [sys.executable, "-m", "benchmarks.mqtt", "--bare", str(port), "--readings", str(readings)]
    with subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True) as subscriber:
        assert subscriber.stdout is not None
        assert subscriber.stdout.readline() == "ready\n"
        began = time.monotonic()
        publisher = mosquitto.start_flood(port, readings)
        assert subscriber.stdout.readline() == "done\n"
        took = time.monotonic() - began
        publisher.wait(60)
    return readings / took


class Ledger:
    """How many readings the hub has committed. Only what came since the last look is counted, so that looking often
    does not take part in what it measures."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._counted, self._last = 0, 0

    def count(self) -> int:
        asked = text("SELECT count(*), max(id) FROM message WHERE stream = 'reading' AND id > :last")
        found, last = self._conn.execute(asked, {"last": self._last}).one()
        self._conn.rollback()
        self._counted, self._last = self._counted + found, last or self._last
        return self._counted


@contextmanager
def subscribed_hub(url: str, port: int) -> Iterator[tuple[Ledger, int]]:
    """A hub that takes readings, its ledger and its process id."""
    connection = {"id": "plant", "connector": "mqtt", "config": settings(f"mqtt://127.0.0.1:{port}")}
    engine = create_engine(url)
    with hub(url, connections=(connection,)) as running, engine.connect() as conn:
        ledger = Ledger(conn)
        first = iter(range(10**9, 2 * 10**9))
        eventually(lambda: _arrives(ledger, port, next(first)), 60, why="the hub does not subscribe")
        yield ledger, hub_pid(running)
    engine.dispose()


def _arrives(ledger: Ledger, port: int, number: int) -> bool:
    mosquitto.flood(port, 1, first=number)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if ledger.count():
            return True
        time.sleep(0.05)
    return False


def hub_speed(ledger: Ledger, port: int, readings: int, first: int) -> float:
    before = ledger.count()
    began = time.monotonic()
    publisher = mosquitto.start_flood(port, readings, first=first)
    eventually(lambda: ledger.count() >= before + readings, 300, 0.1, why="not all readings were committed")
    took = time.monotonic() - began
    publisher.wait(60)
    if ledger.count() != before + readings:
        raise RuntimeError(f"{ledger.count() - before} readings in the ledger, {readings} were sent")
    return readings / took


def measure(name: str, url: str, readings: int, rounds: int, database: dict[str, int]) -> list[Claim]:
    """`database`: the process tree of the database server, if there is one."""
    ratios, costs = [], []
    with (
        mosquitto.running() as other,
        mosquitto.running() as broker,
        subscribed_hub(url, broker.port) as (ledger, pid),
    ):
        meter = Meter({"hub": pid} | database)
        for number in range(rounds):
            bare = bare_speed(other.port, readings)
            meter.start()
            ours = hub_speed(ledger, broker.port, readings, number * readings)
            costs.append(sum(meter.read().values()) / readings * 1e6)
            ratios.append(ours / bare)
            sys.stderr.write(f"{name} {number}: {ours:.0f}/s beside {bare:.0f}/s bare, {costs[-1]:.0f} us CPU each\n")
    return [
        Claim(f"MQTT readings/s committed on {name} beside a bare paho subscriber", max(ratios), "x", at_least=0.5),
        Claim(f"CPU per MQTT reading on {name}", min(costs), "us"),
    ]


def run(readings: int = 20_000, rounds: int = 2) -> list[Claim]:
    with tempfile.TemporaryDirectory(prefix="weft-benchmark-") as folder:
        claims = measure("SQLite", f"sqlite:///{folder}/weft.db", readings, rounds, {})
    with durable_postgres() as server:
        url = new_database(server, "mqtt")
        return claims + measure("PostgreSQL", url, readings, rounds, {"postgresql": server_pid(server)})


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--readings", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bare", type=int, metavar="PORT", help="be the bare subscriber")
    given = parser.parse_args(arguments)
    if given.bare:
        count_bare(given.bare, given.readings)
        return 0
    claims = run(given.readings, given.rounds)
    for claim in claims:
        sys.stdout.write(claim.line() + "\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
