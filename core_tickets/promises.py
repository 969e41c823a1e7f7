"""Promised times: how soon somebody answers and how soon it is solved, by kind and priority. Pure; no clock is read.

Minutes run around the clock here. The resolution clock stands still only while a ticket waits for its customer: its
`resolution_due` moves by each finished wait, and `resolution_deadline` adds the running one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from core_tickets.model import Ticket

__all__ = [
    "PAUSING",
    "STANDARD",
    "Due",
    "Policy",
    "Promise",
    "due",
    "first_response_breached",
    "promised_anew",
    "resolution_breached",
    "resolution_deadline",
]

MINUTE = 60_000_000
PAUSING = frozenset({"waiting_for_customer"})


class Promise(NamedTuple):
    """Minutes until the first response and until the resolution; None promises nothing."""

    first_response: int | None
    resolution: int | None


Policy = Mapping[tuple[str, int], Promise]
"""By (kind, priority); kind "*" holds for every kind without a line of its own."""


class Due(NamedTuple):
    """Microseconds since 1970 UTC, or None where nothing is promised."""

    first_response: int | None
    resolution: int | None


STANDARD: Policy = {
    ("*", 0): Promise(15, 4 * 60),
    ("*", 1): Promise(30, 8 * 60),
    ("*", 2): Promise(4 * 60, 3 * 24 * 60),
    ("*", 3): Promise(24 * 60, 7 * 24 * 60),
    ("spare_part_purchase", 2): Promise(8 * 60, 14 * 24 * 60),
    ("spare_part_purchase", 3): Promise(24 * 60, 30 * 24 * 60),
    ("complaint", 2): Promise(2 * 60, 3 * 24 * 60),
}


def due(policy: Policy, kind: str, priority: int, opened_at: int) -> Due:
    """When the promises for a ticket of this kind and priority fall due."""
    promise = policy.get((kind, priority)) or policy.get(("*", priority)) or Promise(None, None)
    first, last = promise
    return Due(
        None if first is None else opened_at + first * MINUTE,
        None if last is None else opened_at + last * MINUTE,
    )


def promised_anew(ticket: Ticket, policy: Policy) -> dict[str, Any]:
    """The due times of a ticket whose kind or priority changed; none where they were set by hand."""
    if ticket.due_fixed:
        return {}
    first = due(policy, ticket.kind, ticket.priority, ticket.opened_at).first_response
    start = ticket.opened_at if ticket.reopened_at is None else ticket.reopened_at
    last = due(policy, ticket.kind, ticket.priority, start).resolution
    return {"first_response_due": first, "resolution_due": None if last is None else last + ticket.paused_total}


def resolution_deadline(ticket: Ticket, now: int) -> int | None:
    """`resolution_due` plus the wait for the customer that is running now."""
    if ticket.resolution_due is None or ticket.paused_since is None:
        return ticket.resolution_due
    return ticket.resolution_due + max(0, now - ticket.paused_since)


def first_response_breached(ticket: Ticket, now: int) -> bool:
    """Nobody answered in time. A ticket resolved before anybody could answer counts as answered then."""
    if ticket.first_response_due is None:
        return False
    answered = ticket.first_responded_at if ticket.first_responded_at is not None else ticket.resolved_at
    return (now if answered is None else answered) > ticket.first_response_due


def resolution_breached(ticket: Ticket, now: int) -> bool:
    """It was, or still is not, resolved by its deadline."""
    deadline = resolution_deadline(ticket, now)
    return deadline is not None and (now if ticket.resolved_at is None else ticket.resolved_at) > deadline
