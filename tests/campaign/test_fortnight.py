"""Two weeks around the National Day, with two workers of which some are killed: the short form of the year.

`WEFT_CAMPAIGN_SEED` makes another one of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from tests.campaign.checks import Checks, the_ledger_adds_up
from tests.campaign.conftest import Lived
from tests.campaign.counted import figures_after, figures_equal_sql
from tests.campaign.demand import Span
from tests.campaign.driver import Campaign, Year
from tests.campaign.working_time import hours

SEED = int(os.environ.get("WEFT_CAMPAIGN_SEED", "1"))
CAMPAIGN = Campaign(Span(date(2025, 9, 28), date(2025, 10, 12)), tickets=90, seed=SEED, minutes=150, kills=3)
DONE = ("claim", "start", "resolve", "hand_over", "return", "block", "unblock", "confirm")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def fortnight(lived: Lived, copy_of_postgres: Callable[[str], str]) -> Iterator[Year]:
    """Some ninety tickets later, all workers at rest."""
    with lived(CAMPAIGN, copy_of_postgres("weft_fortnight")) as year:
        year.run()
        yield year


@pytest.fixture(scope="module")
def checks(fortnight: Year) -> Checks:
    span = CAMPAIGN.span
    with fortnight.gateway.reading() as conn:
        return Checks(conn, hours(span.first, span.last), fortnight.now, 2 * fortnight.longest_beat)


def test_people_did_what_people_do_and_workers_were_killed(fortnight: Year, checks: Checks) -> None:
    assert fortnight.crew.killed == CAMPAIGN.kills
    assert checks.tickets == fortnight.size() >= 70
    assert checks.fired > 40
    assert [action for action in DONE if not fortnight.lives.done[action]] == []
    assert fortnight.lives.refused.total() < fortnight.lives.done.total() / 5, fortnight.lives.refused


@pytest.mark.parametrize(
    "what",
    [
        "nothing is unowned",
        "every due escalation fired exactly once",
        "every escalation was told once",
        "pauses add up",
        "promises are what the policy says",
        "no promise moved silently",
        "time goes on",
    ],
)
def test_at_the_end(what: str, checks: Checks) -> None:
    assert checks.found[what] == []


def test_the_ledger_adds_up(fortnight: Year) -> None:
    with fortnight.gateway.reading() as conn:
        assert the_ledger_adds_up(conn, fortnight.sent) == []


def test_figures_equal_an_independent_sql(fortnight: Year) -> None:
    assert figures_equal_sql(fortnight.gateway, figures_after(fortnight.now)) == []
