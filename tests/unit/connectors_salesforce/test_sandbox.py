"""The stand-in behaves as Salesforce does, in what the hub and its users rely on."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.salesforce import soql
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_http import Answer, Request
from connectors.salesforce.sandbox_query import Engine
from connectors.salesforce.sandbox_soql import parse
from connectors.salesforce.sandbox_state import ApiError, State, long_id
from tests.unit.connectors_salesforce.conftest import NOW, account

DATA = "/services/data/v59.0"


def call(sandbox: Sandbox, method: str, target: str, body: Any = None) -> Answer:
    headers = {"authorization": f"Bearer {sandbox.account.open()}"}
    return sandbox.handle(Request(method, target, headers, b"" if body is None else orjson.dumps(body)))


def refused(sandbox: Sandbox, method: str, target: str, body: Any = None) -> tuple[int, str]:
    answer = call(sandbox, method, target, body)
    return answer.status, orjson.loads(answer.body)[0]["errorCode"]


def found(sandbox: Sandbox, query: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    return Engine(sandbox.state).run(parse(query), deleted=deleted)


# -- records ------------------------------------------------------------------------------------------------------------


def test_an_id_of_15_characters_and_one_of_18_are_the_same_record(sandbox: Sandbox) -> None:
    identity = account(sandbox)["Id"]
    assert len(identity) == 18
    assert long_id("0015g00000AbCdE") == "0015g00000AbCdEAAV"
    answer = call(sandbox, "GET", f"{DATA}/sobjects/Account/{identity[:15]}")
    assert orjson.loads(answer.body)["Id"] == identity


@pytest.mark.parametrize(
    ("method", "target", "body", "told"),
    [
        ("POST", "sobjects/Account/", {"Phone": "1"}, (400, "REQUIRED_FIELD_MISSING")),
        ("POST", "sobjects/Account/", {"Name": "x", "Nonsense__c": 1}, (400, "INVALID_FIELD")),
        ("POST", "sobjects/Account/", {"Name": "x", "CreatedDate": "2026"}, (400, "INVALID_FIELD_FOR_INSERT_UPDATE")),
        ("POST", "sobjects/Account/", {"Name": "x" * 256}, (400, "STRING_TOO_LONG")),
        ("POST", "sobjects/Account/", {"Name": "x", "Health_Score__c": "many"}, (400, "JSON_PARSER_ERROR")),
        ("POST", "sobjects/Case/", {"Status": "Erledigt"}, (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")),
        ("POST", "sobjects/Case/", {"AccountId": "001WF9999999999"}, (400, "INVALID_CROSS_REFERENCE_KEY")),
        ("POST", "sobjects/Case/", {"AccountId": "C0001"}, (400, "MALFORMED_ID")),
        ("GET", "sobjects/Account/001WF9999999999", None, (404, "NOT_FOUND")),
        ("GET", "sobjects/Lead/00Q", None, (404, "NOT_FOUND")),
        ("PATCH", "sobjects/Case/Subject/x", {"Status": "New"}, (404, "NOT_FOUND")),
        ("GET", "query/?q=SELECT+Nope+FROM+Account", None, (400, "INVALID_FIELD")),
        ("GET", "query/?q=SELECT+Id+FROM+Lead", None, (400, "INVALID_TYPE")),
        ("GET", "query/?q=SELECT+Id+FROM", None, (400, "MALFORMED_QUERY")),
        ("GET", "query/01gnothere-2000", None, (400, "INVALID_QUERY_LOCATOR")),
        ("PUT", "sobjects/Account/", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "nonsense", None, (404, "NOT_FOUND")),
    ],
)
def test_it_refuses_as_salesforce_does(sandbox: Sandbox, method: str, target: str, body: Any, told: Any) -> None:
    assert refused(sandbox, method, f"{DATA}/{target}", body) == told
    assert sandbox.state.changes == 0


def test_a_unique_column_is_unique(sandbox: Sandbox) -> None:
    sandbox.state.put("Case", Weft_Ticket__c="TKT-1")
    assert refused(sandbox, "POST", f"{DATA}/sobjects/Case/", {"Weft_Ticket__c": "TKT-1"}) == (400, "DUPLICATE_VALUE")


def test_a_deleted_record_lies_in_the_recycle_bin(sandbox: Sandbox) -> None:
    identity = account(sandbox)["Id"]
    assert call(sandbox, "DELETE", f"{DATA}/sobjects/Account/{identity}").status == 204
    assert refused(sandbox, "DELETE", f"{DATA}/sobjects/Account/{identity}") == (404, "ENTITY_IS_DELETED")
    assert len(found(sandbox, "SELECT Id FROM Account")) == 2
    assert len(found(sandbox, "SELECT Id FROM Account WHERE IsDeleted = true", deleted=True)) == 1


def test_an_external_id_that_several_records_have_is_answered_with_their_addresses(sandbox: Sandbox) -> None:
    for name in "ab":
        sandbox.state.put("Account", Name=name, Customer_No__c="same")
    answer = call(sandbox, "PATCH", f"{DATA}/sobjects/Account/Customer_No__c/same", {"Phone": "1"})
    assert answer.status == 300
    assert all(url.startswith(f"{DATA}/sobjects/Account/001") for url in orjson.loads(answer.body))


def test_a_task_knows_its_account_through_what_it_is_about(sandbox: Sandbox) -> None:
    customer = account(sandbox)["Id"]
    case = sandbox.state.put("Case", AccountId=customer)["Id"]
    assert sandbox.state.put("Task", WhatId=case)["AccountId"] == customer


def test_without_a_session_there_is_no_answer(sandbox: Sandbox) -> None:
    answer = sandbox.handle(Request("GET", f"{DATA}/limits/", {"authorization": "Bearer stale"}))
    assert (answer.status, orjson.loads(answer.body)[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


# -- queries ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name LIKE '杭州%'", ["杭州精工机械有限公司"]),
        ("name = 'NORDHAFEN pumpen gmbh'", ["Nordhafen Pumpen GmbH"]),
        ("BillingCity IN ('Hamburg', '杭州') AND NOT Phone LIKE '+49%'", ["杭州精工机械有限公司"]),
        ("BillingCity NOT IN ('Hamburg', '杭州')", ["苏州恒信电子股份有限公司"]),
        ("(Credit_Code__c = null OR BillingCity = '苏州') AND Type = 'Customer'",
         ["苏州恒信电子股份有限公司", "Nordhafen Pumpen GmbH"]),
        ("Id IN (SELECT AccountId FROM Case WHERE IsClosed = false AND Type = '投诉')", ["苏州恒信电子股份有限公司"]),
        ("Owner.Name = '李娜' AND CreatedDate < TODAY AND CreatedDate >= LAST_N_DAYS:1", []),
        ("CreatedDate > 2020-01-01T00:00:00+08:00 AND Health_Score__c > 5", []),
    ],
)  # fmt: skip
def test_conditions_find_what_they_say(sandbox: Sandbox, where: str, names: list[str]) -> None:
    assert [row["Name"] for row in found(sandbox, f"SELECT Name FROM Account WHERE {where} ORDER BY Id")] == names


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Id FROM Account WHERE Name = 5 ORDER", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE IsClosed = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE AccountId = 'C0001'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Case WHERE Boss.Name = 'x'", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Id FROM Bosses) FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Subject = 'open", "MALFORMED_QUERY"),
        ("DELETE FROM Case", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_is_none_is_refused(sandbox: Sandbox, query: str, code: str) -> None:
    with pytest.raises(ApiError) as told:
        found(sandbox, query)
    assert told.value.code == code


def test_parents_and_children_come_with_a_record(sandbox: Sandbox) -> None:
    query = "SELECT Name, Owner.Name, (SELECT Subject FROM Cases ORDER BY CreatedDate) FROM Account ORDER BY Id LIMIT 1"
    (row,) = found(sandbox, query)
    assert row["attributes"]["type"] == "Account"
    assert row["Owner"]["Name"] == "李娜"
    assert row["Cases"]["totalSize"] == 2
    assert [case["Subject"] for case in row["Cases"]["records"]] == ["加工件表面划伤", "咨询主轴保养周期"]


def test_nulls_come_first_or_last_as_asked(sandbox: Sandbox) -> None:
    for score in (3, None, 1):
        sandbox.state.put("Account", Name="scored", Health_Score__c=score)
    where = "SELECT Health_Score__c FROM Account WHERE Name = 'scored' ORDER BY Health_Score__c"
    assert [r["Health_Score__c"] for r in found(sandbox, where)] == [None, 1, 3]
    assert [r["Health_Score__c"] for r in found(sandbox, f"{where} DESC NULLS LAST LIMIT 2 OFFSET 1")] == [1, None]


def test_long_answers_come_in_pages(sandbox: Sandbox) -> None:
    for number in range(7):
        sandbox.state.put("Contact", LastName=f"n{number}")
    headers = {"authorization": f"Bearer {sandbox.account.open()}", "sforce-query-options": "batchSize=3"}
    page = orjson.loads(sandbox.handle(Request("GET", f"{DATA}/query/?q=SELECT+Id+FROM+Contact", headers)).body)
    sizes = [len(page["records"])]
    assert (page["totalSize"], page["done"]) == (10, False)
    while not page["done"]:
        page = orjson.loads(sandbox.handle(Request("GET", page["nextRecordsUrl"], headers)).body)
        sizes.append(len(page["records"]))
    assert sizes == [3, 3, 3, 1]
    assert "nextRecordsUrl" not in page


NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from("\n\t\r\\'\""), min_size=1, max_size=20
)


@settings(max_examples=80, deadline=None)
@given(name=NAMES)
def test_any_text_finds_itself_and_breaks_out_of_no_query(name: str) -> None:
    state = State(lambda: NOW)
    kept = state.put("Account", Name=name)["Name"]
    state.put("Account", Name="another")
    rows = Engine(state).run(parse(soql.select(["Name"], "Account", f"Name = {soql.text(kept)}")), deleted=False)
    alike = {str(kept or "").lower(), ""} if not kept else {kept.lower()}
    assert rows
    assert {str(row["Name"] or "").lower() for row in rows} <= alike


@settings(max_examples=40, deadline=None)
@given(minutes=st.lists(st.integers(0, 5), min_size=1, max_size=25), size=st.integers(1, 7))
def test_keyset_pages_are_the_whole_in_order_whatever_times_collide(minutes: list[int], size: int) -> None:
    state = State(lambda: NOW)
    for minute in minutes:
        state.put("Account", NOW + timedelta(minutes=minute), Name="x")
    seen: list[tuple[str, str]] = []
    where: tuple[str, ...] = ()
    while True:
        query = soql.select(["Id", "SystemModstamp"], "Account", *where, order="SystemModstamp, Id", limit=size)
        rows = Engine(state).run(parse(query), deleted=True)
        seen += [(row["SystemModstamp"], row["Id"]) for row in rows]
        if len(rows) < size:
            break
        at = re.sub(r"\+0000$", "Z", seen[-1][0])
        where = (f"SystemModstamp >= {at}", f"(SystemModstamp > {at} OR Id > '{seen[-1][1]}')")
    assert len(seen) == len(minutes)
    assert seen == sorted(set(seen))


# -- the control surface ------------------------------------------------------------------------------------------------


def control(sandbox: Sandbox, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = sandbox.handle(Request(method, f"/sandbox/{path}", {}, b"" if body is None else orjson.dumps(body)))
    return answer.status, orjson.loads(answer.body)


def test_people_change_it_over_http(sandbox: Sandbox) -> None:
    status, case = control(sandbox, "POST", "records/Case", {"Subject": "划伤", "Type": "投诉"})
    assert status == 201
    assert control(sandbox, "PATCH", f"records/Case/{case['Id']}", {"Status": "Closed"})[1]["IsClosed"] is True
    assert control(sandbox, "DELETE", f"records/Case/{case['Id']}") == (200, {"done": True})
    (kept,) = [row for row in control(sandbox, "GET", "records/Case")[1] if row["Id"] == case["Id"]]
    assert kept["IsDeleted"] is True
    assert sandbox.state.changes == 0


def test_its_rights_failures_and_limits_are_changed_over_http(sandbox: Sandbox) -> None:
    control(sandbox, "PUT", "columns/Account/Health_Score__c", {"hidden": True})
    control(sandbox, "PUT", "objects/Case", {"createable": False})
    control(sandbox, "PUT", "limits", {"used": 5, "allowed": 10})
    control(sandbox, "POST", "failures", {"code": "UNABLE_TO_LOCK_ROW", "writes": True})
    assert sandbox.state.objects["Account"].columns["Health_Score__c"].hidden
    assert not sandbox.state.objects["Case"].createable
    assert refused(sandbox, "POST", f"{DATA}/sobjects/Account/", {"Name": "x"}) == (400, "UNABLE_TO_LOCK_ROW")
    assert (
        call(sandbox, "POST", f"{DATA}/sobjects/Account/", {"Name": "x"}).headers["sforce-limit-info"]
        == "api-usage=6/10"
    )
    sandbox.account.open()
    control(sandbox, "POST", "sessions/end")
    assert sandbox.account.sessions == set()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "records/Case/500", {"Status": "Closed"}),
        ("POST", "records/Lead", {}),
        ("PUT", "columns/Account/Name", {"name": "x"}),
        ("PUT", "objects/Case", {"columns": True}),
        ("POST", "failures", {}),
        ("GET", "nothing", None),
    ],
)
def test_a_wrong_request_of_a_person_is_answered_not_crashed_on(
    sandbox: Sandbox, method: str, path: str, body: Any
) -> None:
    status, told = control(sandbox, method, path, body)
    assert status in (400, 404)
    assert told["error"]
