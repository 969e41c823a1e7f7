"""Who changes states suspiciously often: a pure rule over the entries of a span of time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Conduct", "Limits", "Move", "judge"]


class Move(NamedTuple):
    """One change of state by a person."""

    ticket_id: int
    at: int
    person: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still usual; more is flagged. Times in microseconds."""

    per_hour: int = 60
    """Changes of state within any one hour."""
    back_and_forth: int = 6
    """Changes of state on one ticket within the span looked at."""
    instant: int = 10
    """Tickets resolved sooner than `instant_within` after the same person began them."""
    instant_within: int = 60_000_000


HOUR = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Conduct:
    """What was unusual about one person's changes, in numbers that can be looked up."""

    person: str
    changes: int
    most_per_hour: int
    back_and_forth: Mapping[int, int]
    """Changes by ticket, where there were too many."""
    instant: tuple[int, ...]
    """Tickets begun and resolved in no time, where there were too many."""
    reasons: tuple[str, ...]
    """Which limits were passed: per_hour, back_and_forth, instant."""


def judge(moves: Sequence[Move], limits: Limits) -> list[Conduct]:
    """Those who passed a limit, by person. `moves` in any order."""
    by_person: dict[str, list[Move]] = defaultdict(list)
    for move in sorted(moves, key=lambda m: (m.at, m.ticket_id)):
        by_person[move.person].append(move)
    found = (_judged(person, theirs, limits) for person, theirs in sorted(by_person.items()))
    return [conduct for conduct in found if conduct.reasons]


def _judged(person: str, moves: Sequence[Move], limits: Limits) -> Conduct:
    busiest = _busiest(moves)
    often = {t: n for t, n in Counter(m.ticket_id for m in moves).items() if n > limits.back_and_forth}
    instant = _instant(moves, limits.instant_within)
    passed = {
        "per_hour": busiest > limits.per_hour,
        "back_and_forth": bool(often),
        "instant": len(instant) > limits.instant,
    }
    return Conduct(
        person, len(moves), busiest, often, instant if passed["instant"] else (),
        tuple(name for name, is_so in passed.items() if is_so),
    )  # fmt: skip


def _busiest(moves: Sequence[Move]) -> int:
    """The most changes within one hour."""
    first, most = 0, 0
    for n, move in enumerate(moves):
        while move.at - moves[first].at >= HOUR:
            first += 1
        most = max(most, n - first + 1)
    return most


def _instant(moves: Sequence[Move], within: int) -> tuple[int, ...]:
    begun: dict[int, int] = {}
    found: list[int] = []
    for move in moves:
        if move.after == "in_progress":
            begun[move.ticket_id] = move.at
        elif move.after == "resolved" and move.at - begun.get(move.ticket_id, -within) < within:
            found.append(move.ticket_id)
    return tuple(dict.fromkeys(found))
