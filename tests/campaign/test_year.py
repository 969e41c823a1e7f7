"""A year of work: 100,000 tickets, 300 people, holidays, shifts, storms, two workers and random kills.

`WEFT_YEAR_TICKETS`, `WEFT_YEAR_BEAT_MIN` (mean minutes between two looks of the workers) and `WEFT_YEAR_KILLS` make it smaller;
`WEFT_CAMPAIGN_SEED` makes another one of it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.clock import rfc3339
from tests.campaign import test_fortnight
from tests.campaign.checks import Checks, end_state, the_ledger_adds_up
from tests.campaign.conftest import Lived
from tests.campaign.counted import figures_after, figures_equal_sql
from tests.campaign.demand import Span, storms_of
from tests.campaign.driver import Campaign, Year
from tests.campaign.working_time import hours

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(12 * 3_600)]


def a_year() -> Campaign:
    return Campaign(
        Span(date(2025, 1, 1), date(2026, 1, 1)),
        tickets=int(os.environ.get("WEFT_YEAR_TICKETS", "100000")),
        seed=test_fortnight.SEED,
        minutes=float(os.environ.get("WEFT_YEAR_BEAT_MIN", "20")),
        kills=int(os.environ.get("WEFT_YEAR_KILLS", "100")),
    )


def holds(year: Year, since: int = 0) -> Checks:
    """Fails with what does not hold, twenty tickets of each kind."""
    span = year.campaign.span
    with year.gateway.reading() as conn:
        checks = Checks(conn, hours(span.first, span.last), year.now, 2 * year.longest_beat, since)
        problems = checks.problems | {"the ledger adds up": the_ledger_adds_up(conn, year.sent)}
    assert not any(problems.values()), {name: found[:20] for name, found in problems.items() if found}
    return checks


class Months:
    """At the end of each month all that must hold is looked at, of the tickets of that month and those still open."""

    def __init__(self) -> None:
        self.looked, self._began = 0, time.monotonic()

    def __call__(self, year: Year) -> None:
        checks, self.looked = holds(year, self.looked), year.now
        spent = {what: round(us / 1e6) for what, us in year.spent.items()}
        print(f"{rfc3339(year.now)}: {year.size()} tickets, {checks.fired} steps, {year.beats} beats, "
              f"{year.crew.killed} kills, {time.monotonic() - self._began:.0f} s {spent}", flush=True)  # fmt: skip


def test_a_year_with_two_workers_that_are_killed(lived: Lived, copy_of_postgres: Callable[[str], str]) -> None:
    campaign = a_year()
    with lived(campaign, copy_of_postgres("weft_year")) as year:
        year.run(Months())
        checks = holds(year)
        print(f"{checks.tickets} tickets, {checks.due} steps had to run, {checks.fired} ran, {checks.storms} storms, "
              f"{year.sent} alerts, {year.lives.summary()}", flush=True)  # fmt: skip
        assert checks.tickets >= campaign.tickets * 9 // 10
        assert checks.storms == storms_of(campaign.span, campaign.tickets)
        assert checks.storms > 0 or campaign.tickets < 1_000
        assert year.crew.killed == campaign.kills
        assert figures_equal_sql(year.gateway, figures_after(year.now)) == []


def test_a_fortnight_on_sqlite_with_one_worker(lived: Lived, migrated_file: Path, tmp_path: Path) -> None:
    file = shutil.copy(migrated_file, tmp_path / "weft.db")
    with lived(replace(test_fortnight.CAMPAIGN, workers=1), f"sqlite:///{file}") as year:
        year.run()
        holds(year)
        assert figures_equal_sql(year.gateway, figures_after(year.now)) == []


def test_two_workers_and_kills_change_nothing(lived: Lived, copy_of_postgres: Callable[[str], str]) -> None:
    """People wait for the workers here, so that what happens at one moment happens in one order."""
    calm = replace(test_fortnight.CAMPAIGN, together=False)
    ends = []
    for name, campaign in (("alone", replace(calm, workers=1, kills=0)), ("two", replace(calm, kills=12))):
        with lived(campaign, copy_of_postgres(f"weft_{name}")) as year:
            year.run()
            with year.gateway.reading() as conn:
                ends.append(end_state(conn))
            assert len(ends[-1]) == year.size() >= 70
    alone, two = ends
    assert [place for place in alone.keys() | two.keys() if alone.get(place) != two.get(place)] == []
