"""Answering over HTTP, as the person who was asked, within that person's rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import id_registry
from gateway import clock, tokens
from gateway.stuck import asking
from gateway.tokens import Role
from gateway.usecases import tickets
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import hire, open_ticket


@pytest.fixture
def api(staffed: Staffed) -> Iterator[Api]:
    with open_api(staffed(start=False)) as opened:
        hire(opened.house)
        yield opened


def as_person(api: Api, person: str) -> dict[str, str]:
    with api.house.gateway.transaction() as conn:
        _, text = tokens.create(conn, name=person, role=Role.agent, now=clock.now(), person=person)
    return {"Authorization": f"Bearer {text}"}


def stuck(api: Api, holder: str) -> str:
    """A P0 that its holder was just asked about."""
    house = api.house
    made = open_ticket(house, 0)
    house.gateway.transact(lambda c: tickets.act(c, house.gateway, made.id, "claim", {"by": holder}, actor=holder))
    house.gateway.transact(lambda c: tickets.act(c, house.gateway, made.id, "start", {}, actor=holder))
    house.clock.forward(3700)
    asking.tick(house.gateway, house.gateway.hub, house.clock.now)
    return f"/v1/tickets/{id_registry.format_id(made.id)}"


def test_the_holder_sees_the_question_and_answers_it(api: Api) -> None:
    path, mine = stuck(api, "li.na"), as_person(api, "li.na")
    (asked,) = api.ask("GET", f"{path}/questions", headers=mine).json()["items"]
    assert (asked["about"], asked["state"]) == ("no_progress", "open")
    assert {"id": "need_part", "zh": "缺备件，请采购", "en": "A part is missing: buy it", "needs": "text"} in asked[
        "answers"
    ]
    given = {"answer": "need_part", "text": "轴承 6205"}
    first = api.ask("POST", f"{path}/answer", json=given, headers={**mine, "Idempotency-Key": "k1"})
    assert (first.status_code, first.json()["status"]) == (200, "blocked")
    again = api.ask("POST", f"{path}/answer", json=given, headers={**mine, "Idempotency-Key": "k1"})
    assert again.json() == first.json()
    assert api.ask("GET", f"{path}/questions").json()["items"][0]["answered_by"] == "li.na"
    page = api.ask("GET", "/v1/tickets?kind=spare_part_purchase").json()
    assert len(page["items"]) == 1


@pytest.mark.parametrize(
    ("given", "status"),
    [({"answer": "start"}, 422), ({"answer": "working"}, 422), ({"answer": "working", "until": "2026-11-22T10:00:00"}, 422),
     ({"answer": "working", "until": "Tomorrow"}, 422), ({"answer": "need_part", "text": " "}, 422), ({}, 422),
     ({"answer": "\ud800"}, 422), ({"answer": "working", "until": "2h", "more": 1}, 422)],
)  # fmt: skip
def test_what_is_no_answer_is_refused_and_the_question_stays(api: Api, given: dict[str, Any], status: int) -> None:
    path = stuck(api, "li.na")
    answer = api.ask(
        "POST", f"{path}/answer", content=json.dumps(given).encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert api.ask("GET", f"{path}/questions").json()["items"][0]["state"] == "open"


def test_where_nothing_is_asked_there_is_nothing_to_answer(api: Api) -> None:
    number = id_registry.format_id(open_ticket(api.house, 0).id)
    assert api.ask("POST", f"/v1/tickets/{number}/answer", json={"answer": "start"}).status_code == 404
    assert api.ask("POST", "/v1/tickets/TKT-2026-999999/answer", json={"answer": "start"}).status_code == 404


def test_who_may_not_see_the_ticket_may_not_answer(api: Api) -> None:
    path = stuck(api, "li.na")
    hire(api.house, [{"id": "eve", "name": "Eve", "groups": ["office"], "roles": ["technician"]}], [{"id": "office"}])
    eve = as_person(api, "eve")
    assert api.ask("POST", f"{path}/answer", json={"answer": "hand_back", "text": "x"}, headers=eve).status_code in (
        403,
        404,
    )
    assert api.ask("GET", f"{path}/questions").json()["items"][0]["state"] == "open"


def test_ones_own_notices_are_ones_own(api: Api) -> None:
    mine = as_person(api, "li.na")
    assert api.ask("GET", "/v1/me/notices", headers=mine).json() == {"items": [], "next_cursor": None, "unread": 0}
    assert api.ask("GET", "/v1/notices?person=wang.wei", headers=mine).status_code == 403
    assert api.ask("POST", "/v1/me/notices/7/read", headers=mine).status_code == 404
