"""How two values of a field agree: from equal to different in named levels, never as a bare number.

A comparison answers the index into its `levels`, the best first, the last one being "differs"; it is only asked when both
sides say something. Values are in their normal form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

__all__ = ["Comparison", "Digits", "Exact", "Part", "Text", "Tokens", "Whole"]

LONGEST = 128
"""Characters of a value that are compared: the time of a comparison grows with their product."""


class Comparison(Protocol):
    """A way of comparing two values; both say something."""

    @property
    def levels(self) -> tuple[str, ...]: ...

    def __call__(self, a: str, b: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Exact:
    """Equal or not."""

    levels: tuple[str, ...] = ("exact", "differs")

    def __call__(self, a: str, b: str) -> int:
        return 0 if a == b else 1


@dataclass(frozen=True, slots=True)
class Text:
    """Names and words: by Jaro-Winkler similarity."""

    near: tuple[float, ...] = (0.92, 0.85, 0.75)
    levels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", ("exact", *(f"similar {limit:g}" for limit in self.near), "differs"))

    def __call__(self, a: str, b: str) -> int:
        if a == b:
            return 0
        likeness = JaroWinkler.similarity(a[:LONGEST], b[:LONGEST], score_cutoff=self.near[-1])
        for n, limit in enumerate(self.near, 1):
            if likeness >= limit:
                return n
        return len(self.near) + 1


@dataclass(frozen=True, slots=True)
class Digits:
    """Numbers written down by hand: equal, a slip of one or two places (a digit wrong, two swapped), or different."""

    slips: int = 1
    levels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(f"{n} slip" + "s" * (n > 1) for n in range(1, self.slips + 1))
        object.__setattr__(self, "levels", ("exact", *names, "differs"))

    def __call__(self, a: str, b: str) -> int:
        if a == b:
            return 0
        slips = DamerauLevenshtein.distance(a[:LONGEST], b[:LONGEST], score_cutoff=self.slips)
        return min(slips, self.slips + 1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sets of words divided by a blank, such as an address's: by the share of words (or of the smaller side) in common."""

    near: tuple[float, ...] = (0.6, 0.3)
    levels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", ("exact", *(f"shares {limit:.0%}" for limit in self.near), "differs"))

    def __call__(self, a: str, b: str) -> int:
        if a == b:
            return 0
        ours, theirs = set(a[: 4 * LONGEST].split()), set(b[: 4 * LONGEST].split())
        both = len(ours & theirs)
        share = both / max(1, len(ours | theirs))
        for n, limit in enumerate(self.near, 1):
            if share >= limit:
                return n
        return len(self.near) + 1


@dataclass(frozen=True, slots=True)
class Part:
    """Texts one of which may be a part of the other (腾讯 and 腾讯计算机系统): equal, a part, similar, or different."""

    shortest: int = 2
    near: float = 0.85
    levels: tuple[str, ...] = ("exact", "part", "similar", "differs")

    def __call__(self, a: str, b: str) -> int:
        if a == b:
            return 0
        a, b = a[:LONGEST], b[:LONGEST]
        short, long = (a, b) if len(a) <= len(b) else (b, a)
        if len(short) >= self.shortest and short in long:
            return 1
        return 2 if JaroWinkler.similarity(a, b) >= self.near else 3


@dataclass(frozen=True, slots=True)
class Whole:
    """Places given more or less exactly, from the largest to the smallest part (上海 浦东): equal, one within the other, or
    different."""

    levels: tuple[str, ...] = ("exact", "within", "differs")

    def __call__(self, a: str, b: str) -> int:
        if a == b:
            return 0
        return 1 if a.startswith(b) or b.startswith(a) else 2
