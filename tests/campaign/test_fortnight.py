"""Two weeks around the National Day, with two workers of which some are killed: the short form of the year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest

from tests.campaign import checks
from tests.campaign.conftest import Lived
from tests.campaign.counted import figures_after, figures_equal_sql
from tests.campaign.demand import Span
from tests.campaign.driver import Campaign, Year
from tests.campaign.working_time import hours

CAMPAIGN = Campaign(Span(date(2025, 9, 28), date(2025, 10, 12)), tickets=100, minutes=100, kills=3)
HOURS = hours(CAMPAIGN.span.first, CAMPAIGN.span.last)


@pytest.fixture(scope="module")
def fortnight(lived: Lived, copy_of_postgres: Callable[[str], str]) -> Iterator[Year]:
    """A hundred tickets later, all workers at rest."""
    with lived(CAMPAIGN, copy_of_postgres("weft_fortnight")) as year:
        year.run()
        yield year


def test_people_did_what_people_do_and_workers_were_killed(fortnight: Year) -> None:
    assert fortnight.size() >= 90
    assert fortnight.crew.killed == CAMPAIGN.kills
    for action in ("claim", "start", "resolve", "hand_over", "return", "block", "unblock", "promise", "confirm"):
        assert fortnight.lives.done[action], f"nobody ever did {action}: {fortnight.lives.summary()}"
    assert sum(fortnight.lives.refused.values()) < sum(fortnight.lives.done.values()) / 5, fortnight.lives.refused


def test_nothing_is_unowned(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.nothing_is_unowned(conn) == []


def test_time_goes_on_in_every_timeline(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.time_goes_on(conn) == []


def test_every_due_escalation_fired_exactly_once(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.escalations(conn, HOURS, fortnight.now, 2 * fortnight.longest_beat) == []
        assert checks.fired(conn) > 40


def test_every_escalation_was_told_once(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.told_once(conn) == []


def test_pauses_add_up(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.pauses_add_up(conn, HOURS) == []


def test_promises_are_what_the_policy_says(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.promises_of_the_opening(conn, HOURS) == []


def test_no_promise_moved_silently(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.no_promise_moves_silently(conn) == []


def test_the_ledger_adds_up(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert checks.the_ledger_adds_up(conn, fortnight.sent) == []


def test_figures_equal_an_independent_sql(fortnight: Year) -> None:
    assert figures_equal_sql(fortnight.gateway, figures_after(fortnight.now)) == []
