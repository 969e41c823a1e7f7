"""What two records said about being one thing, field by field, as it is kept and shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import orjson

__all__ = ["Evidence", "evidence_from", "evidence_text", "probability"]


class Evidence(NamedTuple):
    """One field of a comparison. `bits`: what it says for (positive) or against (negative) one thing, as a base-2
    logarithm of how much likelier it is among records of one thing; `level`: the name of what was found."""

    field: str
    a: str
    b: str
    level: str
    bits: float
    note: str = ""

    def turned(self) -> Evidence:
        """The same, seen from the other record."""
        return self._replace(a=self.b, b=self.a)


def evidence_text(evidence: Iterable[Evidence]) -> str:
    """As the tables keep it."""
    return orjson.dumps([[e.field, e.a, e.b, e.level, round(e.bits, 3), e.note] for e in evidence]).decode()


def evidence_from(text: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(*each) for each in orjson.loads(text))


def probability(weight: float) -> float:
    """How likely the two are one thing, for a weight with the prior in it."""
    if weight > 60:
        return 1.0
    odds = 2.0 ** max(weight, -60.0)
    return float(odds / (1 + odds))
