"""The same first sight from many senders at once, at one gateway and at two: one ticket, and nobody is refused."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

import core_tickets
from gateway.api.app import create_app
from gateway.config import documents
from gateway.database import migrate, open_engine
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.usecases import ledger
from tests.acceptance.alerts import BEARER, CONNECTION, alert, message
from tests.acceptance.cluster import Cluster
from tests.acceptance.running_hub import eventually

CLIENTS = 32


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a real socket, in a thread; answers its URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


def open_gateways(home: Path, url: str, count: int) -> list[Gateway]:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    made = [Gateway(Settings(home=home, database_url=url)) for _ in range(count)]
    made[0].apply(documents.validate({"connections": [CONNECTION]}))
    return made


@pytest.fixture
def gateway(tmp_path: Path, migrated_url: str) -> Gateway:
    """One gateway, on either database."""
    return open_gateways(tmp_path, migrated_url, 1)[0]


@pytest.fixture
def pair(tmp_path: Path, postgres_database: str) -> list[Gateway]:
    """Two gateways on one PostgreSQL; SQLite has one writer."""
    return open_gateways(tmp_path, postgres_database, 2)


async def all_at_once(urls: list[str], rounds: int) -> list[int]:
    """Every client sends the round's one alert at the same moment; the statuses they got."""
    limits = httpx.Limits(max_connections=CLIENTS)
    statuses: list[int] = []
    async with httpx.AsyncClient(timeout=60, headers=BEARER, limits=limits) as client:
        for n in range(rounds):
            body: Any = message(alert(n, name=f"Kind{n}"))
            posts = [client.post(f"{urls[c % len(urls)]}/v1/inbound/am", json=body) for c in range(CLIENTS)]
            statuses += [a.status_code for a in await asyncio.gather(*posts)]
    return statuses


def check(gateway: Gateway, rounds: int, statuses: list[int]) -> None:
    assert statuses == [202] * (rounds * CLIENTS)
    with gateway.reading() as conn:
        tickets = core_tickets.search(conn, core_tickets.Filters(), None, 500).items
        report = ledger.audit(conn)
    assert sorted(t.source_key or "" for t in tickets) == [f"{n:016x}" for n in range(rounds)]
    assert {t.occurrences for t in tickets} <= set(range(1, CLIENTS + 1))
    assert report.clean, report.findings
    assert report.received == rounds * CLIENTS
    assert report.ends["ticketed"] == rounds


def one_gateway(gateway: Gateway, rounds: int) -> None:
    with served(create_app(gateway=gateway, worker=False)) as url:
        statuses = asyncio.run(all_at_once([url], rounds))
        check(gateway, rounds, statuses)


def two_gateways(pair: list[Gateway], rounds: int) -> None:
    first, second = pair
    with (
        served(create_app(gateway=first, worker=False)) as one,
        served(create_app(gateway=second, worker=False)) as two,
    ):
        statuses = asyncio.run(all_at_once([one, two], rounds))
        check(first, rounds, statuses)


@contextmanager
def cluster(home: Path, url: str) -> Iterator[tuple[Cluster, Gateway]]:
    """Two gateways and two workers as processes of their own, and a gateway to look with."""
    running = Cluster(home, url, {"connections": [CONNECTION]})
    looking = Gateway(Settings(home=home / "var", database_url=url))
    try:
        running.start(migrated=True)
        yield running, looking
    finally:
        looking.close()
        running.stop()


def test_a_first_sight_at_a_cluster_at_once_is_one_ticket(tmp_path: Path, migrated_postgres: str) -> None:
    with cluster(tmp_path, migrated_postgres) as (running, looking):
        check(looking, 10, asyncio.run(all_at_once(running.urls, 10)))


@pytest.mark.campaign
def test_a_first_sight_at_a_cluster_at_once_is_one_ticket_fifty_times(tmp_path: Path, migrated_postgres: str) -> None:
    with cluster(tmp_path, migrated_postgres) as (running, looking):
        check(looking, 50, asyncio.run(all_at_once(running.urls, 50)))


def test_a_first_sight_by_many_at_once_is_one_ticket(gateway: Gateway) -> None:
    one_gateway(gateway, 10)


def test_a_first_sight_at_two_gateways_at_once_is_one_ticket(pair: list[Gateway]) -> None:
    two_gateways(pair, 10)


@pytest.mark.campaign
def test_a_first_sight_by_many_at_once_is_one_ticket_fifty_times(gateway: Gateway) -> None:
    one_gateway(gateway, 50)


@pytest.mark.campaign
def test_a_first_sight_at_two_gateways_at_once_is_one_ticket_fifty_times(pair: list[Gateway]) -> None:
    two_gateways(pair, 50)
