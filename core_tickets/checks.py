"""Checks of single values that come from outside. Each raises InvalidInput naming the field and what to write instead.

They refuse what would harm a whole batch once it reaches the database: a NUL or a lone surrogate (PostgreSQL stores
neither), a number beyond 64 bits, a key too long for an index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from core_tickets.errors import InvalidInput

_BIGINT = 2**63


def text(path: str, value: Any, *, required: bool = False, limit: int = 0) -> str:
    """A text that both databases can store; `limit` counts characters, 0 means none."""
    if type(value) is not str:
        raise InvalidInput(path, f"{value!r} is no text", hint="write a text")
    if required and not value.strip():
        raise InvalidInput(path, "is empty", hint="write a text")
    if limit and len(value) > limit:
        raise InvalidInput(path, f"has {len(value)} characters", hint=f"write at most {limit}")
    if "\0" in value:
        raise InvalidInput(path, "holds a NUL character", hint="remove it")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(path, "holds half of a surrogate pair", hint="decode it as UTF-8") from None
    return value


def are_texts(values: Iterable[Any]) -> bool:
    """Would `text` take all of them?"""
    try:
        together = "\n".join(values)
        return "\0" not in together and (together.isascii() or bool(together.encode()))
    except (TypeError, UnicodeEncodeError):
        return False


def is_number(value: Any) -> bool:
    """Would `number` take it?"""
    return type(value) is int and 0 <= value < _BIGINT


def member(path: str, value: Any, choices: Collection[Any]) -> Any:
    """One of `choices` (a priority given as True is no priority)."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value not in choices:
        near = get_close_matches(value, [c for c in choices if isinstance(c, str)], 1) if isinstance(value, str) else []
        hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(map(str, choices))}"
        raise InvalidInput(path, f"{value!r} is not known", hint=hint)
    return value


def number(path: str, value: Any, *, least: int = 0) -> int:
    """A whole number of at most 63 bits: an id, or microseconds."""
    if type(value) is not int or not least <= value < _BIGINT:
        raise InvalidInput(path, f"{value!r} is no whole number from {least} to 2^63-1", hint="write an integer")
    return value


def flag(path: str, value: Any) -> bool:
    if type(value) is not bool:
        raise InvalidInput(path, f"{value!r} is neither true nor false", hint="write true or false")
    return value


def labels(path: str, value: Any) -> dict[str, str]:
    """A map of texts to texts."""
    if not isinstance(value, Mapping):
        raise InvalidInput(path, f"{value!r} is no map", hint="write a map of texts")
    for key, content in value.items():
        text(f"{path} key", key, required=True)
        text(f"{path}.{key}", content)
    return dict(value)


def possible_ids(values: Iterable[Any]) -> set[int]:
    """Those that can be ids at all: no ticket has another, and PostgreSQL refuses to look for it."""
    return {v for v in values if type(v) is int and 0 < v < _BIGINT}
