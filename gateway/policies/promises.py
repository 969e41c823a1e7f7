"""The policy `promises`: by when a ticket of a kind and priority is answered, taken, solved, and has left each state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import orjson
import structlog
from pydantic import AfterValidator, Field

from core_tickets import KINDS, Policy, Promise
from core_tickets.calendars import ALWAYS, Calendar
from core_tickets.people import Roster
from gateway.automation.specs import Name, Spec
from gateway.clock import MINUTE
from gateway.config.durations import Duration
from gateway.errors import BadConfiguration, Problem
from gateway.policies import calendars
from gateway.policies.kind import Policies, PolicyKind, Surroundings
from mappings.suggestions import among

log = structlog.get_logger(__name__)


def _minutes(value: int) -> int:
    if value < MINUTE or value % MINUTE:
        raise ValueError("promise whole minutes, at least one: 15m, 4h, 3d")
    return value


Promised = Annotated[Duration, AfterValidator(_minutes)]
State = Literal["pending", "in_progress", "blocked"]


class Line(Spec):
    """What is promised to tickets of one kind (`*`: every other) and priority. What is left out is not promised."""

    kind: str = "*"
    priority: Literal["P0", "P1", "P2", "P3"]
    first_response: Promised | None = None
    claim: Promised | None = None
    resolution: Promised | None = None
    stages: dict[State, Promised] = Field({}, description="how long it may stay in a state at a time")
    calendar: Name = Field(ALWAYS.name, description="in whose working time all this is counted; 1d is 24 h of it")


class PromisesSpec(Spec):
    policy: Literal["promises"]
    lines: list[Line]
    warn_share: int = Field(20, ge=0, le=100, description="percent left from which a promise counts as in danger")


Lines = tuple[Mapping[tuple[str, int], Promise], int]


def _compile(spec: PromisesSpec) -> Lines:
    lines: dict[tuple[str, int], Promise] = {}
    problems: list[Problem] = []
    for n, line in enumerate(spec.lines):
        key = (line.kind, int(line.priority[1]))
        if line.kind != "*" and line.kind not in KINDS:
            problems.append(Problem(f"lines[{n}].kind", f"there is no kind {line.kind!r}", among(line.kind, KINDS)))
        if key in lines:
            problems.append(Problem(f"lines[{n}]", f"{line.kind} {line.priority} is there twice", "make one of them"))
        stages: dict[str, int] = {state: length // MINUTE for state, length in line.stages.items()}
        first, last, claim = (_whole(x) for x in (line.first_response, line.resolution, line.claim))
        lines[key] = Promise(first, last, claim, stages, line.calendar)
    if problems:
        raise BadConfiguration("The promises have problems.", problems)
    return lines, spec.warn_share


def _whole(length: int | None) -> int | None:
    return None if length is None else length // MINUTE


def _check(spec: PromisesSpec, around: Surroundings) -> Sequence[Problem]:
    known = [ALWAYS.name, *calendars.KIND.of(around.policies)]
    return [
        Problem(f"lines[{n}].calendar", f"there is no calendar {line.calendar!r}", among(line.calendar, known))
        for n, line in enumerate(spec.lines)
        if line.calendar not in known
    ]


KIND: PolicyKind[PromisesSpec, Lines] = PolicyKind("promises", PromisesSpec, _compile, _check)


def in_force(policies: Policies, roster: Roster, named: Mapping[str, Calendar]) -> Policy:
    """The promises as they hold now. `named`: the calendars, as calendars.known gives them."""
    lines, warn = KIND.of(policies)
    known = dict(named)
    for name in sorted({p.calendar for p in lines.values()} - {*known}):
        # refused when it is saved; a calendar taken away since is no reason to promise nothing
        log.warning("promises.no_calendar", calendar=name, instead=ALWAYS.name)
        known[name] = ALWAYS
    return Policy(lines, known, warn, version(policies, roster, ("promises", "calendars")))


def version(policies: Policies, roster: Roster, kinds: Sequence[str]) -> str:
    """Of these kinds of policy, with all of the roster that they look at: equal exactly when they decide the same."""
    looked = [(s.records, s.shifts_of) for s in calendars.KIND.of(policies).values()]
    body = [
        [policies.specs[kind].model_dump(mode="json") for kind in kinds],
        [sorted(roster.days.get(records or "", {}).items()) for records, _ in looked],
        [[roster.shifts[p].spans for p in roster.members(group) if p in roster.shifts] for _, group in looked if group],
    ]
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
