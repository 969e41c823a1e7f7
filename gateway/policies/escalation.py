"""The policy `escalation`: who is told when a ticket is not answered, not taken, not worked on, or its promises are in
danger. Whom a ladder names is looked for when the policy is saved, not when the ticket waits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from core_tickets import KINDS
from core_tickets.calendars import ALWAYS
from core_tickets.escalation import BREACH, Ladder, Ladders, Step
from core_tickets.people import Roster
from gateway.automation.specs import Spec
from gateway.config import durations
from gateway.errors import BadConfiguration, Problem
from gateway.policies import calendars
from gateway.policies.kind import PolicyKind, Surroundings
from mappings.suggestions import among

Short = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="lower case letters, digits, _ -")]
_WHOM = re.compile(r"lead|director|assignee|group|(role|person|group):[^\s:][^:]{0,99}")


def _before(value: Any) -> tuple[int, int]:
    """`20%` or `30m` as (percent, microseconds)."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return int(value[0]), int(value[1])
    if isinstance(value, str) and (found := re.fullmatch(r"(\d{1,2})\s*%", value.strip())):
        return int(found[1]), 0
    try:
        return 0, durations.parse(value)
    except ValueError:
        raise ValueError(f"{value!r} is neither a share nor a duration; write 20% or 30m") from None


def _shown(value: tuple[int, int]) -> str:
    return f"{value[0]}%" if value[0] else durations.show(value[1])


def _known(value: Any) -> Any:
    if isinstance(value, str) and not _WHOM.fullmatch(value):
        raise ValueError(
            f"{value!r} names nobody; write lead, director, assignee, group, role:NAME, person:ID or group:ID"
        )
    return value


Before = Annotated[tuple[int, int], BeforeValidator(_before), PlainSerializer(_shown, return_type=str)]
Whom = Annotated[str, BeforeValidator(_known)]


class StepSpec(Spec):
    """One rung: `unless` and `after`, or `promise` and `before`."""

    id: Short
    unless: Literal["answered", "claimed", "worked", "resolved"] | None = Field(
        None, description="it runs unless this has happened by then"
    )
    after: durations.Duration | None = Field(None, description="so long after the ticket was opened or reopened")
    promise: Literal["first_response", "claim", "resolution", "stage", "given_response", "given_resolution"] | None = (
        None
    )
    before: Before = Field((0, 0), description="20% of the promise left, or 30m before it is due; 0s: at the breach")
    tell: list[Whom] = Field(min_length=1)
    tier: Literal["P0", "P1", "P2", "P3"] | None = Field(
        None, description="channels of this priority; default: its own"
    )
    do: Literal["notice", "raise", "room"] = Field(
        "notice", description="raise: the priority, by one; room: gather all who are told, with minutes to fill in"
    )
    template: str = Field("", max_length=10_000, description="minutes of the room, Markdown")

    @model_validator(mode="after")
    def _one_kind(self) -> StepSpec:
        if (self.unless is None) == (self.promise is None):
            raise ValueError("give either `unless` and `after`, or `promise` and `before`")
        if (self.unless is None) != (self.after is None):
            raise ValueError("`unless` and `after` go together")
        return self


class LadderSpec(Spec):
    id: Short
    title: str = ""
    priorities: list[Literal["P0", "P1", "P2", "P3"]] = Field([], description="default: all")
    kinds: list[str] = Field([], description="default: all")
    calendar: str = Field(ALWAYS.name, description="in whose working time `after` is counted")
    steps: list[StepSpec] = Field(min_length=1)


class EscalationSpec(Spec):
    policy: Literal["escalation"]
    ladders: list[LadderSpec]


_CONDITIONS: dict[str, Any] = {
    "answered": "unanswered", "claimed": "unclaimed", "worked": "unworked", "resolved": "unresolved"
}  # fmt: skip


def _compile(spec: EscalationSpec) -> Ladders:
    problems = [*_doubled("ladders", [x.id for x in spec.ladders])]
    for n, ladder in enumerate(spec.ladders):
        problems += _doubled(f"ladders[{n}].steps", [s.id for s in ladder.steps])
        problems += [
            Problem(f"ladders[{n}].kinds", f"there is no kind {kind!r}", among(kind, KINDS))
            for kind in ladder.kinds
            if kind not in KINDS
        ]
        if ladder.id == BREACH:
            problems.append(Problem(f"ladders[{n}].id", f"{BREACH!r} is the hub's own", "choose another id"))
    if problems:
        raise BadConfiguration("The ladders have problems.", problems)
    return Ladders(tuple(
        Ladder(x.id, tuple(map(_step, x.steps)), frozenset(int(p[1]) for p in x.priorities), frozenset(x.kinds), x.calendar)
        for x in spec.ladders
    ))  # fmt: skip


def _doubled(path: str, ids: Sequence[str]) -> Iterator[Problem]:
    for n, each in enumerate(ids):
        if each in ids[:n]:
            yield Problem(f"{path}[{n}].id", f"{each!r} is there twice", "choose another id")


def _step(spec: StepSpec) -> Step:
    share, before = spec.before
    tier = None if spec.tier is None else int(spec.tier[1])
    condition = None if spec.unless is None else _CONDITIONS[spec.unless]
    return Step(
        spec.id, condition, spec.after or 0, spec.promise, before, share, tuple(spec.tell), tier, spec.do, spec.template
    )


def _check(spec: EscalationSpec, around: Surroundings) -> Sequence[Problem]:
    known = [ALWAYS.name, *calendars.KIND.of(around.policies)]
    problems: list[Problem] = []
    for n, ladder in enumerate(spec.ladders):
        if ladder.calendar not in known:
            path = f"ladders[{n}].calendar"
            problems.append(Problem(path, f"there is no calendar {ladder.calendar!r}", among(ladder.calendar, known)))
        for m, step in enumerate(ladder.steps):
            for k, each in enumerate(step.tell):
                problems += _nobody(f"ladders[{n}].steps[{m}].tell[{k}]", each, around.roster)
    return problems


def _nobody(path: str, each: str, roster: Roster) -> Iterator[Problem]:
    kind, _, name = each.partition(":")
    if kind == "role" and not roster.with_role(name):
        yield Problem(path, f"nobody has the role {name!r}", "give it to somebody, or name another")
    elif kind == "person" and (name not in roster.people or not roster.people[name].active):
        yield Problem(path, f"{name!r} is nobody who works here", among(name, sorted(roster.people)))
    elif kind == "group" and name and not roster.members(name):
        yield Problem(path, f"there is nobody in a group {name!r}", among(name, sorted(roster.groups)))


KIND: PolicyKind[EscalationSpec, Ladders] = PolicyKind("escalation", EscalationSpec, _compile, _check)
