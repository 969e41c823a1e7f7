"""Over real HTTP, through the hub's runtime: a command of three steps, streams resumed, secrets masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.contract import Ask, Command, Policy
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, PASSWORD, USER, Server, serve
from connectors.runtime import Connection, Done, MustConfirm, NotDone
from connectors.settings import parse_config

COMMAND = Command(
    "c-1", "create_requisition", {"ticket": "TKT-2026-000001"}, {"lines": [{"item": "BRG-6205", "quantity": 8}]}
)


@pytest.fixture
def server() -> Iterator[Server]:
    started = serve()
    yield started
    started.stop()


@pytest.fixture(params=["headers", "app_secret", "password"])
def connection(server: Server, request: pytest.FixtureRequest) -> Iterator[Connection]:
    settings = {
        "url": server.url,
        "data_center": ACCT,
        "username": USER,
        "organization": "100",
        "login": request.param,
        "app_id": APP_ID,
        "app_secret": APP_SECRET,
        "password": PASSWORD,
        "page_size": 10,
    }
    made = Connection.make("k3", KingdeeConnector, parse_config(KingdeeConnector, settings), Policy(rate_per_s=1000))
    yield made
    made.close()


def test_the_check_says_yes(connection: Connection) -> None:
    health = connection.check()
    assert health.ok, health.message
    assert health.remote_version == "8.2.0.20251016"


def test_every_stream_is_read(connection: Connection) -> None:
    counts = {s.name: sum(len(b.records) for b in connection.read(s, None)) for s in connection.streams()}
    assert counts == {
        "items": 7,
        "stock": 4,
        "customers": 3,
        "suppliers": 2,
        "purchase_orders": 42,
        "sales_orders": 34,
        "arrivals": 40,
        "receipts": 40,
        "bom": 6,
    }


def test_a_session_lost_while_reading_is_not_noticed(connection: Connection, server: Server) -> None:
    server.sandbox.door.ends_after = 2
    stream = next(s for s in connection.streams() if s.name == "purchase_orders")
    assert sum(len(b.records) for b in connection.read(stream, None)) == 42


def test_a_requisition_is_audited_after_three_writes_and_the_connection_is_well(
    connection: Connection, server: Server
) -> None:
    fates: list[Any] = []
    for _ in range(2):
        fates += [connection.write(COMMAND), connection.confirm(COMMAND)]
    fates.append(connection.write(COMMAND))
    assert [type(fate) for fate in fates] == [MustConfirm, NotDone, MustConfirm, NotDone, Done]
    assert [operation for operation, _, _ in server.sandbox.state.history] == ["Save", "Submit", "Audit"]
    assert connection.condition.status == "ok"


def test_a_question_is_answered_within_its_deadline(connection: Connection) -> None:
    answer = connection.lookup(Ask("suppliers", {"item": "BRG-6205"}, 5))
    assert answer is not None
    (supplier,) = answer.values["suppliers"]
    assert (supplier["supplier"], str(supplier["on_time_rate"])) == ("V001", "0.8500")
