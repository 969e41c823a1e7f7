"""Actions that move a ticket from state to state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core_tickets import checks
from core_tickets.actions.action import BY_ANYBODY, BY_PERSON, OPEN, Action, Args, Outcome
from core_tickets.model import Ticket
from core_tickets.promises import PAUSING, Policy, after_wait, due, waited
from core_tickets.vocabulary import CAUSES, REASONS, Label


def reopened(ticket: Ticket, now: int, policy: Policy) -> dict[str, Any]:
    """The fields a reopening sets. The resolution is promised anew from now; the first response where nobody gave it yet."""
    promised = due(policy, ticket.kind, ticket.priority, now)
    unanswered = {"first_response_due": promised.first_response, "given_response_due": None}
    return (unanswered if ticket.first_responded_at is None else {}) | {
        "status": "in_progress",
        "resolution": None,
        "cause": None,
        "approval": None,
        "resolved_at": None,
        "closed_at": None,
        "reopened_at": now,
        "confirmed_at": None,
        "paused_total": 0,
        "resolution_due": promised.resolution,
        "due_fixed": False,
        "given_resolution_due": None,
    }


def unblocked(ticket: Ticket, now: int, policy: Policy) -> dict[str, Any]:
    """The fields that end a block: a wait for the customer moves the resolution's due times by its working time."""
    fields: dict[str, Any] = {"blocked_reason": None, "blocked_text": None}
    if ticket.paused_since is not None:
        wait = waited(ticket, now, policy)
        fields |= {"paused_since": None, "paused_total": ticket.paused_total + wait}
        for name in ("resolution_due", "given_resolution_due"):
            fields[name] = after_wait(getattr(ticket, name), ticket, wait, policy)
    return fields


def _block(_ticket: Ticket, args: Args, now: int, _policy: Policy) -> Outcome:
    reason = checks.member("reason", args.get("reason", ""), REASONS)
    text = checks.text("text", args.get("text") or "", required=reason == "other")
    paused = now if reason in PAUSING else None
    return {"blocked_reason": reason, "blocked_text": text or None, "paused_since": paused}, {}


def _unblock(ticket: Ticket, _args: Args, now: int, policy: Policy) -> Outcome:
    return unblocked(ticket, now, policy), {}


def _resolve(ticket: Ticket, args: Args, now: int, policy: Policy) -> Outcome:
    resolution = checks.text("resolution", args.get("resolution") or "", required=True)
    cause = args.get("cause")
    if cause is not None:
        checks.member("cause", cause, CAUSES)
    return unblocked(ticket, now, policy) | {"resolution": resolution, "cause": cause, "resolved_at": now}, {}


def _reopen(ticket: Ticket, _args: Args, now: int, policy: Policy) -> Outcome:
    return reopened(ticket, now, policy), {}


def _superseded(ticket: Ticket) -> Label | None:
    other = ticket.superseded_by
    return None if other is None else Label(f"ticket {other} took its place", f"已由工单 {other} 取代")


def _close(_ticket: Ticket, _args: Args, now: int, _policy: Policy) -> Outcome:
    return {"closed_at": now}, {}


ACTIONS: Mapping[str, Action] = {
    "start": Action(("pending",), "in_progress", "ticket.started", answers=BY_ANYBODY),
    "block": Action(("in_progress",), "blocked", "ticket.blocked", ("reason", "text"), _block, answers=BY_ANYBODY),
    "unblock": Action(("blocked",), "in_progress", "ticket.unblocked", (), _unblock),
    "resolve": Action(OPEN, "resolved", "ticket.resolved", ("resolution", "cause"), _resolve, answers=BY_PERSON),
    "reopen": Action(("resolved", "closed"), "in_progress", "ticket.reopened", (), _reopen, _superseded),
    "close": Action(("resolved",), "closed", "ticket.closed", (), _close),
}
