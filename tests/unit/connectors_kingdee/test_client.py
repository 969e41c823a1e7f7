"""Sessions, signatures on the wire, and every failure named by what must happen next."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import pytest

from connectors.contract import Ask
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.client import KingdeeClient, MayNot, Refused
from connectors.kingdee.sandbox import APP_SECRET, PASSWORD, Sandbox
from tests.unit.connectors_kingdee.conftest import LOGINS, Connect, Line, read

SESSIONS = ("app_secret", "signed", "password")
DATA = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."


def client_of(connector: KingdeeConnector) -> KingdeeClient:
    return connector._client


def answering(line: Line, answer: httpx.Response, *services: str) -> None:
    """From now on these services answer so."""
    line.before = lambda service, body: answer if service in services else None


def refusal(message: str, code: int = 9) -> httpx.Response:
    errors = [{"FieldName": None, "Message": message, "DIndex": 0}]
    status = {"ErrorCode": 500, "IsSuccess": False, "Errors": errors, "MsgCode": code}
    return httpx.Response(200, json=[[{"Result": {"ResponseStatus": status}}]])


# -- logging in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", [name for name in LOGINS if name != "signed_sha1"])
def test_every_login_leads_to_the_records(login: str, connect: Connect) -> None:
    records, _ = read(connect(login=login), "items")
    assert [r["FNumber"] for r in records] == ["A-1"]


def test_an_old_server_takes_its_own_signature_only(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.door.old = True
    assert read(connect(login="signed_sha1"), "items")[0]
    with pytest.raises(AuthProblem):
        read(connect(login="signed"), "items")


@pytest.mark.parametrize("login", SESSIONS)
def test_one_login_serves_many_calls(login: str, connect: Connect, line: Line) -> None:
    connector = connect(login=login)
    read(connector, "items")
    read(connector, "customers")
    logins = [service for service in line.services() if service not in ("ExecuteBillQuery",)]
    assert len(logins) == 1


def test_a_session_travels_as_cookies_and_header(connect: Connect, line: Line, sandbox: Sandbox) -> None:
    read(connect(login="password"), "items")
    (sid,) = sandbox.state.sessions
    headers = line.requests[-1].headers
    assert headers["kdservice-sessionid"] == sid
    assert {f"kdservice-sessionid={sid}", f"ASP.NET_SessionId={sid[:24]}"} <= set(headers["cookie"].split("; "))


def test_in_header_mode_the_secret_never_travels_and_the_session_is_taken_up(connect: Connect, line: Line) -> None:
    read(connect(), "items")
    assert "LoginByAppSecret" not in line.services()
    assert "kdservice-sessionid" not in line.requests[0].headers
    assert "kdservice-sessionid" in line.requests[1].headers
    sent = "".join(str(r.headers) + r.content.decode() for r in line.requests)
    assert APP_SECRET not in sent


def test_a_message_beside_a_good_login_is_a_remark(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.door.remark = "您的许可还有 7 天到期"
    health = connect(login="password").check()
    assert health.ok
    assert "7 天" in health.message


def test_wrong_credentials_are_told_with_where_to_look(connect: Connect) -> None:
    with pytest.raises(AuthProblem, match="用户名或密码错误") as told:
        read(connect(login="password", password="wrong-password"), "items")
    assert "password" in told.value.hint
    with pytest.raises(AuthProblem, match="signature"):
        read(connect(app_secret="another-secret"), "items")


def test_a_data_center_there_is_not_is_a_wrong_setting(connect: Connect) -> None:
    for login in ("headers", "password"):
        with pytest.raises(ConfigProblem, match="`data_center`"):
            read(connect(login=login, data_center="nowhere"), "items")


def test_all_licences_in_use_is_a_passing_trouble(connect: Connect, line: Line) -> None:
    full = {"LoginResultType": 0, "Message": "站点数已满，请稍后再试", "Context": None}
    answering(line, httpx.Response(200, json=full), "ValidateUser")
    with pytest.raises(Transient, match="站点数已满"):
        read(connect(login="password"), "items")


def test_something_that_is_no_k3_cloud_is_a_wrong_setting(connect: Connect, line: Line) -> None:
    answering(line, httpx.Response(200, json={"hello": "world"}), "ValidateUser")
    with pytest.raises(ConfigProblem, match="not as K3 Cloud does"):
        read(connect(login="password"), "items")


def test_closing_ends_the_session(connect: Connect, line: Line, sandbox: Sandbox) -> None:
    connector = connect(login="password")
    read(connector, "items")
    connector.close()
    connector.close()
    assert line.services().count("Logout") == 1
    assert not sandbox.state.sessions


# -- a lost session ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["result", "ctx", "page", "status", "redirect"])
def test_a_lost_session_is_opened_again_once_and_the_same_call_made(
    shape: str, connect: Connect, line: Line, sandbox: Sandbox
) -> None:
    connector = connect(login="password")
    read(connector, "items")
    sandbox.state.sessions.clear()
    sandbox.lost_shape = shape
    line.requests.clear()
    assert read(connector, "items")[0]
    assert line.services() == ["ExecuteBillQuery", "ValidateUser", "ExecuteBillQuery", "ExecuteBillQuery"]
    assert line.requests[0].content == line.requests[2].content


def test_a_session_that_does_not_hold_is_no_endless_loop(connect: Connect, line: Line, sandbox: Sandbox) -> None:
    connector = connect(login="password")
    line.before = lambda service, body: sandbox.state.sessions.clear() if service != "ValidateUser" else None
    with pytest.raises(AuthProblem, match="会话信息已丢失"):
        read(connector, "items")
    assert line.services() == ["ValidateUser", "ExecuteBillQuery", "ValidateUser", "ExecuteBillQuery"]


def test_a_write_refused_for_its_session_is_made_again_and_takes_effect_once(
    connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    connector = connect(login="app_secret")
    read(connector, "items")
    sandbox.state.sessions.clear()
    sandbox.state.add("PUR_Requisition", [{}], FBillNo="B-1", FDocumentStatus="A")
    client_of(connector).operate("Submit", "PUR_Requisition", {"Numbers": ["B-1"], "Ids": ""})
    assert sandbox.state.history == [("Submit", "PUR_Requisition", "B-1")]


def test_in_header_mode_a_dead_session_is_replaced_without_a_word(
    connect: Connect, line: Line, sandbox: Sandbox
) -> None:
    connector = connect()
    read(connector, "items")
    old = line.requests[-1].headers["kdservice-sessionid"]
    sandbox.state.sessions.clear()
    line.requests.clear()
    read(connector, "items")
    new = line.requests[-1].headers["kdservice-sessionid"]
    assert len(line.requests) == 2
    assert new != old


def test_in_header_mode_lost_means_not_authorised(connect: Connect, line: Line) -> None:
    answering(line, refusal("会话信息已丢失，请重新登录", 1), "ExecuteBillQuery")
    with pytest.raises(AuthProblem, match="does not accept the signature"):
        read(connect(), "items")
    assert len(line.requests) == 1


def test_threads_share_one_login(connect: Connect, line: Line) -> None:
    connector, found = connect(login="password"), []
    ready = threading.Barrier(4)

    def one() -> None:
        ready.wait(5)
        found.append(len(read(connector, "items")[0]))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert found == [1, 1, 1, 1]
    assert line.services().count("ValidateUser") == 1


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal("业务对象XX不存在", 4), Refused),
        (refusal("字段FX不存在"), Refused),
        (refusal("您没有【物料】的【查看】权限", 1), MayNot),
        (refusal("事务与另一个进程被死锁在锁资源上"), Transient),
        (refusal("网络控制：单据正在被 王磊 编辑"), Transient),
        (httpx.Response(403), AuthProblem),
        (httpx.Response(404, text="<html>"), ConfigProblem),
        (httpx.Response(302, headers={"location": "https://new.example.test/k3cloud/"}), ConfigProblem),
        (httpx.Response(519, json={"errcode": 4002, "description": "appid is wrong"}), AuthProblem),
        (httpx.Response(429, headers={"retry-after": "17"}), Transient),
        (httpx.Response(418), ConfigProblem),
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_a_refusal_says_that_nothing_happened(
    answer: httpx.Response, kind: type[ConnectorError], write: bool, connect: Connect, line: Line
) -> None:
    answering(line, answer, "Submit")
    with pytest.raises(kind) as told:
        client_of(connect()).operate("Submit", "PUR_Requisition", {"Numbers": ["B"]}, write=write)
    assert not isinstance(told.value, Ambiguous)
    if answer.status_code == 429:
        assert getattr(told.value, "retry_after", None) == 17


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="error"),
        httpx.Response(502, text="<html>Bad Gateway</html>"),
        httpx.Response(200, text="<html>Bad Gateway</html>"),
        httpx.Response(200, text='{"Result": '),
        httpx.Response(200, json=["what?"]),
        refusal("执行超时已过期。完成操作之前已超时或服务器未响应"),
    ],
)
@pytest.mark.parametrize(("write", "kind"), [(False, Transient), (True, Ambiguous)])
def test_an_answer_that_tells_nothing_leaves_a_write_in_doubt(
    answer: httpx.Response, write: bool, kind: type[ConnectorError], connect: Connect, line: Line
) -> None:
    answering(line, answer, "Submit")
    with pytest.raises(kind):
        client_of(connect()).operate("Submit", "PUR_Requisition", {"Numbers": ["B"]}, write=write)


@pytest.mark.parametrize(
    ("error", "write", "kind"),
    [
        (httpx.ConnectError("refused"), True, Transient),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), True, ConfigProblem),
        (httpx.ReadTimeout("silent"), True, Ambiguous),
        (httpx.ReadTimeout("silent"), False, Transient),
        (httpx.RemoteProtocolError("cut"), True, Ambiguous),
    ],
)
def test_a_line_that_fails_tells_whether_anything_was_sent(
    error: Exception, write: bool, kind: type[ConnectorError], connect: Connect, line: Line
) -> None:
    def fail(service: str, body: dict[str, Any]) -> httpx.Response:
        raise error

    line.before = fail
    with pytest.raises(kind):
        client_of(connect()).operate("Submit", "PUR_Requisition", {"Numbers": ["B"]}, write=write)


def test_a_page_in_gbk_and_an_answer_in_gbk_are_read(connect: Connect, line: Line, sandbox: Sandbox) -> None:
    sandbox.charset = "gbk"
    assert read(connect(login="password"), "customers")[0][0]["FName"] == "杭州精工"
    answering(line, httpx.Response(500, content="服务器错误".encode("gbk")), "ExecuteBillQuery")
    with pytest.raises(Transient, match="HTTP 500"):
        read(connect(), "items")


def test_no_error_holds_a_secret(connect: Connect, line: Line) -> None:
    answering(line, refusal(f"应用 {APP_SECRET} 无效"), "ExecuteBillQuery")
    with pytest.raises(Refused) as told:
        read(connect(), "items")
    assert APP_SECRET not in str(told.value) + repr(vars(told.value))
    answering(line, httpx.Response(200, json={"LoginResultType": 0, "Message": f"bad {PASSWORD}"}), "ValidateUser")
    with pytest.raises(AuthProblem) as wrong:
        read(connect(login="password"), "items")
    assert PASSWORD not in str(wrong.value)


def test_a_deadline_that_has_passed_asks_nobody(connect: Connect, line: Line) -> None:
    client = client_of(connect())
    with pytest.raises(Transient, match="deadline"):
        client.query("BD_MATERIAL", ["FNumber"], limit=1, until=time.monotonic() - 1)
    assert line.requests == []


def test_each_call_of_a_question_gets_what_is_left_of_its_deadline(connect: Connect, line: Line) -> None:
    connect(timeout_s=30).lookup(Ask("stock", {"item": "A-1"}, 5))
    waits = [request.extensions["timeout"]["read"] for request in line.requests]
    assert waits == sorted(waits, reverse=True)
    assert all(0 < wait <= 5 for wait in waits)


def test_quantities_travel_digit_by_digit(connect: Connect, line: Line) -> None:
    from decimal import Decimal

    answering(line, httpx.Response(200, json={"Result": {"ResponseStatus": {"IsSuccess": True}}}), "Save")
    client_of(connect()).operate("Save", "X", {"Model": {"FQty": Decimal("0.1000000000000000000001")}})
    assert b'"FQty":0.1000000000000000000001}' in line.requests[-1].content


def test_a_query_never_sets_an_absolute_end_row(connect: Connect, line: Line) -> None:
    read(connect(), "items")
    for body in line.bodies("ExecuteBillQuery"):
        assert body["data"]["TopRowCount"] == 0
        assert body["data"]["OrderString"]


def test_a_missing_file_of_authorities_is_named(connect: Connect) -> None:
    with pytest.raises(ConfigProblem, match="`ca_file`"):
        connect(ca_file="/nowhere/ca.pem")


def test_check_names_each_missing_right_and_where_to_grant_it(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.user.denied |= {("ENG_BOM", "View"), ("PUR_Requisition", "Submit")}
    health = connect().check()
    assert not health.ok
    assert [lack.right for lack in health.missing_rights] == ["ENG_BOM: 查看", "PUR_Requisition: 提交"]
    assert "业务对象功能授权" in health.missing_rights[0].grant_at
    assert connect(leave_out=["bom"]).check().missing_rights[0].right == "PUR_Requisition: 提交"
    assert sandbox.state.changes == 0


def test_check_knows_the_organisation(connect: Connect) -> None:
    health = connect(organization="999").check()
    assert not health.ok
    assert "`organization`" in health.message


def test_a_site_that_allows_signed_calls_only_is_healthy(connect: Connect, line: Line) -> None:
    refused = httpx.Response(200, json={"LoginResultType": 0, "Message": "不允许", "Context": None})
    answering(line, refused, "LoginByAppSecret")
    health = connect().check()
    assert health.ok
    assert health.remote_version == ""


def test_the_body_of_a_login_is_the_list_that_kingdee_takes(connect: Connect, line: Line) -> None:
    read(connect(login="password"), "items")
    assert json.loads(line.requests[0].content) == {"parameters": ["acct01", "hubuser", PASSWORD, 2052]}
