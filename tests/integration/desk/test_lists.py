"""Finding tickets: filters, order, counts, saved filters, CSV, one action on many."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

import id_registry
from gateway.desk.export import BOM
from tests.integration.rights.house import Company, assert_safe

HOUR = 3600


def ids(company: Company, person: str | None = None, **params: Any) -> list[str]:
    answer = company.ask(person, "GET", "/v1/tickets", params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.fixture
def many(company: Company) -> list[str]:
    """Six more by hand: P0, P1, P2, P0, P1, P2, an hour apart, of line-1 and line-2 by turns."""
    made = []
    for n in range(6):
        company.house.clock.forward(HOUR)
        body = {
            "title": f"pump {n} leaks",
            "priority": f"P{n % 3}",
            "group": f"line-{1 + n % 2}",
            "kind": "maintenance",
        }
        made.append(company.ask(None, "POST", "/v1/tickets", json=body).json()["id"])
    return made


def test_filters_combine_and_each_narrows(company: Company, many: list[str]) -> None:
    assert ids(company, q="LEAKS") == many[::-1]
    assert ids(company, q="leaks", priority=["P0"]) == [many[3], many[0]]
    assert ids(company, q="leaks", group=["line-2"], priority=["P1", "P2"]) == [many[5], many[1]]
    assert ids(company, q=many[2].lower()) == [many[2]]
    assert company.earlier not in ids(company, open=True)
    assert company.earlier in ids(company, status=["closed"])
    assert ids(company, kind=["maintenance"], unassigned=True, order="newest") == many[::-1]


def test_tickets_of_no_group_are_found_by_whoever_sees_them(company: Company, many: list[str]) -> None:
    body = {"title": "nobody's pump leaks", "kind": "maintenance"}
    orphan = company.ask(None, "POST", "/v1/tickets", json=body).json()["id"]
    assert ids(company, ungrouped=True, q="leaks") == [orphan]
    assert ids(company, ungrouped=True, group=["line-1"]) == []
    assert company.ask(None, "GET", "/v1/desk/counts", params={"ungrouped": True, "q": "leaks"}).json()["total"] == 1
    assert ids(company, "li.na", ungrouped=True, q="leaks") == []  # of their groups they see all, of others nothing
    theirs = company.ask_as_customer("GET", "/v1/tickets", params={"q": company.earlier}).json()["items"]
    assert [item["id"] for item in theirs] == [company.earlier]
    assert company.earlier in ids(company, ungrouped=True)
    hidden = company.ask_as_customer("GET", "/v1/tickets", params={"ungrouped": True}).json()["items"]
    assert hidden == []  # a group that may not be read may not be guessed


def test_one_s_own_and_those_of_one_s_groups(company: Company, many: list[str]) -> None:
    assert ids(company, "li.na", mine=True) == [company.ticket]
    assert ids(company, "li.na", my_groups=True, q="leaks") == [many[4], many[2], many[0]]
    assert ids(company, "wang.wu", mine=True) == []


def test_the_urgent_ones_come_first_and_pages_neither_repeat_nor_leave_out(company: Company, many: list[str]) -> None:
    found: list[str] = []
    cursor = None
    while True:
        params = {"q": "leaks", "order": "urgent", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = company.ask(None, "GET", "/v1/tickets", params=params).json()
        found += [t["id"] for t in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [many[0], many[3], many[1], many[4], many[2], many[5]]


def test_what_is_overdue_is_not_what_is_at_risk(company: Company, many: list[str]) -> None:
    for ticket in many:  # answered, so that only the resolution counts
        company.ask(None, "POST", f"/v1/tickets/{ticket}/start", json={})
    company.house.clock.forward(2.5 * HOUR)  # P0 promise four hours and are 7.5 and 4.5 h old; P1 eight, 6.5 and 3.5
    assert set(ids(company, q="leaks", sla="overdue", order="due")) == {many[0], many[3]}
    assert ids(company, q="leaks", sla="at_risk") == [many[1]]
    company.ask(None, "POST", f"/v1/tickets/{many[1]}/block", json={"reason": "waiting_for_customer"})
    assert ids(company, q="leaks", sla="at_risk") == []


def test_an_unknown_filter_or_value_is_refused(company: Company) -> None:
    for params in ({"state": "open"}, {"priority": "P9"}, {"status": "lost"}, {"order": "best"}, {"device": "X"}):
        answer = company.ask(None, "GET", "/v1/tickets", params=params)
        assert answer.status_code == 422, params
    assert company.ask(None, "GET", "/v1/desk/tickets.csv", params={"kind": "customer"}).status_code == 422


def test_counts_are_of_what_the_list_shows(company: Company, many: list[str]) -> None:
    told = company.ask(None, "GET", "/v1/desk/counts", params={"q": "leaks"}).json()
    assert (told["total"], told["complete"]) == (6, True)
    assert told["priority"] == {"P0": 2, "P1": 2, "P2": 2}
    mine = company.ask("wang.wu", "GET", "/v1/desk/counts").json()
    assert mine["total"] == len(ids(company, "wang.wu")) == 3  # of line-2
    assert company.ask_as_customer("GET", "/v1/desk/counts").json()["total"] == 2


def test_a_filter_is_saved_for_oneself_and_shared(company: Company) -> None:
    new = {"name": "夜班 P0", "query": {"priority": ["P0"], "open": True}}
    mine = company.ask("li.na", "PUT", "/v1/desk/filters", json=new).json()
    assert company.ask("wang.wu", "GET", "/v1/desk/filters").json()["items"] == []
    again = company.ask("li.na", "PUT", "/v1/desk/filters", json=new | {"shared": True}).json()
    assert again["number"] == mine["number"]
    seen = company.ask("wang.wu", "GET", "/v1/desk/filters").json()["items"]
    assert [(f["name"], f["query"], f["owner"], f["mine"]) for f in seen] == [
        (new["name"], new["query"], "li.na", False)
    ]
    path = f"/v1/desk/filters/{mine['number']}"
    assert company.ask("wang.wu", "DELETE", path).status_code == 403
    assert company.ask("li.na", "DELETE", path).status_code == 200
    assert company.ask("li.na", "DELETE", path).status_code == 404


def test_a_filter_that_asks_for_what_there_is_not_is_refused(company: Company) -> None:
    answer = company.ask("li.na", "PUT", "/v1/desk/filters", json={"name": "x", "query": {"priority": ["P7"]}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"].startswith("query.priority")
    assert company.ask_as_customer("PUT", "/v1/desk/filters", json={"name": "x", "query": {}}).status_code == 403


def test_one_action_on_many_is_answered_ticket_by_ticket(company: Company, many: list[str]) -> None:
    company.ask(None, "POST", f"/v1/tickets/{many[1]}/start", json={})
    body = {
        "action": "start",
        "tickets": [
            {"ticket": many[0], "expected_version": 1}, {"ticket": many[1]}, {"ticket": many[2], "expected_version": 7},
            {"ticket": "TKT-2026-999999"},
        ],
    }  # fmt: skip
    told = company.ask(None, "POST", "/v1/desk/bulk", json=body).json()
    assert (told["done"], told["refused"]) == (1, 3)
    assert [r.get("problem", {}).get("status") for r in told["results"]] == [None, 409, 409, 404]
    assert told["results"][0] == {"ticket": many[0], "done": True, "status": "in_progress", "version": 2}
    assert "start" not in told["results"][1]["problem"]["allowed"]
    assert company.ask(None, "GET", f"/v1/tickets/{many[2]}").json()["status"] == "pending"


def test_many_sent_twice_with_one_key_is_done_once(company: Company, many: list[str]) -> None:
    body = {"action": "comment", "text": "looked at it", "tickets": [{"ticket": t} for t in many[:2]]}
    for _ in range(2):
        told = company.ask(None, "POST", "/v1/desk/bulk", {"Idempotency-Key": "k1"}, json=body).json()
        assert told["done"] == 2
    timeline = company.ask(None, "GET", f"/v1/tickets/{many[0]}").json()["timeline"]
    assert [e["data"]["text"] for e in timeline if e["type"] == "comment"] == ["looked at it"]


def test_rights_hold_for_each_of_many(company: Company, many: list[str]) -> None:
    """li.na is of line-1: she may start its tickets, does not see those of line-2, and may set no priority anywhere."""
    both = [{"ticket": many[0]}, {"ticket": many[1]}]
    told = company.ask("li.na", "POST", "/v1/desk/bulk", json={"action": "start", "tickets": both}).json()
    assert [r["done"] for r in told["results"]] == [True, False]
    assert told["results"][1]["problem"]["status"] == 404
    told = company.ask("li.na", "POST", "/v1/desk/bulk", json={"action": "set", "priority": "P0", "tickets": both[:1]})
    assert told.json()["results"][0]["problem"]["status"] == 403
    assert company.ask("audit", "POST", "/v1/desk/bulk", json={"action": "start", "tickets": both}).json()["done"] == 0


def test_priority_and_holder_are_set_for_many(company: Company, many: list[str]) -> None:
    body = {"action": "set", "priority": "P3", "labels": {"shift": "night"}, "tickets": [{"ticket": t} for t in many]}
    assert company.ask(None, "POST", "/v1/desk/bulk", json=body).json()["done"] == 6
    assert ids(company, q="leaks", priority=["P3"]) == many[::-1]


def rows(text: str) -> list[dict[str, str]]:
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM))))


def test_the_csv_has_every_row_of_the_filter_in_both_languages(company: Company, many: list[str]) -> None:
    answer = company.ask(None, "GET", "/v1/desk/tickets.csv", params={"q": "leaks", "order": "urgent"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert [r["工单号"] for r in rows(answer.text)] == [many[0], many[3], many[1], many[4], many[2], many[5]]
    assert rows(answer.text)[0]["类型"] == "维护"
    english = company.ask(None, "GET", "/v1/desk/tickets.csv", {"Accept-Language": "en-GB"}, params={"q": "leaks"})
    assert rows(english.text)[0]["Kind"] == "Maintenance"


def test_no_cell_of_the_csv_runs_in_a_spreadsheet(company: Company) -> None:
    titles = ["=cmd|' /C calc'!A1", "+1+1", "-2+3", "@SUM(A1)", " =1+1", "＝1+1", "\t=1"]
    for title in titles:
        company.ask(None, "POST", "/v1/tickets", json={"title": title, "description": "d"})
    found = rows(company.ask(None, "GET", "/v1/desk/tickets.csv").text)
    assert [row["标题"] for row in found[: len(titles)]] == [f"'{title}" for title in titles[::-1]]


def test_the_csv_of_a_technician_has_what_a_technician_may_read(company: Company) -> None:
    answer = company.ask("li.na", "GET", "/v1/desk/tickets.csv")
    assert_safe(answer.text)
    assert [r["工单号"] for r in rows(answer.text)] == [company.ticket]
    assert company.earlier in company.ask(None, "GET", "/v1/desk/tickets.csv").text
    customers = rows(company.ask_as_customer("GET", "/v1/desk/tickets.csv").text)
    assert {r["负责人"] + r["设备"] for r in customers} == {""}


def test_a_list_of_five_hundred_is_exported_across_pages(company: Company) -> None:
    gateway = company.house.gateway
    from gateway.usecases import tickets

    with gateway.transaction() as conn:
        for n in range(520):
            tickets.create(conn, gateway, kind="incident", priority=2, title=f"bulk {n}", description="", actor="ann",
                           labels={}, device=None, customer=None, assignee=None, group=None)  # fmt: skip
    found = rows(company.ask(None, "GET", "/v1/desk/tickets.csv", params={"q": "bulk "}).text)
    assert len({r["工单号"] for r in found}) == 520
    assert all(id_registry.parse_id(r["工单号"]) for r in found)
