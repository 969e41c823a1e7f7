"""Promises given by hand: whoever takes a ticket or works on it says by when, beside what the policy promises."""

from __future__ import annotations

from collections.abc import Mapping

from core_tickets import checks
from core_tickets.actions.action import OPEN, Action, Args, Outcome
from core_tickets.errors import InvalidInput
from core_tickets.model import Ticket
from core_tickets.promises import Policy

_GIVEN = {"first_response_due": "given_response_due", "resolution_due": "given_resolution_due"}


def _promise(ticket: Ticket, args: Args, now: int, _policy: Policy) -> Outcome:
    """A later promise replaces the earlier one, and says why; both stay in the audit trail."""
    reason = checks.text("reason", args.get("reason") or "", required=True)
    given = {name: checks.number(name, args[name]) for name in _GIVEN if args.get(name) is not None}
    if not given:
        raise InvalidInput(
            "args of promise", "promises nothing", hint="give first_response_due, resolution_due or both"
        )
    for name, at in given.items():
        if at <= now:
            raise InvalidInput(name, "is not in the future", hint="promise a time that is still to come")
    if "first_response_due" in given and ticket.first_responded_at is not None:
        raise InvalidInput("first_response_due", "the first response was given already", hint="promise a resolution")
    return {_GIVEN[name]: at for name, at in given.items()}, {"reason": reason}


ACTIONS: Mapping[str, Action] = {
    "promise": Action(OPEN, None, "ticket.promised", (*_GIVEN, "reason"), _promise),
}
