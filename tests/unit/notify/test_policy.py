"""The policy `notification` and what is planned by it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core_tickets.people import Person
from gateway.clock import DAY, HOUR, from_datetime, to_datetime
from gateway.notify.addressing import Planned, Way, plan
from gateway.policies import build
from gateway.policies.notification import KIND, Channel, NotificationSpec, Quiet, Tier, way_of

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC", "No/where")
NIGHT = Quiet.model_validate({"from": "22:00", "to": "07:00"})
NOON = Quiet.model_validate({"from": "12:00", "to": "13:30"})


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("quiet", "now", "ends"),
    [(NIGHT, "2026-11-22T21:59", None), (NIGHT, "2026-11-22T22:00", "2026-11-23T07:00"),
     (NIGHT, "2026-11-23T00:00", "2026-11-23T07:00"), (NIGHT, "2026-11-23T06:59", "2026-11-23T07:00"),
     (NIGHT, "2026-11-23T07:00", None), (NOON, "2026-11-22T12:00", "2026-11-22T13:30"), (NOON, "2026-11-22T13:30", None)],
)  # fmt: skip
def test_quiet_hours_end_in_the_morning_of_the_person(quiet: Quiet, now: str, ends: str | None) -> None:
    assert quiet.until("Asia/Shanghai", at(now)) == (None if ends is None else at(ends))


@given(st.integers(1_700_000_000, 2_000_000_000), st.sampled_from(ZONES))
def test_quiet_hours_are_over_when_they_say_and_never_longer_than_a_night(second: int, zone: str) -> None:
    now = second * 1_000_000
    ends = NIGHT.until(zone, now)
    if ends is None:
        return
    assert now < ends <= now + 10 * HOUR  # the night the clocks go back has ten
    local = to_datetime(ends).astimezone(ZoneInfo("Asia/Shanghai" if zone == "No/where" else zone))
    assert (local.hour, local.minute) == (7, 0)
    assert NIGHT.until(zone, ends) is None


def test_a_priority_that_is_not_written_takes_the_tier_above_it() -> None:
    spec = {"policy": "notification", "tiers": {"P0": {"channels": [{"connector": "wecom"}]}, "P2": {}}}
    policy = KIND.of(build([spec]))
    assert [len(tier.channels) for tier in policy.tiers] == [1, 1, 0, 0]
    assert policy.events["opened"] == ("assignee", "pool")


@pytest.mark.parametrize(
    "wrong",
    [{"tiers": {}}, {"tiers": {"P1": {}}}, {"tiers": {"P0": {"channels": [{}]}}},
     {"tiers": {"P0": {}}, "snapshot": ["everything"]}, {"tiers": {"P0": {}}, "events": {"sung": ["lead"]}},
     {"tiers": {"P0": {"channels": [{"connection": "a", "connector": "b"}]}}},
     {"tiers": {"P0": {}}, "quiet_hours": {"from": "22:00"}}, {"tiers": {"P0": {}}, "merge": {"more_than": 0}}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NotificationSpec.model_validate({"policy": "notification", **wrong})


def test_the_built_in_tiers_are_those_of_the_house() -> None:
    policy = KIND.of(build([]))
    names = [[[c.label for c in step] for step in tier.steps] for tier in policy.tiers]
    assert names[0][0] == ["wecom", "sms", "phone", "dingtalk"]
    assert names[1][0] == ["wecom", "sms"]
    assert names[2] == names[3] == [["email"]]
    assert [tier.breaks_quiet_hours for tier in policy.tiers] == [True, False, False, False]


@pytest.mark.parametrize(
    ("channel", "connector", "way"),
    [({"operation": "send_app"}, "wecom", "users"), ({}, "wecom", "default"), ({}, "email", "users"), ({}, "sms", "mobiles"),
     ({"address": "phone"}, "gateway", "mobiles"), ({"address": "x"}, "apprise", "users"), ({}, "apprise", "default"),
     ({"to": "users"}, "apprise", "users")],
)  # fmt: skip
def test_how_a_channel_names_its_readers(channel: dict[str, Any], connector: str, way: str) -> None:
    assert way_of(Channel(connector=connector, **channel), connector) == way


ANN = Person("ann", channels={"wecom": "w-ann", "email": "ann@example.com"})


def steps(*names: str, mode: str = "first", **broken: str) -> list[list[Way]]:
    tier = Tier.model_validate({"mode": mode, "channels": [{"connector": n} for n in names]})
    return [[Way(c, c.label, c.label, "users", broken.get(c.label, "")) for c in step] for step in tier.steps]


def planned(way: list[list[Way]], first: int = 0, **more: Any) -> list[Planned]:
    given_ = {"quiet": None, "at_work": False, "taken": frozenset()} | more
    return plan(ANN, way, first, DAY, **given_)


def test_the_next_channel_waits_until_the_one_before_failed() -> None:
    rows = planned(steps("wecom", "email"))
    assert [(r.channel, r.step, r.state, r.address) for r in rows] == [("wecom", 0, "waiting", "w-ann")]
    assert [(r.channel, r.step) for r in planned(steps("wecom", "email"), 1)] == [("email", 1)]
    assert planned(steps("wecom", "email"), 2) == []


def test_what_cannot_be_sent_says_why_and_the_next_step_begins_at_once() -> None:
    rows = planned(steps("sms", "dingtalk", "email", dingtalk="it is switched off"))
    assert [(r.channel, r.state) for r in rows] == [("sms", "skipped"), ("dingtalk", "failed"), ("email", "waiting")]
    assert (rows[0].reason, rows[1].reason) == ("no address 'sms'", "it is switched off")


def test_all_channels_of_a_tier_begin_together_and_none_twice() -> None:
    rows = planned(steps("wecom", "email", "wecom", mode="all"))
    assert [r.channel for r in rows] == ["wecom", "email"]
    assert planned(steps("wecom", "email", mode="all"), taken=frozenset({"wecom", "email"})) == []


def test_at_night_it_is_held_but_for_who_is_at_work() -> None:
    now = at("2026-11-22T23:00")
    rows = plan(ANN, steps("wecom"), 0, now, quiet=NIGHT, at_work=False, taken=frozenset())
    assert [(r.state, r.due_at) for r in rows] == [("held", at("2026-11-23T07:00"))]
    (row,) = plan(ANN, steps("wecom"), 0, now, quiet=NIGHT, at_work=True, taken=frozenset())
    assert (row.state, row.due_at) == ("waiting", now)
