"""The policy `grading`: points by words, channel, customer level and time; what they make of the priority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, model_validator

import core_tickets
from core_tickets.grading import Grading, GradingRule
from gateway.automation.specs import Name, Spec
from gateway.errors import BadConfiguration, Problem
from gateway.policies.conditions import ConditionSpec, condition, unknown_calendar, unknown_channels
from gateway.policies.kind import PolicyKind, Surroundings


class GradingRuleSpec(ConditionSpec):
    id: Name
    title: str = ""
    points: int = Field(ge=-1000, le=1000)


class GradingSpec(Spec):
    """Every rule that fits adds its points. `levels`: the points from which a priority holds; below all it is P3."""

    policy: Literal["grading"] = "grading"
    rules: list[GradingRuleSpec] = []
    levels: dict[Literal["P0", "P1", "P2"], int] = {"P0": 80, "P1": 50, "P2": 20}
    combine: Literal["raise", "replace", "add"] = Field(
        "raise",
        description="with the priority the rule gave: `raise`: the more urgent of both; `replace`: the points alone; "
        "`add`: it counts with its level's points, and the points of the rules are added",
    )

    hours: str = Field("office", description="calendar of the policy `calendars`: what working time is")

    @model_validator(mode="after")
    def _in_order(self) -> GradingSpec:
        if not self.levels:
            raise ValueError("levels: give the points of at least one priority, such as `P0: 80`")
        points = [self.levels[p] for p in sorted(self.levels)]
        if points != sorted(points, reverse=True) or len(set(points)) < len(points):
            raise ValueError("levels: a more urgent priority needs more points, such as `P0: 80, P1: 50, P2: 20`")
        return self


def _compile(spec: GradingSpec) -> Grading:
    problems: list[Problem] = []
    seen: set[str] = set()
    rules = []
    for n, rule in enumerate(spec.rules):
        if rule.id in seen:
            problems.append(Problem(f"rules[{n}].id", f"{rule.id!r} is there twice", "rename one of them"))
        seen.add(rule.id)
        rules.append(GradingRule(rule.id, condition(rule, f"rules[{n}]", problems), rule.points, rule.title))
    if problems:
        raise BadConfiguration("The grading has problems; nothing was changed.", problems)
    levels = tuple((core_tickets.parse_priority(p), least) for p, least in sorted(spec.levels.items()))
    return Grading(tuple(rules), levels, spec.combine, spec.hours)


def _check(spec: GradingSpec, around: Surroundings) -> Sequence[Problem]:
    found = unknown_calendar(spec.hours, around)
    connections: Mapping[str, str] = around.connections
    for n, rule in enumerate(spec.rules):
        found += unknown_channels(rule, f"rules[{n}]", dict(connections))
    return found


KIND: PolicyKind[GradingSpec, Grading] = PolicyKind("grading", GradingSpec, _compile, _check)
