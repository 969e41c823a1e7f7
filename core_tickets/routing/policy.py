"""The values of routing: rules, what is known of people's work, and a decision with everything that was considered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from core_tickets.matching import Condition, normal_forms
from core_tickets.matching.condition import Reason

GIVEN = "given"
POOL = "pool"
RECEIVERS = frozenset(
    {"technician", "engineer", "agent", "operator", "team_lead", "quality", "buyer", "planner", "support", "dispatcher"}
)
"""The roles that may receive tickets while the policy says nothing else."""
KEPT_PEOPLE, KEPT_RULES = 50, 30


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """Tickets that fit go to `group`; None: to the group that looks after the ticket's module and region."""

    id: str
    condition: Condition
    group: str | None = None
    skills: frozenset[str] = frozenset()
    """In normal form; whoever gets it must have all of them."""
    nobody_there: Literal["wait", "pool"] = "wait"
    """When all who could take it are off shift or have enough: it waits for the group, or goes on to the next rule."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
    """The whole policy. `pool`: the group that owns whatever nobody else does; None: no routing at all."""

    rules: tuple[RoutingRule, ...] = ()
    pool: str | None = None
    receivers: frozenset[str] = RECEIVERS
    """Roles in normal form; whoever has none of them gets nothing."""
    most: int | None = None
    """Whoever has so many open tickets gets no more."""
    module_label: str = "module"
    region_label: str = "region"
    skill_label: str = "skill"

    @property
    def active(self) -> bool:
        return self.pool is not None

    def receives(self, roles: frozenset[str]) -> bool:
        """May somebody with these roles receive tickets?"""
        return not self.receivers.isdisjoint(normal_forms(roles))


class Load(NamedTuple):
    """What somebody holds: open tickets, and when the last one was opened that they were given (microseconds UTC)."""

    open: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a ticket goes. There is always a group."""

    rule: str
    """The rule's id; `given`: the ticket named its group itself; `pool`: no rule could place it."""
    group: str
    assignee: str | None
    because: tuple[Reason, ...] = ()
    passed: tuple[tuple[str, Reason], ...] = ()
    """Rules that came before, and why they did not place it."""
    people: tuple[tuple[str, Reason], ...] = ()
    """Everybody who was considered, the chosen one first, with the reason."""

    def as_data(self) -> dict[str, Any]:
        """As it is kept with the ticket."""
        return {
            "rule": self.rule,
            "group": self.group,
            "assignee": self.assignee,
            "because": [list(r) for r in self.because],
            "passed": [[rule, *reason] for rule, reason in self.passed[:KEPT_RULES]],
            "people": [[person, *reason] for person, reason in self.people[:KEPT_PEOPLE]],
        }


Loads = Mapping[str, Load]
