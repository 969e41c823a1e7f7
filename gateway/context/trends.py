"""Where the values of a device's twin are going: a straight line through the recent ones, by least squares.

It says `rising` or `falling` when the line explains at least half of the values' scatter and changes over their span by
at least two hundredths of their mean size; else `steady`. Exact: no float is involved, so the same values say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from lineage import Fact

SECTION = "device_trend"
FEWEST = 3
EXPLAINS = Fraction(1, 2)
MATTERS = Fraction(1, 50)
LARGEST = Decimal(10) ** 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of(twin: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By metric: `trend`, `per_minute` (in `unit`), and of how many `values`. Metrics with too few numbers are left out."""
    found = {}
    for metric, told in twin.items():
        points = [
            (_seconds(at), number) for at, text in told.get("recent") or [] if (number := _number(text)) is not None
        ]
        line = _line(points)
        if line is not None:
            trend, per_second = line
            slope = Decimal((per_second * 60).numerator) / Decimal((per_second * 60).denominator)
            shown = f"{slope.quantize(Decimal('0.0001')).normalize():f}"
            found[metric] = {"trend": trend, "per_minute": shown, "unit": told.get("unit"), "values": len(points)}
    return found


def facts(ticket_id: int, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Fact]:
    """Where each trend came from: the twin's values in the same snapshot."""
    return {
        metric: Fact(
            trend, f"line through {trend['values']} values of device_twin.{metric}.recent", None, ticket_id,
            f"context.device_twin.{metric}",
        )
        for metric, trend in told.items()
    }  # fmt: skip


def _line(points: list[tuple[Fraction, Fraction]]) -> tuple[str, Fraction] | None:
    """The trend and the slope a second; None: too few values, or all of one moment."""
    n = len(points)
    if n < FEWEST:
        return None
    mean_x, mean_y = (sum(p[i] for p in points) / Fraction(n) for i in (0, 1))
    xx = sum(((x - mean_x) ** 2 for x, _ in points), Fraction(0))
    xy = sum(((x - mean_x) * (y - mean_y) for x, y in points), Fraction(0))
    yy = sum(((y - mean_y) ** 2 for _, y in points), Fraction(0))
    if not xx:
        return None
    slope = xy / xx
    change = abs(slope) * (max(x for x, _ in points) - min(x for x, _ in points))
    size = sum((abs(y) for _, y in points), Fraction(0)) / n
    if not yy or xy * xy < EXPLAINS * xx * yy or change < MATTERS * size:
        return "steady", slope
    return "rising" if slope > 0 else "falling", slope


def _seconds(at: str) -> Fraction:
    return Fraction((datetime.fromisoformat(at) - _EPOCH) // timedelta(microseconds=1), 1_000_000)


def _number(text: Any) -> Fraction | None:
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        return None
    return Fraction(number) if number.is_finite() and abs(number) < LARGEST else None
