"""The policy `stuck`: how long a ticket may be without anybody's doing before its holder is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from core_tickets.stuck import Rule
from core_tickets.vocabulary import KINDS
from gateway.automation.specs import Spec
from gateway.clock import DAY, HOUR, MINUTE
from gateway.config.durations import Duration
from gateway.errors import BadConfiguration, Problem
from gateway.policies.kind import PolicyKind
from mappings.suggestions import among

Long = Annotated[Duration, Field(ge=MINUTE)]


class StuckRule(Spec):
    """What is left out asks nothing."""

    after: Long = Field(description="so long without a person's doing")
    answer_within: Long = Field(4 * HOUR, description="without an answer by then the lead is told")
    states: list[Literal["pending", "in_progress", "blocked"]] = []
    priorities: list[Literal["P0", "P1", "P2", "P3"]] = []
    kinds: list[str] = []


class StuckSpec(Spec):
    policy: Literal["stuck"]
    rules: list[StuckRule] = Field(description="the first that fits a ticket holds; none: it is never asked about")
    ask_again_after: Annotated[Duration, Field(ge=10 * MINUTE)] = DAY


@dataclass(frozen=True, slots=True)
class Stuck:
    """The policy as it runs."""

    rules: tuple[Rule, ...]
    ask_again_after: int

    @property
    def soonest(self) -> int | None:
        """No ticket is stuck sooner after anything happened to it; None: none ever is."""
        return min((rule.after for rule in self.rules), default=None)


def _compile(spec: StuckSpec) -> Stuck:
    problems = [
        Problem(f"rules[{n}].kinds", f"there is no kind {kind!r}", among(kind, sorted(KINDS)))
        for n, rule in enumerate(spec.rules)
        for kind in rule.kinds
        if kind not in KINDS
    ]
    if problems:
        raise BadConfiguration("The policy has problems.", problems)
    rules = tuple(
        Rule(
            r.after,
            r.answer_within,
            frozenset(r.states),
            frozenset(int(p[1]) for p in r.priorities),
            frozenset(r.kinds),
        )
        for r in spec.rules
    )
    return Stuck(rules, spec.ask_again_after)


KIND: PolicyKind[StuckSpec, Stuck] = PolicyKind("stuck", StuckSpec, _compile)
