"""What the answers of either style mean, and what `check()` makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.contract import Ask
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.mes.client import Duplicate
from connectors.mes.sandbox import KEY, LIES, Sandbox
from connectors.soap import Refused, Unknown
from tests.unit.connectors_mes.conftest import STYLES, Connect, records


def answering(sandbox: Sandbox, said: Any) -> Sandbox:
    """Every call of the JSON service is answered with this text."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    inner = sandbox.json.wrapped

    def answer(operation: str, given: Any) -> str:
        made = inner(operation, {})
        head, tail = made.index("Result>") + 7, made.rindex(f"</{operation}Result>")
        return made[:head] + text.replace("&", "&amp;").replace("<", "&lt;") + made[tail:]

    sandbox.json.answer = answer  # type: ignore[method-assign]
    return sandbox


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, AuthProblem),
        ("403", AuthProblem),
        (429, Transient),
        (404, Unknown),
        (409, Duplicate),
        (500, Refused),
        (None, Refused),
    ],
)
def test_the_code_of_a_json_answer_says_what_must_happen_next(
    bare: Sandbox, connect: Connect, code: Any, kind: type[ConnectorError]
) -> None:
    with pytest.raises(kind, match="为什么") as raised:
        records(connect(answering(bare, {"code": code, "msg": "为什么"}), "json"), "equipment")

    assert type(raised.value) is kind


@pytest.mark.parametrize("text", ["", "{", '{"code": 0, "data"', "<html>", '{"code": NaN}'])
def test_a_text_that_is_no_json_is_asked_for_again(bare: Sandbox, connect: Connect, text: str) -> None:
    with pytest.raises(Transient, match="JSON"):
        records(connect(answering(bare, text), "json"), "equipment")


def test_rows_that_are_no_list_are_for_a_person(bare: Sandbox, connect: Connect) -> None:
    with pytest.raises(ConfigProblem, match=r"no list of rows under 'data'") as raised:
        records(connect(answering(bare, {"code": 0, "data": "none"}), "json"), "equipment")

    assert "calls.equipment.rows" in raised.value.hint


def test_a_service_without_a_frame_and_with_names_of_its_own_is_read_by_settings_alone(
    bare: Sandbox, connect: Connect
) -> None:
    rows = [{"No": 7, "When": "2026/11/22 8:00:05", "Where": {"Code": "press-7"}, "Changed": "/Date(1795305605000)/"}]
    fields = {"id": "No", "device": "Where.Code", "starts_at": "When", "changed_at": "Changed", "reason": ""}
    calls = {"downtime": {"operation": "GetDownTimeByPage", "rows": "", "total": "", "fields": fields}}

    (found,) = records(connect(answering(bare, rows), "json", calls=calls, answers={"code": ""}), "downtime")

    assert (found["id"], found["device"], found["reason"]) == ("7", "press-7", None)
    assert found["starts_at"] == found["changed_at"]


def test_a_key_in_an_argument_is_not_told_when_the_service_repeats_it(bare: Sandbox, connect: Connect) -> None:
    with pytest.raises(Refused) as raised:
        records(connect(answering(bare, {"code": 7, "msg": f"bad {KEY}"}), "json"), "equipment")

    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "account",
    [
        {"key_place": "http_header"},
        {"key_place": "soap_header", "key_name": "{urn:weft:mes:1}ApiKey"},
        {"key": None, "username": "hub", "password": "hub-password"},
        {"key": None, "username": "hub", "password": "hub-password", "login": "wsse"},
        {"key": None, "username": "hub", "password": "hub-password", "login": "wsse_digest"},
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_every_way_to_show_who_one_is_is_accepted_and_a_wrong_one_refused(
    bare: Sandbox, connect: Connect, account: dict[str, Any], version: str
) -> None:
    wrong = {**account, ("key" if "key" not in account else "password"): "something-else"}

    assert connect(bare, soap_version=version, **account).check().ok
    refused = connect(bare, soap_version=version, **wrong).check()
    assert not refused.ok
    assert "Authentication" in refused.message


@pytest.mark.parametrize("style", STYLES)
def test_check_names_every_operation_that_is_refused(bare: Sandbox, connect: Connect, style: str) -> None:
    bare.denied |= {"GetInspections", "GetInspectionByPage", "GetWorkOrders", "GetWorkOrderByPage"}

    health = connect(bare, style).check()

    assert not health.ok
    assert health.remote_version == "Weft MES sandbox 4.2.1"
    assert [right.needed_for for right in health.missing_rights] == ["work orders", "quality and inbound inspections"]


def test_check_names_operations_that_the_wsdl_does_not_have(bare: Sandbox, connect: Connect) -> None:
    health = connect(bare, calls={"oee": {"operation": "GetOEE"}, "downtime_of": {"operation": "GetStops"}}).check()

    assert health.message == "The WSDL has no operation GetOEE (calls.oee), GetStops (calls.downtime_of)."


def test_a_service_that_tells_no_version_is_known_by_its_server(bare: Sandbox, connect: Connect) -> None:
    health = connect(bare, calls={"info": {"operation": ""}}).check()

    assert health.ok
    assert health.remote_version


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in ("slow", "gbk")])
def test_whatever_a_lying_server_says_is_a_typed_error(bare: Sandbox, connect: Connect, style: str, lie: str) -> None:
    bare.lies += [lie] * 3
    connector = connect(bare, style)

    with pytest.raises(ConnectorError) as raised:
        records(connector, "equipment")
    assert "root:" not in f"{raised.value}{raised.value.hint}"
    with pytest.raises(ConnectorError):
        connector.lookup(Ask("downtime", {"device": "press-7"}, 5))
    assert not connector.check().ok


def test_the_services_own_wsdl_can_be_used(bare: Sandbox, connect: Connect, requests: list[httpx.Request]) -> None:
    connector = connect(bare, wsdl="https://mes.example.test/mes?wsdl")

    assert connector.check().ok
    assert [request.method for request in requests[:2]] == ["GET", "POST"]


def test_a_ca_file_that_cannot_be_read_is_named(bare: Sandbox, connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="`ca_file`"):
        connect(bare, ca_file=str(tmp_path / "none.pem"))
