"""Kinds of data worth protecting, known by the names they go by (phone, ContactMobile__c, 联系电话) and by their looks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from core_tickets.rights.looks import plain

__all__ = ["DataKind", "Vocabulary", "words_of"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[\u3400-\u9fff]+")
LONG = 5
"""Names of so many letters are also found within a word: `contactphone`."""


def words_of(name: str) -> tuple[str, ...]:
    """A name's words, small: `billing_Address2` and `BillingAddress` are billing, address."""
    return tuple(word.lower() for word in _WORD.findall(plain(name)))


@dataclass(frozen=True, slots=True)
class DataKind:
    """`name` such as customer.phone; `names`: what fields that hold it are called, in words; `but`: words that make it
    something else (an ip address); `looks`: how it is recognised in free text (phone, email)."""

    name: str
    names: tuple[tuple[str, ...], ...]
    but: frozenset[str] = frozenset()
    looks: str | None = None

    def goes_by(self, words: tuple[str, ...]) -> bool:
        joined = "".join(words)
        if not words or any(word in words if word.isascii() else word in joined for word in self.but):
            return False
        return any(_within(name, words) for name in self.names)


def _within(name: tuple[str, ...], words: tuple[str, ...]) -> bool:
    joined = "".join(name)
    if not joined.isascii():
        return joined in "".join(words)
    if any(words[n : n + len(name)] == name for n in range(len(words) - len(name) + 1)):
        return True
    return len(joined) >= LONG and any(joined in word for word in words)


@dataclass(frozen=True)
class Vocabulary:
    """All kinds of data; the first that a name fits is what it is."""

    kinds: tuple[DataKind, ...] = ()
    _known: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_name(self) -> dict[str, DataKind]:
        return {kind.name: kind for kind in self.kinds}

    def of(self, name: str) -> str | None:
        """The kind of data a field of this name holds."""
        if name not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            words = words_of(name)
            self._known[name] = next((kind.name for kind in self.kinds if kind.goes_by(words)), None)
        return self._known[name]

    def of_path(self, path: str) -> str | None:
        """The kind that any part of a path such as `context.crm.contact.phone` names."""
        return next((found for part in re.split(r"[.\[\]/'\"\s]+", path) if part and (found := self.of(part))), None)

    def within(self, expression: str) -> Iterable[str]:
        """The kinds that an expression's names speak of."""
        return {found for name in re.findall(r"[^\W\d][\w]*", plain(expression)) if (found := self.of(name))}
