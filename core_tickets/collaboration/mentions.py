"""`@li.na`, `@李娜` and `@"North team"` in a text: who is meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core_tickets.people import Roster

__all__ = ["Mentioned", "mentions", "named_in"]

# an address such as a@b.com is no mention: before the @ stands nothing, a space or punctuation
_MENTION = re.compile(r"(?<![\w.@/+-])@(?:\"([^\"\n]{1,100})\"|([\w][\w.\-]{0,99}))")
MOST = 50


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Whom a text names, in order: people and groups by id; `unknown`: names that nobody on the roster has."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def named_in(text: str) -> tuple[str, ...]:
    """The names after an @, each once, as written; at most 50. A full stop that ends a sentence is no part of a name."""
    found = (quoted or plain.rstrip(".-") for quoted, plain in _MENTION.findall(text))
    return tuple(dict.fromkeys(name for name in found if name))[:MOST]


def mentions(text: str, roster: Roster) -> Mentioned:
    """Names are ids or display names, whatever their case. Chinese needs no space behind a name: the longest known name
    that a word begins with counts. Without a roster every name is taken for a person's id."""
    names = named_in(text)
    if not names or not (roster.people or roster.groups):
        return Mentioned(people=names)
    known = {each.id.casefold(): ("group", each.id) for each in roster.groups.values()}
    known |= {each.name.casefold(): ("group", each.id) for each in roster.groups.values() if each.name}
    active = [p for p in roster.people.values() if p.active]
    known |= {each.name.casefold(): ("person", each.id) for each in active if each.name}
    known |= {each.id.casefold(): ("person", each.id) for each in active}
    found: dict[str, list[str]] = {"person": [], "group": [], "unknown": []}
    for name in names:
        kind, who = _meant(name.casefold(), known) or ("unknown", name)
        if who not in found[kind]:
            found[kind].append(who)
    return Mentioned(*(tuple(found[kind]) for kind in ("person", "group", "unknown")))


def _meant(name: str, known: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    if name in known:
        return known[name]
    if name.isascii():
        return None
    begins = [n for n in known if not n.isascii() and name.startswith(n)]
    return known[max(begins, key=len)] if begins else None
