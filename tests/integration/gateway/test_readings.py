"""Thresholds over measured values: hysteresis, duration, silence, and what comes late."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import clock, tables
from gateway.automation.readings import NEW, OLD, thinned
from tests.integration.gateway.in_process import Build, House

OPEN = ("pending", "in_progress", "blocked")


def hot(**threshold: Any) -> dict[str, Any]:
    limit = {"above": 80, "clear": 75, "for": "60s"} | threshold
    template = {"kind": "'maintenance'", "priority": "'P2'", "title": "concat('hot ', device)"}
    return {"id": "hot", "on": "Reading", "when": "metric == 'temperature'", "ticket": template, "threshold": limit,
            "flap": None, "storm": None, "reopen_within": 0}  # fmt: skip


def measure(house: House, value: Any, after_s: float = 0, **more: Any) -> None:
    house.clock.forward(after_s)
    house.tell(house.reading(value, **more))


def states(house: House) -> list[str]:
    return ["open" if t.status in OPEN else t.status for t in house.tickets()]


def test_a_value_must_stay_above_its_limit_for_the_whole_duration(build: Build) -> None:
    house = build({"rules": [hot()]})
    for value in (85, 79, 85, 86):
        measure(house, value, 30)
    assert states(house) == []
    measure(house, 87, 30)
    assert states(house) == ["open"]
    house.ends()
    house.verify()


def test_it_is_over_only_once_the_value_is_back_at_the_clear_limit(build: Build) -> None:
    house = build({"rules": [hot(**{"for": 0})]})
    measure(house, 81)
    measure(house, 76, 10)
    assert states(house) == ["open"]
    measure(house, 75, 10)
    assert states(house) == ["resolved"]
    measure(house, 80, 10)
    assert states(house) == ["resolved"]
    house.verify()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(st.integers(70, 90), min_size=1, max_size=12))
def test_hysteresis_agrees_with_its_definition(build: Build, values: list[int]) -> None:
    house = build({"rules": [hot(**{"for": 0})]})
    device = f"d{len(house.tickets())}-{id(values)}"
    firing, times = False, 0
    for value in values:
        if not firing and value > 80:
            firing, times = True, times + 1
        elif firing and value <= 75:
            firing = False
        measure(house, value, 1, device=device)
    mine = [t for t in house.tickets() if device in t.title]
    assert len(mine) == times
    assert [t.status in OPEN for t in mine].count(True) == int(firing)
    house.ends()


def test_a_value_that_nobody_repeats_counts_when_its_time_has_come(build: Build) -> None:
    house = build({"rules": [hot()]})
    measure(house, 85)
    house.clock.forward(59)
    house.tick()
    assert states(house) == []
    house.clock.forward(2)
    house.tick()
    assert states(house) == ["open"]
    ticket = house.tickets()[0]
    assert ticket.source == "r"
    measure(house, 70, 5)
    assert states(house) == ["resolved"]
    house.tick()
    house.ends()
    house.verify()


def test_a_held_value_still_fits_a_rule_that_asks_for_more_than_the_value(build: Build) -> None:
    rule = hot() | {"when": "origin == 'robot' and site == 'plant-1' and labels.line == '7' and connection == 'r'"}
    house = build({"rules": [rule]})
    measure(house, 85, site="plant-1", labels={"line": "7"})
    house.clock.forward(61)
    house.tick()
    assert states(house) == ["open"]


def test_the_timer_tells_a_held_value_once(build: Build) -> None:
    house = build({"rules": [hot()]})
    measure(house, 85)
    house.clock.forward(61)
    for _ in range(3):
        house.tick()
        house.clock.forward(5)
    assert states(house) == ["open"]
    assert house.ends() == {"suppressed": 1, "ticketed": 1}


def test_a_value_that_is_no_number_stops_neither_the_timer_nor_the_others(build: Build) -> None:
    house = build({"rules": [hot()]})
    measure(house, 85, device="one")
    measure(house, None, 1, device="one", text="sensor fault")
    measure(house, 85, device="two")
    house.clock.forward(61)
    house.tick()
    assert [t.title for t in house.tickets()] == ["hot two"]
    with house.gateway.reading() as conn:
        due = conn.execute(tables.threshold.select().where(tables.threshold.c.due_at.is_not(None))).all()
    assert due == []


def test_a_late_reading_is_kept_and_changes_nothing(build: Build) -> None:
    house = build({"rules": [hot(**{"for": 0})]})
    measure(house, 70)
    house.tell(house.reading(95, at=house.clock.text(-60)))
    assert states(house) == []
    assert house.ends() == {"suppressed": 2}


def test_the_same_reading_twice_is_one(build: Build) -> None:
    house = build({"rules": [hot(**{"for": 0})]})
    record = house.reading(95, id="m1")
    house.tell(record, record)
    house.tell(record)
    assert states(house) == ["open"]
    assert house.ends() == {"ticketed": 1, "merged": 2}


def stale(build: Build) -> House:
    return build({"connections": [{"id": "r", "connector": "robot", "stale_after_s": 300}]})


def test_a_silent_device_makes_a_ticket_and_its_return_resolves_it(build: Build) -> None:
    house = stale(build)
    measure(house, 20)
    house.clock.forward(301)
    for _ in range(3):
        house.tick()
    assert states(house) == ["open"]
    measure(house, 21, 60)
    for _ in range(3):
        house.tick()
    assert states(house) == ["resolved"]
    house.clock.forward(400)
    house.tick()
    assert "open" in states(house)
    house.ends()
    house.verify()


def test_a_worker_that_dies_between_telling_and_marking_tells_it_once(build: Build, monkeypatch: Any) -> None:
    house = stale(build)
    measure(house, 20)
    house.clock.forward(301)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.automation.timers._mark", lambda *_, **__: None)
        house.tick()
    house.tick()
    assert states(house) == ["open"]
    assert house.ends() == {"suppressed": 1, "ticketed": 1, "merged": 1}


def test_limits_are_compared_exactly(build: Build) -> None:
    house = build({"rules": [hot(above="0.3", clear="0.1", **{"for": 0})]})
    measure(house, "0.3")
    assert states(house) == []
    measure(house, "0.30000000000000000001", 1)
    assert states(house) == ["open"]


def test_a_hub_that_was_away_gives_each_device_its_time_to_be_heard_again(build: Build) -> None:
    before = stale(build)
    measure(before, 20)
    before.gateway.close()
    before.clock.forward(3600)
    house = stale(build)
    house.tick()
    assert states(house) == []
    measure(house, 21, 10)
    house.clock.forward(295)
    house.tick()
    assert states(house) == []
    house.clock.forward(10)
    house.tick()
    assert states(house) == ["open"]


def test_a_twin_keeps_a_bounded_half_hour_of_values_the_newest_closest() -> None:
    points: list[list[Any]] = []
    for second in range(0, 7200, 2):
        points = thinned(points, second * clock.SECOND, str(second))
    times = [at // clock.SECOND for at, _ in points]
    assert len(points) <= NEW + OLD
    assert times == sorted(times)
    assert times[-1] == 7198
    assert 7198 - times[0] > 1800
    assert min(b - a for a, b in itertools.pairwise(times[-NEW:-1])) >= 8


def test_many_devices_over_their_limit_are_a_storm_whose_every_field_can_be_recomputed(build: Build) -> None:
    house = build({"rules": [hot(**{"for": 0}) | {"storm": {"more_than": 3, "kind": "'hot'"}}]})
    for number in range(6):
        measure(house, 85, 1, device=f"pump-{number}")
    (storm,) = [t for t in house.tickets() if t.priority == 0]
    assert storm.description.endswith("hot")
    house.verify()
    house.ends()
