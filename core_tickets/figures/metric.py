"""What a figure is: a name, a unit, what it reads, and a formula that takes one ticket's story and gives facts.

A fact is a numerator and a denominator at a moment. Every figure is the sum of its facts' numerators over the sum of their
denominators (or the numerators alone), so days add up to weeks and people to groups without any rounding. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from core_tickets.figures.story import Story
from core_tickets.vocabulary import Label

__all__ = ["DIMENSIONS", "STAGED", "Fact", "Metric", "Scene", "Terms", "fact"]

DIMENSIONS = ("all", "person", "group", "kind", "priority")
STAGED = (*DIMENSIONS, "stage", "stage_hour", "stage_group")
"""Of figures per stage: also by stage, by stage and weekday and hour of the arrival, by stage and group."""

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What the house decides about its figures."""

    zone: str = "Asia/Shanghai"
    """Whose days and hours are meant."""
    repeat_days: int = 30
    """A repair within so many days after the last one is a repeat."""
    duplicate_days: int = 7
    """How old an open ticket about the same may be for a new one to be its duplicate."""

    def __post_init__(self) -> None:
        if self.repeat_days < 1 or self.duplicate_days < 1:
            raise ValueError("repeat_days and duplicate_days are at least 1")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a formula may look at besides the ticket: the terms, and the other tickets about the same thing."""

    terms: Terms = field(default_factory=Terms)
    others: Mapping[int, Sequence[Story]] = field(default_factory=dict)
    """Stories by the global id of a device or customer they were ever about."""


class Fact(NamedTuple):
    """One contribution of one ticket to one figure."""

    at: int
    """The moment it counts for: it belongs to that day."""
    numerator: Number
    denominator: int
    entries: tuple[int, ...]
    """The ids of the entries it was read from."""
    person: str | None
    group: str | None
    kind: str
    priority: int
    stage: str | None = None
    began: int | None = None
    """When the stay began, of facts about stages."""


def fact(
    at: int, numerator: Number, denominator: int, entries: Iterable[int], state: Mapping[str, Any], *,
    person: str | None = None, stage: str | None = None, began: int | None = None,
) -> Fact:  # fmt: skip
    """A fact that counts for whoever held the ticket in `state`, unless `person` says who."""
    return Fact(at, numerator, denominator, tuple(entries), person or state["assignee"], state["group"], state["kind"],
                state["priority"], stage, began)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """A named formula. Its version is made from the formula itself (`versions.version`)."""

    name: str
    title: Label
    about: Label
    """What exactly is counted, for whom it counts and on which day."""
    unit: str
    """`s`, `share` (0 to 1), `count`, `score`, or what it says."""
    reads: tuple[str, ...]
    """The fields of tickets and the events (`entry:NAME`, `signal:NAME`) it is made of."""
    facts: Callable[[Story, Scene], Iterable[Fact]] = field(repr=False)
    scale: int = 1
    """The numerators are in such parts of the unit: 1,000,000 where they are microseconds and the unit is seconds."""
    adds: bool = False
    """The figure is the sum of the numerators, not a mean."""
    settled: bool = True
    """Once a day is over its figure stays, whatever happens later. Others look ahead: they are kept as known then and as
    known now."""
    terms: tuple[str, ...] = ()
    """The terms it depends on, besides the time zone."""
    dimensions: tuple[str, ...] = DIMENSIONS
    pairs: bool = False
    """It looks at other tickets about the same thing."""

    def used(self, terms: Terms) -> dict[str, Any]:
        """The terms that decide about its value."""
        every = asdict(terms)
        return {name: every[name] for name in ("zone", *self.terms)}
