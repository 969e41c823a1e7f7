"""The oracle of the campaign: what had to run, told by hand-written timelines."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.campaign.expected import steps
from tests.campaign.staff import moment
from tests.campaign.trails import Line, Trail
from tests.campaign.working_time import HOUR, hours

DAY = date(2025, 3, 4)
OPENED = moment(DAY, "09:00")
RAISED = OPENED + 7 * HOUR
HOURS = hours(DAY, date(2025, 3, 6))
NEW = {"status": "pending", "kind": "incident", "priority": 1, "group": "spindle-hz"}


def line(number: int, at: int, name: str, act: int | None, **fields: Any) -> Line:
    changes = [(field, None, value) for field, value in fields.items()]
    return Line(number, at, "change", name, "spindle-hz.01", "person", changes, {}, act)


def raised_and_claimed(raised_by: int | None, claimed_by: int | None, claimed_after: int = 0) -> Trail:
    """Opened at nine, raised to P0 seven hours later, and claimed so long after that; by which transactions."""
    return Trail(1, [
        line(1, OPENED, "open", raised_by and 1, **NEW),
        line(2, RAISED, "set", raised_by, priority=0),
        line(3, RAISED + claimed_after, "claim", claimed_by),
    ])  # fmt: skip


UNCLAIMED = (OPENED, "p0/unclaimed")


@pytest.mark.parametrize(
    ("trail", "had_to", "may"),
    [
        pytest.param(raised_and_claimed(2, 3, 1), True, False, id="a microsecond later"),
        pytest.param(raised_and_claimed(2, 3), True, False, id="in a transaction after it"),
        pytest.param(raised_and_claimed(2, 2), False, False, id="in the same transaction"),
        pytest.param(raised_and_claimed(None, None), False, True, id="in one that nobody tells"),
        pytest.param(raised_and_claimed(None, None, 1), True, False, id="later, in one that nobody tells"),
    ],
)
def test_who_claims_what_is_overdue_spares_nobody_unless_it_never_stood_unclaimed(
    trail: Trail, had_to: bool, may: bool
) -> None:
    sure, perhaps = steps(trail, HOURS, RAISED + HOUR)
    assert (UNCLAIMED in sure, UNCLAIMED in perhaps) == (had_to, may)
