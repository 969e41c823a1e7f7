"""From a ticket, the people and their work to a decision. Pure; nothing is ever left unowned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core_tickets.matching import Condition, Seen, normal_forms, normalised
from core_tickets.matching.condition import Reason
from core_tickets.people import Group, Person, Roster, WorkingTime
from core_tickets.people.merging import listed
from core_tickets.routing.policy import GIVEN, POOL, Decision, Load, Loads, Routing, RoutingRule

HoursOf = Callable[[Group | None], WorkingTime]
"""The working hours of a group."""


@dataclass(frozen=True, slots=True)
class Avoid:
    """Who gave the ticket back last: not the same again at once."""

    person: str | None = None
    group: str | None = None


NOBODY = Avoid()
_GIVEN_RULE = RoutingRule(GIVEN, Condition())


@dataclass(frozen=True, slots=True)
class Step:
    """One rule asked of one ticket: the group it leads to and why; or no group, and why not."""

    rule: RoutingRule
    group: str | None
    reasons: tuple[Reason, ...]


def steps(policy: Routing, roster: Roster, seen: Seen, given: str | None = None) -> list[Step]:
    """Every rule asked, in order. `given`: a group that the ticket has already."""
    if given is not None:
        return [Step(_GIVEN_RULE, given, (("group", given),))]
    found: list[Step] = []
    for rule in policy.rules:
        verdict = rule.condition.judge(seen)
        if not verdict.fits:
            found.append(Step(rule, None, verdict.reasons))
            continue
        groups = [rule.group] if rule.group is not None else _of_area(policy, roster, seen)
        found += [Step(rule, group, verdict.reasons) for group in groups]
        if not groups:
            area = "no_area", seen.label(policy.module_label), seen.label(policy.region_label)
            found.append(Step(rule, None, (area,)))
    return found


def candidates(roster: Roster, asked: Iterable[Step]) -> set[str]:
    """Everybody whose work must be known to route this: `loads` for `route`."""
    return {person for step in asked if step.group is not None for person in roster.members(step.group)}


def route(
    policy: Routing, roster: Roster, seen: Seen, asked: Sequence[Step], loads: Loads, now: int, hours: HoursOf,
    avoid: Avoid = NOBODY,
) -> Decision:  # fmt: skip
    """Where it goes. `asked`: what `steps` says. Needs a policy that is active."""
    assert policy.pool is not None
    passed: list[tuple[str, Reason]] = []
    people: list[tuple[str, Reason]] = []
    for step in asked:
        rule, group = step.rule, step.group
        if group is None or (avoid.person is None and avoid.group == group):
            passed.append((rule.id, step.reasons[0] if group is None else ("gave_back", group)))
            continue
        fit, others = _judge(policy, roster, rule, group, seen, loads, now, hours(roster.groups.get(group)), avoid)
        people += others
        if fit:
            best = min(fit, key=lambda p: (loads.get(p, Load()).open, loads.get(p, Load()).last or 0, p))
            told = [(best, _load_of("chosen", best, loads))]
            told += [(p, _load_of("more_work", p, loads)) for p in fit if p != best]
            return Decision(rule.id, group, best, step.reasons, tuple(passed), (*told, *people))
        could = [p for p, reason in others if reason[0] in ("off_shift", "full")]
        if rule.id == GIVEN or (could and rule.nobody_there == "wait"):
            return Decision(rule.id, group, None, step.reasons, tuple(passed), tuple(people))
        passed.append((rule.id, ("nobody_there", group) if could else ("nobody_fits", group)))
    return Decision(POOL, policy.pool, None, (), tuple(passed), tuple(people))


def _load_of(code: str, person: str, loads: Loads) -> Reason:
    return code, str(loads.get(person, Load()).open)


def _of_area(policy: Routing, roster: Roster, seen: Seen) -> list[str]:
    """The groups that look after the ticket's module and region; those that name the module first."""
    module, region = seen.label(policy.module_label), seen.label(policy.region_label)
    found = []
    for group in roster.groups.values():
        fits = _within(group.modules, module) and _within(group.regions, region)
        if group.active and fits and (group.modules or group.regions):
            found.append((not group.modules, not group.regions, group.id))
    return [group for *_, group in sorted(found)]


def _within(own: frozenset[str], value: str) -> bool:
    """Nothing said is everything."""
    return not own or value in normal_forms(own)


def _judge(
    policy: Routing, roster: Roster, rule: RoutingRule, group: str, seen: Seen, loads: Loads, now: int,
    hours: WorkingTime, avoid: Avoid,
) -> tuple[list[str], list[tuple[str, Reason]]]:  # fmt: skip
    """Of a group, who can have it now, and why the others cannot."""
    needed = rule.skills | {normalised(skill) for skill in listed(seen.label(policy.skill_label))}
    fit: list[str] = []
    others: list[tuple[str, Reason]] = []
    for i in roster.members(group):
        person = roster.people[i]
        reason = unfit(policy, person, seen, needed)
        if reason is None and i == avoid.person:
            reason = ("gave_back", group)
        if reason is None and not roster.present(i, now, hours):
            reason = ("off_shift",)
        if reason is None and policy.most is not None and loads.get(i, Load()).open >= policy.most:
            reason = ("full", str(loads.get(i, Load()).open))
        if reason is None:
            fit.append(i)
        else:
            others.append((i, reason))
    return fit, others


def unfit(policy: Routing, person: Person, seen: Seen, needed: frozenset[str] | set[str]) -> Reason | None:
    """Why somebody could not have it even if they were there with nothing to do; None: they could."""
    if not policy.receives(person.roles):
        return "no_role", ", ".join(sorted(person.roles))
    if needed and (lacking := needed - normal_forms(person.skills)):
        return "no_skill", ", ".join(sorted(lacking))
    for code, own, value in (
        ("no_module", person.modules, seen.label(policy.module_label)),
        ("no_region", person.regions, seen.label(policy.region_label)),
    ):
        if value and not _within(own, value):
            return code, value
    return None
