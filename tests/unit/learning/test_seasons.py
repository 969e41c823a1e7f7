"""Promises proposed from history."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets.learning import ENDLESS
from gateway.clock import HOUR, MINUTE, from_datetime
from gateway.learning.seasons import Fit, Season, Took, fitted, rounded, season_at
from gateway.policies.learning import Promises

Q4 = Season(2026, 4)
POLICY = Promises()


def history(minutes: list[int], quarter: int = 4) -> list[Took]:
    return [Took(Season(2025, quarter), m * MINUTE, m * MINUTE) for m in minutes]


def fit(took: list[Took], promised: int) -> Fit | None:
    return fitted(took, "first_response", promised, Q4, POLICY)


EVEN = [20 + n % 21 for n in range(210)]
"""20 to 40 minutes, 90 % of them up to 38."""


def test_a_promise_nobody_keeps_is_proposed_anew_from_what_was_really_kept() -> None:
    found = fit(history(EVEN), 25)
    assert found is not None
    assert (found.estimate.value, found.minutes, found.estimate.count) == (38 * MINUTE, 40, 210)
    assert found.kept == pytest.approx(60 / 210)


def test_a_promise_far_too_loose_is_proposed_tighter() -> None:
    found = fit(history(EVEN), 240)
    assert found is not None
    assert found.minutes == 40


def test_a_promise_that_fits_is_left_alone() -> None:
    assert fit(history(EVEN), 40) is None
    assert fit(history(EVEN), 38) is None


def test_too_few_tickets_propose_nothing() -> None:
    assert fit(history(EVEN[:59]), 25) is None


def test_bounds_far_apart_propose_nothing() -> None:
    assert fit(history([1 + 7 * n for n in range(40)] * 2 + [60_000 + n for n in range(8)]), 25) is None


def test_what_is_still_open_is_not_taken_for_quick() -> None:
    waiting = [Took(Season(2025, 4), ENDLESS, ENDLESS)] * 60
    assert fit(history(EVEN) + waiting, 25) is None


def test_a_quarter_unlike_the_others_is_judged_by_itself() -> None:
    found = fit(history(EVEN) + history([m * 3 for m in EVEN], 1), 60)
    assert found is not None
    assert found.seasonal
    assert found.minutes == 40


def test_quarters_alike_are_judged_together() -> None:
    found = fit(history(EVEN) + history(EVEN, 1) + history(EVEN, 2), 25)
    assert found is not None
    assert not found.seasonal
    assert found.estimate.count == 630


def test_a_quarter_with_few_tickets_takes_the_year() -> None:
    found = fit(history(EVEN[:30]) + history(EVEN, 2), 25)
    assert found is not None
    assert (found.seasonal, found.estimate.count) == (False, 240)


@given(st.lists(st.integers(1, 500), max_size=150), st.integers(1, 500), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_tickets_does_not_matter(minutes: list[int], promised: int, dice: random.Random) -> None:
    took = [Took(Season(2025, 1 + n % 4), m * MINUTE, m * MINUTE) for n, m in enumerate(minutes)]
    before = fit(took, promised)
    dice.shuffle(took)
    assert fit(took, promised) == before


@given(st.integers(1, 30 * 24 * HOUR))
def test_what_is_proposed_is_never_less_than_what_was_found(duration: int) -> None:
    assert duration <= rounded(duration) * MINUTE < duration + HOUR + 1


def test_the_season_is_that_of_the_place() -> None:
    from datetime import UTC, datetime

    at = from_datetime(datetime(2026, 9, 30, 20, tzinfo=UTC))
    assert season_at(at, "Asia/Shanghai") == Season(2026, 4)
    assert season_at(at, "UTC") == Season(2026, 3)
