"""Facts summed by day and group. Exact: whole numbers and decimals are added, and divided only to be shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from core_tickets.figures.days import weekday_hour
from core_tickets.figures.metric import Fact, Metric, Number

__all__ = ["NOTHING", "Groups", "Sum", "grouped", "keys", "summed", "value"]

_SHOWN = Decimal("0.000001")
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


class Sum(NamedTuple):
    """Numerators, denominators, and of how many facts."""

    numerator: Number = 0
    denominator: int = 0
    facts: int = 0

    def plus(self, other: Sum) -> Sum:
        return Sum(
            _added(self.numerator, other.numerator), self.denominator + other.denominator, self.facts + other.facts
        )


NOTHING = Sum()
Groups = Mapping[str, Mapping[str, Sum]]
"""By dimension, then by group: `{"all": {"": ...}, "person": {"li.na": ..., "": ...}}`; "" is nobody's."""


def _added(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    return _WIDE.add(Decimal(a), Decimal(b))


def keys(metric: Metric, one: Fact, zone: str) -> Iterator[tuple[str, str]]:
    """The groups a fact belongs to, as (dimension, key)."""
    told = {
        "all": "", "person": one.person or "", "group": one.group or "", "kind": one.kind, "priority": f"P{one.priority}",
        "stage": one.stage or "", "stage_group": f"{one.stage}/{one.group or ''}",
    }  # fmt: skip
    for dimension in metric.dimensions:
        if dimension == "stage_hour":
            weekday, hour = weekday_hour(one.began or one.at, zone)
            yield dimension, f"{one.stage}/{weekday}/{hour}"
        else:
            yield dimension, told[dimension]


def grouped(metric: Metric, facts: Iterable[Fact], zone: str) -> dict[str, dict[str, Sum]]:
    """The sums of these facts in every group."""
    found: dict[str, dict[str, Sum]] = {}
    for one in facts:
        mine = Sum(one.numerator, one.denominator, 1)
        for dimension, key in keys(metric, one, zone):
            group = found.setdefault(dimension, {})
            group[key] = group.get(key, NOTHING).plus(mine)
    return found


def summed(many: Iterable[Mapping[str, Sum]]) -> dict[str, Sum]:
    """Groups of several days together."""
    found: dict[str, Sum] = {}
    for groups in many:
        for key, one in groups.items():
            found[key] = found.get(key, NOTHING).plus(one)
    return found


def value(metric: Metric, one: Sum) -> Decimal | None:
    """The figure of a sum, in its unit, to six decimals (half to even); None where there is nothing to divide by."""
    if metric.adds:
        exact = Fraction(one.numerator)
    elif one.denominator == 0:
        return None
    else:
        exact = Fraction(one.numerator) / one.denominator / metric.scale
    shown = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return shown.quantize(_SHOWN, context=_WIDE)
