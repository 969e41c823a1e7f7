"""What a condition will never meet: it contradicts itself, or an earlier one takes all of it. Pure."""

from __future__ import annotations

from collections.abc import Collection

from core_tickets.matching.condition import Condition, Pattern
from core_tickets.matching.words import Word


def contradiction(condition: Condition) -> str:
    """Why nothing at all can fit; empty: something may."""
    if condition.words and all(any(bar.within(word.text) for bar in condition.without) for word in condition.words):
        return "every one of its words is ruled out by `without`"
    return ""


def covers(first: Condition, later: Condition) -> bool:
    """Does everything that fits the later one surely fit the first, too?"""
    return (
        _words(first.words, later.words)
        and {w.text for w in first.without} <= {w.text for w in later.without}
        and _within(first.kinds, later.kinds)
        and _within(first.priorities, later.priorities)
        and _within(first.devices, later.devices)
        and _within(first.customers, later.customers)
        and _patterns(first.channels, later.channels)
        and _patterns(first.levels, later.levels)
        and all(name in later.labels and _patterns(wanted, later.labels[name]) for name, wanted in first.labels.items())
        and first.time in (None, later.time)
    )


def _within(first: Collection[object], later: Collection[object]) -> bool:
    return not first or (bool(later) and set(later) <= set(first))


def _patterns(first: tuple[Pattern, ...], later: tuple[Pattern, ...]) -> bool:
    return not first or (bool(later) and all(any(p.text == q.text or p.fits(q.text) for p in first) for q in later))


def _words(first: tuple[Word, ...], later: tuple[Word, ...]) -> bool:
    """Whoever has the later word has the first one in it."""
    return not first or (bool(later) and all(any(w.within(other.text) for w in first) for other in later))
