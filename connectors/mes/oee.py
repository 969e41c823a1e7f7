"""OEE by ISO 22400-2 out of its elements. Quantities are in any one unit, times in seconds.

Availability = APT / PBT, effectiveness (performance) = PRI x PQ / APT, quality ratio = GQ / PQ, OEE = their product.
Where a denominator is 0 the factor is undefined, not 0. The product, with APT and PQ cancelled, is PRI x GQ / PBT: it is
0 for a machine that stood still or made nothing, and undefined only without planned time. Performance is not capped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

DIGITS = Decimal("0.000001")
_CONTEXT = Context(prec=34, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Factors:
    """The three factors and their product, each of 6 decimals; null: undefined or not known."""

    availability: Decimal | None = None
    performance: Decimal | None = None
    quality: Decimal | None = None
    oee: Decimal | None = None


def factors(record: Mapping[str, Any]) -> Factors:
    """The factors of a record of stream `oee`. Where the MES gives no planned busy time, its own figures are taken."""
    planned = record.get("planned_busy_time_s")
    running = record.get("actual_production_time_s")
    per_item = record.get("planned_run_time_per_item_s")
    produced, good = record.get("produced"), record.get("good")
    if planned is None:
        return Factors(*(_rounded(record.get(name)) for name in ("availability", "performance", "quality", "oee")))
    return Factors(
        availability=_ratio(running, planned),
        performance=_ratio(_product(per_item, produced), running),
        quality=_ratio(good, produced),
        oee=_ratio(_product(per_item, good), planned),
    )


def _product(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else _CONTEXT.multiply(a, b)


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or whole is None or whole <= 0:
        return None
    return _rounded(_CONTEXT.divide(part, whole))


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(DIGITS, context=_CONTEXT)
