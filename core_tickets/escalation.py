"""What happens by itself when a ticket does not move: ladders of steps, as data, and when each step is due. Pure.

A step waits for a state to last (`condition` so long after the ticket was opened or reopened) or for a promise (so long, or
such a share of it, before it is due; nothing before: the breach). Each runs once in an episode, that is until the ticket is
reopened; what waits for somebody to take it or to begin runs anew when the ticket was given back. Breaches of promises are
always steps, so that each is written down, whatever the ladders say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from core_tickets.countdown import OPEN, PROMISES, deadlines, length, met_at, paused
from core_tickets.model import Ticket
from core_tickets.people import Roster
from core_tickets.promises import Policy

__all__ = ["BREACH", "CONDITIONS", "Ladder", "Ladders", "Step", "Told", "due_steps", "episode", "whom"]

Condition = Literal["unanswered", "unclaimed", "unworked", "unresolved"]
CONDITIONS: tuple[Condition, ...] = ("unanswered", "unclaimed", "unworked", "unresolved")
BREACH = "breach"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung. Either `condition` and `after`, or `promise` and at most one of `before` and `share`."""

    id: str
    condition: Condition | None = None
    after: int = 0
    """Working microseconds of the ladder's calendar."""
    promise: str | None = None
    """A key of countdown.PROMISES."""
    before: int = 0
    """Working microseconds of the promise's calendar before it is due."""
    share: int = 0
    """Percent of the promise that are left."""
    tell: tuple[str, ...] = ()
    """lead, director, assignee, group, role:NAME, person:ID, group:ID."""
    tier: int | None = None
    """The priority it is told with; None: the ticket's."""
    do: Literal["notice", "raise", "room"] = "notice"
    template: str = ""
    """Of the minutes of a room."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps for tickets of some priorities and kinds (none named: all)."""

    id: str
    steps: tuple[Step, ...]
    priorities: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()
    calendar: str = "always"

    def fits(self, ticket: Ticket) -> bool:
        return (not self.priorities or ticket.priority in self.priorities) and (
            not self.kinds or ticket.kind in self.kinds
        )


@dataclass(frozen=True, slots=True)
class Ladders:
    """The policy `escalation`."""

    ladders: tuple[Ladder, ...] = ()

    def named(self, key: str) -> Step | None:
        """The step of a key that `due_steps` gave; None: there is none any more."""
        ladder_id, _, step_id = key.partition(":")[0].partition("/")
        if ladder_id == BREACH:
            return Step(key, promise=step_id)
        return next((s for x in self.ladders if x.id == ladder_id for s in x.steps if s.id == step_id), None)


def episode(ticket: Ticket) -> int:
    """What the steps of a ticket are counted by: when it was opened, or last reopened."""
    return ticket.opened_at if ticket.reopened_at is None else ticket.reopened_at


def due_steps(ticket: Ticket, ladders: Ladders, policy: Policy) -> dict[str, int]:
    """The steps that run if nothing changes any more, and when: key to microseconds since 1970. A key is `ladder/step`, of a
    promise on the state with `:state` behind it, of a ticket that was given back with `:` and when. A ticket that is done, or
    folded into another, has none."""
    if ticket.status not in OPEN or ticket.storm_id is not None:
        return {}
    found: dict[str, int] = {}
    since = episode(ticket)
    promised = {n: at for n, at in deadlines(ticket, since, policy).items() if _runs(ticket, n)}
    calendar = policy.calendar(ticket.kind, ticket.priority)
    for key, step, ladder in _steps(ticket, ladders):
        if step.condition is not None:
            if _holds(ticket, step.condition):
                again = ticket.stage_since if step.condition in ("unclaimed", "unworked") else None
                begin = since if again is None else again
                found[key if again is None else f"{key}:{again}"] = policy.named(ladder.calendar).add(begin, step.after)
        elif step.promise in promised:
            at = promised[step.promise]
            early = step.before
            if step.share:
                early = length(ticket, step.promise, policy, calendar, at) * step.share // 100
            # a promise is broken once its moment has passed, not in that moment
            found[_of_stage(key, step.promise, ticket)] = _earlier(policy, ticket, at, early) if early else at + 1
    return found | {_of_stage(f"{BREACH}/{name}", name, ticket): at + 1 for name, at in promised.items()}


def _steps(ticket: Ticket, ladders: Ladders) -> Iterator[tuple[str, Step, Ladder]]:
    for ladder in ladders.ladders:
        if ladder.fits(ticket):
            for step in ladder.steps:
                yield f"{ladder.id}/{step.id}", step, ladder


def _of_stage(key: str, promise: str, ticket: Ticket) -> str:
    return f"{key}:{ticket.status}" if promise == "stage" else key


def _runs(ticket: Ticket, name: str) -> bool:
    return name in PROMISES and met_at(ticket, name) is None and not paused(ticket, name)


def _holds(ticket: Ticket, condition: Condition) -> bool:
    if condition == "unanswered":
        return ticket.first_responded_at is None
    if condition == "unclaimed":
        return ticket.claimed_at is None and ticket.status == "pending"
    return ticket.status == "pending" if condition == "unworked" else ticket.status in OPEN


def _earlier(policy: Policy, ticket: Ticket, at: int, working: int) -> int:
    """The moment with so much working time left before `at`; the opening, where there never was so much."""
    calendar = policy.calendar(ticket.kind, ticket.priority)
    since = episode(ticket)
    return calendar.add(since, max(0, calendar.between(since, at) - working))


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a step reaches."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    nobody: tuple[str, ...] = field(default=())
    """What was named but is nobody: a group without a lead, a role nobody has."""

    @property
    def anybody(self) -> bool:
        return bool(self.people or self.groups)


def whom(tell: tuple[str, ...], ticket: Ticket, roster: Roster) -> Told:
    """Who is meant for this ticket. Where a lead or director is missing, those above and then the group stand in."""
    people: dict[str, None] = {}
    groups: dict[str, None] = {}
    nobody: list[str] = []
    for each in tell:
        found, teams = _named(each, ticket, roster)
        people |= dict.fromkeys(found)
        groups |= dict.fromkeys(teams)
        if not found and not teams:
            nobody.append(each)
    return Told(tuple(people), tuple(groups), tuple(nobody))


def _named(each: str, ticket: Ticket, roster: Roster) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kind, _, name = each.partition(":")
    if name:
        if kind == "role":
            return roster.with_role(name), ()
        return ((name,), ()) if kind == "person" else ((), (name,))
    if each == "assignee":
        return ((ticket.assignee,), ()) if ticket.assignee else ((), ())
    if each == "group":
        return (), ((ticket.group,) if ticket.group else ())
    teams = (ticket.group,) if ticket.group else _teams(ticket, roster)
    looks = (roster.lead, roster.director) if each == "lead" else (roster.director, roster.lead)
    for look in looks:
        found = tuple(p for p in (look(team) for team in teams) if p)
        if found:
            return found, ()
    return (), ((ticket.group,) if ticket.group else ())


def _teams(ticket: Ticket, roster: Roster) -> tuple[str, ...]:
    holder = roster.people.get(ticket.assignee or "")
    return tuple(sorted(holder.groups)) if holder else ()
