"""Actions that set fields by hand: who works on it, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core_tickets import checks
from core_tickets.actions.action import UNCLOSED, Action, Args, Outcome, optional_number, optional_text
from core_tickets.errors import InvalidInput
from core_tickets.model import Ticket
from core_tickets.promises import Policy, promised_anew
from core_tickets.vocabulary import KINDS, PRIORITIES

_CHECK: Mapping[str, Callable[[str, Any], Any]] = {
    "title": lambda path, value: checks.text(path, value, required=True),
    "description": checks.text,
    "kind": lambda path, value: checks.member(path, value, KINDS),
    "priority": lambda path, value: checks.member(path, value, PRIORITIES),
    "labels": checks.labels,
    "device": optional_number,
    "customer": optional_number,
    "url": optional_text,
    "storm_id": optional_number,
    "first_response_due": optional_number,
    "resolution_due": optional_number,
}
SETTABLE = tuple(_CHECK)


def _assign(_ticket: Ticket, args: Args, _now: int, _policy: Policy) -> Outcome:
    """`decision`: why the hub chose them, as routing keeps it."""
    named = {name: value for name, value in args.items() if name != "decision"}
    if not named:
        raise InvalidInput("args of assign", "names nobody", hint="give assignee, group or both; null takes it away")
    fields = {name: optional_text(name, value) for name, value in named.items()}
    return fields, {"routing": dict(args["decision"])} if args.get("decision") else {}


def _set(ticket: Ticket, args: Args, _now: int, policy: Policy) -> Outcome:
    if not args:
        raise InvalidInput("args of set", "sets nothing", hint=f"give one or more of {', '.join(SETTABLE)}")
    fields = {name: _CHECK[name](name, value) for name, value in args.items()}
    if fields.get("storm_id") == ticket.id:
        raise InvalidInput("storm_id", "is the ticket itself", hint="name the ticket it is folded into")
    if "first_response_due" in fields or "resolution_due" in fields:
        fields["due_fixed"] = True
    elif any(getattr(ticket, name) != fields.get(name, getattr(ticket, name)) for name in ("kind", "priority")):
        fields |= promised_anew(replace(ticket, **fields), policy)
    return fields, {}


ACTIONS: Mapping[str, Action] = {
    "assign": Action(UNCLOSED, None, "ticket.assigned", ("assignee", "group", "decision"), _assign),
    "set": Action(UNCLOSED, None, "ticket.updated", SETTABLE, _set),
}
