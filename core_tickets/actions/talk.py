"""Actions that leave the state alone: what is said about a ticket, and what it belongs with."""

from __future__ import annotations

from collections.abc import Mapping

from core_tickets import checks
from core_tickets.actions.action import ANY, BY_ANYBODY, Action, Args, Outcome
from core_tickets.errors import InvalidInput
from core_tickets.model import Ticket
from core_tickets.promises import Policy


def _comment(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    text = checks.text("text", args.get("text") or "", required=True)
    return {}, {"text": text, "public": checks.flag("public", args.get("public", False))}


def _link(ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    other = checks.number("other", args.get("other"), least=1)
    if other == ticket.id:
        raise InvalidInput("other", "is the ticket itself", hint="name another ticket")
    return {}, {"other": other}


ACTIONS: Mapping[str, Action] = {
    "comment": Action(ANY, None, "ticket.commented", ("text", "public"), _comment, answers=BY_ANYBODY),
    "link": Action(ANY, None, "ticket.linked", ("other",), _link),
    "unlink": Action(ANY, None, "ticket.unlinked", ("other",), _link),
}
