"""One request, one answer: what goes out, and what an answer means."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connectors.contract import Ask, Command, Outcome
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.rest.client import retry_after, same_origin
from tests.unit.connectors_rest.systems import SECRET, STREAM, always, connector, ids, read

ROWS = {"rows": [{"id": "a", "qty": 1, "changed": None}]}
SEND = {
    "title": "Send",
    "title_zh": "发送",
    "key": ["id"],
    "body": {"note": {"type": "text", "description": "a note"}, "amount": {"type": "number", "description": "how much"}},
    "request": {"method": "POST", "path": "/things/{key.id}/notes", "body": {"note": "{body.note}", "amount": "{body.amount}"}},
    "sample": {"key": {"id": "a"}},
}  # fmt: skip


def sent(command: Command, answer: httpx.Response | Exception | None = None) -> tuple[Any, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer or httpx.Response(200, json={})

    return connector(handle, operations={"send": SEND}).write(command), seen


def test_a_value_in_a_path_is_quoted_and_leads_nowhere_else() -> None:
    _, (request,) = sent(Command("1", "send", {"id": "a/../../x?y=1#z 中"}))
    assert request.url.raw_path == b"/base/things/a%2F..%2F..%2Fx%3Fy%3D1%23z%20%E4%B8%AD/notes"


@pytest.mark.parametrize("value", ["..", "."])
def test_a_value_that_climbs_the_path_is_refused(value: str) -> None:
    with pytest.raises(BadRecord, match=r"key\.id"):
        sent(Command("1", "send", {"id": value}))


def test_numbers_stay_exact_and_what_is_missing_is_not_sent() -> None:
    _, (request,) = sent(Command("1", "send", {"id": "a"}, {"amount": Decimal("0.10")}))
    assert request.content == b'{"amount":0.10}'


def test_a_value_that_the_operation_does_not_know_is_refused() -> None:
    with pytest.raises(BadRecord, match=r"body\.nothing"):
        sent(Command("1", "send", {"id": "a"}, {"nothing": 1}))


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Ambiguous), (502, Ambiguous), (504, Ambiguous), (503, Transient), (429, Transient), (425, Transient)],
)  # fmt: skip
def test_a_write_that_may_have_happened_is_told_apart_from_one_that_did_not(status: int, error: type) -> None:
    with pytest.raises(error):
        sent(Command("1", "send", {"id": "a"}), httpx.Response(status))


def test_a_refusal_is_a_receipt_with_the_systems_reason() -> None:
    receipt, _ = sent(Command("1", "send", {"id": "a"}), httpx.Response(422, json={"error": {"message": "too late"}}))
    assert (receipt.outcome, receipt.reason) == (Outcome.rejected, "too late")


def test_a_redirect_is_not_followed_and_names_where_it_leads() -> None:
    moved = httpx.Response(302, headers={"location": "https://user:pw@elsewhere.test/login?token=x"})
    with pytest.raises(ConfigProblem, match="sent on to") as refusal:
        sent(Command("1", "send", {"id": "a"}), moved)
    assert "token" not in str(refusal.value)


def test_a_line_break_in_a_header_is_refused() -> None:
    form = {**SEND, "request": {"method": "POST", "path": "/x", "headers": {"X-Note": "{body.note}"}}}
    made = connector(lambda _: httpx.Response(200), operations={"send": form})
    with pytest.raises(BadRecord, match="X-Note"):
        made.write(Command("1", "send", {"id": "a"}, {"note": "a\r\nX-Admin: 1"}))


def test_a_wait_can_be_told_in_seconds_or_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after({"retry-after": "7"}) == 7
    assert 80 < (retry_after({"retry-after": soon}) or 0) <= 90
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_gbk_is_read_as_the_answer_or_the_manifest_says() -> None:
    content = '{"rows": [{"id": "轴承", "qty": "1.50"}]}'.encode("gbk")
    told = {"content-type": "application/json; charset=gbk"}
    for answers, headers in (({}, told), ({"encoding": "gbk"}, {})):
        made = connector(
            always(content=content, headers=headers),
            streams={"item": STREAM}, answers=answers,
        )  # fmt: skip
        (batch,) = read(made)
        assert batch.records[0]["id"] == "轴承"
        assert batch.records[0]["qty"] == Decimal("1.50")


def test_text_in_another_encoding_than_it_says_is_no_answer() -> None:
    made = connector(lambda _: httpx.Response(200, content="轴承".encode("gbk")), streams={"item": STREAM})
    with pytest.raises(Transient, match="utf-8"):
        read(made)


def test_what_no_database_holds_is_replaced() -> None:
    made = connector(
        lambda _: httpx.Response(200, content=b'{"rows": [{"id": "a\\u0000b\\ud800"}]}'), streams={"item": STREAM}
    )
    assert ids(read(made)) == ["a\ufffdb\ufffd"]


def test_an_answer_larger_than_any_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.rest.client.MAX_ANSWER", 1000)
    made = connector(lambda _: httpx.Response(200, content=b"[" + b" " * 2000 + b"]"), streams={"item": STREAM})
    with pytest.raises(ConfigProblem, match="larger"):
        read(made)


def test_a_key_in_the_address_is_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(500 if len(seen) > 1 else 200, json=ROWS)

    auth = {"kind": "query", "name": "api_key", "value": "{config.key}"}
    made = connector(handle, auth=auth, streams={"item": STREAM})
    with caplog.at_level(logging.DEBUG):
        read(made)
        with pytest.raises(Transient) as failure:
            read(made)
    assert seen[0].url.params["api_key"] == SECRET
    assert SECRET not in caplog.text + str(failure.value)


# -- logins -----------------------------------------------------------------------------------------------------------

OAUTH = {"kind": "oauth2", "token_path": "/token", "client_id": "weft", "client_secret": "{config.key}"}


class Issuer:
    """A system with tokens; `revoke` makes all that it gave out worthless."""

    def __init__(self) -> None:
        self.given = 0
        self.good = 0
        self.calls: list[str] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.path)
        if request.url.path == "/base/token":
            self.given += 1
            self.good = self.given
            return httpx.Response(200, json={"access_token": f"t{self.given}", "expires_in": 3600})
        if request.headers.get("authorization") != f"Bearer t{self.good}":
            return httpx.Response(401)
        return httpx.Response(200, json=ROWS)

    def revoke(self) -> None:
        self.good = -1


def test_one_token_serves_many_calls_and_is_renewed_once_when_it_is_refused() -> None:
    issuer = Issuer()
    made = connector(issuer.handle, auth=OAUTH, streams={"item": STREAM})
    read(made)
    read(made)
    issuer.revoke()
    assert ids(read(made)) == ["a"]
    assert issuer.calls == ["/base/token", "/base/items", "/base/items", "/base/items", "/base/token", "/base/items"]


def test_a_token_that_is_refused_again_needs_a_person() -> None:
    calls: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        return (
            httpx.Response(200, json={"access_token": "t"})
            if request.url.path == "/base/token"
            else httpx.Response(401)
        )

    with pytest.raises(AuthProblem):
        read(connector(handle, auth=OAUTH, streams={"item": STREAM}))
    assert calls == ["/base/token", "/base/items", "/base/token", "/base/items"]


def test_a_right_that_is_missing_is_no_reason_to_log_in_again() -> None:
    calls: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        return (
            httpx.Response(200, json={"access_token": "t"})
            if request.url.path == "/base/token"
            else httpx.Response(403)
        )

    with pytest.raises(AuthProblem):
        read(connector(handle, auth=OAUTH, streams={"item": STREAM}))
    assert calls == ["/base/token", "/base/items"]


def test_a_session_lost_in_the_middle_is_begun_anew_even_when_the_system_says_so_with_200() -> None:
    sessions: list[str] = []
    served: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/base/session":
            sessions.append(f"s{len(sessions) + 1}")
            return httpx.Response(200, json={"ok": True, "id": sessions[-1]})
        offset = request.url.params["o"]
        if offset == "1" and request.headers["x-session"] == "s1":
            return httpx.Response(200, json={"ok": False, "error": "SESSION_EXPIRED"})
        served.append(offset)
        rows = [{"id": offset}] if int(offset) < 3 else []
        return httpx.Response(200, json={"ok": True, "rows": rows})

    made = connector(
        handle,
        auth={"kind": "login", "request": {"method": "POST", "path": "/session", "body": {"p": "{config.key}"}}, "token": "id",
              "header": "X-Session", "value": "{token}"},
        answers={"success": {"path": "ok", "equals": True}, "auth_when": {"path": "error", "equals": "SESSION_EXPIRED"}},
        streams={"item": {**STREAM, "request": {"path": "/items", "params": {"o": "{page.offset}"}},
                          "paging": {"kind": "offset"}}},
    )  # fmt: skip
    assert ids(read(made)) == ["0", "1", "2"]
    assert sessions == ["s1", "s2"]
    assert served == ["0", "1", "2", "3"], "no page was asked for twice"


def test_a_failure_told_with_200_is_a_failure() -> None:
    answers = {
        "success": {"path": "code", "equals": 0},
        "message": "msg",
        "retry_when": {"path": "code", "equals": [7]},
    }
    for body, error in (({"code": 7, "msg": "busy"}, Transient), ({"code": 9, "msg": "no such table"}, ConfigProblem)):
        made = connector(always(json=body), answers=answers, streams={"item": STREAM})
        with pytest.raises(error, match=str(body["msg"])):
            read(made)


def test_only_the_very_same_host_is_followed() -> None:
    base = "https://system.test/base"
    assert same_origin("https://system.test:443/x", base)
    for other in ("http://system.test/x", "https://system.test.evil/x", "https://system.test:8443/x", "https://a@system.test/x",
                  "file:///etc/passwd", "https://[bad/x"):  # fmt: skip
        assert not same_origin(other, base), other


def test_a_link_to_another_host_is_refused_without_asking_it() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, json={**ROWS, "next": "http://169.254.169.254/latest/meta-data"})

    stream = {**STREAM, "paging": {"kind": "link", "next": "next"}}
    with pytest.raises(ConfigProblem, match="another host"):
        read(connector(handle, streams={"item": stream}))
    assert asked == ["system.test"]


def test_an_input_of_a_question_cannot_lead_to_another_page() -> None:
    asked: list[bytes] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(404)

    question = {"title": "Load", "title_zh": "负荷", "needs": ["device"], "request": {"path": "/d/{input.device}"},
                "values": {"load": "number"}, "link": "{config.url}/d/{input.device}",
                "samples": [{"inputs": {"device": "a"}, "answer": {"load": 1}, "values": {"load": 1}}]}  # fmt: skip
    made = connector(handle, questions={"load": question})
    assert made.lookup(Ask("load", {"device": "x/../admin"}, 1)) is None
    assert asked == [b"/base/d/x%2F..%2Fadmin"]
