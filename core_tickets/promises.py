"""Promised times: how soon somebody answers, takes it, solves it, and how long it may stay in a state. Pure; no clock.

Minutes are working time of the promise's calendar. The clocks of the resolution and of the state stand still only while a
ticket waits for its customer: due times move by each finished wait, `resolution_deadline` adds the running one. Both are
counted in the same working time, so pauses add up exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from core_tickets.calendars import ALWAYS, Calendar

if TYPE_CHECKING:
    from core_tickets.model import Ticket

__all__ = [
    "PAUSING",
    "STANDARD",
    "Due",
    "Policy",
    "Promise",
    "claim_due",
    "due",
    "first_response_breached",
    "moved_because",
    "opened_because",
    "promised_anew",
    "resolution_breached",
    "resolution_deadline",
    "stage_deadline",
]

MINUTE = 60_000_000
PAUSING = frozenset({"waiting_for_customer"})
_NOTHING: Mapping[str, int] = MappingProxyType({})


class Promise(NamedTuple):
    """Working minutes until the first response and until the resolution; None promises nothing."""

    first_response: int | None
    resolution: int | None
    claim: int | None = None
    """Until somebody has taken it."""
    stages: Mapping[str, int] = _NOTHING
    """How long it may stay in a state (pending, in_progress, blocked) at a time."""
    calendar: str = ALWAYS.name


_NONE = Promise(None, None)


@dataclass(frozen=True, eq=False)
class Policy(Mapping[tuple[str, int], Promise]):
    """Promises by (kind, priority); kind "*" holds for every kind without a line of its own."""

    lines: Mapping[tuple[str, int], Promise]
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    """Those the lines name, besides `always`."""
    warn_share: int = 20
    """A promise counts as in danger when this share of it (percent) or less is left."""
    version: str = "standard"

    def __getitem__(self, key: tuple[str, int]) -> Promise:
        return self.lines[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, kind: str, priority: int) -> tuple[str, Promise]:
        """The line that holds for a ticket, and the kind it is written for; nothing is promised without one."""
        if (own := self.lines.get((kind, priority))) is not None:
            return kind, own
        return "*", self.lines.get(("*", priority), _NONE)

    def calendar(self, kind: str, priority: int) -> Calendar:
        """The working time in which the promises of a ticket are counted."""
        return self.named(self.line(kind, priority)[1].calendar)

    def named(self, name: str) -> Calendar:
        """A calendar by name; `always` is there in any policy. Raises KeyError."""
        return ALWAYS if name == ALWAYS.name else self.calendars[name]


class Due(NamedTuple):
    """Microseconds since 1970 UTC, or None where nothing is promised."""

    first_response: int | None
    resolution: int | None


STANDARD = Policy(
    {
        ("*", 0): Promise(15, 4 * 60),
        ("*", 1): Promise(30, 8 * 60),
        ("*", 2): Promise(4 * 60, 3 * 24 * 60),
        ("*", 3): Promise(24 * 60, 7 * 24 * 60),
        ("spare_part_purchase", 2): Promise(8 * 60, 14 * 24 * 60),
        ("spare_part_purchase", 3): Promise(24 * 60, 30 * 24 * 60),
        ("complaint", 2): Promise(2 * 60, 3 * 24 * 60),
    }
)


def due(policy: Policy, kind: str, priority: int, opened_at: int) -> Due:
    """When the promises for a ticket of this kind and priority fall due."""
    promise = policy.line(kind, priority)[1]
    first, last = promise.first_response, promise.resolution
    calendar = policy.named(promise.calendar)
    return Due(
        None if first is None else calendar.add(opened_at, first * MINUTE),
        None if last is None else calendar.add(opened_at, last * MINUTE),
    )


def promised_anew(ticket: Ticket, policy: Policy) -> dict[str, Any]:
    """The due times of a ticket whose kind or priority changed; none where they were set by hand."""
    if ticket.due_fixed:
        return {}
    start = ticket.opened_at if ticket.reopened_at is None else ticket.reopened_at
    answered = ticket.first_responded_at is not None and ticket.first_responded_at <= start
    first = due(policy, ticket.kind, ticket.priority, ticket.opened_at if answered else start).first_response
    last = due(policy, ticket.kind, ticket.priority, start).resolution
    if last is not None:
        last = policy.calendar(ticket.kind, ticket.priority).add(last, ticket.paused_total)
    return {"first_response_due": first, "resolution_due": last}


def claim_due(ticket: Ticket, policy: Policy) -> int | None:
    """By when somebody shall have taken it."""
    promise = policy.line(ticket.kind, ticket.priority)[1]
    if promise.claim is None:
        return None
    return policy.named(promise.calendar).add(ticket.opened_at, promise.claim * MINUTE)


def stage_deadline(ticket: Ticket, policy: Policy) -> int | None:
    """By when it shall have left the state it is in. None: nothing is promised, or it waits for its customer."""
    promise = policy.line(ticket.kind, ticket.priority)[1]
    minutes = promise.stages.get(ticket.status)
    if minutes is None or ticket.paused_since is not None:
        return None
    since = ticket.opened_at if ticket.stage_since is None else ticket.stage_since
    return policy.named(promise.calendar).add(since, minutes * MINUTE)


def waited(ticket: Ticket, now: int, policy: Policy) -> int:
    """The working time of the wait for the customer that is running now."""
    if ticket.paused_since is None:
        return 0
    return max(0, policy.calendar(ticket.kind, ticket.priority).between(ticket.paused_since, now))


def after_wait(at: int | None, ticket: Ticket, wait: int, policy: Policy) -> int | None:
    """A due time, later by so much working time."""
    return None if at is None else policy.calendar(ticket.kind, ticket.priority).add(at, wait)


def resolution_deadline(ticket: Ticket, now: int, policy: Policy = STANDARD) -> int | None:
    """`resolution_due` plus the wait for the customer that is running now."""
    return after_wait(ticket.resolution_due, ticket, waited(ticket, now, policy), policy)


def first_response_breached(ticket: Ticket, now: int) -> bool:
    """Nobody answered in time. A ticket resolved before anybody could answer counts as answered then."""
    if ticket.first_response_due is None:
        return False
    answered = ticket.first_responded_at if ticket.first_responded_at is not None else ticket.resolved_at
    return (now if answered is None else answered) > ticket.first_response_due


def resolution_breached(ticket: Ticket, now: int, policy: Policy = STANDARD) -> bool:
    """It was, or still is not, resolved by its deadline."""
    deadline = resolution_deadline(ticket, now, policy)
    return deadline is not None and (now if ticket.resolved_at is None else ticket.resolved_at) > deadline


PROMISED = ("first_response_due", "resolution_due", "given_response_due", "given_resolution_due")


def opened_because(policy: Policy, kind: str, priority: int, *, by_hand: bool = False) -> dict[str, Any]:
    """As `moved_because`, of a ticket that is opened."""
    line, promise = policy.line(kind, priority)
    because = "by_hand" if by_hand else "opened"
    told = {"line": f"{line}/P{priority}", "calendar": promise.calendar, "policy": policy.version}
    return {"because": because} | told


def moved_because(before: Ticket, after: Ticket, policy: Policy) -> dict[str, Any]:
    """Why promises stand where they stand after a change, for the audit trail; empty when none was moved.

    `because`: opened, reopened, waited_for_customer, graded_anew (another kind or priority), by_hand. `line`, `calendar`
    and `policy` name what was applied, `waited_s` is working time.
    """
    if all(getattr(before, name) == getattr(after, name) for name in PROMISED):
        return {}
    told = opened_because(policy, after.kind, after.priority)
    if after.reopened_at != before.reopened_at:
        return told | {"because": "reopened"}
    if after.paused_total != before.paused_total:
        waited_for = (after.paused_total - before.paused_total) // 1_000_000
        return told | {"because": "waited_for_customer", "waited_s": waited_for}
    if (after.kind, after.priority) != (before.kind, before.priority) and not after.due_fixed:
        return told | {"because": "graded_anew"}
    return {"because": "by_hand"}
