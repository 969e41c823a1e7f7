"""Quantiles with their error bars, from order statistics: no assumption about how the values are spread.

Between the l-th and the u-th of n sorted values lies the true q-quantile with the probability that a binomial count of
n and q falls into [l, u). So the bars are exact, need no random numbers, and are missing where n is too small for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, exp, lgamma, log, log1p

ENDLESS = 1 << 62
"""A duration that has not ended yet: it is longer than any that has, and stands for itself in the order."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantile of `count` values. `low` and `high` bound it with the confidence asked for; None: too few values, or
    the bound lies among those that have not ended."""

    value: int | None
    low: int | None
    high: int | None
    count: int


def nearest_rank(ordered: Sequence[int], share: float) -> int:
    """The value that `share` (above 0, to 1) of the ordered values do not exceed. Raises ValueError for none."""
    if not ordered:
        raise ValueError("there is no quantile of nothing")
    return ordered[_rank(len(ordered), share) - 1]


def estimate(values: Sequence[int], share: float, confidence: float = 0.95) -> Estimate:
    """The quantile of these values in any order, with its bounds. `share` and `confidence` lie between 0 and 1."""
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return Estimate(None, None, None, 0)
    low, high = ranks(n, share, confidence)
    found = [ordered[rank - 1] if 1 <= rank <= n else ENDLESS for rank in (_rank(n, share), low, high)]
    value, at_least, at_most = (None if v >= ENDLESS else v for v in found)
    return Estimate(value, at_least, at_most, n)


def ranks(n: int, share: float, confidence: float) -> tuple[int, int]:
    """The places, counted from 1, of the bounds among n sorted values; 0 or n + 1: there is none on that side."""
    tail = (1 - confidence) / 2
    below = _cumulative(n, share)  # below[k]: the chance of at most k values under the quantile
    low = sum(1 for k in range(n) if below[k] <= tail)
    high = next((k + 1 for k in range(n) if below[k] >= 1 - tail), n + 1)
    return low, high


def _rank(n: int, share: float) -> int:
    return min(max(ceil(n * share - 1e-9), 1), n)


def _cumulative(n: int, share: float) -> list[float]:
    odds, rest, whole = log(share), log1p(-share), lgamma(n + 1)
    return list(
        accumulate(exp(whole - lgamma(k + 1) - lgamma(n - k + 1) + k * odds + (n - k) * rest) for k in range(n + 1))
    )
