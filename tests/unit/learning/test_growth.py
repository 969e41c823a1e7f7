"""Whether a problem is new, growing, steady or fading, and why."""

from __future__ import annotations

from math import exp, factorial

import pytest

from gateway.clock import DAY
from gateway.learning.growth import Growth, at_least, growth
from tests.unit.learning.fixtures import NOW


def judged(*days_ago: float, first: float | None = None) -> Growth:
    times = [NOW - int(d * DAY) for d in days_ago]
    since = min(times) if first is None else NOW - int(first * DAY)
    return growth(times, since, NOW, span=7 * DAY, fresh=14 * DAY, window=90 * DAY)


def test_a_problem_seen_first_within_two_weeks_is_new() -> None:
    found = judged(3, 2, 1)
    assert found.trend == "new"
    assert "no ticket like it in the 90 days before" in found.reason


def test_a_problem_that_came_back_is_not_new() -> None:
    assert judged(3, 2, first=200).trend != "new"


def test_more_than_chance_gives_is_growing() -> None:
    assert judged(30, 20, 5, 4, 3, 2, 1, first=30).trend == "growing"
    assert judged(30, 20, 5, first=30).trend == "steady"


def test_a_problem_that_stopped_is_fading() -> None:
    assert judged(34, 30, 20, 15, first=40).trend == "fading"


@pytest.mark.parametrize(("count", "expected"), [(0, 2.0), (3, 1.5), (7, 2.25)])
def test_the_chance_is_poissons(count: int, expected: float) -> None:
    direct = 1 - sum(exp(-expected) * expected**k / factorial(k) for k in range(count))
    assert at_least(count, expected) == pytest.approx(direct)
