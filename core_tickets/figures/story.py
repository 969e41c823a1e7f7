"""One ticket as its events tell it: what it was at every moment, its stays in each stage, its rounds of work. Pure.

    entries (in order of id) ──> beats: the ticket before and after each entry
    beats ──> stays: from entering a stage to leaving it      ──> rounds: from opening or reopening to resolving

Nothing here reads the ticket's row: what stands there can be made from its entries (`core_tickets.replay`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from core_tickets.model import BLANK, Entry

__all__ = ["RANK", "Beat", "Round", "Signal", "Stay", "Story", "person_of", "tell"]

RANK: Mapping[str, int] = {"pending": 0, "in_progress": 1, "blocked": 1, "resolved": 2, "closed": 3}
"""How far on a stage is; who comes from a later one into an earlier one comes back."""
WORK = frozenset({"pending", "in_progress", "blocked"})


class Signal(NamedTuple):
    """An event of a ticket that another room keeps: `repeat` (an alert it stands for already), `asked` and `answered`
    (a question to another system about it)."""

    ticket_id: int
    at: int
    name: str
    n: int = 1
    key: str = ""
    """Which question was asked or answered."""


class Beat(NamedTuple):
    """One entry, and the audited fields before and after it."""

    entry: Entry
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Stay(NamedTuple):
    """One visit of a stage. `end` None: the ticket is still there."""

    stage: str
    begin: int
    end: int | None
    first: Entry
    last: Entry | None
    """The entries by which it came and went."""
    at_begin: Mapping[str, Any]
    at_end: Mapping[str, Any]
    """The fields when it began and when it ended (or now)."""
    people: frozenset[str]
    """Who held it or did something to it meanwhile; persons only."""
    back: bool
    """It came from a later stage."""


class Round(NamedTuple):
    """Work from an opening or a reopening to the resolving. `end` None: not resolved yet."""

    begin: Beat
    end: Beat | None
    beats: tuple[Beat, ...]
    """All of it, the ends included."""


@dataclass(frozen=True)
class Story:
    """Everything known of a ticket by `as_of` (exclusive)."""

    ticket_id: int
    beats: tuple[Beat, ...]
    signals: tuple[Signal, ...]
    as_of: int

    @property
    def opened(self) -> Beat:
        return self.beats[0]

    @property
    def latest(self) -> Mapping[str, Any]:
        """The fields as they were last known."""
        return self.beats[-1].after

    def at(self, moment: int) -> Mapping[str, Any]:
        """The fields at a moment, those of its opening before that."""
        found = self.beats[0].after
        for beat in self.beats:
            if beat.entry.at > moment:
                break
            found = beat.after
        return found

    @cached_property
    def stays(self) -> tuple[Stay, ...]:
        """In their order; the last one has no end."""
        moves = [n for n, b in enumerate(self.beats) if n == 0 or b.before["status"] != b.after["status"]]
        made: list[Stay] = []
        for n, start in enumerate(moves):
            stop = moves[n + 1] if n + 1 < len(moves) else None
            begin, end = self.beats[start], None if stop is None else self.beats[stop]
            within = self.beats[start : (len(self.beats) if stop is None else stop + 1)]
            made.append(
                Stay(
                    stage=begin.after["status"],
                    begin=begin.entry.at,
                    end=None if end is None else end.entry.at,
                    first=begin.entry,
                    last=None if end is None else end.entry,
                    at_begin=begin.after,
                    at_end=within[-1].after if end is None else end.before,
                    people=people_of(within, arrived=True),
                    back=n > 0 and RANK[begin.before["status"]] > RANK[begin.after["status"]],
                )
            )
        return tuple(made)

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """In their order; only the last one can be without an end."""
        made: list[Round] = []
        start: int | None = None
        for n, beat in enumerate(self.beats):
            was, now = (None if n == 0 else beat.before["status"]), beat.after["status"]
            if start is None and now in WORK and was not in WORK:
                start = n
            if start is not None and now not in WORK and was in WORK:
                made.append(Round(self.beats[start], beat, self.beats[start : n + 1]))
                start = None
        if start is not None:
            made.append(Round(self.beats[start], None, self.beats[start:]))
        return tuple(made)


def person_of(entry: Entry) -> str | None:
    """The person who acted, by the id that tickets are assigned to; None: no person did. A token speaks for its holder."""
    if entry.actor_kind != "person":
        return None
    kind, _, name = entry.actor.partition(":")
    return (name if kind in ("token", "person") and name else entry.actor) or None


def people_of(beats: Sequence[Beat], *, arrived: bool) -> frozenset[str]:
    """Who acted in these beats (persons), and who held the ticket between them. `arrived`: the first beat is how the
    ticket came here, so its holder before does not count."""
    acted = {person_of(b.entry) for b in beats}
    held = {b.after["assignee"] for b in beats[:-1] or beats}
    if not arrived:
        held.add(beats[0].before["assignee"])
    return frozenset(person for person in acted | held if person)


def tell(
    ticket_id: int, entries: Iterable[Entry], signals: Iterable[Signal] = (), *, as_of: int = 1 << 62
) -> Story | None:
    """The story of one ticket from its entries in order of id, as it was known at `as_of`: entries and signals of that
    moment and later are left out. None: it was not opened by then."""
    values: dict[str, Any] = dict(BLANK)
    beats: list[Beat] = []
    for entry in entries:
        if entry.at >= as_of:
            continue
        if not beats and entry.name != "open":
            continue
        before: Mapping[str, Any] = beats[-1].after if beats else BLANK
        if entry.changes:
            values = values | {name: after for name, _, after in entry.changes}
        beats.append(Beat(entry, before, values))
    if not beats:
        return None
    kept = tuple(sorted(s for s in signals if s.at < as_of))
    return Story(ticket_id, tuple(beats), kept, as_of)
