"""The policies calendars, promises and escalation: what may be written, what it means, and what is refused with a hint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from core_tickets import STANDARD
from core_tickets.calendars import NINE_TO_SIX
from core_tickets.people import Person, Presence, Roster
from gateway.errors import BadConfiguration, Problem
from gateway.policies import Policies, Surroundings, build, calendars, check, escalation, promises

MINUTE = 60_000_000
OFFICE = {"id": "plant", "hours": {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sat": ["08:00-12:00"]}, "holidays": "CN"}
ROSTER = Roster(
    people={"li.na": Person("li.na", groups=frozenset({"line-1"}), roles=frozenset({"technician"}))},
    shifts={"li.na": Presence(((0, 8 * 60 * MINUTE),))},
    days={"site-7": {"2026-12-25": False, "2026-12-27": True, "31.12.": False}},
)


def policies(*documents: Mapping[str, Any]) -> Policies:
    return build(documents)


def calendar(**changed: Any) -> dict[str, Any]:
    return {"policy": "calendars", "calendars": [OFFICE | changed]}


def line(**more: Any) -> dict[str, Any]:
    return {"policy": "promises", "lines": [{"priority": "P1", "resolution": "8h"} | more]}


def ladder(**step: Any) -> dict[str, Any]:
    plain = {"id": "a", "unless": "answered", "after": "15m", "tell": ["lead"]}
    made = {k: v for k, v in (plain | step).items() if v is not None}
    return {"policy": "escalation", "ladders": [{"id": "own", "steps": [made]}]}


def problems(*documents: Mapping[str, Any]) -> list[Problem]:
    try:
        return check(Surroundings(policies(*documents), ROSTER, {}))
    except BadConfiguration as error:
        return list(error.problems)


def test_the_built_in_promises_are_the_standard_ones() -> None:
    made = promises.in_force(policies(), Roster(), calendars.known(policies(), Roster()))
    assert dict(made.lines) == dict(STANDARD.lines)
    assert made.warn_share == STANDARD.warn_share


def test_hours_are_those_of_the_days_named() -> None:
    plant = calendars.known(policies(calendar()), Roster())["plant"]
    assert plant.hours(date(2026, 11, 21)) == ((480, 720),)
    assert plant.hours(date(2026, 11, 22)) == ()
    assert plant.hours(date(2026, 10, 1)) == ()
    assert plant.hours(date(2026, 10, 10)) == ((480, 720),)  # a worked Saturday has the hours of a Saturday
    assert plant.hours(date(2026, 9, 20)) == NINE_TO_SIX  # a worked Sunday has those of make-up days


def test_a_night_shift_ends_the_next_day() -> None:
    assert calendars.hours_of(["22:00-06:00"]) == ((1320, 1800),)
    assert calendars.hours_of(["00:00-24:00"]) == ((0, 1440),)


def test_days_of_records_and_days_by_hand_are_above_the_public_ones() -> None:
    made = policies(calendar(records="site-7", days={"2026-12-26": [], "2026-10-01": ["10:00-11:00"]}))
    plant = calendars.known(made, ROSTER)["plant"]
    assert plant.hours(date(2026, 12, 25)) == ()
    assert plant.hours(date(2026, 12, 27)) == NINE_TO_SIX
    assert plant.hours(date(2026, 12, 26)) == ()
    assert plant.hours(date(2026, 10, 1)) == ((600, 660),)


def test_a_groups_plan_of_shifts_counts_as_far_as_it_reaches() -> None:
    plant = calendars.known(policies(calendar(shifts_of="line-1")), ROSTER)["plant"]
    assert plant.shifts == ((0, 8 * 60 * MINUTE),)


@pytest.mark.parametrize(
    ("changed", "path", "says"),
    [
        ({"hours": {"mon-fri": ["9-18"]}}, "calendars.0.hours.mon-fri", "write 09:00-18:00"),
        ({"hours": {"mon-fri": ["09:00-25:00"]}}, "calendars.0.hours.mon-fri", "00:00 to 24:00"),
        ({"hours": {"mon": ["09:00-12:00", "11:00-18:00"]}}, "calendars.0.hours.mon", "overlap"),
        ({"hours": {"fri-mon": ["09:00-12:00"]}}, "calendars.0.hours", "backwards"),
        ({"hours": {"monday": ["09:00-12:00"]}}, "calendars.0.hours", "mon-fri"),
        ({"hours": {"mon-fri": ["09:00-12:00"], "tue": ["09:00-12:00"]}}, "calendars.0.hours", "twice"),
        ({"hours": {"mon": []}}, "calendars.0.hours", "nobody ever works"),
        ({"zone": "Asia/Peking"}, "calendars.0.zone", "Asia/Shanghai"),
        ({"zone": "../etc"}, "calendars.0.zone", "Asia/Shanghai"),
        ({"id": "always"}, "calendars[0].id", "already"),
        ({"shifts_of": "line-9"}, "calendars[0].shifts_of", "no group"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(changed: dict[str, Any], path: str, says: str) -> None:
    (found,) = problems(calendar(**changed))
    assert found.path.endswith(path)
    assert says in f"{found.message} {found.hint}"


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        (line(calendar="ofice"), "policies.promises.lines[0].calendar", "office"),
        (line(kind="incidnt"), "policies[0].lines[0].kind", "incident"),
        (line(resolution="30s"), "policies[0].lines.0.resolution", "whole minutes"),
        (line(stages={"resolved": "1h"}), "policies[0].lines.0.stages.resolved.[key]", "pending"),
        ({"policy": "promises", "lines": [{"priority": "P1"}] * 2}, "policies[0].lines[1]", "twice"),
        (ladder(tell=["boss"]), "policies[0].ladders.0.steps.0.tell.0", "role:NAME"),
        (ladder(tell=[]), "policies[0].ladders.0.steps.0.tell", "at least 1"),
        (ladder(tell=["role:pilot"]), "policies.escalation.ladders[0].steps[0].tell[0]", "nobody has the role"),
        (ladder(tell=["person:li.ma"]), "policies.escalation.ladders[0].steps[0].tell[0]", "li.na"),
        (ladder(promise="resolution"), "policies[0].ladders.0.steps.0", "either"),
        (ladder(after=None), "policies[0].ladders.0.steps.0", "go together"),
        (ladder(unless=None, after=None, promise="resolution", before="soon"), "policies[0].ladders.0.steps.0.before",
         "20% or 30m"),
    ],
)  # fmt: skip
def test_a_promise_or_ladder_that_cannot_be_is_refused(document: dict[str, Any], path: str, says: str) -> None:
    (found,) = problems(document)
    assert found.path == path
    assert says in f"{found.message} {found.hint}"


def test_a_ladder_may_not_take_the_name_of_the_hubs_own_steps() -> None:
    document = ladder()
    document["ladders"][0]["id"] = "breach"
    assert [p.path for p in problems(document)] == ["policies[0].ladders[0].id"]


def test_what_is_written_comes_back_as_it_was() -> None:
    document = ladder(unless=None, after=None, promise="resolution", before="20%")
    spec = escalation.KIND.spec.model_validate(document)
    assert escalation.KIND.spec.model_validate(spec.model_dump(mode="json", by_alias=True)) == spec
    assert spec.model_dump(mode="json")["ladders"][0]["steps"][0]["before"] == "20%"


def test_a_version_changes_with_what_decides_and_with_nothing_else() -> None:
    kinds = ("promises", "calendars")
    plain, same = policies(calendar()), policies(calendar())
    assert promises.version(plain, Roster(), kinds) == promises.version(same, ROSTER, kinds)
    told = policies(calendar(records="site-7"))
    assert promises.version(told, Roster(), kinds) != promises.version(told, ROSTER, kinds)
    assert promises.version(policies(line()), Roster(), kinds) != promises.version(plain, Roster(), kinds)
