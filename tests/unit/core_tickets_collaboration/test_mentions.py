"""Who a text names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_tickets.collaboration import Mentioned, mentions, named_in
from core_tickets.people import Group, Person, Roster

ROSTER = Roster(
    {p.id: p for p in (Person("li.na", "李娜"), Person("li.na2", "李娜娜"), Person("old", "老王", active=False))},
    {g.id: g for g in (Group("north", "北区一组"), Group("qa", "North team"))},
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@li.na please", ("li.na",)),
        ("done @li.na.", ("li.na",)),
        ("mail a@b.com and x/@y", ()),
        ("（@李娜）@李娜", ("李娜",)),
        ('@"North team" look', ("North team",)),
        ("@", ()),
        ("@@li.na", ()),
    ],
)
def test_names_stand_behind_an_at_that_is_no_address(text: str, names: tuple[str, ...]) -> None:
    assert named_in(text) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@LI.NA", Mentioned(people=("li.na",))),
        ("@李娜请看", Mentioned(people=("li.na",))),
        ("@李娜娜请看", Mentioned(people=("li.na2",))),
        ("@北区一组 @north team", Mentioned(groups=("north",))),
        ('@"north team"', Mentioned(groups=("qa",))),
        ("@old @nobody", Mentioned(unknown=("old", "nobody"))),
    ],
)
def test_a_name_is_an_id_or_a_display_name_of_somebody_who_is_there(text: str, expected: Mentioned) -> None:
    assert mentions(text, ROSTER) == expected


def test_without_a_roster_every_name_is_taken_for_a_persons() -> None:
    assert mentions("@ann and @bob", Roster()) == Mentioned(people=("ann", "bob"))


@given(st.text(max_size=300))
def test_no_text_breaks_it_and_nobody_is_named_twice(text: str) -> None:
    told = mentions(text, ROSTER)
    for who in (told.people, told.groups, told.unknown):
        assert len(set(who)) == len(who)
    assert set(told.people) <= {"li.na", "li.na2"}
