"""Who changes states suspiciously often is looked at by a person, once a span."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from core_tickets import Filters, search
from gateway.collaboration import conduct
from tests.integration.together.house import Floor

STRICT = {"policy": "conduct", "per_hour": 4, "back_and_forth": 3, "instant": 1, "instant_within": "1m", "span": "1d"}


def look(floor: Floor) -> int:
    return conduct.look(floor.house.gateway, floor.house.gateway.hub, floor.house.clock.now)


def test_back_and_forth_is_flagged_once_a_span_and_the_lead_is_told(floor_with: Callable[..., Floor]) -> None:
    floor = floor_with(STRICT)
    quiet, busy = floor.make(), floor.make()
    floor.do("wang.wu", quiet, "start")
    floor.do("li.na", busy, "start")
    for _ in range(3):
        floor.house.clock.forward(60)
        floor.do("li.na", busy, "block", reason="waiting_for_part")
        floor.do("li.na", busy, "unblock")
    assert [look(floor), look(floor)] == [1, 0]
    with floor.house.gateway.reading() as conn:
        (flag,) = search(conn, Filters(kind=["data_quality"])).items
    assert "li.na" in flag.title
    told = floor.shown(floor.ask("li.na", "GET", "")["items"][0]["id"])
    (note,) = [e for e in told["timeline"] if e["name"] == "conduct"]
    assert note["data"]["reasons"] == ["per_hour", "back_and_forth"]
    assert note["data"]["back_and_forth"] == {busy: 7}
    (notice,) = floor.notices(told["id"], "conduct")
    assert orjson.loads(notice.people) == ["zhao.liu"]
    floor.house.clock.forward(86_400)
    assert look(floor) == 0
    floor.house.verify()


def test_usual_work_is_not_flagged(floor_with: Callable[..., Floor]) -> None:
    floor = floor_with(STRICT)
    for _ in range(3):
        ticket = floor.make()
        floor.do("li.na", ticket, "start")
        floor.house.clock.forward(3600)
        floor.do("li.na", ticket, "resolve", resolution="done", cause="wear")
    assert look(floor) == 0
