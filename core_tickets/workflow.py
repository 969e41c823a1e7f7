"""One command on one ticket: may it be done, what comes of it, and what is written down. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core_tickets import checks
from core_tickets.actions import ACTIONS, OPEN, Action, reopened
from core_tickets.errors import NotAllowed, VersionConflict
from core_tickets.model import AUDITED, Change, Command, Ticket
from core_tickets.promises import STANDARD, Policy, moved_because, promised_anew
from core_tickets.vocabulary import ACTOR_KINDS

__all__ = ["ACTIONS", "OPEN", "Action", "Step", "allowed", "meet", "moved", "raise_priority", "reopened", "step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One action done: the ticket after it, its changes, and what the entry keeps besides them."""

    ticket: Ticket
    changes: tuple[Change, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    event: str | None = None
    """Its name for bridges, where that is another than the action's own."""

    @property
    def recorded(self) -> bool:
        """False when the command asked for what is already so: nothing is written then."""
        return bool(self.changes or self.data)


def allowed(ticket: Ticket) -> tuple[str, ...]:
    """The actions this ticket allows now."""
    return tuple(
        name for name, action in ACTIONS.items() if ticket.status in action.sources and not action.why_not(ticket)
    )


def step(ticket: Ticket, command: Command, now: int, policy: Policy) -> Step:
    """Do one command. Raises InvalidInput, VersionConflict or NotAllowed; linked tickets are not looked up."""
    action = ACTIONS[checks.member("action", command.action, ACTIONS)]
    checks.text("actor", command.actor)
    checks.text("why", command.why)
    checks.member("actor_kind", command.actor_kind, ACTOR_KINDS)
    for name in command.args:
        checks.member(f"args of {command.action}", name, action.args)
    expected = command.expected_version
    if expected is not None and checks.number("expected_version", expected) != ticket.version:
        raise VersionConflict(ticket.id, expected, ticket.version)
    fits = ticket.status in action.sources
    why_not = action.why_not(ticket) if fits else None
    if not fits or why_not:
        raise NotAllowed(ticket.id, command.action, ticket.status, allowed(ticket), why_not.en if why_not else "")
    fields, data = action.do(ticket, command.args, now, policy)
    if action.target is not None:
        fields["status"] = action.target
    answers = command.actor_kind in action.answers and data.get("public", True)
    if answers and ticket.first_responded_at is None:  # an internal comment answers nobody
        fields["first_responded_at"] = now
    if ticket.claimed_at is None and "claimed_at" not in fields and _takes(command, fields):
        fields["claimed_at"] = now
    after = _moved(ticket, now, fields, touched=bool(data))
    return Step(after, _changes(ticket, after), _with_promise(data, ticket, after, policy))


def _takes(command: Command, fields: Mapping[str, Any]) -> bool:
    """Does this command make somebody hold the ticket: claimed, taken over by oneself, or simply begun?"""
    mine = command.actor_kind == "person" and fields.get("assignee") == command.actor
    return command.action == "claim" or mine or fields.get("status", "pending") != "pending"


def _with_promise(data: Mapping[str, Any], before: Ticket, after: Ticket, policy: Policy) -> Mapping[str, Any]:
    """No promise moves silently: the entry says why it did."""
    because = moved_because(before, after, policy) if after is not before else {}
    return {**data, "promise": because} if because else data


def meet(status: str, closed_at: int | None, reopen_within: int, now: int) -> str:
    """What a draft does to the ticket that holds its fingerprint: merge, reopen or supersede."""
    if status in OPEN:
        return "merge"
    fresh = closed_at is None or now - closed_at < reopen_within
    return "reopen" if reopen_within > 0 and fresh else "supersede"


def raise_priority(ticket: Ticket, priority: int, policy: Policy) -> dict[str, Any]:
    """The fields set when a repeat is more urgent than the ticket; empty when it is not: a repeat never lowers it."""
    if priority >= ticket.priority:
        return {}
    return {"priority": priority} | promised_anew(replace(ticket, priority=priority), policy)


def moved(ticket: Ticket, now: int, fields: Mapping[str, Any], policy: Policy = STANDARD) -> Step:
    """The ticket with these fields set, one version on."""
    after = _moved(ticket, now, fields, touched=False)
    return Step(after, _changes(ticket, after), _with_promise({}, ticket, after, policy))


def _moved(ticket: Ticket, now: int, fields: Mapping[str, Any], *, touched: bool) -> Ticket:
    if any(getattr(ticket, name) != value for name, value in fields.items()):
        since = now if fields.get("status", ticket.status) != ticket.status else ticket.stage_since
        return replace(ticket, **fields, stage_since=since, updated_at=now, version=ticket.version + 1)
    return replace(ticket, updated_at=now) if touched else ticket


def _changes(before: Ticket, after: Ticket) -> tuple[Change, ...]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in AUDITED)
    return tuple(Change(name, old, new) for name, old, new in pairs if old != new)
