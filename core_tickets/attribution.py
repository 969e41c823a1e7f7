"""Who held a ticket how long, in working time, and who was late where: the sheet that is drawn up after a breach. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from core_tickets.calendars import Calendar
from core_tickets.countdown import OPEN, countdown
from core_tickets.model import BLANK, Entry, Ticket
from core_tickets.promises import PAUSING, PROMISED, Policy

__all__ = ["CUSTOMER", "NOBODY", "Hold", "Late", "Move", "Sheet", "attribute", "holder_at", "holds", "shares"]

NOBODY = "nobody"
CUSTOMER = "customer"
_HELD = ("status", "assignee", "group", "blocked_reason")


class Hold(NamedTuple):
    """A stretch in which a ticket was in one state and in the same hands."""

    since: int
    until: int
    status: str
    holder: str
    """A person's id, `group:` and a group's, `nobody`, or `customer` while it was waited for."""
    blocked_reason: str | None
    working: int
    """Working microseconds of the promises' calendar."""


class Late(NamedTuple):
    """A promise that was broken: by how much, in whose hands it was when it fell due, who held it how long until then."""

    name: str
    due: int
    met_at: int | None
    late: int
    holder: str
    before: Mapping[str, int]
    """Working microseconds by holder from the opening (or reopening) to when it was due."""
    after: Mapping[str, int]
    """From then until it was kept, or now."""


class Move(NamedTuple):
    """A due time that was set or moved, and why."""

    at: int
    field: str
    before: int | None
    after: int | None
    actor: str
    why: str
    because: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything a breach is judged by."""

    calendar: str
    holds: tuple[Hold, ...]
    totals: Mapping[str, int]
    """Working microseconds by holder."""
    paused: int
    """Working microseconds it waited for the customer, whose clock does not run."""
    late: tuple[Late, ...]
    moves: tuple[Move, ...]


def attribute(ticket: Ticket, entries: Sequence[Entry], now: int, policy: Policy) -> Sheet:
    """The sheet of a ticket from its whole timeline, oldest entry first."""
    calendar = policy.calendar(ticket.kind, ticket.priority)
    held = holds(entries, now, calendar)
    totals = shares(held, calendar)
    since = ticket.opened_at if ticket.reopened_at is None else ticket.reopened_at
    late = []
    for promise in countdown(ticket, now, policy):
        if promise.state not in ("breached", "broken"):
            continue
        end = now if promise.met_at is None else promise.met_at
        begin = ticket.opened_at if promise.name in ("first_response", "claim", "given_response") else since
        late.append(
            Late(
                promise.name, promise.due, promise.met_at, calendar.between(promise.due, end), holder_at(held, promise.due),
                shares(held, calendar, begin, promise.due), shares(held, calendar, promise.due, end),
            )
        )  # fmt: skip
    return Sheet(calendar.name, held, totals, totals.get(CUSTOMER, 0), tuple(late), tuple(_moves(entries)))


def holds(entries: Iterable[Entry], now: int, calendar: Calendar) -> tuple[Hold, ...]:
    """In whose hands a ticket was when, while it was open. A clock that ran backwards makes no stretch."""
    return tuple(_holds(entries, now, calendar))


def _holds(entries: Iterable[Entry], now: int, calendar: Calendar) -> Iterator[Hold]:
    state: dict[str, Any] = {name: BLANK[name] for name in _HELD}
    since: int | None = None
    for entry in entries:
        after = state | {c.field: c.after for c in entry.changes if c.field in _HELD}
        if after == state:
            continue
        if since is not None and state["status"] in OPEN and entry.at > since:
            yield _hold(state, since, entry.at, calendar)
        state, since = after, entry.at
    if since is not None and state["status"] in OPEN and now > since:
        yield _hold(state, since, now, calendar)


def _hold(state: Mapping[str, Any], since: int, until: int, calendar: Calendar) -> Hold:
    reason = state["blocked_reason"]
    return Hold(since, until, state["status"], _holder(state), reason, calendar.between(since, until))


def _holder(state: Mapping[str, Any]) -> str:
    if state["blocked_reason"] in PAUSING:
        return CUSTOMER
    if state["assignee"]:
        return str(state["assignee"])
    return f"group:{state['group']}" if state["group"] else NOBODY


def shares(
    held: Iterable[Hold], calendar: Calendar, begin: int | None = None, end: int | None = None
) -> dict[str, int]:
    """Working microseconds by holder between two moments, longest first."""
    found: dict[str, int] = {}
    for hold in held:
        since = hold.since if begin is None else max(hold.since, begin)
        until = hold.until if end is None else min(hold.until, end)
        if until > since:
            found[hold.holder] = found.get(hold.holder, 0) + calendar.between(since, until)
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def holder_at(held: Iterable[Hold], moment: int) -> str:
    """In whose hands it was then; nobody's while it was done."""
    return next((h.holder for h in held if h.since <= moment < h.until), NOBODY)


def _moves(entries: Iterable[Entry]) -> Iterator[Move]:
    for entry in entries:
        for change in entry.changes:
            if change.field in PROMISED:
                because = entry.data.get("promise", {})
                why = entry.why or str(entry.data.get("reason", ""))
                yield Move(entry.at, change.field, change.before, change.after, entry.actor, why, because)
