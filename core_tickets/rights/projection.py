"""What is told of an answer that speaks of tickets: their fields, timelines, snapshots and origins. Pure.

Every reader's answer goes through `Projection.project`: whatever made it, a ticket in it is left with the fields its
sight shows, one that cannot be seen is left out, and the whole goes through the sieve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core_tickets.model import Ticket
from core_tickets.rights.policy import Decision, Level, Sight
from core_tickets.rights.sieve import HIDDEN, Cleaned, Sieve

__all__ = ["ALWAYS", "Projection", "Seen"]

ALWAYS = frozenset({"id", "version", "allowed", "withheld"})
"""What a ticket that is seen at all is told with."""
_ENTRY = frozenset({"type", "name", "data", "changes"})
_EMPTY: Mapping[type, Any] = {list: [], dict: {}, bool: False, int: 0}


@dataclass(frozen=True, slots=True)
class Seen:
    """A ticket and what the asker sees of it."""

    ticket: Ticket
    sight: Sight


@dataclass(frozen=True)
class Projection:
    """`seen`: every ticket an answer may speak of, by its id as it is shown. `sieve`: for all the answer, with the known
    protected values of all those tickets. `about`: the ticket the whole answer is about."""

    seen: Mapping[str, Seen]
    sieve: Sieve
    about: Seen | None = None

    def project(self, answer: Any) -> Any:
        """The answer as the asker may have it."""
        if self.sieve.sight.unlimited:
            return answer
        return self.sieve.clean(self._walk(answer, self.about))

    def _walk(self, value: Any, at: Seen | None) -> Any:
        if isinstance(value, dict):
            return self._map(value, at)
        if isinstance(value, list | tuple):
            made = (self._walk(item, at) for item in value if not self._unseen(item))
            return [item for item in made if item is not _GONE]
        return value

    def _unseen(self, value: Any) -> bool:
        """Is it a ticket that is not there for who asks."""
        if not _is_ticket(value):
            return False
        seen = self.seen.get(value["id"])
        return seen is None or not seen.sight.visible

    def _map(self, value: Mapping[str, Any], at: Seen | None) -> Any:
        if _is_ticket(value):
            seen = self.seen.get(value["id"])
            if seen is None or not seen.sight.visible:
                return {"id": value["id"], "withheld": [_NOTHING_SEEN]}
            return self._ticket(value, seen)
        if isinstance(ticket := value.get("ticket"), dict) and _is_ticket(ticket):
            at = self.seen.get(ticket["id"], at)
        elif isinstance(ticket, str) and ticket in self.seen:
            at = self.seen[ticket]
        if at is None:
            return self._items(value, at)
        if value.keys() >= _ENTRY:
            return self._entry(value, at)
        if "sections" in value and isinstance(value["sections"], list):
            sections = [s for s in value["sections"] if at.sight.field(f"context.{s.get('name')}")]
            return {**value, "sections": [self._section(s, at) for s in sections]}
        if (named := _field_of(value)) is not None and not at.sight.of(named):
            return _GONE if value.keys() >= {"before", "after"} else self._without_values(value)
        return self._items(value, at)

    def _items(self, value: Mapping[str, Any], at: Seen | None) -> dict[str, Any]:
        walked = ((key, self._walk(item, at)) for key, item in value.items())
        return {key: item for key, item in walked if item is not _GONE}

    def _ticket(self, value: Mapping[str, Any], seen: Seen) -> Cleaned:
        made: dict[str, Any] = {}
        withheld: list[dict[str, str]] = []
        for key, item in value.items():
            found = seen.sight.of(key)
            if key == "allowed":
                made[key] = [name for name in item if seen.sight.action(name, seen.ticket)]
            elif key in ALWAYS or found.level is Level.full or seen.sight.reaches(key):
                made[key] = self._walk(item, seen)
            else:
                withheld.append(_withheld(key, found))
                made[key] = _masked(item) if found.level is Level.masked else _EMPTY.get(type(item))
        for kind in seen.sight.rights.data.kinds:
            if not (found := seen.sight.data(kind.name)) or found.level is Level.masked:
                withheld.append(_withheld(kind.name, found))
        return Cleaned(Sieve(seen.sight, self.sieve.known).clean(made) | {"withheld": withheld})

    def _entry(self, value: Mapping[str, Any], at: Seen) -> Any:
        """One line of a timeline: only kinds of entries that may be read, and in them only fields that may."""
        path = f"timeline.{value['type']}.{value['name']}"
        if value["type"] == "comment":
            path = f"timeline.comment.{'public' if (value['data'] or {}).get('public') else 'internal'}"
        if not at.sight.field(path):
            return _GONE
        return self._items(value, at)

    def _section(self, section: Mapping[str, Any], at: Seen) -> dict[str, Any]:
        made = {key: self._walk(item, at) for key, item in section.items() if key != "values"}
        values = section.get("values")
        if isinstance(values, dict):
            place = f"context.{section['name']}"
            values = {name: v for name, v in values.items() if at.sight.field(f"{place}.{name}")}
        return made | {"values": self._walk(values, at)}

    def _without_values(self, value: Mapping[str, Any]) -> dict[str, Any]:
        kept = ("field", "name", "dataset", "rec", "at", "path")
        return {key: item for key, item in value.items() if key in kept} | {"value": HIDDEN}


_GONE: Any = object()
_NOTHING_SEEN = {"what": "*", "why": "you do not see this ticket", "why_zh": "您无权查看此工单"}


def _withheld(what: str, found: Decision) -> dict[str, str]:
    return {"what": what, "why": found.why, "why_zh": found.why_zh}


def _is_ticket(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and value["id"].startswith("TKT-")
        and "status" in value
    )


def _field_of(value: Mapping[str, Any]) -> str | None:
    """The field of the ticket, or of an answer in its snapshot, that a map tells the value of."""
    named = value.get("field")
    if not isinstance(named, str) or value.keys().isdisjoint({"value", "raw", "before", "after"}):
        return None
    dataset = value.get("dataset")
    return f"context.{dataset.replace('/', '.')}.{named}" if isinstance(dataset, str) else named


def _masked(value: Any) -> Any:
    return f"{value[:1]}***" if isinstance(value, str) else _EMPTY.get(type(value))
