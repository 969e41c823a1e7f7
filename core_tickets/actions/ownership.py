"""Actions by which a ticket changes hands: taken, handed to somebody, given back.

Whoever has it next has not begun: work in progress waits again until the new holder begins or claims it, so that nothing
is "in progress" with somebody who never received it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core_tickets import checks
from core_tickets.actions.action import OPEN, Action, Args, Outcome, optional_text
from core_tickets.actions.states import unblocked
from core_tickets.errors import InvalidInput
from core_tickets.model import Ticket
from core_tickets.promises import Policy
from core_tickets.vocabulary import Label


def _claim(_ticket: Ticket, args: Args, now: int, _policy: Policy) -> Outcome:
    by = checks.text("by", args.get("by") or "", required=True)
    return {"assignee": by, "claimed_at": now}, {"by": by}


def _hand_over(ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    person, group = optional_text("assignee", args.get("assignee")), optional_text("group", args.get("group"))
    if person is None and group is None:
        raise InvalidInput("args of hand_over", "names nobody", hint="give assignee (a person), group or both")
    if person is not None and person == ticket.assignee:
        raise InvalidInput("assignee", f"{person!r} has it already", hint="name somebody else")
    reason = _reason(args, "say what the next one must know")
    fields: dict[str, Any] = {"assignee": person, "group": group or ticket.group, "claimed_at": None}
    if ticket.status == "in_progress":
        fields["status"] = "pending"
    return fields, {"from": ticket.assignee, "reason": reason}


def _return(ticket: Ticket, args: Args, now: int, policy: Policy) -> Outcome:
    reason = _reason(args, "say why it cannot be done here")
    fields = unblocked(ticket, now, policy) | {"assignee": None, "claimed_at": None}
    return fields, {"from": ticket.assignee, "group": ticket.group, "reason": reason}


def _reason(args: Args, hint: str) -> str:
    text = args.get("reason") or ""
    checks.text("reason", text)
    if not text.strip():
        raise InvalidInput("reason", "is missing", hint=hint)
    return str(text)


def _owned(ticket: Ticket) -> Label | None:
    return None if ticket.assignee or ticket.group else Label("nobody has it", "工单没有负责人，也不属于任何组")


ACTIONS: Mapping[str, Action] = {
    "claim": Action(OPEN, None, "ticket.claimed", ("by",), _claim),
    "hand_over": Action(OPEN, None, "ticket.handed_over", ("assignee", "group", "reason"), _hand_over),
    "return": Action(OPEN, "pending", "ticket.returned", ("reason",), _return, _owned),
}
