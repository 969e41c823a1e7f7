"""Points add up to a priority; the policy says how that goes together with the priority the rule gave. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from core_tickets.matching import Condition, Seen
from core_tickets.matching.condition import Reason
from core_tickets.vocabulary import format_priority

Combine = Literal["raise", "replace", "add"]


@dataclass(frozen=True, slots=True)
class GradingRule:
    """Points for tickets that fit; negative ones make it less urgent. `title`: why, for people."""

    id: str
    condition: Condition
    points: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class Grading:
    """The whole policy. `levels`: the points from which a priority holds, the most urgent first; below all: P3."""

    rules: tuple[GradingRule, ...] = ()
    levels: tuple[tuple[int, int], ...] = ((0, 80), (1, 50), (2, 20))
    combine: Combine = "raise"
    """raise: the more urgent of both; replace: the points alone; add: the given priority counts with its level's points."""
    hours: str = "office"
    """The calendar that says what working time is."""

    @property
    def asks_level(self) -> bool:
        """Does it look at the customer's level, which has to be read?"""
        return any(r.condition.levels for r in self.rules)

    def of_points(self, points: int) -> int:
        return next((priority for priority, least in self.levels if points >= least), 3)

    def points_of(self, priority: int) -> int:
        return next((least for p, least in self.levels if p == priority), 0)


class Contribution(NamedTuple):
    """What one rule added, and why it fits."""

    rule: str
    points: int
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Grade:
    """What came of it. `given`: the priority before."""

    priority: int
    given: int
    points: int
    combine: Combine
    contributions: tuple[Contribution, ...]

    def as_data(self) -> dict[str, Any]:
        """As it is kept with the ticket."""
        return {
            "priority": format_priority(self.priority),
            "given": format_priority(self.given),
            "points": self.points,
            "combine": self.combine,
            "contributions": [[c.rule, c.points, [list(r) for r in c.because]] for c in self.contributions],
        }


def grade(policy: Grading, seen: Seen) -> Grade | None:
    """The priority of what is seen; None: no rule has anything to say, so it stays as it is."""
    found = []
    for rule in policy.rules:
        verdict = rule.condition.judge(seen)
        if verdict.fits:
            found.append(Contribution(rule.id, rule.points, verdict.reasons))
    if not found:
        return None
    points = sum(c.points for c in found)
    if policy.combine == "add":
        points += policy.points_of(seen.priority)
    made = policy.of_points(points)
    priority = min(made, seen.priority) if policy.combine == "raise" else made
    return Grade(priority, seen.priority, points, policy.combine, tuple(found))
