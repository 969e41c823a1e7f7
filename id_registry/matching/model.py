"""The Fellegi-Sunter model: what the agreement of each field says for or against two records being one thing.

A level of a field has two probabilities: `m`, that records of one thing agree so, and `u`, that records of two things do. Its
weight is log2(m / u), in bits. Where values are of unequal rarity, `u` of an equal value is its share among the records, learnt
from the data: a rare name says much, 李强 says little, and a switchboard's number nothing. Weights add up with the prior, which
is fixed: letting data of a few candidates move it wrecks a registry that takes records one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import log2

import orjson

from id_registry.matching.comparing import Comparison
from id_registry.matching.evidence import Evidence

__all__ = ["ENOUGH", "Field", "Frequencies", "Model", "Record", "Weighed"]

Record = Mapping[str, str]
"""A record's fields in their normal form; what is absent says nothing."""

SMALLEST = 1e-9
ENOUGH = 1000
"""Of fewer records how rare a value is among them tells little."""


@dataclass(frozen=True)
class Field:
    """One compared field. `m`, `u`: a probability per level of `compare`. `rarity`: an equal value's `u` is its share.

    `fade`: the most records that may share a value for it to say anything; with more it is passed over (a switchboard's phone).
    `veto`: two different values say that these are two things, whatever else agrees.
    `group`: fields that tell of the same thing in several ways; of those of one group one counts: what speaks most for one thing,
    or, where nothing does, most against.
    """

    name: str
    compare: Comparison
    m: tuple[float, ...]
    u: tuple[float, ...]
    rarity: bool = False
    fade: int | None = None
    veto: bool = False
    group: str = ""

    def __post_init__(self) -> None:
        if not len(self.m) == len(self.u) == len(self.compare.levels):
            raise ValueError(f"{self.name}: give m and u for each of {', '.join(self.compare.levels)}")
        if not all(0 < p < 1 for p in (*self.m, *self.u)):
            raise ValueError(f"{self.name}: probabilities lie between 0 and 1")

    @cached_property
    def bits(self) -> tuple[float, ...]:
        return tuple(log2(m / u) for m, u in zip(self.m, self.u, strict=True))


@dataclass(frozen=True, slots=True)
class Weighed:
    """A comparison of two records: the sum of the evidence and the prior in bits, and the fields that forbid it."""

    weight: float
    evidence: tuple[Evidence, ...]
    vetoes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frequencies:
    """How often values occur among `records`; `count` answers for what is counted, None for what is not."""

    records: int
    count: Callable[[str, str], int | None]


def _uncounted(_field: str, _value: str) -> None:
    return None


UNCOUNTED = Frequencies(0, _uncounted)


@dataclass(frozen=True)
class Model:
    """How things of a kind are compared. `prior`: how likely two records picked at random are one thing."""

    kind: str
    fields: tuple[Field, ...]
    prior: float

    @cached_property
    def version(self) -> str:
        """Hash of all that decides."""
        told = [[f.name, f.compare.levels, f.m, f.u, f.rarity, f.fade, f.veto, f.group] for f in self.fields]
        return hashlib.sha256(orjson.dumps([self.kind, self.prior, told])).hexdigest()[:12]

    @cached_property
    def prior_bits(self) -> float:
        return log2(self.prior / (1 - self.prior))

    def faded(self, most: int) -> Model:
        """The model in which a value of more than `most` records is passed over, where it may be passed over at all."""
        return replace(
            self, fields=tuple(f if f.fade is None else replace(f, fade=min(f.fade, most)) for f in self.fields)
        )

    def with_prior(self, prior: float) -> Model:
        """The same for other odds that two records picked at random are one thing."""
        return replace(self, prior=min(max(prior, SMALLEST), 0.5))

    def levels(self, a: Record, b: Record) -> tuple[int | None, ...]:
        """The level of each field; None: one of the two says nothing."""
        found: list[int | None] = []
        for field in self.fields:
            left, right = a.get(field.name), b.get(field.name)
            found.append(field.compare(left, right) if left and right else None)
        return tuple(found)

    def weight(self, a: Record, b: Record, frequencies: Frequencies = UNCOUNTED) -> float:
        """The bits alone, quickly; what `weigh` would add up to."""
        total = self.prior_bits
        groups: dict[str, float] = {}
        for field, level in zip(self.fields, self.levels(a, b), strict=True):
            if level is None:
                continue
            bits = self._bits(field, level, a[field.name], frequencies)[0]
            if field.group:
                groups[field.group] = bits if field.group not in groups else _louder(groups[field.group], bits)
            else:
                total += bits
        return total + sum(groups.values())

    def weigh(self, a: Record, b: Record, frequencies: Frequencies = UNCOUNTED) -> Weighed:
        """The whole comparison, field by field."""
        told: list[Evidence] = []
        vetoes: list[str] = []
        best: dict[str, int] = {}
        for field, level in zip(self.fields, self.levels(a, b), strict=True):
            left, right = a.get(field.name, ""), b.get(field.name, "")
            if level is None:
                if left or right:
                    told.append(Evidence(field.name, left, right, "missing", 0.0))
                continue
            bits, note = self._bits(field, level, left, frequencies)
            if field.veto and level == len(field.m) - 1:
                vetoes.append(field.name)
                note = "veto"
            told.append(Evidence(field.name, left, right, field.compare.levels[level], bits, note))
            if field.group:
                held = best.get(field.group)
                if held is None or _louder(told[held].bits, bits) != told[held].bits:
                    best[field.group] = len(told) - 1
        by_name = {field.name: field for field in self.fields}
        for n, each in enumerate(told):
            group = by_name[each.field].group
            if group and each.level != "missing" and best[group] != n:
                told[n] = each._replace(bits=0.0, note="told already")
        return Weighed(self.prior_bits + sum(e.bits for e in told), tuple(told), tuple(vetoes))

    def _bits(self, field: Field, level: int, value: str, frequencies: Frequencies) -> tuple[float, str]:
        if level == 0 and (field.rarity or field.fade is not None):
            n = frequencies.count(field.name, value)
            if n is not None:
                if field.fade is not None and n > field.fade:
                    return 0.0, f"shared by {n}"
                if field.rarity:
                    return log2(
                        field.m[0] / self._share(field, n, frequencies.records)
                    ), f"{n} of {frequencies.records}"
        return field.bits[level], ""

    @staticmethod
    def _share(field: Field, n: int, records: int) -> float:
        """How often an equal value comes by chance; of a few records what is known of such fields anywhere."""
        share = n / records if records >= ENOUGH else field.u[0] * n
        return min(max(share, SMALLEST), 1.0)


def _louder(a: float, b: float) -> float:
    return max(a, b) if max(a, b) > 0 else min(a, b)
