"""How much is left of each promise of a ticket, in working time. Pure; no clock is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core_tickets.calendars import Calendar
from core_tickets.model import Ticket
from core_tickets.promises import MINUTE, Policy, after_wait, claim_due, stage_deadline, waited
from core_tickets.vocabulary import Label

__all__ = ["PROMISES", "STATES", "Countdown", "countdown", "deadlines", "met_at"]

OPEN = ("pending", "in_progress", "blocked")
PROMISES = {
    "first_response": Label("First response", "首次响应"),
    "claim": Label("Taken by somebody", "认领"),
    "resolution": Label("Resolution", "解决"),
    "stage": Label("Time in this state", "阶段停留"),
    "given_response": Label("First response, as promised", "承诺的首次响应"),
    "given_resolution": Label("Resolution, as promised", "承诺的解决"),
}
STATES = {
    "ok": Label("On time", "正常"),
    "warn": Label("Soon due", "即将到期"),
    "breached": Label("Overdue", "已超时"),
    "paused": Label("Paused, waiting for the customer", "暂停，等待客户"),
    "kept": Label("Kept", "已兑现"),
    "broken": Label("Kept too late", "超时兑现"),
}


class Countdown(NamedTuple):
    """One promise as it stands now."""

    name: str
    """A key of PROMISES; `given_...` was promised by hand."""
    due: int
    remaining: int
    """Working microseconds until it is due; negative: so long overdue. What was left when it was kept, or paused."""
    state: str
    """A key of STATES."""
    calendar: str
    met_at: int | None


def deadlines(ticket: Ticket, now: int, policy: Policy) -> dict[str, int]:
    """When each promise of a ticket falls due, by name; a wait for the customer that runs now is counted in."""
    wait = waited(ticket, now, policy)
    found = {
        "first_response": ticket.first_response_due,
        "claim": claim_due(ticket, policy),
        "resolution": after_wait(ticket.resolution_due, ticket, wait, policy),
        "stage": stage_deadline(ticket, policy),
        "given_response": ticket.given_response_due,
        "given_resolution": after_wait(ticket.given_resolution_due, ticket, wait, policy),
    }
    return {name: at for name, at in found.items() if at is not None}


def met_at(ticket: Ticket, name: str) -> int | None:
    """When a promise was kept, be it too late; None: it still runs."""
    if name in ("first_response", "given_response"):
        return ticket.first_responded_at if ticket.first_responded_at is not None else ticket.resolved_at
    if name == "claim":
        begun = None if ticket.status == "pending" else ticket.stage_since or ticket.updated_at
        return ticket.claimed_at if ticket.claimed_at is not None else begun
    return None if name == "stage" else ticket.resolved_at


def paused(ticket: Ticket, name: str) -> bool:
    """Does the clock of this promise stand still?"""
    return ticket.paused_since is not None and name in ("resolution", "given_resolution", "stage")


def countdown(ticket: Ticket, now: int, policy: Policy) -> tuple[Countdown, ...]:
    """Every promise of the ticket, as `PROMISES` lists them."""
    calendar = policy.calendar(ticket.kind, ticket.priority)
    return tuple(_counted(ticket, now, policy, calendar))


def _counted(ticket: Ticket, now: int, policy: Policy, calendar: Calendar) -> Iterator[Countdown]:
    for name, at in deadlines(ticket, now, policy).items():
        met = met_at(ticket, name)
        remaining = calendar.between(now if met is None else met, at)
        if met is not None:
            state = "kept" if met <= at else "broken"
        elif paused(ticket, name):
            state = "paused"
        elif now > at:
            state = "breached"
        else:
            whole = length(ticket, name, policy, calendar, at)
            state = "warn" if remaining * 100 <= whole * policy.warn_share else "ok"
        yield Countdown(name, at, remaining, state, calendar.name, met)


def length(ticket: Ticket, name: str, policy: Policy, calendar: Calendar, at: int) -> int:
    """The whole of a promise in working microseconds: as the policy says, else from the opening to when it is due."""
    promise = policy.line(ticket.kind, ticket.priority)[1]
    minutes = {
        "first_response": promise.first_response,
        "claim": promise.claim,
        "resolution": promise.resolution,
        "stage": promise.stages.get(ticket.status),
    }.get(name)
    if minutes is None or (ticket.due_fixed and name in ("first_response", "resolution")):
        since = ticket.opened_at if ticket.reopened_at is None else ticket.reopened_at
        return max(0, calendar.between(since, at))
    return minutes * MINUTE
