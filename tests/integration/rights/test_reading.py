"""A technician sees the device and its history, never how to reach the customer: through every door of the API."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

import id_registry
from tests.integration.rights.house import ADDRESS, CREDIT, DIGITS, EMAIL, SPELLINGS, Company, assert_safe


def test_it_is_all_there_for_who_may_read_it(shared: Company) -> None:
    told = shared.told(None) + shared.told(None, "/context") + shared.told(None, "/explain")
    for secret in (*SPELLINGS, EMAIL, ADDRESS, CREDIT):
        assert secret in told


@pytest.mark.parametrize("path", ["", "/context", "/explain", "/history", "/impact", "/lineage"])
def test_a_technician_reads_what_is_about_the_ticket_without_it(shared: Company, path: str) -> None:
    params = {"field": "title"} if path in ("/impact", "/lineage") else {}
    told = shared.told("li.na", path, **params)
    assert_safe(told)
    assert "press-7" in told or "主轴" in told or "predicted" in told


def test_the_history_of_the_device_is_there(shared: Company) -> None:
    (earlier,) = shared.get("li.na", "/history")["items"]
    assert earlier["ticket"] == shared.earlier
    assert earlier["title"] == "主轴异响 spindle noise"
    assert earlier["resolution"].startswith("换轴承 bearing changed，客户 ")
    sections = {s["name"]: s for s in shared.get("li.na", "/context")["sections"]}
    assert sections["mes.downtime"]["values"]["recent"] == [{"reason": "bearing", "minutes": 16}]
    (similar,) = sections["similar_tickets"]["values"]["tickets"]
    assert similar["id"] == shared.earlier


def test_sections_that_are_not_for_a_technician_are_not_in_the_snapshot(shared: Company) -> None:
    names = {s["name"] for s in shared.get("li.na", "/context")["sections"]}
    assert "crm.account" not in names
    assert "crm.contacts" in names


def test_the_answer_says_what_was_withheld_and_by_which_line(shared: Company) -> None:
    (phone,) = [w for w in shared.get("li.na")["withheld"] if w["what"] == "customer.phone"]
    assert phone["why"].startswith("hidden: role technician may not see customer.phone (policy rights, line ")
    assert phone["why_zh"].startswith("角色 technician 不能查看 customer.phone（权限策略 rights 第 ")


def test_who_leads_another_team_reads_only_the_end_of_the_number(company: Company) -> None:
    with company.house.gateway.transaction() as conn:
        company.put_person(conn, "lead.2", "team_lead", "line-2")
    company.house.gateway.reload()
    for told in (company.told("lead.2"), company.ask("lead.2", "GET", "/v1/tickets").text):
        assert_safe(told)
        assert "138****8000" in told
    mine = company.ask("zhao.liu", "GET", "/v1/tickets").json()["items"]
    assert SPELLINGS[2] in next(t for t in mine if t["id"] == company.ticket)["title"]
    assert_safe(str([t for t in mine if t["id"] == company.earlier]))


def test_a_technician_of_another_team_does_not_know_that_the_ticket_is_there(shared: Company) -> None:
    there = shared.ask("wang.wu", "GET", f"/v1/tickets/{shared.ticket}")
    never = shared.ask("wang.wu", "GET", "/v1/tickets/TKT-2026-999999")
    assert (there.status_code, never.status_code) == (404, 404)
    assert there.json()["detail"].replace(shared.ticket, "") == never.json()["detail"].replace("TKT-2026-999999", "")
    assert shared.ask("wang.wu", "GET", "/v1/tickets").json() == {"items": [], "next_cursor": None}


def test_a_technician_sees_a_ticket_only_while_it_is_theirs(company: Company) -> None:
    assert [t["id"] for t in company.ask("li.na", "GET", "/v1/tickets").json()["items"]] == [company.ticket]
    company.ask(None, "POST", f"/v1/tickets/{company.ticket}/assign", json={"assignee": "wang.wu", "group": "line-2"})
    assert company.ask("li.na", "GET", "/v1/tickets").json()["items"] == []
    assert company.ask("li.na", "GET", f"/v1/tickets/{company.ticket}").status_code == 404
    assert_safe(company.told("wang.wu"))


@pytest.mark.parametrize("words", [DIGITS, "138", "0013 8000", "(+86)", SPELLINGS[2]])
def test_a_search_for_digits_of_the_number_finds_nothing(shared: Company, words: str) -> None:
    found = shared.ask("li.na", "GET", "/v1/tickets", params={"q": words}).json()
    assert found == shared.ask("li.na", "GET", "/v1/tickets", params={"q": "no such words"}).json()
    assert shared.ask(None, "GET", "/v1/tickets", params={"q": SPELLINGS[2]}).json()["items"]


def test_a_search_for_what_may_be_read_finds_it(shared: Company) -> None:
    found = shared.ask("li.na", "GET", "/v1/tickets", params={"q": "主轴过热"}).json()["items"]
    assert [t["id"] for t in found] == [shared.ticket]
    assert_safe(orjson.dumps(found).decode())


def test_pages_are_whole_and_know_of_no_other_tickets(company: Company) -> None:
    for n in range(7):
        company.house.tell(company.house.alert(f"t{n}", title=f"ticket {n}"))
        new = company.house.tickets()[-1]
        company.house.act(new, "assign", group="line-1" if n % 2 else "line-2")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = company.ask("li.na", "GET", "/v1/tickets", params=params).json()
        assert len(page["items"]) == 2 or page["next_cursor"] is None
        seen += [t["title"] for t in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:3] == ["ticket 5", "ticket 3", "ticket 1"]
    assert len(seen) == 4


@pytest.mark.parametrize("path", ["", "/golden"])
def test_the_customers_records_are_not_for_a_technician_the_devices_are(shared: Company, path: str) -> None:
    refused = shared.ask("li.na", "GET", f"/v1/ids/{shared.customer}{path}")
    assert refused.status_code == 403
    assert "may not read ids and records of kind customer" in refused.json()["detail"]
    assert shared.ask("li.na", "GET", f"/v1/ids/{shared.device}{path}").status_code == 200
    assert DIGITS not in refused.text


def test_a_number_cannot_be_asked_for_by_the_crosswalk(shared: Company) -> None:
    params = {"system": "r", "kind": "customer", "local_id": DIGITS}
    known = shared.ask("li.na", "GET", "/v1/ids", params={**params, "local_id": "acme"})
    assert (known.status_code, shared.ask("li.na", "GET", "/v1/ids", params=params).status_code) == (403, 403)


def test_the_golden_record_of_a_customer_is_for_who_may_read_customers(shared: Company) -> None:
    answer = shared.ask("audit", "GET", f"/v1/ids/{shared.customer}/golden").json()
    assert {f["field"]: f["value"] for f in answer["fields"]}["phone"] == DIGITS
    refused = shared.ask("sun.qi", "GET", f"/v1/ids/{shared.customer}/golden")
    assert refused.status_code == 403
    assert DIGITS not in shared.ask("zhao.liu", "GET", f"/v1/ids/{shared.customer}/golden").text


def test_a_customer_sees_the_progress_and_what_was_said_to_them(company: Company) -> None:
    company.ask(
        None, "POST", f"/v1/tickets/{company.ticket}/comment", json={"text": "备件已发 part sent", "public": True}
    )
    answer = company.ask_as_customer("GET", f"/v1/tickets/{company.ticket}")
    assert answer.status_code == 200
    told: Any = answer.json()
    assert {k for k, v in told.items() if v not in (None, {}, [], False, 0)} <= {
        "id", "version", "allowed", "withheld", "title", "status", "shown_as", "opened_at", "updated_at", "timeline",
    }  # fmt: skip
    assert [e["data"]["text"] for e in told["timeline"]] == ["备件已发 part sent"]
    assert company.ask_as_customer("GET", f"/v1/tickets/{company.ticket}/context").status_code == 403
    assert company.ask_as_customer("GET", "/v1/tickets", params={"assignee": "li.na"}).json()["items"] == []


def test_a_person_who_left_sees_nothing(company: Company) -> None:
    assert company.get("li.na")["id"] == company.ticket
    with company.house.gateway.transaction() as conn:
        company.put_person(conn, "li.na", "technician", "line-1", active=False)
    company.house.gateway.reload()
    assert company.ask("li.na", "GET", f"/v1/tickets/{company.ticket}").status_code == 403


def test_a_role_that_the_policy_does_not_know_sees_nothing(shared: Company) -> None:
    header = shared.header("li.na", roles={"welder"})
    answer = shared.api.client.get("/v1/tickets", headers=header)
    assert answer.json()["items"] == []


def test_a_machines_token_sees_all_as_before(shared: Company) -> None:
    told = shared.get(None)
    assert "withheld" not in told
    assert len(shared.ask(None, "GET", "/v1/tickets").json()["items"]) == 2


def test_a_preview_of_a_merge_tells_of_both_sides_only_what_may_be_seen(company: Company) -> None:
    gateway, now = company.house.gateway, company.house.clock.now
    key = id_registry.Key("customer", "erp", "other")
    with gateway.transaction() as conn:
        other = id_registry.resolve(conn, [key], now)[key]
        id_registry.observe(conn, [id_registry.Observation(other, "erp", "credit_limit", "70000001", now)], now)
    pair = {"a": company.customer, "b": id_registry.format_id(other)}
    agent = company.header(None, role="integrator", roles=["agent"])
    told = company.api.client.post("/v1/ids/merge/preview", json=pair, headers=agent)
    assert told.status_code == 200, told.text
    assert "credit_limit" in told.text
    assert "70000001" not in told.text
    assert CREDIT not in told.text
