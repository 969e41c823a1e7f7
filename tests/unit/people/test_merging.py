"""What several sources tell becomes one roster."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core_tickets.people import BY_HAND, DayTold, ShiftTold, Told, roster_of
from core_tickets.people.merging import joined


def hr(key: str, **fields: object) -> Told:
    return Told("hr", f"person/{key}", {"id": key, **fields})


def test_a_person_is_called_by_the_account_in_small_letters() -> None:
    roster = roster_of([hr("100231", account="Wang.Jianguo", name="王建国")], [])
    assert list(roster.people) == ["wang.jianguo"]
    assert roster.people["wang.jianguo"].name == "王建国"


def test_a_person_without_an_account_is_called_by_the_local_id() -> None:
    assert list(roster_of([hr("100231", name="王建国")], []).people) == ["100231"]


def test_lists_of_several_sources_add_up_and_the_configuration_names_the_person() -> None:
    by_hand = Told(BY_HAND, "li.na", {"id": "li.na", "name": "李娜", "skills": ["plc"], "channels": {"wecom": "lina"}})
    told = hr("7", account="LI.NA", name="Li Na", skills="spindle，hydraulics", mobile="13800000000")
    person = roster_of([told, by_hand], []).people["li.na"]
    assert person.name == "李娜"
    assert person.skills == {"plc", "spindle", "hydraulics"}
    assert person.channels == {"phone": "13800000000", "sms": "13800000000", "wecom": "lina"}
    assert person.sources == (BY_HAND, "hr")


def test_who_has_left_in_one_source_is_not_active() -> None:
    told = [hr("7", account="li.na", active=False), Told(BY_HAND, "li.na", {"id": "li.na"})]
    assert not roster_of(told, []).people["li.na"].active


def test_managers_leads_and_groups_are_translated_from_the_ids_of_their_source() -> None:
    people = [hr("1", account="boss"), hr("2", account="ann", manager="1", groups="甲班")]
    groups = [Told("hr", "team/T1", {"id": "T1", "name": "甲班", "lead": "2"})]
    roster = roster_of(people, groups)
    assert roster.people["ann"].manager == "boss"
    assert roster.people["ann"].groups == {"T1"}
    assert roster.groups["T1"].lead == "ann"
    assert roster.director("T1") == "boss"


def test_a_shift_of_a_group_is_the_presence_of_everybody_in_it() -> None:
    people = [hr("1", account="ann", groups="T1"), hr("2", account="bob", groups="T2")]
    groups = [Told("hr", "team/T1", {"id": "T1", "name": "甲班"})]
    roster = roster_of(people, groups, [ShiftTold("hr", "s", "甲班", "", 100, 200)])
    assert roster.shifts["ann"].at(150)
    assert not roster.shifts["ann"].at(200)
    assert "bob" not in roster.shifts


def test_beyond_the_plan_of_shifts_the_calendar_counts() -> None:
    class Always:
        def is_working(self, at: int) -> bool:
            return True

    roster = roster_of([hr("1", account="ann", groups="T1")], [], [ShiftTold("hr", "s", "T1", "", 100, 200)])
    assert not roster.present("ann", 50, Always())
    assert roster.present("ann", 300, Always())


def test_a_calendar_keeps_its_holidays_and_its_worked_days_of_rest() -> None:
    days = [DayTold("hr", "a", "CN", "2026-10-01", False, "国庆节"), DayTold("hr", "b", "CN", "2026-10-10", True, "")]
    assert roster_of([], [], [], days).days == {"CN": {"2026-10-01": False, "2026-10-10": True}}


_SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)))


@given(_SPANS)
def test_joined_spans_cover_the_same_moments_in_order_and_apart(spans: list[tuple[int, int]]) -> None:
    made = joined(spans)
    assert all(a[1] < b[0] for a, b in pairwise(made))
    covered = {moment for start, end in spans for moment in range(start, end)}
    assert {moment for start, end in made for moment in range(start, end)} == covered
