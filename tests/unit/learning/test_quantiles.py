"""Quantiles with bounds that hold whatever the values are."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets.learning import ENDLESS, estimate, nearest_rank
from core_tickets.learning.quantiles import ranks


def test_a_known_case_of_the_tables() -> None:
    """Median of 20 values at 95 %: the 6th and the 15th (Conover, Practical Nonparametric Statistics, table A3)."""
    assert ranks(20, 0.5, 0.95) == (6, 15)


@given(st.integers(1, 120), st.sampled_from([0.5, 0.75, 0.9]), st.sampled_from([0.8, 0.95]))
@settings(max_examples=80, deadline=None)
def test_the_bounds_cover_the_quantile_as_often_as_they_say(n: int, share: float, confidence: float) -> None:
    low, high = ranks(n, share, confidence)
    covered = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(low, min(high, n + 1)))
    assert covered >= confidence - 1e-9


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.9]))
@settings(max_examples=80, deadline=None)
def test_the_value_lies_between_its_bounds(values: list[int], share: float) -> None:
    found = estimate(values, share)
    assert found.value == nearest_rank(sorted(values), share)
    assert found.value is not None
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=80), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_values_does_not_matter(values: list[int], dice: object) -> None:
    shuffled = list(values)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert estimate(shuffled, 0.9) == estimate(values, 0.9)


def test_too_few_values_have_no_upper_bound() -> None:
    assert estimate(range(20), 0.9).high is None
    assert estimate(range(60), 0.9).high is not None


def test_what_has_not_ended_is_longer_than_anything() -> None:
    found = estimate([10] * 80 + [ENDLESS] * 20, 0.9)
    assert (found.value, found.high) == (None, None)
    assert estimate([10] * 80 + [ENDLESS] * 20, 0.5).value == 10


def test_nothing_has_no_quantile() -> None:
    assert estimate([], 0.9).value is None
    with pytest.raises(ValueError, match="nothing"):
        nearest_rank([], 0.5)
