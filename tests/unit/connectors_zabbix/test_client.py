"""Zabbix's API: where the token goes, what each failure means, and that no secret gets out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.zabbix import ZabbixConfig
from connectors.zabbix.client import MayNotCall, Refused, Version, ZabbixClient
from connectors.zabbix.sandbox import Sandbox
from tests.unit.connectors_zabbix.conftest import VERSIONS

PASSWORD = "a pass/word+with=signs"
TOKEN = "f" * 64


def client_on(answer: Callable[[httpx.Request], httpx.Response], **settings: Any) -> ZabbixClient:
    config = ZabbixConfig(**{"url": "https://zabbix.example.test", "token": TOKEN} | settings)
    return ZabbixClient(config, transport=httpx.MockTransport(answer))


def client_of(sandbox: Sandbox, **settings: Any) -> ZabbixClient:
    return client_on(sandbox.handle, **{"token": sandbox.hub.token} | settings)


def answering(answer: Any) -> Callable[[httpx.Request], httpx.Response]:
    """A Zabbix 6.0 that gives this answer to everything but apiinfo.version."""

    def handle(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["method"] == "apiinfo.version":
            return httpx.Response(200, json={"jsonrpc": "2.0", "result": "6.0.14", "id": 1})
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, json={"jsonrpc": "2.0", "error": answer, "id": 1})

    return handle


@pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)
def test_it_logs_in_with_a_token_or_a_password_to_every_version(sandbox: Sandbox) -> None:
    sandbox.state.host("web01")
    login = {"token": None, "username": "hub", "password": "hub-password"}
    for client in (client_of(sandbox), client_of(sandbox, **login)):
        assert [h["host"] for h in client.call("host.get", {"output": ["host"]})] == ["web01"]


@pytest.mark.parametrize(
    ("version", "in_body"), [("6.0.14", True), ("6.2.1", True), ("6.4.0", False), ("7.2.0", False)]
)
def test_the_token_goes_where_the_version_wants_it(version: str, in_body: bool) -> None:
    sandbox, seen = Sandbox(version), []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return sandbox.handle(request)

    client_on(handle, token=sandbox.hub.token).call("host.get", {})
    assert "auth" not in json.loads(seen[0].content), "apiinfo.version must go without"
    assert ("auth" in json.loads(seen[1].content)) is in_body
    assert ("authorization" in seen[1].headers) is not in_body


def test_a_session_that_ended_is_renewed_once(sandbox: Sandbox) -> None:
    client = client_of(sandbox, token=None, username="hub", password="hub-password")
    client.call("host.get", {})
    sandbox.state.sessions.clear()
    assert client.call("host.get", {}) == []
    assert len(sandbox.state.sessions) == 1


def test_a_session_that_is_refused_right_after_the_login_is_no_endless_loop() -> None:
    calls = []

    def handle(request: httpx.Request) -> httpx.Response:
        call = json.loads(request.content)
        calls.append(call["method"])
        if call["method"] == "host.get":
            error = {"code": -32602, "message": "Invalid params.", "data": "Session terminated, re-login, please."}
            return httpx.Response(200, json={"jsonrpc": "2.0", "error": error, "id": 1})
        return httpx.Response(200, json={"jsonrpc": "2.0", "result": "6.0.14", "id": 1})

    with pytest.raises(AuthProblem):
        client_on(handle, token=None, username="hub", password="p").call("host.get", {})
    assert calls.count("host.get") == 2


def test_an_unknown_token_is_not_tried_again(sandbox: Sandbox) -> None:
    with pytest.raises(AuthProblem, match="does not accept the API token"):
        client_of(sandbox, token="0" * 64).call("host.get", {})


def test_a_zabbix_upgraded_meanwhile_is_noticed() -> None:
    sandbox = Sandbox("6.0.14")
    client = client_of(sandbox)
    client.call("host.get", {})
    sandbox.state.version, sandbox.state.major_minor = "7.2.0", (7, 2)
    assert client.call("host.get", {}) == []
    assert client.version().text == "7.2.0"


def test_closing_ends_the_session(sandbox: Sandbox) -> None:
    client = client_of(sandbox, token=None, username="hub", password="hub-password")
    client.call("host.get", {})
    client.close()
    assert not sandbox.state.sessions


@pytest.mark.parametrize("text", ["5.0.30", "4.4.0"])
def test_a_zabbix_too_old_is_named(text: str) -> None:
    with pytest.raises(ConfigProblem, match=f"Zabbix {text} is too old"):
        client_on(lambda _: httpx.Response(200, json={"jsonrpc": "2.0", "result": text, "id": 1})).version()


def test_something_else_than_zabbix_is_named() -> None:
    with pytest.raises(ConfigProblem, match="none of Zabbix"):
        Version.parse("hello")


READ_AND_WRITE = [(False, Transient), (True, Ambiguous)]


@pytest.mark.parametrize(("write", "kind"), READ_AND_WRITE)
@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("gone"),
        httpx.WriteError("broken pipe"),
        httpx.Response(500),
        httpx.Response(502, text="<html>Bad Gateway</html>"),
        httpx.Response(504),
        httpx.Response(200, text="<html>login</html>", headers={"content-type": "text/html"}),
        httpx.Response(200, text='{"jsonrpc": "2.0", "resu'),
        httpx.Response(200, json={"hello": 1}),
        httpx.Response(200, json=[1]),
    ],
    ids=str,
)
def test_no_answer_is_transient_for_a_read_and_ambiguous_for_a_write(
    failure: Any, write: bool, kind: type[ConnectorError]
) -> None:
    with pytest.raises(kind):
        client_on(answering(failure)).call("event.acknowledge", {}, write=write)


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    ("failure", "kind", "says"),
    [
        (httpx.ConnectError("refused"), Transient, "can't be reached"),
        (httpx.ConnectTimeout("slow"), Transient, "can't be reached"),
        (httpx.PoolTimeout("busy"), Transient, "can't be reached"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), ConfigProblem, "not trusted"),
        (httpx.Response(503), Transient, "HTTP 503"),
        (httpx.Response(429), Transient, "HTTP 429"),
        (
            httpx.Response(301, headers={"location": "https://z.test/zabbix/?key=1"}),
            ConfigProblem,
            "z.test/zabbix/; put",
        ),
        (httpx.Response(401), AuthProblem, "web server in front"),
        (httpx.Response(403), AuthProblem, "web server in front"),
        (httpx.Response(404), ConfigProblem, "no Zabbix front end there"),
        (httpx.Response(412), ConfigProblem, "Content-Type"),
        (httpx.Response(418), ConfigProblem, "HTTP 418"),
        ({"code": -32602, "data": "Not authorized."}, AuthProblem, "does not accept the API token"),
        ({"code": -32500, "data": "API token expired."}, AuthProblem, "API token expired"),
        ({"code": -32602, "data": 'No permissions to call "host.get".'}, MayNotCall, "may not call"),
        (
            {"code": -32500, "data": "Cannot close problem: trigger does not allow manual closing."},
            Refused,
            "manual clos",
        ),
        (
            {"code": -32602, "data": 'Invalid parameter "/1": unexpected parameter "x".'},
            Refused,
            "unexpected parameter",
        ),
        ({"code": -32601, "message": "Method not found."}, Refused, "Method not found"),
        ({"code": -32500, "data": "SQL statement execution has failed"}, Transient, "SQL statement"),
        ({"code": 1, "message": "Error connecting to database: Connection refused", "data": ""}, Transient, "database"),
    ],
    ids=str,
)
def test_each_refusal_says_what_must_happen_next(
    failure: Any, kind: type[ConnectorError], says: str, write: bool
) -> None:
    with pytest.raises(kind) as raised:
        client_on(answering(failure)).call("host.get", {}, write=write)
    assert type(raised.value) is kind or issubclass(kind, ConfigProblem)
    assert says in str(raised.value)


def test_it_comes_back_when_it_is_told_to() -> None:
    for given, wanted in (("17", 17), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)):
        with pytest.raises(Transient) as raised:
            client_on(answering(httpx.Response(429, headers={"retry-after": given}))).call("host.get", {})
        assert raised.value.retry_after == wanted


def test_redirects_are_not_followed() -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://elsewhere.test/"})

    with pytest.raises(ConfigProblem):
        client_on(handle).call("host.get", {})
    assert seen == ["zabbix.example.test"]


def test_a_secret_in_zabbixs_own_words_does_not_get_out() -> None:
    echo = {"code": -32602, "data": f"Incorrect value {PASSWORD} or {TOKEN}"}
    for settings in ({"token": TOKEN}, {"token": None, "username": "hub", "password": PASSWORD}):
        with pytest.raises(ConnectorError) as raised:
            client_on(answering(echo), **settings).call("host.get", {})
        said = f"{raised.value!r} {vars(raised.value)}"
        assert (PASSWORD if "password" in settings else TOKEN) not in said


def test_a_missing_ca_file_is_named() -> None:
    with pytest.raises(ConfigProblem, match="`ca_file`"):
        client_on(lambda _: httpx.Response(200), ca_file="/nowhere/ca.pem")
