"""Hold-ups through the API as the person who is held up: a reason is owed, and only the customer's waits move the promise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.people.house import PEOPLE, ROUTING, config
from tests.integration.people.test_by_api import opened, person

HOUR = 3600


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(config(PEOPLE, ROUTING), start=False)) as made:
        yield made


def begun(api: Api) -> dict[str, Any]:
    """A P1 that li.na holds and works on: eight hours are promised."""
    ticket = opened(api, title="PLC")
    assert ticket["assignee"] == "li.na"
    assert done(api, ticket, "start").status_code == 200
    return now(api, ticket)


def done(api: Api, ticket: dict[str, Any], action: str, who: str = "li.na", **args: str) -> Any:
    """The answer to what somebody does."""
    return api.ask("POST", f"/v1/tickets/{ticket['id']}/{action}", person(api, who), json=args)


def now(api: Api, ticket: dict[str, Any]) -> dict[str, Any]:
    return dict(api.ask("GET", f"/v1/tickets/{ticket['id']}", person(api, "li.na")).json())


def promise(api: Api, ticket: dict[str, Any], name: str = "resolution") -> dict[str, Any]:
    """One promise of `weft explain`."""
    told = api.ask("GET", f"/v1/tickets/{ticket['id']}/explain").json()["promises"]
    return next(p for p in told if p["name"] == name)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_blocking_without_a_reason_is_refused_with_the_field_and_the_reasons_there_are(api: Api) -> None:
    ticket = begun(api)
    refused = done(api, ticket, "block")
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["path"] == "reason"
    assert "waiting_for_customer" in error["hint"]
    assert done(api, ticket, "block", reason="other").json()["errors"][0]["path"] == "text"
    assert now(api, ticket)["status"] == "in_progress"


def test_a_wait_for_a_part_leaves_the_promise_where_it_stood(api: Api) -> None:
    ticket = begun(api)
    answer = done(api, ticket, "block", reason="waiting_for_part", text="主轴轴承")
    assert answer.status_code == 200, answer.text
    api.house.clock.forward(HOUR)
    held = promise(api, ticket)
    assert (held["state"], held["due"]) == ("ok", ticket["resolution_due"])
    assert held["remaining_s"] == 7 * HOUR
    assert done(api, ticket, "unblock").status_code == 200
    again = now(api, ticket)
    assert (again["status"], again["resolution_due"]) == ("in_progress", ticket["resolution_due"])


def test_a_wait_for_the_customer_stops_the_clock_and_moves_the_promise_by_as_long(api: Api) -> None:
    ticket = begun(api)
    assert done(api, ticket, "block", reason="waiting_for_customer").status_code == 200
    before = promise(api, ticket)["remaining_s"]
    api.house.clock.forward(HOUR)
    held = promise(api, ticket)
    assert (held["state"], held["remaining_s"]) == ("paused", before)
    assert done(api, ticket, "unblock").status_code == 200
    again = now(api, ticket)
    assert at(again["resolution_due"]) == at(ticket["resolution_due"]) + timedelta(hours=1)
    assert (again["blocked_reason"], again["status"]) == (None, "in_progress")
    assert promise(api, ticket)["state"] == "ok"


def test_explain_tells_who_held_it_up_why_and_what_became_of_the_promise(api: Api) -> None:
    ticket = begun(api)
    done(api, ticket, "block", reason="waiting_for_customer", text="等客户确认停机窗口")
    api.house.clock.forward(HOUR)
    done(api, ticket, "unblock")
    told = api.ask("GET", f"/v1/tickets/{ticket['id']}/explain", person(api, "wang")).json()
    (block, unblock) = [c for c in told["changes"] if c["what"] in ("block", "unblock")]
    after = {c["field"]: c["after"] for c in block["changes"]}
    assert (block["who"], after["status"], after["blocked_reason"]) == ("li.na", "blocked", "waiting_for_customer")
    assert after["blocked_text"] == "等客户确认停机窗口"
    (moved,) = [m for m in told["promises_moved"] if m["at"] == unblock["at"]]
    assert moved["who"] == "li.na"
    assert "等待客户" in moved["told"][0]
    assert moved["told"][1].endswith("1 h 00 min")


def test_who_has_nothing_to_do_with_it_neither_sees_nor_blocks_it(api: Api) -> None:
    ticket = begun(api)
    unseen = done(api, ticket, "block", who="zhao", reason="waiting_for_part")
    unknown = done(api, {"id": "TKT-2026-000999"}, "block", who="zhao", reason="waiting_for_part")
    assert (unseen.status_code, unknown.status_code) == (404, 404)
    assert unseen.json()["type"] == unknown.json()["type"]
    reads_only = done(api, ticket, "block", who="audit", reason="waiting_for_part")
    assert reads_only.status_code == 403
    assert "auditor" in reads_only.json()["detail"]
    assert now(api, ticket)["status"] == "in_progress"
