"""What may be done to a ticket, as one table, and what each action makes of it. Pure: no database, no clock.

pending ── start ──> in_progress <── unblock ── blocked
                          │ └────── block ────────> │
   any of the three ── resolve ──> resolved ── close ──> closed
            in_progress <── reopen ── resolved, closed
   a kind that needs approval: any of the three ── approve ──> in_progress, ── refuse ──> resolved
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from core_tickets import checks
from core_tickets.errors import InvalidInput, NotAllowed, VersionConflict
from core_tickets.model import AUDITED, Change, Command, Ticket
from core_tickets.promises import PAUSING, Policy, due
from core_tickets.vocabulary import ACTOR_KINDS, CAUSES, KINDS, NEEDS_APPROVAL, PRIORITIES, REASONS

__all__ = ["ACTIONS", "OPEN", "Action", "Step", "allowed", "meet", "raise_priority", "reopen", "step"]

OPEN = ("pending", "in_progress", "blocked")
_UNCLOSED = (*OPEN, "resolved")
_ANY = (*_UNCLOSED, "closed")


class Action(NamedTuple):
    """From which states it may be done, where it leads (None: the state stays), its event, and the `args` it takes."""

    sources: tuple[str, ...]
    target: str | None
    event: str
    args: tuple[str, ...] = ()


SETTABLE = (
    "title", "description", "kind", "priority", "labels", "device", "customer", "url", "storm_id",
    "first_response_due", "resolution_due",
)  # fmt: skip

ACTIONS: Mapping[str, Action] = {
    "start": Action(("pending",), "in_progress", "ticket.started"),
    "block": Action(("in_progress",), "blocked", "ticket.blocked", ("reason", "text")),
    "unblock": Action(("blocked",), "in_progress", "ticket.unblocked"),
    "resolve": Action(OPEN, "resolved", "ticket.resolved", ("resolution", "cause")),
    "approve": Action(OPEN, "in_progress", "ticket.approved", ("text",)),
    "refuse": Action(OPEN, "resolved", "ticket.refused", ("text",)),
    "reopen": Action(("resolved", "closed"), "in_progress", "ticket.reopened"),
    "close": Action(("resolved",), "closed", "ticket.closed"),
    "assign": Action(_UNCLOSED, None, "ticket.assigned", ("assignee", "group")),
    "set": Action(_UNCLOSED, None, "ticket.updated", SETTABLE),
    "comment": Action(_ANY, None, "ticket.commented", ("text", "public")),
    "link": Action(_ANY, None, "ticket.linked", ("other",)),
    "unlink": Action(_ANY, None, "ticket.unlinked", ("other",)),
}

# What counts as the first response, by who does it: a source that ends its own alert has answered nobody.
_ANSWERS = {
    "person": frozenset({"start", "block", "resolve", "comment", "approve", "refuse"}),
    "connector": frozenset({"start", "block", "comment"}),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One action done: the ticket after it, its changes, and what the entry keeps besides them."""

    ticket: Ticket
    changes: tuple[Change, ...]
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recorded(self) -> bool:
        """False when the command asked for what is already so: nothing is written then."""
        return bool(self.changes or self.data)


def allowed(ticket: Ticket) -> tuple[str, ...]:
    """The actions this ticket allows now."""
    return tuple(name for name, action in ACTIONS.items() if ticket.status in action.sources and _fits(name, ticket))


def _fits(name: str, ticket: Ticket) -> bool:
    """What an action asks of a ticket besides its state."""
    if name == "reopen":
        return ticket.superseded_by is None
    if name in ("approve", "refuse"):
        return ticket.kind in NEEDS_APPROVAL and ticket.approval != "approved"
    return True


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
    if command.action not in (can := allowed(ticket)):
        raise NotAllowed(ticket.id, command.action, ticket.status, can, _why_not(command.action, action, ticket))
    fields, data = _DO[command.action](ticket, command.args, now, policy)
    if action.target is not None:
        fields["status"] = action.target
    answers = command.action in _ANSWERS.get(command.actor_kind, ()) and data.get("public", True)
    if answers and ticket.first_responded_at is None:  # an internal comment answers nobody
        fields["first_responded_at"] = now
    after = _moved(ticket, now, fields, touched=bool(data))
    return Step(after, _changes(ticket, after), data)


def _why_not(name: str, action: Action, ticket: Ticket) -> str:
    """Why an action does not fit although the state would allow it; empty: it is the state."""
    if ticket.status not in action.sources:
        return ""
    if name == "reopen":
        return f"ticket {ticket.superseded_by} took its place"
    if ticket.kind not in NEEDS_APPROVAL:
        return f"a ticket of kind {ticket.kind} needs no approval"
    return "it is approved already"


def meet(status: str, closed_at: int | None, reopen_within: int, now: int) -> str:
    """What a draft does to the ticket that holds its fingerprint: merge, reopen or supersede."""
    if status in OPEN:
        return "merge"
    fresh = closed_at is None or now - closed_at < reopen_within
    return "reopen" if reopen_within > 0 and fresh else "supersede"


def reopen(ticket: Ticket, now: int, policy: Policy) -> dict[str, Any]:
    """The fields a reopening sets. The resolution is promised anew from now; the first response is not."""
    return {
        "status": "in_progress",
        "resolution": None,
        "cause": None,
        "approval": None,
        "resolved_at": None,
        "closed_at": None,
        "reopened_at": now,
        "paused_total": 0,
        "resolution_due": due(policy, ticket.kind, ticket.priority, now).resolution,
        "due_fixed": False,
    }


def raise_priority(ticket: Ticket, priority: int, policy: Policy) -> dict[str, Any]:
    """The fields set when a repeat is more urgent than the ticket; empty when it is not: a repeat never lowers it."""
    if priority >= ticket.priority:
        return {}
    return {"priority": priority} | _promised_anew(replace(ticket, priority=priority), policy)


def moved(ticket: Ticket, now: int, fields: Mapping[str, Any]) -> Step:
    """The ticket with these fields set, one version on."""
    after = _moved(ticket, now, fields, touched=False)
    return Step(after, _changes(ticket, after))


def _moved(ticket: Ticket, now: int, fields: Mapping[str, Any], *, touched: bool) -> Ticket:
    if any(getattr(ticket, name) != value for name, value in fields.items()):
        return replace(ticket, **fields, updated_at=now, version=ticket.version + 1)
    return replace(ticket, updated_at=now) if touched else ticket


def _changes(before: Ticket, after: Ticket) -> tuple[Change, ...]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in AUDITED)
    return tuple(Change(name, old, new) for name, old, new in pairs if old != new)


def _promised_anew(ticket: Ticket, policy: Policy) -> dict[str, Any]:
    if ticket.due_fixed:
        return {}
    first = due(policy, ticket.kind, ticket.priority, ticket.opened_at).first_response
    start = ticket.opened_at if ticket.reopened_at is None else ticket.reopened_at
    last = due(policy, ticket.kind, ticket.priority, start).resolution
    return {"first_response_due": first, "resolution_due": None if last is None else last + ticket.paused_total}


_Outcome = tuple[dict[str, Any], Mapping[str, Any]]  # fields to set, what else the entry keeps
_Args = Mapping[str, Any]


def _plain(_ticket: Ticket, _args: _Args, _now: int, _policy: Policy) -> _Outcome:
    return {}, {}


def _block(_ticket: Ticket, args: _Args, now: int, _policy: Policy) -> _Outcome:
    reason = checks.member("reason", args.get("reason", ""), REASONS)
    text = checks.text("text", args.get("text") or "", required=reason == "other")
    paused = now if reason in PAUSING else None
    return {"blocked_reason": reason, "blocked_text": text or None, "paused_since": paused}, {}


def _unblock(ticket: Ticket, _args: _Args, now: int, _policy: Policy) -> _Outcome:
    fields: dict[str, Any] = {"blocked_reason": None, "blocked_text": None}
    if ticket.paused_since is not None:
        wait = max(0, now - ticket.paused_since)
        fields |= {"paused_since": None, "paused_total": ticket.paused_total + wait}
        if ticket.resolution_due is not None:
            fields["resolution_due"] = ticket.resolution_due + wait
    return fields, {}


def _resolve(ticket: Ticket, args: _Args, now: int, policy: Policy) -> _Outcome:
    resolution = checks.text("resolution", args.get("resolution") or "", required=True)
    cause = args.get("cause")
    if cause is not None:
        checks.member("cause", cause, CAUSES)
    fields, data = _unblock(ticket, args, now, policy)
    return fields | {"resolution": resolution, "cause": cause, "resolved_at": now}, data


def _approve(ticket: Ticket, args: _Args, now: int, policy: Policy) -> _Outcome:
    text = checks.text("text", args.get("text") or "")
    fields, _ = _unblock(ticket, args, now, policy)
    return fields | {"approval": "approved"}, {"text": text} if text else {}


def _refuse(ticket: Ticket, args: _Args, now: int, policy: Policy) -> _Outcome:
    """Refusing settles the ticket: what it says is why nothing is bought."""
    text = checks.text("text", args.get("text") or "", required=True)
    fields, _ = _unblock(ticket, args, now, policy)
    return fields | {"approval": "refused", "resolution": text, "resolved_at": now}, {}


def _reopen(ticket: Ticket, _args: _Args, now: int, policy: Policy) -> _Outcome:
    return reopen(ticket, now, policy), {}


def _close(_ticket: Ticket, _args: _Args, now: int, _policy: Policy) -> _Outcome:
    return {"closed_at": now}, {}


def _assign(_ticket: Ticket, args: _Args, _now: int, _policy: Policy) -> _Outcome:
    if not args:
        raise InvalidInput("args of assign", "names nobody", hint="give assignee, group or both; null takes it away")
    for name, value in args.items():
        if value is not None:
            checks.text(name, value, required=True)
    return dict(args), {}


def _comment(_ticket: Ticket, args: _Args, _now: int, _policy: Policy) -> _Outcome:
    text = checks.text("text", args.get("text") or "", required=True)
    return {}, {"text": text, "public": checks.flag("public", args.get("public", False))}


def _link(ticket: Ticket, args: _Args, _now: int, _policy: Policy) -> _Outcome:
    other = checks.number("other", args.get("other"), least=1)
    if other == ticket.id:
        raise InvalidInput("other", "is the ticket itself", hint="name another ticket")
    return {}, {"other": other}


def _set(ticket: Ticket, args: _Args, _now: int, policy: Policy) -> _Outcome:
    if not args:
        raise InvalidInput("args of set", "sets nothing", hint=f"give one or more of {', '.join(SETTABLE)}")
    fields = {name: _CHECK[name](name, value) for name, value in args.items()}
    if fields.get("storm_id") == ticket.id:
        raise InvalidInput("storm_id", "is the ticket itself", hint="name the ticket it is folded into")
    if "first_response_due" in fields or "resolution_due" in fields:
        fields["due_fixed"] = True
    elif any(getattr(ticket, name) != fields.get(name, getattr(ticket, name)) for name in ("kind", "priority")):
        fields |= _promised_anew(replace(ticket, **fields), policy)
    return fields, {}


def _optional_text(path: str, value: Any) -> str | None:
    return None if value is None else checks.text(path, value, required=True)


def _optional_number(path: str, value: Any) -> int | None:
    return None if value is None else checks.number(path, value)


_CHECK: Mapping[str, Callable[[str, Any], Any]] = {
    "title": lambda path, value: checks.text(path, value, required=True),
    "description": checks.text,
    "kind": lambda path, value: checks.member(path, value, KINDS),
    "priority": lambda path, value: checks.member(path, value, PRIORITIES),
    "labels": checks.labels,
    "url": _optional_text,
    "device": _optional_number,
    "customer": _optional_number,
    "storm_id": _optional_number,
    "first_response_due": _optional_number,
    "resolution_due": _optional_number,
}

_DO: Mapping[str, Callable[[Ticket, _Args, int, Policy], _Outcome]] = {
    "start": _plain,
    "block": _block,
    "unblock": _unblock,
    "resolve": _resolve,
    "approve": _approve,
    "refuse": _refuse,
    "reopen": _reopen,
    "close": _close,
    "assign": _assign,
    "set": _set,
    "comment": _comment,
    "link": _link,
    "unlink": _link,
}
