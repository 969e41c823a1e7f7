"""Tickets change hands through the API, as the person in question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import clock, tokens
from gateway.tokens import Role
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.notify.staff import work
from tests.integration.people.house import PEOPLE, ROUTING, config


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(config(PEOPLE, ROUTING), start=False)) as made:
        yield made


def person(api: Api, who: str) -> str:
    """The role under which `api.ask` asks as this person."""
    if who not in api.tokens:
        with api.house.gateway.transaction() as conn:
            _, api.tokens[who] = tokens.create(conn, name=who, role=Role.agent, now=clock.now(), person=who)
    return who


def opened(api: Api, **more: Any) -> dict[str, Any]:
    api.house.tell(api.house.alert("a", **more))
    return dict(api.ask("GET", "/v1/tickets").json()["items"][0])


def test_whoever_gets_a_ticket_claims_it_in_their_own_name(api: Api) -> None:
    ticket = opened(api, title="PLC")
    assert ticket["assignee"] == "li.na"
    answer = api.ask("POST", f"/v1/tickets/{ticket['id']}/claim", person(api, "li.na"))
    assert answer.status_code == 200, answer.text
    entry = api.ask("GET", f"/v1/tickets/{ticket['id']}").json()["timeline"][-1]
    assert (entry["name"], entry["actor"], entry["data"]["by"]) == ("claim", "li.na", "li.na")


def test_whoever_claims_it_promises_both_times_and_the_countdown_shows_them_beside_the_policys(api: Api) -> None:
    ticket = opened(api, title="PLC")
    path, clock_ = f"/v1/tickets/{ticket['id']}", api.house.clock
    assert api.ask("POST", f"{path}/claim", person(api, "li.na")).status_code == 200
    given = {"first_response_due": clock_.text(20 * 60), "resolution_due": clock_.text(2 * 3600)}
    stranger = api.ask("POST", f"{path}/promise", person(api, "zhao"), json={**given, "reason": "我来承诺"})
    assert stranger.status_code == 404
    answer = api.ask("POST", f"{path}/promise", person(api, "li.na"), json={**given, "reason": "备件在库"})
    assert answer.status_code == 200, answer.text

    def countdown() -> dict[str, tuple[str, int]]:
        told = api.ask("GET", path, person(api, "li.na")).json()["promises"]
        return {p["name"]: (p["state"], p["remaining_s"]) for p in told}

    assert countdown() == {
        "first_response": ("ok", 30 * 60), "resolution": ("ok", 8 * 3600),
        "given_response": ("ok", 20 * 60), "given_resolution": ("ok", 2 * 3600),
    }  # fmt: skip
    clock_.forward(10 * 60)
    assert api.ask("POST", f"{path}/start", person(api, "li.na")).status_code == 200
    clock_.forward(2 * 3600)
    now = countdown()
    assert (now["given_response"], now["given_resolution"]) == (("kept", 10 * 60), ("breached", -10 * 60))
    assert now["resolution"] == ("ok", 8 * 3600 - 130 * 60)
    entry = next(e for e in api.ask("GET", path).json()["timeline"] if e["name"] == "promise")
    assert (entry["actor"], entry["data"]["reason"]) == ("li.na", "备件在库")


def test_handed_over_it_is_theirs_who_were_named_and_told_with_the_reason_in_the_timeline(api: Api) -> None:
    ticket = opened(api, title="PLC")
    path, body = f"/v1/tickets/{ticket['id']}", {"assignee": "wang", "reason": "我要去二号线"}
    answer = api.ask("POST", f"{path}/hand_over", person(api, "li.na"), json=body)
    assert answer.status_code == 200, answer.text
    now = api.ask("GET", path, person(api, "wang")).json()
    assert (now["assignee"], now["group"]) == ("wang", "line-1")
    entry = now["timeline"][-1]
    assert (entry["name"], entry["actor"], entry["data"]["reason"]) == ("hand_over", "li.na", "我要去二号线")
    api.house.clock.forward(5)
    work(api.house)
    assert [n["reason"] for n in api.ask("GET", "/v1/me/notices", "wang").json()["items"]] == ["assigned"]


def test_given_back_with_a_reason_it_is_somebody_else_s_at_once(api: Api) -> None:
    ticket = opened(api)
    first = ticket["assignee"]
    answer = api.ask("POST", f"/v1/tickets/{ticket['id']}/return", person(api, first), json={"reason": "没有钥匙"})
    assert answer.status_code == 200, answer.text
    now = api.ask("GET", f"/v1/tickets/{ticket['id']}").json()
    assert now["assignee"] not in (None, first)
    assert [e["name"] for e in now["timeline"]][-2:] == ["return", "assign"]
    told = api.ask("GET", f"/v1/tickets/{ticket['id']}/explain").json()["routing"]
    assert any("gave it back last" in line for line in told[-1]["told"])


def test_giving_back_without_a_reason_is_refused_with_the_field(api: Api) -> None:
    ticket = opened(api)
    answer = api.ask("POST", f"/v1/tickets/{ticket['id']}/return", person(api, ticket["assignee"]), json={})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "reason"


def test_handing_over_to_who_may_not_receive_is_refused_with_the_remedy(api: Api) -> None:
    ticket = opened(api)
    body = {"assignee": "audit", "reason": "you have time"}
    answer = api.ask("POST", f"/v1/tickets/{ticket['id']}/hand_over", person(api, "wang"), json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["path"] == "assignee"
    assert "technician" in error["hint"]


def test_people_and_groups_are_listed_with_addresses_only_for_who_configures(api: Api) -> None:
    items = {p["id"]: p for p in api.ask("GET", "/v1/people", "viewer").json()["items"]}
    assert items["li.na"]["channels"] == ["wecom"]
    shown = {p["id"]: p for p in api.ask("GET", "/v1/people?group=line-1", "integrator").json()["items"]}
    assert shown["li.na"]["channels"] == {"wecom": "lina"}
    assert set(shown) == {"wang", "li.na", "audit"}
    groups = {g["id"]: g for g in api.ask("GET", "/v1/groups", "viewer").json()["items"]}
    assert groups["line-1"]["members"] == ["audit", "li.na", "wang"]
    assert groups["line-1"]["lead"] == "wang"


def test_the_report_of_rules_is_for_who_configures(api: Api) -> None:
    opened(api, title="PLC")
    assert api.ask("GET", "/v1/rules/report", "agent").status_code == 403
    told = api.ask("GET", "/v1/rules/report", "integrator").json()
    assert {r["id"]: r["matched"] for r in told["routing"]} == {"plc": 1, "electric": 0, "incidents": 1}
    assert [r["id"] for r in told["routing"] if r["problems"]] == ["electric"]
