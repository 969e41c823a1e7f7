"""The OpenAPI: texts for numbers, tokens that run out, one document for one biz_id, and a relay that may be out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.contract import Command, Outcome
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, Transient
from connectors.u8.sandbox import Sandbox, serve
from tests.unit.connectors_u8.conftest import Make

LINES = [{"item": "BRG-6205", "quantity": "88.5", "required_date": "2026-12-06", "supplier": "V001"}]


def command(id: str = "c-1", **body: Any) -> Command:
    return Command(id, "create_requisition", {"ticket": "TKT-1"}, {"lines": LINES, **body})


class Relay(httpx.BaseTransport):
    """The stand-in's OpenAPI; remembers the requests, and answers some of them as `instead` says."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.requests: list[httpx.Request] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        return self.instead(request) or self.sandbox.handle(request)

    def asked(self, path: str) -> list[httpx.Request]:
        return [r for r in self.requests if r.url.path == path]


ADD = "/api/purchaserequisition/add"


@pytest.fixture
def relay(sandbox: Sandbox) -> Relay:
    return Relay(sandbox)


def answering(path: str, response: httpx.Response) -> Callable[[httpx.Request], httpx.Response | None]:
    return lambda request: response if request.url.path == path else None


def said(code: str, text: str) -> httpx.Response:
    return httpx.Response(200, json={"errcode": code, "errmsg": text})


def test_a_requisition_is_one_call_with_a_biz_id_and_a_marker(make: Make, relay: Relay, sandbox: Sandbox) -> None:
    wanted = command(memo="轴承不足", department="05")
    receipt = make(requisitions="openapi", transport=relay).write(wanted)
    (call,) = relay.asked(ADD)
    assert call.url.params["biz_id"] == wanted.idempotency_key
    assert "tradeid" not in call.url.params
    document = json.loads(call.content)["purchaserequisition"]
    assert document["memory"] == f"轴承不足 weft:{wanted.idempotency_key}"
    assert document["departmentcode"] == "05"
    assert document["entry"] == [
        {"inventorycode": "BRG-6205", "quantity": "88.5", "requiredate": "2026-12-06", "arrivedate": "2026-12-06",
         "vendorcode": "V001", "ivouchrowno": "1"}
    ]  # fmt: skip
    assert (receipt.outcome, receipt.external_id) == (Outcome.applied, sandbox.requisitions()[0]["code"])


def test_the_marker_may_stand_in_a_field_of_the_sites_own(make: Make, relay: Relay) -> None:
    connector = make(requisitions="openapi", transport=relay, marker_field="cDefine10")
    connector.write(command())
    document = json.loads(relay.asked(ADD)[0].content)["purchaserequisition"]
    assert document["define10"].startswith("weft:")
    assert connector.confirm(command()) is not None


def test_a_token_serves_many_calls(make: Make, relay: Relay) -> None:
    connector = make(requisitions="openapi", transport=relay)
    for number in range(3):
        connector.write(command(f"c-{number}"))
    assert len(relay.asked("/system/token")) == 1


def test_a_token_that_has_run_out_is_renewed_once(make: Make, relay: Relay, sandbox: Sandbox) -> None:
    connector = make(requisitions="openapi", transport=relay)
    connector.write(command("c-1"))
    sandbox.api.expire_tokens()
    assert connector.write(command("c-2")).outcome is Outcome.applied
    assert len(relay.asked("/system/token")) == 2
    assert len(sandbox.requisitions()) == 2


def test_a_token_that_is_refused_right_away_is_an_auth_problem(make: Make, relay: Relay) -> None:
    relay.instead = answering(ADD, said("20001", "token 无效或已过期"))
    with pytest.raises(AuthProblem):
        make(requisitions="openapi", transport=relay).write(command())
    assert len(relay.asked(ADD)) == 2


def test_a_wrong_secret_is_an_auth_problem(make: Make, relay: Relay) -> None:
    with pytest.raises(AuthProblem, match="gives no token"):
        make(requisitions="openapi", transport=relay, app_secret="another-secret-x").write(command())


def test_a_repeated_call_makes_one_document(make: Make, relay: Relay, sandbox: Sandbox) -> None:
    connector = make(requisitions="openapi", transport=relay)
    first = connector.write(command())
    sandbox.data.run("UPDATE PU_AppVouch SET cMemo = '被人改过'")  # the marker is gone, the biz_id is not
    assert connector.write(command()).external_id == first.external_id
    assert sandbox.api.changes == 1


def test_a_lost_answer_is_ambiguous_and_then_found_by_the_marker(make: Make, relay: Relay, sandbox: Sandbox) -> None:
    def lost(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == ADD:
            sandbox.handle(request)
            raise httpx.ReadTimeout("no answer", request=request)
        return None

    relay.instead = lost
    connector = make(requisitions="openapi", transport=relay)
    with pytest.raises(Ambiguous):
        connector.write(command())
    receipt = connector.confirm(command())
    assert receipt is not None
    assert receipt.external_id == sandbox.requisitions()[0]["code"]


def test_what_was_accepted_but_not_saved_yet_is_ambiguous_until_it_is_there(
    make: Make, relay: Relay, sandbox: Sandbox
) -> None:
    connector = make(requisitions="openapi", transport=relay, synchronous=False)
    with pytest.raises(Ambiguous, match="accepted"):
        connector.write(command())
    assert relay.asked(ADD)[0].url.params["sync"] == "0"
    assert connector.confirm(command()) is None
    sandbox.api.save_waiting()
    assert connector.confirm(command()) is not None


def test_u8s_refusal_is_the_reason(make: Make, relay: Relay) -> None:
    lines = [{"item": "NO-SUCH", "quantity": 1}]
    receipt = make(requisitions="openapi", transport=relay).write(
        Command("c", "create_requisition", {"ticket": "T"}, {"lines": lines})
    )
    assert receipt.outcome is Outcome.rejected
    assert "存货编码 NO-SUCH 不存在" in receipt.reason


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (said("30001", "开放平台客户端未启动或不在线"), Transient),
        (said("30002", "调用U8超时"), Ambiguous),
        (said("30003", "请求过于频繁，请稍后再试"), Transient),
        (said("10003", "to_account 未授权"), AuthProblem),
        (httpx.Response(500), Ambiguous),
        (httpx.Response(503), Transient),
        (httpx.Response(404), ConfigProblem),
        (httpx.Response(401), AuthProblem),
        (httpx.Response(200, text="<html>proxy</html>"), Ambiguous),
        (httpx.Response(200, json=[]), Ambiguous),
    ],
)
def test_a_call_that_fails_is_named_by_what_must_happen_next(
    make: Make, relay: Relay, sandbox: Sandbox, response: httpx.Response, kind: type[Exception]
) -> None:
    relay.instead = answering(ADD, response)
    with pytest.raises(kind):
        make(requisitions="openapi", transport=relay).write(command())
    assert sandbox.requisitions() == []


def test_too_many_calls_tell_when_to_come_back(make: Make, relay: Relay) -> None:
    relay.instead = answering(ADD, httpx.Response(429, headers={"retry-after": "11"}))
    with pytest.raises(Transient) as told:
        make(requisitions="openapi", transport=relay).write(command())
    assert told.value.retry_after == 11


def test_the_relay_that_is_out_did_nothing(make: Make, relay: Relay) -> None:
    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    relay.instead = refused
    with pytest.raises(Transient, match="can't be reached"):
        make(requisitions="openapi", transport=relay).write(command())


def test_check_asks_the_openapi_too_and_no_rows_are_no_error(make: Make, relay: Relay, sandbox: Sandbox) -> None:
    connector = make(requisitions="openapi", transport=relay)
    assert connector.check().ok  # no requisition yet: errcode 20002
    sandbox.api.offline = True
    health = connector.check()
    assert not health.ok
    assert "client running beside U8" in health.message


def test_keys_and_tokens_stay_out_of_the_log(
    make: Make, relay: Relay, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        make(requisitions="openapi", transport=relay).write(command())
    assert "HTTP Request" in caplog.text
    app, token = sandbox.api.application, relay.asked(ADD)[0].url.params["token"]
    assert not [secret for secret in (app.app_key, app.app_secret, token) if secret in caplog.text]


def test_over_a_real_port(make: Make) -> None:
    with serve() as server:
        told = server.sandbox.settings(server.url)
        http = httpx.HTTPTransport()
        connector = make(transport=http, **told)
        assert connector.check().ok
        assert connector.write(command()).outcome is Outcome.applied
        answer = httpx.get(f"{server.url}/sandbox/requisitions", timeout=5, trust_env=False).json()
        assert answer[0]["lines"][0]["item"] == "BRG-6205"
        server.sandbox.close()
