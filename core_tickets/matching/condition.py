"""A condition over a ticket: what it asks, and why a ticket fits it or not. Pure.

Reasons are short tuples, a code and what it speaks of: they are kept with the ticket and told in words later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property
from typing import Literal, NamedTuple

from core_tickets.matching.words import Word, near, normalised

Reason = tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """A text to compare with, or with `*` and `?` in it a pattern; by the normal form of both."""

    written: str

    @cached_property
    def text(self) -> str:
        return normalised(self.written)

    @cached_property
    def _regex(self) -> re.Pattern[str] | None:
        return re.compile(translate(self.text)) if "*" in self.text or "?" in self.text else None

    def fits(self, value: str) -> bool:
        """Does this value, in its normal form, fit?"""
        return value == self.text if self._regex is None else self._regex.match(value) is not None


@dataclass(frozen=True)
class Seen:
    """What conditions see of a ticket. Texts are in their normal form; `labels` by normal name."""

    kind: str
    priority: int
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    """The connection it came by, and that one's connector; a ticket by hand: `hand`."""
    level: str | None = None
    """The customer's."""
    device: int | None = None
    customer: int | None = None
    working: bool = True
    """Is it working time?"""

    def label(self, name: str) -> str:
        return self.labels.get(name, "")


def see(
    *, kind: str, priority: int, title: str, description: str = "", labels: Mapping[str, str] | None = None,
    channels: tuple[str, ...] = (), level: str | None = None, device: int | None = None, customer: int | None = None,
    working: bool = True,
) -> Seen:  # fmt: skip
    """What is seen of a ticket with these values."""
    return Seen(
        kind,
        priority,
        normalised(f"{title}\n{description}"),
        {normalised(name): normalised(value) for name, value in (labels or {}).items()},
        tuple(normalised(c) for c in channels if c),
        None if level is None else normalised(level),
        device,
        customer,
        working,
    )


class Verdict(NamedTuple):
    """Does it fit? `reasons`: everything that fits, or the first thing that does not."""

    fits: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Condition:
    """All that is given must hold; of a list one must. Nothing given: it always holds."""

    words: tuple[Word, ...] = ()
    without: tuple[Word, ...] = ()
    """None of these may be in the text."""
    kinds: frozenset[str] = frozenset()
    priorities: frozenset[int] = frozenset()
    channels: tuple[Pattern, ...] = ()
    levels: tuple[Pattern, ...] = ()
    labels: Mapping[str, tuple[Pattern, ...]] = field(default_factory=dict)
    """By normal name; values to be one of."""
    devices: frozenset[int] = frozenset()
    customers: frozenset[int] = frozenset()
    time: Literal["working", "off_hours"] | None = None

    @property
    def always(self) -> bool:
        return self == Condition()

    def judge(self, seen: Seen) -> Verdict:
        because: list[Reason] = []
        for reason in (
            self._of_values(seen, because),
            self._of_channel(seen, because),
            self._of_labels(seen, because),
            self._of_words(seen, because),
        ):
            if reason is not None:
                return Verdict(False, (reason,))
        return Verdict(True, tuple(because))

    def _of_values(self, seen: Seen, because: list[Reason]) -> Reason | None:
        if self.kinds:
            if seen.kind not in self.kinds:
                return "not_kind", seen.kind
            because.append(("kind", seen.kind))
        if self.priorities:
            if seen.priority not in self.priorities:
                return "not_priority", f"P{seen.priority}"
            because.append(("priority", f"P{seen.priority}"))
        for name, wanted, value in (("device", self.devices, seen.device), ("customer", self.customers, seen.customer)):
            if wanted:
                if value not in wanted:
                    return (f"not_{name}",)
                because.append((name,))
        if self.time is not None:
            if (self.time == "working") != seen.working:
                return ("not_time", self.time)
            because.append(("time", self.time))
        return None

    def _of_channel(self, seen: Seen, because: list[Reason]) -> Reason | None:
        if self.channels:
            found = next((c for c in seen.channels if any(p.fits(c) for p in self.channels)), None)
            if found is None:
                return "not_channel", seen.channels[0] if seen.channels else ""
            because.append(("channel", found))
        if self.levels:
            if seen.level is None or not any(p.fits(seen.level) for p in self.levels):
                return "not_level", seen.level or ""
            because.append(("level", seen.level))
        return None

    def _of_labels(self, seen: Seen, because: list[Reason]) -> Reason | None:
        for name, wanted in self.labels.items():
            value = seen.labels.get(name)
            if value is None:
                return "no_label", name
            if not any(p.fits(value) for p in wanted):
                close = next((p.written for p in wanted if near(p.written, value)), None)
                return ("near_label", name, close, value) if close is not None else ("not_label", name, value)
            because.append(("label", name, value))
        return None

    def _of_words(self, seen: Seen, because: list[Reason]) -> Reason | None:
        barred = next((w for w in self.without if w.within(seen.text)), None)
        if barred is not None:
            return "barred_word", barred.written
        if self.words:
            found = [w.written for w in self.words if w.within(seen.text)]
            if not found:
                return ("not_word",)
            because += [("word", w) for w in found]
        return None
