"""How urgent a ticket is: by words, channel, customer and time, told with every contribution."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import core_tickets
import id_registry
from gateway import clock
from gateway.usecases import explaining
from id_registry import Key, Observation
from tests.integration.gateway.in_process import Build, Clock, House
from tests.integration.people.house import PEOPLE, ROUTING, config

GRADING: dict[str, Any] = {
    "policy": "grading",
    "rules": [
        {"id": "stopped", "words": ["停机", "shutdown"], "points": 60, "title": "产线停了"},
        {"id": "robot", "channel": "Robot", "points": 10},
        {"id": "vip", "customer_level": ["A", "VIP"], "points": 20},
        {"id": "night", "time": "off_hours", "points": 10},
    ],
}
TEMPLATE = {"kind": "'incident'", "priority": "'P3'", "title": "title", "customer": "ids.customer"}
RULES = [{"id": "all", "on": "Alert", "ticket": TEMPLATE}]


def last(house: House) -> core_tickets.Ticket:
    return house.tickets()[-1]


def explained(house: House) -> dict[str, Any]:
    with house.gateway.reading() as conn:
        return explaining.explain(conn, house.gateway.hub, last(house).id)


def vip(house: House, local: str) -> None:
    """A customer of level A, as some system says."""
    key = Key("customer", "r", local)
    with house.gateway.transaction() as conn:
        gid = id_registry.resolve(conn, [key], house.clock.now)[key]
        id_registry.observe(conn, [Observation(gid, "crm", "tier", "A", house.clock.now)], house.clock.now)


def test_points_raise_the_priority_and_each_contribution_is_told(build: Build) -> None:
    house = build(config(GRADING, rules=RULES))
    vip(house, "C-7")
    house.tell(house.alert("a", title="三号线 ＳＨＵＴＤＯＷＮ", customer="C-7"))
    assert last(house).priority == 0
    (grading,) = explained(house)["grading"]
    assert grading["told"] == [
        "stopped: +60（文中有“shutdown” the text has “shutdown”）",
        "robot: +10（来自 robot it came by robot）",
        "vip: +20（客户级别是 a the customer's level is a）",
        "night: +10（时间是 off_hours it is off_hours time）",
        "合计 total 100: P3 → P0（只升不降 the more urgent counts）",
    ]
    house.verify()


def test_what_no_rule_speaks_of_keeps_its_priority_and_its_origin(build: Build) -> None:
    quiet = {**GRADING, "rules": GRADING["rules"][:1]}
    house = build(config(quiet, rules=RULES))
    house.tell(house.alert("a", title="主轴振动"))
    assert last(house).priority == 3
    assert explained(house)["grading"] == []
    house.verify()


def test_the_promise_is_that_of_the_graded_priority(build: Build) -> None:
    house = build(config(GRADING, rules=RULES))
    house.tell(house.alert("a", title="停机"), house.alert("b", title="振动"))
    urgent, other = house.tickets()
    assert urgent.priority < other.priority
    assert urgent.first_response_due is not None
    assert other.first_response_due is not None
    assert urgent.first_response_due < other.first_response_due


def test_a_routing_rule_sees_the_graded_priority(build: Build) -> None:
    rules = [{"id": "urgent", "priority": ["P0", "P1"], "group": "electric"}, {"id": "rest", "group": "line-1"}]
    house = build(config(GRADING, PEOPLE, {**ROUTING, "rules": rules}, rules=RULES))
    house.tell(house.alert("a", title="停机"), house.alert("b", title="振动"))
    assert [t.group for t in house.tickets()] == ["electric", "line-1"]
    house.verify()


def test_the_merged_customer_s_level_counts(build: Build) -> None:
    house = build(config({**GRADING, "rules": [{**GRADING["rules"][2], "points": 90}]}, rules=RULES))
    vip(house, "C-7")
    with house.gateway.transaction() as conn:
        keys = [Key("customer", "r", "C-7"), Key("customer", "r", "C-8")]
        found = id_registry.resolve(conn, keys, house.clock.now)
        id_registry.merge(conn, found[keys[0]], found[keys[1]], actor="ann", reason="the same", now=house.clock.now)
    house.tell(house.alert("a", customer="C-8"))
    assert last(house).priority == 0


def test_a_public_holiday_is_off_hours_and_a_weekend_worked_instead_is_not(build: Build, a_clock: Clock) -> None:
    def at(local: str) -> None:
        a_clock.now = clock.from_datetime(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai")))

    at("2026-09-30T10:00")
    house = build(config({**GRADING, "rules": GRADING["rules"][3:]}, rules=RULES))
    off_hours = {
        "2026-10-01T10:00": True,  # a Thursday, National Day
        "2026-10-08T10:00": False,  # the Thursday after
        "2026-10-08T20:00": True,
        "2026-10-10T10:00": False,  # a Saturday that is worked instead
        "2026-10-17T10:00": True,  # any other Saturday
    }
    graded = {}
    for local in off_hours:
        at(local)
        house.tell(house.alert(local, title="主轴振动"))
        graded[local] = [line.partition(":")[0] for told in explained(house)["grading"] for line in told["told"]]
    assert graded == {local: ["night", "合计 total 10"] if off else [] for local, off in off_hours.items()}
