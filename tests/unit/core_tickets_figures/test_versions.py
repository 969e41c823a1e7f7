"""The version of a figure is its definition."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core_tickets.figures import METRICS, Terms, day_of, days_between, finished, promised, span, version
from core_tickets.figures.metric import Scene
from core_tickets.figures.story import Story
from core_tickets.figures.versions import _text


def test_every_figure_has_its_own_version() -> None:
    assert len({version(m, Terms()) for m in METRICS.values()}) == len(METRICS)


def test_a_term_changes_the_figures_that_use_it_and_no_other() -> None:
    moved = {m.name for m in METRICS.values() if version(m, Terms()) != version(m, Terms(repeat_days=31))}
    assert moved == {"repeat_repair"}


def test_another_time_zone_is_another_version_of_all() -> None:
    assert all(version(m, Terms()) != version(m, Terms(zone="UTC")) for m in METRICS.values())


def test_a_formula_is_part_of_the_version_with_what_it_calls() -> None:
    metric = METRICS["overdue"]
    assert version(metric, Terms()) != version(replace(metric, facts=promised.first_response), Terms())

    def other(story: Story, scene: Scene) -> object:
        return finished.opened(story, scene)

    assert version(metric, Terms()) != version(replace(metric, facts=other), Terms())  # type: ignore[arg-type]


def test_comments_docstrings_and_layout_are_none() -> None:
    one = 'def f(a):\n    """Says it."""\n    # why\n    return (a +\n        1)\n'
    assert _text(one) == _text("def f(a):\n    return a + 1\n")
    assert _text(one) != _text("def f(a):\n    return a + 2\n")


@given(
    st.integers(0, 4_000_000_000_000_000),
    st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu"]),
)
def test_a_moment_is_within_its_day(at: int, zone: str) -> None:
    begin, end = span(day_of(at, zone), zone)
    assert begin <= at < end
    assert end - begin in {n * 3_600_000_000 for n in (23, 24, 25)}


def test_days_follow_one_another_without_a_gap_where_clocks_change() -> None:
    days = days_between("2026-03-01", "2026-11-30")
    for one, two in itertools.pairwise(days):
        assert span(one, "America/New_York")[1] == span(two, "America/New_York")[0]
