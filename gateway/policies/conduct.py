"""The policy `conduct`: how many changes of state are still usual for one person, and who is told of more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from core_tickets.collaboration.conduct import Limits
from gateway.automation.specs import Spec
from gateway.clock import DAY, HOUR, MINUTE
from gateway.config.durations import Duration
from gateway.errors import Problem
from gateway.policies.kind import PolicyKind, Surroundings


class ConductSpec(Spec):
    policy: Literal["conduct"]
    enabled: bool = True
    per_hour: int = Field(60, ge=1, description="changes of state by one person within any one hour")
    back_and_forth: int = Field(6, ge=2, description="changes of state by one person on one ticket within the span")
    instant: int = Field(10, ge=1, description="tickets that one person resolves in no time within the span")
    instant_within: Duration = MINUTE
    span: Duration = Field(
        DAY, ge=HOUR, le=30 * DAY, description="so much is looked at, and one flag a span and person"
    )
    tell: list[str] = Field(
        [], description="li.na, role:NAME or group:NAME; default: those who lead the person's groups"
    )


@dataclass(frozen=True, slots=True)
class Watch:
    """The compiled policy."""

    enabled: bool
    limits: Limits
    span: int
    tell: tuple[str, ...]


def _compile(spec: ConductSpec) -> Watch:
    limits = Limits(spec.per_hour, spec.back_and_forth, spec.instant, spec.instant_within)
    return Watch(spec.enabled, limits, spec.span, tuple(spec.tell))


def _check(spec: ConductSpec, around: Surroundings) -> Sequence[Problem]:
    return unknown_people("tell", spec.tell, around)


def unknown_people(path: str, names: Sequence[str], around: Surroundings) -> list[Problem]:
    """Names (li.na, role:lead, group:north) that nobody on the roster has; none without a roster."""
    roster, found = around.roster, []
    for n, name in enumerate(names if roster.people else ()):
        kind, _, who = name.rpartition(":")
        known = {
            "": who in roster.people, "role": bool(roster.with_role(who)), "group": who in roster.groups,
        }.get(kind, False)  # fmt: skip
        if not known:
            found.append(Problem(f"{path}[{n}]", f"{name!r} is nobody", "write li.na, role:team_lead or group:north"))
    return found


KIND: PolicyKind[Any, Watch] = PolicyKind("conduct", ConductSpec, _compile, _check)
