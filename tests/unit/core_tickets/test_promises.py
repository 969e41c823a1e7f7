"""Promised times and whether they were kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core_tickets import (
    KINDS,
    PRIORITIES,
    STANDARD,
    Due,
    Policy,
    Promise,
    due,
    first_response_breached,
    resolution_breached,
    resolution_deadline,
)
from tests.unit.core_tickets.test_workflow import HOUR, NOW, ticket

MINUTE = 60_000_000


def test_a_kind_has_its_own_line_or_that_of_all_kinds() -> None:
    policy = Policy({("*", 1): Promise(30, 60), ("complaint", 1): Promise(5, None)})
    assert due(policy, "incident", 1, 0) == Due(30 * MINUTE, 60 * MINUTE)
    assert due(policy, "complaint", 1, 0) == Due(5 * MINUTE, None)
    assert due(policy, "incident", 2, 0) == Due(None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_standard_promises_more_to_the_more_urgent(kind: str) -> None:
    times = [due(STANDARD, kind, priority, 0) for priority in sorted(PRIORITIES)]
    assert all(t.first_response is not None and t.resolution is not None for t in times)
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("responded", "resolved", "now", "breached"),
    [
        (None, None, NOW + HOUR, False),
        (None, None, NOW + HOUR + 1, True),
        (NOW + HOUR, None, NOW + 9 * HOUR, False),
        (NOW + HOUR + 1, None, NOW + 9 * HOUR, True),
        (None, NOW + 1, NOW + 9 * HOUR, False),
    ],
)
def test_a_first_response_is_late_after_its_due_time(
    responded: int | None, resolved: int | None, now: int, breached: bool
) -> None:
    t = ticket(first_response_due=NOW + HOUR, first_responded_at=responded, resolved_at=resolved)
    assert first_response_breached(t, now) is breached


def test_a_resolution_is_late_after_its_deadline() -> None:
    t = ticket("in_progress", resolution_due=NOW + HOUR)
    assert not resolution_breached(t, NOW + HOUR)
    assert resolution_breached(t, NOW + HOUR + 1)
    assert not resolution_breached(replace(t, resolved_at=NOW + HOUR), NOW + 9 * HOUR)
    assert resolution_breached(replace(t, resolved_at=NOW + HOUR + 1), NOW + 9 * HOUR)


def test_a_deadline_moves_on_while_the_customer_is_awaited() -> None:
    t = ticket("blocked", resolution_due=NOW + HOUR, paused_since=NOW)
    assert resolution_deadline(t, NOW + 5 * HOUR) == NOW + 6 * HOUR
    assert not resolution_breached(t, NOW + 99 * HOUR)


def test_what_was_not_promised_cannot_be_late() -> None:
    t = ticket(first_response_due=None, resolution_due=None)
    assert not first_response_breached(t, NOW + 10**15)
    assert not resolution_breached(t, NOW + 10**15)
