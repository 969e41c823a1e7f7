"""What is left of a piece of JSON for who sees only so much. Pure.

Four ways lead to a protected value, and each is closed: the name it goes by (`phone: ...`, also `{"field": "phone",
"value": ...}` and `["phone", ...]`), its looks in free text, its being known (`known`: values that stand under such a name
elsewhere), and text that is itself JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

from core_tickets.rights.data import Vocabulary
from core_tickets.rights.looks import mask_text, mask_value, plain, spots
from core_tickets.rights.policy import Level, Sight

__all__ = ["HIDDEN", "Sieve", "protected_values"]

HIDDEN = "***"
_NAMES = ("field", "path", "name", "key", "label", "attribute", "target", "target_field", "source_field", "column")
_EXPRESSIONS = ("expression", "text", "when")
_VALUES = frozenset(
    {"value", "values", "raw", "before", "after", "stored", "result", "results", "derived", "source", "sources", "facts",
     "traces", "steps", "old", "new", "default", "told", "content", "a", "b"}
)  # fmt: skip
_SAID = re.compile(
    r"""([^\W\d][\w.\[\]]*)(\s*(?:==?|!=|[:：<>]=?|是|为)\s*)('[^']*'|"[^"]*"|\w+\('[^']*'\)|[^,，;；。、)）\n]+)"""
)
"""A name and its value within text: `phone = '138...'`, `地址：上海...`."""
_ONE = re.compile(r"[\d\s\-+()（）]*\d|\S+")
SHORTEST = 4
"""Known values shorter than this are not looked for in text: they would be found everywhere."""
MOST_KNOWN = 1_000


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Something that went through another sieve, of a sight of its own, and is told as it is."""

    value: Any


@dataclass(frozen=True)
class Sieve:
    """`known`: values of protected kinds by their text, such as the customer's address; found in any text they are
    treated as what they are."""

    sight: Sight
    known: Mapping[str, str] = field(default_factory=dict)

    def clean(self, value: Any) -> Any:
        """The value with everything hidden or masked that the asker may not see."""
        return value if self.sight.unlimited else self._clean(value)

    def put(self, value: Any, kind: str) -> Any:
        """What is told of a value of a protected kind."""
        level = self._level(kind)
        if level is Level.full or value is None or isinstance(value, bool):
            return value
        if level is Level.hidden:
            return HIDDEN
        if isinstance(value, dict):
            return {key: self.put(item, kind) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.put(item, kind) for item in value]
        return mask_value(str(value), self._data.by_name[kind].looks)

    @cached_property
    def open(self) -> bool:
        """Does it hold nothing back?"""
        return self.sight.unlimited or all(level is Level.full for level in self._levels.values())

    @property
    def _data(self) -> Vocabulary:
        return self.sight.rights.data

    @cached_property
    def _levels(self) -> dict[str, Level]:
        return {kind.name: self.sight.data(kind.name).level for kind in self._data.kinds}

    def _level(self, kind: str) -> Level:
        return self._levels[kind]

    def _clean(self, value: Any) -> Any:
        match value:
            case Cleaned():
                return value.value
            case str():
                return self.text(value)
            case dict():
                return self._map(value)
            case list() | tuple():
                return self._list(value)
            case int() if not isinstance(value, bool):
                told = self._looks(str(value))
                return value if told == str(value) else told
        return value

    def _map(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        about = self._told_of(value)
        made: dict[Any, Any] = {}
        for key, item in value.items():
            name = str(key)
            kind = self._data.of(name)
            if kind is not None and not isinstance(item, bool):
                made[self._looks(name)] = self._clean(self.put(item, kind))
            elif about is not None and name in _VALUES:
                made[key] = self.put(item, about)
            else:
                made[self._looks(name) if isinstance(key, str) else key] = self._clean(item)
        return made

    def _told_of(self, value: Mapping[Any, Any]) -> str | None:
        """The protected kind that a map with a name and a value is about: {"field": "phone", "value": ...}."""
        if _VALUES.isdisjoint(value):
            return None
        for name in _NAMES:
            told = value.get(name)
            if isinstance(told, str) and (kind := self._data.of_path(told)):
                return kind
        for name in _EXPRESSIONS if "result" in value or "traces" in value else ():
            told = value.get(name)
            if isinstance(told, str) and (kinds := self._data.within(told)):
                return min(kinds, key=self._level)
        return None

    def _list(self, value: Collection[Any]) -> list[Any]:
        items = list(value)
        if len(items) == 2 and isinstance(items[0], str) and (kind := self._data.of(items[0])):
            return [self._looks(items[0]), self.put(items[1], kind)]
        return [self._clean(item) for item in self._unsplit(items)]

    def _unsplit(self, items: list[Any]) -> list[Any]:
        """Without texts that only together are a protected value, such as the words of a number: "138", "0013", "8000"."""
        if len(items) < 2 or not any(isinstance(item, str) for item in items):
            return items
        told = [str(item) if isinstance(item, str | int) else "\n\n\n\n" for item in items]
        starts = list(accumulate((len(text) + 1 for text in told), initial=0))
        gone: set[int] = set()
        for kind in self._data.kinds:
            if kind.looks is not None and self._level(kind.name) is not Level.full:
                for start, stop in spots(" ".join(told), kind.looks):
                    within = [n for n, at in enumerate(starts[:-1]) if at < stop and at + len(told[n]) > start]
                    gone |= set(within) if len(within) > 1 else set()
        return [item for n, item in enumerate(items) if n not in gone]

    def text(self, text: str) -> str:
        """Free text, or JSON in text."""
        if text[:1] in ("{", "[") and (told := _json(text)) is not None:
            cleaned = self._clean(told)
            return text if cleaned == told else json.dumps(cleaned, ensure_ascii=False)
        return self._looks(text)

    def _looks(self, text: str) -> str:
        for kind in self._data.kinds:
            if kind.looks is not None and self._level(kind.name) is not Level.full:
                name = kind.name
                text = mask_text(text, kind.looks, lambda found, name=name: str(self.put(found, name)))  # type: ignore[misc]
        return self._without_known(_SAID.sub(self._said, text))

    def _said(self, found: re.Match[str]) -> str:
        kind = self._data.of_path(found[1])
        if kind is None or self._level(kind) is Level.full:
            return found[0]
        said, rest = found[3], ""
        if said[0] in "'\"":
            return f"{found[1]}{found[2]}{said[0]}{self.put(said[1:-1], kind)}{said[0]}"
        if self._data.by_name[kind].looks is not None:  # one word, or digits in groups; the sentence goes on behind it
            own = _ONE.match(said)
            said, rest = (said[: own.end()], said[own.end() :]) if own else (said, "")
        return f"{found[1]}{found[2]}{self.put(said, kind)}{rest}"

    def _without_known(self, text: str) -> str:
        if self._pattern is None or len(text) < SHORTEST:
            return text
        made, end = [], 0
        for found in self._pattern.finditer(plain(text).lower() if text.lower().isascii() else _same_length(text)):
            start, stop = found.span()
            kind = self._squeezed[_squeeze(found[0])]
            made += [text[end:start], str(self.put(text[start:stop], kind))]
            end = stop
        return "".join([*made, text[end:]]) if made else text

    @cached_property
    def _squeezed(self) -> dict[str, str]:
        told = {_squeeze(value): kind for value, kind in self.known.items() if self._level(kind) is not Level.full}
        return {value: kind for value, kind in [*told.items()][:MOST_KNOWN] if len(value) >= SHORTEST}

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self._squeezed:
            return None
        by_length = sorted(self._squeezed, key=len, reverse=True)
        return re.compile("|".join(r"\s*".join(map(re.escape, value)) for value in by_length))


def _same_length(text: str) -> str:
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in plain(text))


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", _same_length(text))


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def protected_values(value: Any, data: Vocabulary) -> Iterator[tuple[str, str]]:
    """(text, kind of data) of every text that stands under a protected name anywhere in a piece of JSON, and of what
    looks like it."""
    match value:
        case dict():
            for key, item in value.items():
                kind = data.of(str(key))
                yield from protected_values(item, data) if kind is None else _texts(item, kind)
        case list() | tuple():
            for item in value:
                yield from protected_values(item, data)
        case str():
            for each in data.kinds:
                if each.looks is not None:
                    yield from ((value[a:b], each.name) for a, b in spots(value, each.looks))


def _texts(value: Any, kind: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield value, kind
        case dict():
            for item in value.values():
                yield from _texts(item, kind)
        case list() | tuple():
            for item in value:
                yield from _texts(item, kind)
