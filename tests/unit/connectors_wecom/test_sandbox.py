"""The stand-in over a port: what arrived can be read, and it can be meddled with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connectors.channel_sandbox import Server
from connectors.contract import Command
from connectors.errors import AuthProblem
from connectors.settings import parse_config
from connectors.wecom import WecomConnector
from connectors.wecom.sandbox import AGENT, CORP, Sandbox


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, httpx.Client, WecomConnector]]:
    sandbox = Sandbox()
    with Server(sandbox.handle) as server, httpx.Client(base_url=server.url, timeout=5) as client:
        given = {"corp_id": CORP, "agent_id": AGENT, "app_secret": sandbox.secret, "default_users": ["zhangsan"]}
        config: Any = parse_config(WecomConnector, {**given, "robot_key": sandbox.robot_key, "api_url": server.url})
        connector = WecomConnector(config)
        yield sandbox, client, connector
        connector.close()


def test_what_arrived_is_listed_and_can_be_forgotten(served: tuple[Sandbox, httpx.Client, WecomConnector]) -> None:
    _, client, connector = served
    connector.write(Command("1", "send", {"to": "all"}, {"title": "到群"}))
    connector.write(Command("2", "send_app", {"to": "default"}, {"title": "到人"}))
    told = client.get("/sandbox/messages").json()["messages"]
    assert [(m["by"], m["to"], m["mentioned"]) for m in told] == [
        ("robot", ["group"], ["@all"]),
        ("app", ["zhangsan"], []),
    ]
    client.delete("/sandbox/messages")
    assert client.get("/sandbox/messages").json() == {"messages": []}


def test_it_can_be_meddled_with_from_outside(served: tuple[Sandbox, httpx.Client, WecomConnector]) -> None:
    sandbox, client, connector = served
    connector.write(Command("1", "send_app", {"to": "default"}, {"title": "到人"}))
    assert client.post("/sandbox/expire", json={"code": 40014}).status_code == 200
    connector.write(Command("2", "send_app", {"to": "default"}, {"title": "又到人"}))
    assert sandbox.fetched == 2
    client.post("/sandbox/remove_robot")
    with pytest.raises(AuthProblem):
        connector.check()


@pytest.mark.parametrize(("path", "body", "status"), [("nothing", {}, 404), ("expire", {"kode": 1}, 400)])
def test_what_it_does_not_know_it_says(
    served: tuple[Sandbox, httpx.Client, WecomConnector], path: str, body: dict[str, Any], status: int
) -> None:
    assert served[1].post(f"/sandbox/{path}", json=body).status_code == status
