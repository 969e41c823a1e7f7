"""Actions that decide what costs money."""

from __future__ import annotations

from collections.abc import Mapping

from core_tickets import checks
from core_tickets.actions.action import BY_PERSON, OPEN, Action, Args, Outcome
from core_tickets.actions.states import unblocked
from core_tickets.model import Ticket
from core_tickets.promises import Policy
from core_tickets.vocabulary import KINDS, NEEDS_APPROVAL, Label


def _approve(ticket: Ticket, args: Args, now: int, policy: Policy) -> Outcome:
    text = checks.text("text", args.get("text") or "")
    return unblocked(ticket, now, policy) | {"approval": "approved"}, {"text": text} if text else {}


def _refuse(ticket: Ticket, args: Args, now: int, policy: Policy) -> Outcome:
    """Refusing settles the ticket: what it says is why nothing is bought."""
    text = checks.text("text", args.get("text") or "", required=True)
    return unblocked(ticket, now, policy) | {"approval": "refused", "resolution": text, "resolved_at": now}, {}


def _needless(ticket: Ticket) -> Label | None:
    if ticket.kind not in NEEDS_APPROVAL:
        return Label(f"a ticket of kind {ticket.kind} needs no approval", f"“{KINDS[ticket.kind].zh}”类工单无需审批")
    return Label("it is approved already", "已经批准") if ticket.approval == "approved" else None


ACTIONS: Mapping[str, Action] = {
    "approve": Action(OPEN, "in_progress", "ticket.approved", ("text",), _approve, _needless, BY_PERSON),
    "refuse": Action(OPEN, "resolved", "ticket.refused", ("text",), _refuse, _needless, BY_PERSON),
}
