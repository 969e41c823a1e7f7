"""How far a solution of the past is believed, and how much an article helps."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core_tickets.learning import Outcome, wilson, worth
from gateway.clock import DAY, HOUR
from gateway.learning.effects import effect

MONTH = 30 * DAY
GOOD = Outcome("hardware", HOUR, 2 * HOUR, 60 * DAY, confirmed=True)


def test_a_solution_that_held_was_confirmed_and_was_quick_is_proven() -> None:
    found = worth(GOOD, MONTH)
    assert found.points == 100
    assert [p.name for p in found.parts] == ["held", "confirmed", "quick"]


def test_each_thing_that_speaks_against_it_lowers_it() -> None:
    for worse in (
        replace(GOOD, reopened=True), replace(GOOD, confirmed=None), replace(GOOD, confirmed=False),
        replace(GOOD, took=9 * HOUR), replace(GOOD, held=DAY), replace(GOOD, cause="recovered"), replace(GOOD, by_person=False),
    ):  # fmt: skip
        assert worth(worse, MONTH).points < worth(GOOD, MONTH).points


def test_the_reasons_are_told_in_both_languages() -> None:
    (held, *_) = worth(replace(GOOD, held=45 * DAY), MONTH).parts
    assert (held.zh, held.en) == ("45 天未重开", "not opened again in 45 days")


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bounds_of_a_share_hold_it(counted: tuple[int, int]) -> None:
    successes, n = counted
    low, high = wilson(successes, n)
    assert 0 <= low <= (successes / n if n else 0.5) + 1e-9
    assert (successes / n if n else 0.5) - 1e-9 <= high <= 1


def test_one_lucky_ticket_proves_less_than_fifty() -> None:
    assert effect([(True, False)], 0.5).score < effect([(True, False)] * 50, 0.5).score < 1


def test_who_says_that_an_article_helped_counts_for_more() -> None:
    assert effect([(True, True)], 0.5).score > effect([(True, False)], 0.5).score
    assert effect([(False, True)], 0.5).score < effect([(False, False)], 0.5).score


def test_an_article_nobody_was_shown_is_worth_what_tickets_do_without() -> None:
    assert effect([], 0.7).score == 0.7
