"""Points by words, channel, customer and time, and what they make of a priority."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core_tickets.grading import Grading, GradingRule, grade
from core_tickets.matching import Condition, Pattern, Seen, Word, see

STOPPED = GradingRule("stopped", Condition(words=(Word("停机"), Word("shutdown"))), 50)
PHONE = GradingRule("phone", Condition(channels=(Pattern("hand"), Pattern("weco*"))), 10)
VIP = GradingRule("vip", Condition(levels=(Pattern("A"), Pattern("VIP"))), 20)
NIGHT = GradingRule("night", Condition(time="off_hours"), 10)
TEST = GradingRule("test", Condition(labels={"env": (Pattern("test*"),)}), -100)
ALL = (STOPPED, PHONE, VIP, NIGHT, TEST)


def seen(title: str = "spindle", priority: int = 2, **more: Any) -> Seen:
    return see(kind="incident", priority=priority, title=title, **more)


def test_each_dimension_adds_its_points_and_tells_why() -> None:
    what = seen("主轴 ＳＨＵＴＤＯＷＮ", channels=("wecom-1", "wecom"), level="vip", working=False)
    made = grade(Grading(ALL), what)
    assert made is not None
    assert (made.points, made.priority, made.given) == (90, 0, 2)
    assert [(c.rule, c.points) for c in made.contributions] == [
        ("stopped", 50),
        ("phone", 10),
        ("vip", 20),
        ("night", 10),
    ]
    assert made.contributions[0].because == (("word", "shutdown"),)


def test_where_no_rule_speaks_the_priority_stays() -> None:
    assert grade(Grading(ALL), seen()) is None
    assert grade(Grading(), seen("停机")) is None


def test_raise_never_makes_it_less_urgent() -> None:
    made = grade(Grading((TEST,)), seen(priority=1, labels={"Env": "TEST-3"}))
    assert made is not None
    assert made.priority == 1


def test_replace_takes_the_points_alone() -> None:
    made = grade(Grading((VIP,), combine="replace"), seen(priority=0, level="A"))
    assert made is not None
    assert made.priority == 2


def test_add_counts_the_given_priority_with_its_points() -> None:
    made = grade(Grading((NIGHT, VIP), combine="add"), seen(priority=1, level="a", working=False))
    assert made is not None
    assert (made.points, made.priority) == (80, 0)


@given(st.lists(st.integers(-200, 200), min_size=1), st.integers(0, 3), st.sampled_from(["raise", "replace", "add"]))
def test_the_contributions_are_the_whole_of_it(points: list[int], priority: int, combine: Any) -> None:
    rules = tuple(GradingRule(f"r{n}", Condition(), p) for n, p in enumerate(points))
    policy = Grading(rules, combine=combine)
    made = grade(policy, seen(priority=priority))
    assert made is not None
    own = policy.points_of(priority) if combine == "add" else 0
    assert made.points == sum(c.points for c in made.contributions) + own
    assert made.priority in (policy.of_points(made.points), priority)
    if combine == "raise":
        assert made.priority <= priority


@given(st.lists(st.integers(0, 50)), st.integers(0, 50))
def test_more_points_are_never_less_urgent(points: list[int], more: int) -> None:
    def priority(extra: int) -> int:
        rules = tuple(GradingRule(f"r{n}", Condition(), p) for n, p in enumerate([*points, extra]))
        made = grade(Grading(rules, combine="replace"), seen())
        assert made is not None
        return made.priority

    assert priority(more) <= priority(0)
