"""One ticket's page: what may be done, then and now, charts, objects elsewhere; and the customer's link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

import core_tickets.tables
import id_registry
from gateway.context import snapshot
from gateway.desk.progress import PER_MINUTE
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.gateway.robot.connector import World
from tests.integration.rights.house import Company, assert_safe

# -- actions ----------------------------------------------------------------------------------------------------------


def actions(company: Company, person: str | None) -> dict[str, Any]:
    told = company.get(person, "/actions")
    assert told["version"] >= 1
    return {item["name"]: item for item in told["items"]}


def test_an_action_is_offered_with_the_fields_it_needs(company: Company) -> None:
    offered = actions(company, None)
    assert offered["resolve"]["possible"]
    fields = {f["name"]: f for f in offered["resolve"]["fields"]}
    assert fields["resolution"]["required"]
    assert {"value": "wear", "label": "Wear", "label_zh": "磨损老化"} in fields["cause"]["choices"]
    assert [item["possible"] for item in offered.values()] == sorted(
        (i["possible"] for i in offered.values()), reverse=True
    )


def test_an_action_that_is_not_possible_says_why_in_both_languages(company: Company) -> None:
    offered = actions(company, None)
    assert offered["reopen"]["why_not"] == "Not while it is pending; it takes resolved or closed."
    assert offered["reopen"]["why_not_zh"] == "“待处理”状态下不能执行；需要处于已解决、已关闭。"
    assert offered["remove_child"]["why_not"] == "There is nothing here that it could be done to."
    assert "technician may not hand" not in offered["handoff"]["why_not"]
    assert offered["approve"]["why_not"].startswith("Not now: a ticket of kind incident needs no approval")
    assert offered["approve"]["why_not_zh"] == "当前不适用：“故障”类工单无需审批。"
    of_technician = actions(company, "li.na")
    refused = of_technician["set"]
    assert refused["why_not"].startswith("Role technician may not set this ticket (policy rights")
    assert refused["why_not_zh"].startswith("角色 technician 不能执行此操作（权限策略 rights")
    for each in (*offered.values(), *of_technician.values()):
        for english_word in (" not ", " may ", " ticket", " it "):
            assert english_word not in each["why_not_zh"], each
        assert bool(each["why_not"]) == bool(each["why_not_zh"]) == (not each["possible"])


def test_a_ticket_whose_place_another_took_names_it_as_people_do(company: Company) -> None:
    new = id_registry.parse_id(company.earlier)
    with company.house.gateway.transaction() as conn:
        mine = core_tickets.tables.ticket.c.id == id_registry.parse_id(company.ticket)
        conn.execute(update(core_tickets.tables.ticket).where(mine).values(status="closed", superseded_by=new))
    reopen = actions(company, None)["reopen"]
    assert reopen["why_not"] == f"Not now: ticket {company.earlier} took its place."
    assert reopen["why_not_zh"] == f"当前不适用：已由工单 {company.earlier} 取代。"


def test_every_action_that_is_offered_as_possible_can_be_done(company: Company) -> None:
    """Each form sent with its required fields is accepted or asks for what is missing, never 'not allowed'."""
    given = {"resolution": "mended", "reason": "because it must be", "text": "a word", "group": "line-2", "assignee": "wang.wu",
             "other": company.earlier, "approvers": ["zhao.liu"], "priority": "P2",
             "resolution_due": company.house.clock.text(7200)}  # fmt: skip
    for name, offered in actions(company, None).items():
        if not offered["possible"] or name in ("claim", "confirm", "resolve", "return"):
            continue
        fields = {f["name"] for f in offered["fields"]}
        body = {k: v for k, v in given.items() if k in fields}
        if name == "block":
            body["reason"] = "waiting_for_part"
        if name == "handoff":
            body["group"] = "line-1"
        if name in ("watch", "unwatch"):
            body["person"] = "wang.wu"
        company.ask(None, "POST", f"/v1/tickets/{company.ticket}/unblock", json={})
        company.ask(None, "POST", f"/v1/tickets/{company.ticket}/start", json={}) if name == "block" else None
        answer = company.ask(None, "POST", f"/v1/tickets/{company.ticket}/{name}", json=body)
        assert answer.status_code in (200, 201, 409), (name, answer.text)
        assert answer.status_code != 409 or "allowed" in answer.json(), (name, answer.text)


# -- then and now -----------------------------------------------------------------------------------------------------


@pytest.fixture
def warm(build: Build) -> Iterator[Api]:
    """A hot pump's ticket with its snapshot, of a robot that answers and echoes."""
    context = [{"question": "recent", "inputs": {"device": "alert.device"}}]
    connection = {"id": "r", "connector": "robot", "config": {"password": "a long password"}, "context": context}
    rule = {"id": "hot", "on": "Reading", "when": "metric == 'temperature'", "threshold": {"above": 80, "clear": 75},
            "ticket": {"kind": "'maintenance'", "priority": "'P2'", "title": "concat('hot ', device)",
                       "device": "ids.device"}}  # fmt: skip
    house = build({"connections": [connection], "rules": [rule]}, world=World(echoes=True), start=False)
    with open_api(house) as api:
        for value in (70, 74, 91):
            house.clock.forward(60)
            house.tell(house.reading(value, unit="C"), house.reading(value / 10, metric="vibration", unit="mm/s"))
        with house.gateway.transaction() as conn:
            snapshot.expand(conn, house.gateway.hub, house.clock.now)
            claimed = snapshot.claim(conn, house.clock.now)
        for section in claimed:
            snapshot.ask(house.gateway, house.gateway.hub, section)
        yield api


def page(api: Api, path: str) -> Any:
    (ticket,) = api.house.tickets()
    return api.ask("GET", f"/v1/tickets/{id_registry.format_id(ticket.id)}{path}").json()


def test_then_is_kept_and_now_is_asked_anew(warm: Api) -> None:
    warm.house.world.state = "cold"
    warm.house.clock.forward(60)
    warm.house.tell(warm.house.reading(60, unit="C"))
    told = page(warm, "/context/now")
    then, now = ({s["name"]: s for s in told[side]["sections"]} for side in ("then", "now"))
    assert then["r.recent"]["values"]["state"] == "warm"
    assert now["r.recent"]["values"]["state"] == "cold"
    found = {d["name"]: {c["field"]: (c["before"], c["after"]) for c in d["changes"]} for d in told["differences"]}
    assert found["r.recent"] == {"state": ("warm", "cold")}
    assert found["device_twin"]["temperature.value"] == ("91", "60")
    stored = {s["name"]: s for s in page(warm, "/context")["sections"]}
    assert stored["r.recent"]["values"]["state"] == "warm"


def test_a_source_that_does_not_answer_now_says_so_and_the_others_are_told(warm: Api) -> None:
    warm.house.world.state = "silent"
    told = page(warm, "/context/now")
    now = {s["name"]: s for s in told["now"]["sections"]}
    assert (now["r.recent"]["status"], now["device_twin"]["status"]) == ("failed", "ok")
    assert "not now" in now["r.recent"]["reason"]


def test_then_and_now_tell_a_technician_nothing_of_the_customer(company: Company) -> None:
    assert_safe(company.told("li.na", "/context/now"))
    assert_safe(company.told("li.na", "/series"))
    names = {s["name"] for s in company.get("li.na", "/context/now")["now"]["sections"]}
    assert "mes.downtime" in names


def test_the_charts_have_the_device_s_series_and_the_limit_it_crossed(warm: Api) -> None:
    told = page(warm, "/series")
    series = {s["name"]: s for s in told["series"]}
    assert [value for _, value in series["temperature"]["points"]] == ["70", "74", "91"]
    assert series["vibration"]["unit"] == "mm/s"
    gauges = {g["name"]: g for g in told["gauges"]}
    assert gauges["temperature"]["limits"]["above"] == "80"
    assert gauges["vibration"]["limits"] is None
    assert told["opened_at"]


# -- objects in other systems ------------------------------------------------------------------------------------------


def test_a_linked_object_shows_what_is_wanted_and_what_was_seen(build: Build) -> None:
    house = build(world=World(echoes=True), start=False)
    with open_api(house) as api:
        house.tell(house.alert("a"))
        (source,) = page(api, "/remote/objects")["items"]
        assert (source["connection"], source["desired"], source["in_step"]) == ("r", None, None)
        assert [(o["what"], o["state"]) for o in source["observed"]] == [("signal", "firing")]
        house.clock.forward(10)
        house.act(house.tickets()[0], "resolve", resolution="mended")
        (source,) = page(api, "/remote/objects")["items"]
        assert (source["desired"]["op"], source["desired"]["state"], source["in_step"]) == ("close", "waiting", False)
        house.work()
        assert page(api, "/remote/objects")["items"][0]["in_step"] is False  # it has not told it back yet
        house.tell(house.alert("a", "resolved", starts_at=house.clock.text(-10)))
        (source,) = page(api, "/remote/objects")["items"]
        assert source["in_step"] is True
        assert {o["what"] for o in source["observed"]} == {"signal", "receipt", "echo"}


# -- the customer's link ----------------------------------------------------------------------------------------------


def link(company: Company, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = company.ask(
        "zhao.liu", "POST", f"/v1/tickets/{company.ticket}/progress-links", json=body
    ).json()
    return made


def follow(company: Company, token: str, method: str = "GET", **more: Any) -> Any:
    return company.api.client.request(method, f"/v1/progress/{token}", **more)


def test_the_link_tells_how_far_it_is_and_nothing_internal(company: Company) -> None:
    made = link(company)
    assert made["link"].endswith(f"/p/{made['token']}")
    company.ask(
        None, "POST", f"/v1/tickets/{company.ticket}/comment", json={"text": "spare part is on its way", "public": True}
    )
    company.ask(None, "POST", f"/v1/tickets/{company.ticket}/start", json={})
    answer = follow(company, made["token"])
    told = answer.json()
    assert_safe(answer.text)
    assert [(s["name"], s["done"]) for s in told["steps"]] == [
        ("received", True), ("working", True), ("solved", False), ("confirmed", False),
    ]  # fmt: skip
    assert [c["text"] for c in told["said"]] == ["spare part is on its way"]
    assert told["may_confirm"] is False
    for internal in (
        "li.na",
        "line-1",
        "zhao.liu",
        "打过",
        "labels",
        "device",
        "press-7.recent",
        "fingerprint",
        "P0",
        "P1",
    ):
        assert internal not in answer.text
    assert answer.headers["cache-control"] == "private, no-store"


def test_the_customer_confirms_by_the_link(company: Company) -> None:
    token = link(company)["token"]
    assert follow(company, token, "POST", json={"score": 5}).status_code == 409
    company.ask(
        None, "POST", f"/v1/tickets/{company.ticket}/resolve", json={"resolution": "bearing changed", "cause": "wear"}
    )
    assert follow(company, token).json()["may_confirm"] is True
    told = follow(company, token, "POST", json={"score": 5, "text": "谢谢"}).json()
    assert [s["done"] for s in told["steps"]] == [True] * 4
    entries = company.get(None)["timeline"]
    assert next(e for e in entries if e["name"] == "confirm")["actor"] == f"customer:{company.customer}"


def test_a_link_that_was_taken_back_or_is_over_shows_nothing(company: Company) -> None:
    made, short = link(company), link(company, lasts_s=60)
    path = f"/v1/tickets/{company.ticket}/progress-links"
    listed = company.get("zhao.liu", "/progress-links")["items"]
    assert [(item["number"], item["works"], item["seen_at"]) for item in listed] == [
        (short["number"], True, None), (made["number"], True, None),
    ]  # fmt: skip
    assert made["token"] not in str(listed)
    company.house.clock.forward(61)
    assert follow(company, short["token"]).status_code == 410
    assert follow(company, made["token"]).status_code == 200
    assert company.ask("li.na", "DELETE", f"{path}/{made['number']}").status_code == 403
    assert company.ask("zhao.liu", "DELETE", f"{path}/{made['number']}").status_code == 200
    assert follow(company, made["token"]).status_code == 410
    assert follow(company, made["token"], "POST", json={}).status_code == 410


def test_no_other_text_is_a_link(company: Company) -> None:
    token = link(company)["token"]
    confirmation = company.ask(None, "POST", f"/v1/tickets/{company.ticket}/confirmation-link").json()["token"]
    for wrong in (token[:-2] + "AA", token[:-1], token + "A", confirmation, "x", "é", "A" * 400):
        assert follow(company, wrong).status_code == 404, wrong


def test_whoever_guesses_is_told_to_wait(company: Company) -> None:
    token = link(company)["token"]
    answers = [follow(company, "guess").status_code for _ in range(PER_MINUTE + 1)]
    assert answers == [404] * PER_MINUTE + [429]
    refused = follow(company, token)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    company.house.clock.forward(60)
    assert follow(company, token).status_code == 200
