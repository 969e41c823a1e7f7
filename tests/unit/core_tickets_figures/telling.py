"""Histories written by hand, one entry a line, and the facts a figure finds in them."""

from __future__ import annotations

from itertools import count
from typing import Any

from core_tickets.figures import METRICS, Fact, Scene, Signal, Story, Terms, tell
from core_tickets.model import BLANK, Change, Entry

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T = 1_790_000_000_000_000
_numbers = count(1)


class History:
    """A ticket's timeline in the making; times are hours after T."""

    def __init__(self, ticket_id: int = 1, at: float = 0, **fields: Any) -> None:
        self.ticket_id = ticket_id
        self.entries: list[Entry] = []
        self.values: dict[str, Any] = dict(BLANK)
        plain: dict[str, Any] = {"status": "pending", "kind": "incident", "priority": 2, "title": "t"}
        self.add("open", at, kind_of_actor="rule", **(plain | fields))

    def add(
        self, name: str, at: float, actor: str = "li.na", kind_of_actor: str = "person",
        data: dict[str, Any] | None = None, **changed: Any,
    ) -> History:  # fmt: skip
        changes = tuple(Change(f, self.values[f], v) for f, v in changed.items() if self.values[f] != v)
        self.values |= changed
        moment = T + int(at * HOUR)
        self.entries.append(
            Entry(
                next(_numbers), self.ticket_id, moment, "change", name, actor, kind_of_actor, "", 1, changes, data or {}
            )
        )
        return self

    def start(self, at: float, actor: str = "li.na") -> History:
        return self.add("start", at, actor, status="in_progress", first_responded_at=T + int(at * HOUR))

    def resolve(
        self, at: float, actor: str = "li.na", kind_of_actor: str = "person", cause: str | None = None
    ) -> History:
        return self.add("resolve", at, actor, kind_of_actor, status="resolved", resolution="done", cause=cause)

    def reopen(self, at: float) -> History:
        return self.add("reopen", at, status="in_progress", resolution=None, cause=None)

    def story(self, *signals: Signal, as_of: float = 10_000) -> Story:
        told = tell(self.ticket_id, self.entries, signals, as_of=T + int(as_of * HOUR))
        assert told is not None
        return told


def facts(name: str, history: History, *others: History, as_of: float = 10_000, signals: tuple[Signal, ...] = (),
          terms: Terms | None = None) -> list[Fact]:  # fmt: skip
    """What a figure finds in a history, beside these others."""
    mine = history.story(*signals, as_of=as_of)
    stories = [mine, *(o.story(as_of=as_of) for o in others)]
    things: dict[int, list[Story]] = {}
    for story in stories:
        for thing in (story.latest["device"], story.latest["customer"]):
            if thing is not None:
                things.setdefault(thing, []).append(story)
    return list(METRICS[name].facts(mine, Scene(terms or Terms(), things)))


def sums(name: str, *histories: Any, **more: Any) -> tuple[Any, int]:
    """Numerator and denominator of all facts together."""
    found = facts(name, *histories, **more)
    return sum(f.numerator for f in found), sum(f.denominator for f in found)
