"""docs/promises.md says what the program does: its policies can be applied, its tables are the built-in ladder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core_tickets.people import Group, Person, Roster
from gateway.config import yaml12
from gateway.policies import Surroundings, build, check, escalation

PAGE = (Path(__file__).parents[3] / "docs" / "promises.md").read_text(encoding="utf-8")
POLICIES = [p for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for p in yaml12.load(block)["policies"]]
ROSTER = Roster(people={"a": Person("a", groups=frozenset({"g"}))}, groups={"g": Group("g", lead="a")})


@pytest.mark.parametrize("n", range(len(POLICIES)))
def test_each_policy_of_the_page_can_be_applied(n: int) -> None:
    assert check(Surroundings(build([POLICIES[n]]), ROSTER, {})) == []


def test_the_page_shows_each_kind_of_policy() -> None:
    assert [p["policy"] for p in POLICIES] == ["calendars", "promises", "escalation"]


def test_the_page_tells_the_built_in_ladder() -> None:
    ladders = escalation.KIND.compile(escalation.KIND.builtin())
    p0 = {s.id: (s.condition, s.after // 60_000_000, s.do) for s in ladders.ladders[0].steps}
    assert p0 == {
        "unanswered": ("unanswered", 15, "notice"),
        "unclaimed": ("unclaimed", 30, "notice"),
        "unworked": ("unworked", 120, "room"),
    }
    for told in ("15 min not answered", "30 min not taken", "2 h not worked on"):
        assert told in PAGE
