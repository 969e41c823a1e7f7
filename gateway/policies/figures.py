"""The policy `figures`: whose days are counted, what a repeat is, and which figures open a ticket when they go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from core_tickets.figures import METRICS, Terms
from gateway.automation.specs import Name, Spec
from gateway.errors import Problem
from gateway.policies.kind import PolicyKind, Surroundings
from mappings.suggestions import among

_MANAGED = Literal["data_quality", "management"]


class Opens(Spec):
    """The ticket of a breach."""

    kind: _MANAGED = "management"
    priority: Literal["P0", "P1", "P2", "P3"] = "P2"
    title: Annotated[str, Field(max_length=200)] = ""
    """Empty: the figure, its value and its limit."""
    group: str | None = None
    assignee: str | None = None


class Threshold(Spec):
    """A limit for a figure. Exactly one of `above` and `below`; the limit itself is still good."""

    id: Name
    metric: str
    above: Decimal | None = None
    below: Decimal | None = None
    """In the figure's unit; shares between 0 and 1."""
    days: Annotated[int, Field(ge=1, le=31)] = 1
    """So many whole days one after the other."""
    by: Literal["all", "group", "kind", "priority", "person"] = "all"
    """Each of these for itself; one ticket for each."""
    at_least: Annotated[int, Field(ge=1)] = 1
    """A day with fewer cases tells nothing: it neither begins nor ends a breach."""
    open: Opens = Opens()

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in METRICS:
            raise ValueError(f"there is no figure {name!r}; {among(name, sorted(METRICS))}")
        return name

    @model_validator(mode="after")
    def _one_limit(self) -> Threshold:
        if (self.above is None) == (self.below is None):
            raise ValueError("write exactly one of above and below")
        return self

    def broken(self, value: Decimal) -> bool:
        """The value is beyond the limit."""
        if self.above is not None:
            return value > self.above
        assert self.below is not None
        return value < self.below


class FiguresSpec(Spec):
    """Figures and their limits."""

    policy: Literal["figures"]
    timezone: str = "Asia/Shanghai"
    """Whose days and hours are meant. Another one makes all figures anew."""
    repeat_days: Annotated[int, Field(ge=1, le=366)] = 30
    duplicate_days: Annotated[int, Field(ge=1, le=366)] = 7
    history_days: Annotated[int, Field(ge=1, le=3660)] = 400
    """How far back days are kept up to date by themselves."""
    thresholds: list[Threshold] = []

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name!r}; write one such as Asia/Shanghai") from None
        return name

    @field_validator("thresholds")
    @classmethod
    def _once(cls, given: list[Threshold]) -> list[Threshold]:
        ids = [t.id for t in given]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"threshold {name!r} is there twice")
        return given


@dataclass(frozen=True, slots=True)
class Figures:
    """The policy as the program uses it."""

    terms: Terms
    history_days: int
    thresholds: tuple[Threshold, ...]


def _compile(spec: FiguresSpec) -> Figures:
    terms = Terms(spec.timezone, spec.repeat_days, spec.duplicate_days)
    return Figures(terms, spec.history_days, tuple(spec.thresholds))


def _check(spec: FiguresSpec, around: Surroundings) -> Sequence[Problem]:
    """Tickets of breaches go to people and groups that are there."""
    problems: list[Problem] = []
    for n, threshold in enumerate(spec.thresholds):
        given, roster = threshold.open, around.roster
        for field, name, known in (("group", given.group, roster.groups), ("assignee", given.assignee, roster.people)):
            if name is not None and name not in known:
                path = f"thresholds[{n}].open.{field}"
                hint = among(name, sorted(known)) if known else "nobody is known to the hub yet"
                problems.append(Problem(path, f"there is no {field} {name!r}", hint))
    return problems


KIND: PolicyKind[FiguresSpec, Figures] = PolicyKind("figures", FiguresSpec, _compile, _check)
