"""Is a problem new, growing, steady or fading: its recent tickets against what was usual before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from gateway.clock import DAY, rfc3339

BASE = 4
"""The usual is taken from so many spans before the recent one."""
CHANCE = 0.01
"""What would happen by chance this seldom did not happen by chance."""
_FADING = 3


@dataclass(frozen=True, slots=True)
class Growth:
    """`recent` tickets in the last span, where `usual` were to be expected. The reason in words, Chinese first."""

    trend: str
    recent: int
    usual: float
    reason: str

    def as_dict(self) -> dict[str, Any]:
        return {"trend": self.trend, "recent": self.recent, "usual": self.usual, "reason": self.reason}


def growth(times: Sequence[int], first_seen: int, now: int, *, span: int, fresh: int, window: int) -> Growth:
    """`times`: when each ticket of it was opened; `first_seen` may lie before all of them. `span`: what is recent;
    `fresh`: how long a problem is new; `window`: how far back was looked."""
    recent = sum(1 for at in times if at > now - span)
    base = sum(1 for at in times if now - (BASE + 1) * span < at <= now - span)
    usual = round(base / BASE, 2)
    days = span // DAY
    if first_seen > now - fresh:
        seen = (rfc3339(first_seen) or "")[:10]
        reason = (
            f"{seen} 首次出现，此前 {window // DAY} 天内没有类似工单 "
            f"First seen {seen}; no ticket like it in the {window // DAY} days before"
        )
        return Growth("new", recent, usual, reason)
    said = f"最近 {days} 天 {recent} 张，以往平均 {usual} 张 {recent} in the last {days} days, {usual} were usual"
    if recent > usual and at_least(recent, max(usual, 1 / BASE)) <= CHANCE:
        return Growth("growing", recent, usual, said)
    if not recent and usual >= _FADING / BASE:
        return Growth("fading", recent, usual, said)
    return Growth("steady", recent, usual, said)


def at_least(count: int, expected: float) -> float:
    """The chance of `count` or more where `expected` are usual (Poisson)."""
    term, below = exp(-expected), 0.0
    for k in range(count):
        below += term
        term *= expected / (k + 1)
    return max(1 - below, 0.0)
