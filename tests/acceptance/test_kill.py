"""kill -9 at any moment, and a database that goes away: nothing acknowledged is lost, nothing happens twice; with one
process, and with two gateways and two workers on one PostgreSQL."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.acceptance.alerts import BEARER, CONNECTION, alert, message
from tests.acceptance.cluster import Cluster
from tests.acceptance.conftest import StartHub
from tests.acceptance.running_hub import RunningHub, eventually
from tests.real.postgres import Postgres


class Senders:
    """Alertmanagers that send and, as those do, send again what was not acknowledged. `taken`: the messages that were."""

    def __init__(self, hub: RunningHub, count: int = 4) -> None:
        self.hub, self.taken, self.refused = hub, set[str](), 0
        self.series: set[int] = set()
        self.bad: set[int] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, sender: int) -> None:
        number = sender * 1_000_000
        with httpx.Client(base_url=self.hub.url, headers=BEARER, timeout=10) as client:
            while not self._stop.is_set():
                number += 1
                body = message(alert(number, name=f"Kind{number}"), alert(sender + 1, name="Standing"))
                while not self._stop.is_set() and not self._sent(client, body):
                    self._stop.wait(0.05)  # the sender's own pause before it tries again
                if not self._stop.is_set():
                    self.series.add(number)

    def _sent(self, client: httpx.Client, body: object) -> bool:
        try:
            answer = client.post("/v1/inbound/am", json=body)
        except httpx.TransportError:
            return False
        if answer.status_code == 202:
            self.taken.add(answer.json()["message_id"])
            return True
        self.refused += 1
        if answer.status_code != 503:
            self.bad.add(answer.status_code)
        return False


def check_nothing_is_lost(hub: RunningHub, senders: Senders) -> None:
    """Every 202 is in the ledger, every series has its one ticket, and the audit is clean."""
    assert senders.taken
    url = hub.database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.connect() as conn:
        stored = {str(row[0]) for row in conn.execute(text("SELECT id FROM delivery"))}
        doubled = conn.execute(
            text("SELECT fingerprint, count(*) FROM ticket GROUP BY fingerprint HAVING count(*) > 1")
        ).all()
        known = {row[0] for row in conn.execute(text("SELECT source_key FROM ticket"))}
    engine.dispose()
    assert senders.taken - stored == set()
    assert doubled == []
    assert {f"{n:016x}" for n in senders.series} - known == set()
    hub.audit()


def kill_and_go_on(start_any: StartHub, kills: int, seed: int) -> None:
    hub = start_any({"connections": [CONNECTION]})
    dice = random.Random(seed)
    with Senders(hub) as senders:
        for _ in range(kills):
            before = len(senders.taken)
            eventually(lambda b=before: len(senders.taken) > b + 5)  # type: ignore[misc]
            threading.Event().wait(dice.uniform(0, 0.7))
            hub.kill()
            hub.serve()
        before = len(senders.taken)
        eventually(lambda: len(senders.taken) > before + 5)
    assert senders.bad == set()
    check_nothing_is_lost(hub, senders)


def test_a_hub_that_is_killed_under_load_loses_nothing_and_doubles_nothing(start_any: StartHub) -> None:
    kill_and_go_on(start_any, 3, seed=7)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_a_hub_that_is_killed_twenty_times_under_load_loses_nothing_and_doubles_nothing(start_any: StartHub) -> None:
    kill_and_go_on(start_any, 20, seed=int(time.time()))


def database_goes_away(kind: type[RunningHub], home: Path, modes: Sequence[str], away_s: float) -> None:
    server = Postgres(durable=True).start()
    hub = kind(home, server.url, {"connections": [CONNECTION]})
    try:
        hub.start()
        with Senders(hub) as senders:
            for mode in modes:
                before = len(senders.taken)
                eventually(lambda b=before: len(senders.taken) > b + 20)  # type: ignore[misc]
                server.stop(mode)
                refused, away = senders.refused, time.monotonic()
                eventually(lambda r=refused: senders.refused > r + 5)  # type: ignore[misc]
                assert httpx.get(f"{hub.url}/healthz", timeout=20).status_code == 200
                ready = httpx.get(f"{hub.url}/readyz", timeout=20)
                assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
                tickets = httpx.get(f"{hub.url}/v1/tickets", headers=hub.bearer, timeout=20)
                assert tickets.status_code == 503
                eventually(lambda a=away: time.monotonic() > a + away_s, away_s + 5)  # type: ignore[misc]
                server.start()
                before = len(senders.taken)
                eventually(lambda b=before: len(senders.taken) > b + 20)  # type: ignore[misc]
        assert senders.bad == set()
        eventually(lambda: httpx.get(f"{hub.url}/readyz", timeout=20).status_code == 200)
        check_nothing_is_lost(hub, senders)
    finally:
        hub.stop()
        server.remove()


@pytest.mark.parametrize(("kind", "modes"), [(RunningHub, ("fast", "immediate")), (Cluster, ("immediate",))])
def test_a_hub_whose_database_goes_away_says_so_and_goes_on_by_itself_when_it_is_back(
    kind: type[RunningHub], modes: Sequence[str], tmp_path: Path
) -> None:
    database_goes_away(kind, tmp_path, modes, 5)


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [RunningHub, Cluster])
def test_a_hub_whose_database_is_away_for_two_minutes_goes_on_by_itself_when_it_is_back(
    kind: type[RunningHub], tmp_path: Path
) -> None:
    database_goes_away(kind, tmp_path, ("immediate",), 120)
