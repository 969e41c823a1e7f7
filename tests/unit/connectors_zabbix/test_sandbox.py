"""The stand-in behaves as Zabbix does: an independent client works on it unmodified, and its messages arrive."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from zabbix_utils import APIRequestError, ZabbixAPI

from connectors.contract import Command
from connectors.zabbix import ZabbixConfig, ZabbixConnector
from connectors.zabbix.sandbox import Sandbox, Server, fill
from tests.integration.zabbix.inbox import Inbox
from tests.unit.connectors_zabbix.conftest import ADMIN, VERSIONS


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    sandbox = Sandbox(request.param)
    fill(sandbox)
    with Server(sandbox, every_s=0.05) as running:
        yield running


@pytest.mark.parametrize("login", [{"user": "hub", "password": "hub-password"}, {"token": True}])
def test_the_official_client_works_on_it_unmodified(server: Server, login: dict[str, Any]) -> None:
    if "token" in login:
        login = {"token": server.sandbox.hub.token}
    api = ZabbixAPI(url=server.url, **login)
    assert str(api.api_version()) == server.sandbox.state.version
    assert api.check_auth()
    hosts = api.host.get(output=["hostid", "host"], selectInterfaces=["ip"])
    assert [h["host"] for h in hosts] == ["web01", "db01", "press-7"]
    with server.sandbox.state.lock:
        trigger = next(iter(server.sandbox.state.tables["trigger"].values()))
        event = server.sandbox.state.raise_problem(trigger)
    assert [p["eventid"] for p in api.problem.get(output=["eventid"])] == [event["eventid"]]
    assert api.event.acknowledge(eventids=event["eventid"], action=6, message="hello") == {
        "eventids": [event["eventid"]]
    }
    with pytest.raises(APIRequestError, match="does not exist"):
        api.event.acknowledge(eventids="4711", action=2)
    api.logout()


@pytest.mark.parametrize(
    ("version", "action", "says"),
    [
        ("6.0.14", 32, "unexpected value"),
        ("6.0.14", 18, "must be one of"),
        ("6.2.0", 128, "unexpected value"),
        ("6.4.0", 512, "unexpected"),
    ],
)
def test_it_takes_only_the_bits_of_its_version(version: str, action: int, says: str) -> None:
    sandbox = Sandbox(version)
    answer = _call(sandbox, "event.acknowledge", {"eventids": ["1"], "action": action}, sandbox.hub.token)
    assert says in answer["error"]["data"]


def test_each_version_takes_the_token_where_the_real_one_does() -> None:
    def outcome(version: str, *, bearer: bool, body: bool) -> str:
        sandbox = Sandbox(version)
        token = sandbox.hub.token
        answer = _call(
            sandbox, "host.get", {}, token if body else "", {"authorization": f"Bearer {token}"} if bearer else {}
        )
        return "ok" if "result" in answer else str(answer["error"]["data"])

    assert outcome("6.0.14", bearer=True, body=False) == "Not authorized."
    assert outcome("6.0.14", bearer=False, body=True) == "ok"
    assert outcome("6.4.0", bearer=True, body=False) == "ok"
    assert outcome("7.0.0", bearer=False, body=True) == "ok"
    assert 'unexpected parameter "auth"' in outcome("7.2.0", bearer=False, body=True)


def test_errors_have_the_codes_of_the_real_one() -> None:
    sandbox = Sandbox("6.0.14")
    assert _call(sandbox, "host.get", {}, "")["error"]["code"] == -32602
    assert _call(sandbox, "nonsense.get", {}, sandbox.hub.token)["error"]["code"] == -32601
    assert "must be called without" in _call(sandbox, "apiinfo.version", {}, sandbox.hub.token)["error"]["data"]
    request = httpx.Request(
        "POST", "http://s/api_jsonrpc.php", content=b"{", headers={"content-type": "application/json"}
    )
    assert sandbox.handle(request).json()["error"]["code"] == -32700
    assert sandbox.handle(httpx.Request("POST", "http://s/api_jsonrpc.php", content=b"{}")).status_code == 412


def test_problems_updates_and_recoveries_reach_the_hub_and_a_close_comes_later(server: Server) -> None:
    settings: dict[str, Any] = {
        "url": server.url,
        "token": server.sandbox.hub.token,
        "webhook_secret": "a secret of the hub",
    }
    with Inbox() as hub, closing(ZabbixConnector(ZabbixConfig(**settings))) as connector:
        connector.install(hub.url, administrator=ADMIN)
        httpx.post(
            f"{server.url}/sandbox/values", json={"host": "press-7", "key": "temp", "value": 95}, trust_env=False
        )
        _until(lambda: len(hub.deliveries) == 1)
        (problem,) = connector.receive(hub.deliveries[0])
        assert (problem.record["name"], problem.record["kind"]) == ("Press 7 is too hot", "problem")
        receipt = connector.write(Command("c-1", "close_problem", {"eventid": problem.key}, {"message": "cooled"}))
        assert receipt.values["closed"] is False
        _until(lambda: len(hub.deliveries) == 3)
        kinds = {e.record["kind"]: e.record for d in hub.deliveries[1:] for e in connector.receive(d)}
    assert kinds["update"]["update"]["command_id"] == "c-1"
    assert kinds["recovery"]["message_id"] == "M1", "the hub's answer to the first message became a tag of the event"


def test_a_message_the_hub_refuses_is_sent_again(server: Server) -> None:
    settings: dict[str, Any] = {"url": server.url, "token": server.sandbox.hub.token, "webhook_token": "t" * 12}
    with Inbox(refusals=2) as hub, closing(ZabbixConnector(ZabbixConfig(**settings))) as connector:
        connector.install(hub.url, administrator=ADMIN)
        httpx.post(f"{server.url}/sandbox/values", json={"host": "db01", "key": "temp", "value": 95}, trust_env=False)
        _until(lambda: len(hub.deliveries) == 1)
        assert connector.receive(hub.deliveries[0])[0].record["host"] == "db01"


def test_a_value_for_nothing_is_refused(server: Server) -> None:
    wrongs: list[Any] = [{"host": "nowhere", "key": "temp", "value": 1}, {"host": "db01", "key": "x", "value": 1}, []]
    for wrong in wrongs:
        assert httpx.post(f"{server.url}/sandbox/values", json=wrong, trust_env=False).status_code == 400


def _call(sandbox: Sandbox, method: str, params: Any, auth: str, headers: dict[str, str] | None = None) -> Any:
    body = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1} | ({"auth": auth} if auth else {})
    given = {"content-type": "application/json"} | (headers or {})
    content = json.dumps(body).encode()
    return sandbox.handle(httpx.Request("POST", "http://s/api_jsonrpc.php", content=content, headers=given)).json()


def _until(found: Any, deadline_s: float = 10) -> None:
    end = time.monotonic() + deadline_s
    while not found():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)
