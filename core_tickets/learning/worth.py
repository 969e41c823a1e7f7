"""How far a solution of the past can be trusted: did it hold, did the customer confirm it, was it quick."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_DAY = 86_400_000_000
UNFIXED = frozenset({"recovered", "false_alarm"})
"""Causes that say that nobody mended anything."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a solved ticket. Durations in microseconds."""

    cause: str | None
    took: int
    """From the opening to the solution, without what was waited for the customer."""
    typical: int | None
    """The median of its kind and priority; None: nobody knows."""
    held: int
    """How long it has held, or held until it was opened again."""
    reopened: bool = False
    confirmed: bool | None = None
    """The customer said so; False: the customer said it is not solved; None: nobody was asked."""
    by_person: bool = True
    """False: the source ended it by itself."""


@dataclass(frozen=True, slots=True)
class Part:
    """One contribution to a rank, in words."""

    name: str
    points: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Worth:
    """0 (worthless) to 100 (proven), and why."""

    points: int
    parts: tuple[Part, ...]


def worth(outcome: Outcome, needed: int) -> Worth:
    """How much a solution has proven itself; `needed`: microseconds it must hold to be believed."""
    parts = [_held(outcome, needed)]
    if outcome.confirmed is not None:
        parts.append(
            Part("confirmed", 20, "客户已确认", "confirmed by the customer")
            if outcome.confirmed
            else Part("refused", -30, "客户否认已解决", "the customer says it is not solved")
        )
    if outcome.cause in UNFIXED or not outcome.by_person:
        parts.append(Part("unfixed", -30, "没有人修理过", "nobody mended anything"))
    elif (speed := _speed(outcome)) is not None:
        parts.append(speed)
    return Worth(min(max(50 + sum(part.points for part in parts), 0), 100), tuple(parts))


def _held(outcome: Outcome, needed: int) -> Part:
    days = outcome.held // _DAY
    if outcome.reopened:
        return Part("reopened", -40, f"{days} 天后重新打开", f"opened again after {days} days")
    if outcome.held >= needed:
        return Part("held", 20, f"{days} 天未重开", f"not opened again in {days} days")
    return Part("fresh", 5, f"解决才 {days} 天", f"solved only {days} days ago")


def _speed(outcome: Outcome) -> Part | None:
    if not outcome.typical:
        return None
    share = round(100 * outcome.took / outcome.typical)
    if share <= 75:
        return Part("quick", 10, f"用时为同类中位数的 {share}%", f"took {share}% of what its kind takes")
    if share >= 200:
        return Part("slow", -10, f"用时为同类中位数的 {share}%", f"took {share}% of what its kind takes")
    return None


def wilson(successes: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Bounds of the true share behind `successes` of `count`, 95 % by default; (0, 1) where nothing was counted."""
    if not count:
        return 0.0, 1.0
    share = successes / count
    scale = 1 + z * z / count
    middle = (share + z * z / (2 * count)) / scale
    spread = z / scale * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(middle - spread, 0.0), min(middle + spread, 1.0)
