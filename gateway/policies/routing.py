"""The policy `routing`: ordered rules from tickets to groups; within a group by skill, shift and load.

Who may receive what is checked when it is saved: a group without members, people whom no role lets receive, skills nobody
has and people whom no channel reaches are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from core_tickets.matching import normalised
from core_tickets.people import Person, Roster
from core_tickets.routing import Routing, RoutingRule
from core_tickets.routing.policy import RECEIVERS
from gateway.automation.specs import Name, Spec
from gateway.errors import BadConfiguration, Problem
from gateway.policies.conditions import ConditionSpec, Values, condition, many, unknown_calendar, unknown_channels
from gateway.policies.kind import PolicyKind, Surroundings
from mappings.suggestions import among


class RoutingRuleSpec(ConditionSpec):
    id: Name
    title: str = ""
    module: Values = Field([], description="values of the ticket's label for the product area")
    region: Values = Field([], description="values of the ticket's label for the region")
    skill: Values = Field([], description="whoever gets it must have all of these")
    group: str | None = Field(None, description="who gets it; none: the group that looks after its module and region")
    nobody_there: Literal["wait", "pool"] = Field(
        "wait", description="all are off shift or have enough: it waits for them, or goes on to the next rule"
    )


class RoutingSpec(Spec):
    """The first rule that can place a ticket decides; what none can place goes to `pool`."""

    policy: Literal["routing"] = "routing"
    pool: str | None = Field(None, description="the group that owns what nobody else does; none: nothing is routed")
    rules: list[RoutingRuleSpec] = []
    receivers: list[str] = Field(sorted(RECEIVERS), description="the roles that may receive tickets")
    most: int | None = Field(None, ge=1, description="whoever has so many open tickets gets no more")
    module_label: str = "module"
    region_label: str = "region"
    skill_label: str = "skill"
    hours: str = Field("office", description="calendar of those who have no shifts, and whose group has none")
    reroute_after: Literal["shift", "never"] = Field(
        "shift", description="what nobody has begun is given to somebody else when its holder goes off shift"
    )


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """What runs: the pure policy, the hours, and whether the worker routes again."""

    routing: Routing
    hours: str = "office"
    """The calendar of people without shifts whose group names none."""
    again: bool = True


def _compile(spec: RoutingSpec) -> RoutingPolicy:
    problems: list[Problem] = []
    if spec.rules and spec.pool is None:
        hint = "name the group that owns what no rule can place, such as `pool: dispatch`"
        problems.append(Problem("pool", "there are rules, but no pool: tickets could be left unowned", hint))
    seen: set[str] = set()
    rules = []
    for n, rule in enumerate(spec.rules):
        path = f"rules[{n}]"
        if rule.id in seen or rule.id in ("pool", "given"):
            what = "is there twice" if rule.id in seen else "is the routing's own word"
            problems.append(Problem(f"{path}.id", f"{rule.id!r} {what}", "choose another name"))
        seen.add(rule.id)
        more = {spec.module_label: rule.module, spec.region_label: rule.region}
        asked = condition(rule, path, problems, more)
        skills = frozenset(normalised(s) for s in many(rule.skill))
        rules.append(RoutingRule(rule.id, asked, rule.group, skills, rule.nobody_there, rule.title))
    if problems:
        raise BadConfiguration("The routing has problems; nothing was changed.", problems)
    receivers = frozenset(normalised(role) for role in spec.receivers)
    labels = [normalised(each) for each in (spec.module_label, spec.region_label, spec.skill_label)]
    routing = Routing(tuple(rules), spec.pool, receivers, spec.most, *labels)
    return RoutingPolicy(routing, spec.hours, spec.reroute_after == "shift")


def _check(spec: RoutingSpec, around: Surroundings) -> Sequence[Problem]:
    roster, found = around.roster, list[Problem]()
    if spec.pool is None:
        return found
    routing = KIND.of(around.policies).routing
    found += unknown_calendar(spec.hours, around)
    found += _group(roster, routing, spec.pool, "pool", frozenset())
    for n, rule in enumerate(spec.rules):
        path = f"rules[{n}]"
        found += unknown_channels(rule, path, dict(around.connections))
        if rule.group is not None:
            found += _group(roster, routing, rule.group, path + ".group", routing.rules[n].skills)
        elif not any(g.modules or g.regions for g in roster.groups.values()):
            hint = "write `group:`, or give groups `modules` and `regions`"
            found.append(Problem(f"{path}.group", "no group says which modules or regions it looks after", hint))
        elif lacking := routing.rules[n].skills - _skills(roster.people.values()):
            found.append(_nobody_has(f"{path}.skill", lacking, roster))
    return found


def _group(roster: Roster, routing: Routing, group: str, path: str, skills: frozenset[str]) -> list[Problem]:
    """Why nothing sent to this group would be received."""
    if group not in roster.groups:
        return [Problem(path, f"there is no group {group!r}", among(group, roster.groups))]
    members = [roster.people[p] for p in roster.members(group)]
    if not members:
        hint = (
            f"put somebody into it: `groups: [{group}]` of a person in the policy `people`, or in the personnel system"
        )
        return [Problem(path, f"nobody works in the group {group!r}", hint)]
    receiving = [p for p in members if routing.receives(p.roles)]
    if not receiving:
        told = ", ".join(f"{p.id} ({', '.join(sorted(p.roles)) or 'no role'})" for p in members[:5])
        hint = f"give one of them a role of `receivers`, such as technician; may receive: {', '.join(sorted(routing.receivers))}"
        return [Problem(path, f"nobody in the group {group!r} may receive tickets: {told}", hint)]
    if skills and not any(skills <= _skills([p]) for p in receiving):
        lacking = skills - _skills(receiving)
        if lacking:
            return [_nobody_has(path.replace(".group", ".skill"), lacking, roster, f" in the group {group!r}")]
        what = ", ".join(sorted(skills))
        return [Problem(path, f"nobody in the group {group!r} has all of {what}", "ask for fewer skills, or teach one")]
    silent = [p.id for p in receiving if not p.channels]
    if silent:
        hint = "give each an address: `channels: {wecom: ...}` in the policy `people`, or in the personnel system"
        return [Problem(path, f"no channel reaches {', '.join(silent[:10])}, who may get tickets of {group!r}", hint)]
    return []


def _skills(people: Iterable[Person]) -> frozenset[str]:
    return frozenset(normalised(s) for p in people for s in p.skills)


def _nobody_has(path: str, skills: frozenset[str], roster: Roster, where: str = "") -> Problem:
    known = {skill for person in roster.people.values() for skill in person.skills}
    name = sorted(skills)[0]
    return Problem(path, f"nobody{where} has the skill {name!r}", among(name, known))


KIND: PolicyKind[RoutingSpec, RoutingPolicy] = PolicyKind("routing", RoutingSpec, _compile, _check)
