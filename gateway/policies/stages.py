"""The policy `stages`: what an action requires by kind, state and priority, and how departments hand work to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

import core_tickets
from core_tickets.collaboration.stages import Need, Stage
from gateway.automation.specs import Spec
from gateway.clock import HOUR
from gateway.config.durations import Duration
from gateway.errors import Problem
from gateway.policies.kind import PolicyKind, Surroundings

Plain = Literal["cause", "score", "signature", "confirmed", "approval", "recovered"]
Label = Annotated[str, Field(min_length=1, max_length=64)]
FIELDS = Literal[
    "title", "description", "device", "customer", "url", "assignee", "group", "resolution", "cause", "text"
]


class Given(Spec):
    """One requirement; exactly one of its first five fields is given."""

    attachment: Label | None = Field(None, description="attachments with this label, such as photo or signature")
    field: FIELDS | None = Field(None, description="a field of the ticket, or an argument of the action")
    label: Label | None = Field(None, description="a label of the ticket")
    stock: Label | None = Field(None, description="the label of the ticket that names the article")
    any: list[Plain | Given] | None = Field(None, min_length=2, description="one of these suffices")
    at_least: int = Field(1, ge=1, le=100, description="of attachments, or of stock")
    quantity: str = Field("", max_length=64, description="of stock: the label that says how many")

    @model_validator(mode="after")
    def _one(self) -> Given:
        given = [n for n in ("attachment", "field", "label", "stock", "any") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of attachment, field, label, stock, any")
        return self


class StageSpec(Spec):
    """What `action` needs of tickets of these kinds, states and priorities; of all where nothing is said."""

    action: str
    kinds: list[str] = []
    states: list[str] = []
    priorities: list[Literal["P0", "P1", "P2", "P3"]] = []
    needs: list[Plain | Given] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> StageSpec:
        for name, value, choices in (
            ("action", [self.action], core_tickets.ACTIONS),
            ("kinds", self.kinds, core_tickets.KINDS),
            ("states", self.states, core_tickets.STATUSES),
        ):
            if unknown := sorted(set(value) - set(choices)):
                raise ValueError(f"{name}: there is no {unknown[0]!r}; write one of {', '.join(choices)}")
        never = set(self.states) - set(core_tickets.ACTIONS[self.action].sources)
        if never:
            raise ValueError(f"states: {self.action} is never done in {sorted(never)[0]}, so this can never match")
        return self


class Node(Spec):
    """What a department promises when work is handed to it, in working time of its calendar."""

    group: str = Field(description='a group, or "*" for all others')
    within: Duration


class StagesSpec(Spec):
    policy: Literal["stages"]
    requires: list[StageSpec] = []
    nodes: list[Node] = []
    remind_every: Duration = Field(
        4 * HOUR, ge=60_000_000, description="how often who has not answered a joint approval is reminded"
    )
    close_when_confirmed: bool = Field(
        True, description="a ticket the customer has confirmed is closed if nothing is missing"
    )


@dataclass(frozen=True, slots=True)
class Stages:
    """The compiled policy."""

    requires: tuple[Stage, ...]
    nodes: Mapping[str, int]
    remind_every: int
    close_when_confirmed: bool

    def asks(self, action: str) -> bool:
        """Does any stage speak of this action at all?"""
        return any(stage.action == action for stage in self.requires)

    def within(self, group: str) -> int | None:
        """The working time a group promises for what is handed to it; None: none."""
        return self.nodes.get(group, self.nodes.get("*"))


def _need(given: Plain | Given) -> Need:
    if isinstance(given, str):
        return Need(given)
    if given.any is not None:
        return Need("any", any_of=tuple(_need(g) for g in given.any))
    kind = next(n for n in ("attachment", "field", "label", "stock") if getattr(given, n) is not None)
    return Need(kind, getattr(given, kind), given.at_least, given.quantity)


def _compile(spec: StagesSpec) -> Stages:
    stages = tuple(
        Stage(s.action, tuple(map(_need, s.needs)), frozenset(s.kinds), frozenset(s.states),
              frozenset(int(p[1]) for p in s.priorities))
        for s in spec.requires
    )  # fmt: skip
    return Stages(stages, {n.group: n.within for n in spec.nodes}, spec.remind_every, spec.close_when_confirmed)


def _check(spec: StagesSpec, around: Surroundings) -> Sequence[Problem]:
    if not around.roster.groups:
        return ()
    known = ", ".join(sorted(around.roster.groups))
    return [
        Problem(f"nodes[{n}].group", f"there is no group {node.group!r}", f"there are: {known}")
        for n, node in enumerate(spec.nodes)
        if node.group != "*" and node.group not in around.roster.groups
    ]


KIND: PolicyKind[Any, Stages] = PolicyKind("stages", StagesSpec, _compile, _check)
