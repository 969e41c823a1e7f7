"""`{config.plant}`, `{since}`, `{key.id}`: values put into a request's path, parameters, headers and body.

There is nothing else in it: no conditions, no functions, no code. Connectors know nothing of the mapping language, and
need not: what a value *means* is said once, in the mapping, where its lineage is kept; a request only carries values.

- in a path a value is URL-quoted and can't add a segment; an empty one is refused
- a text that is one placeholder and nothing else keeps the value's type (a number in JSON stays a number)
- a placeholder without a value takes its parameter or JSON member along: it is not sent
- `{{` and `}}` are braces
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import SecretBytes, SecretStr

from connectors.errors import BadRecord

_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.]*)\}|[{}]")
Values = Mapping[str, Any]
"""Nested mappings: {"config": {"plant": "01"}, "since": …}."""


class _Absent:
    """What a placeholder without a value gives."""


ABSENT = _Absent()


def names(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(where it stands, its name) of every placeholder in a text, list or map. Raises ValueError for a lone brace."""
    if isinstance(tree, str):
        for match in _PART.finditer(tree):
            if match[0] in "{}":
                raise ValueError(
                    f"{path}: a single {match[0]!r}; write {{name}}, or {match[0] * 2} for the sign itself"
                )
            if match[1]:
                yield path, match[1]
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from names(item, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list | tuple):
        for place, item in enumerate(tree):
            yield from names(item, f"{path}[{place}]")


def fill(tree: Any, values: Values) -> Any:
    """The same text, list or map with its values; ABSENT where the whole text was a placeholder without one."""
    if isinstance(tree, str):
        return _fill_text(tree, values)
    if isinstance(tree, Mapping):
        filled = {key: fill(item, values) for key, item in tree.items()}
        return {key: item for key, item in filled.items() if item is not ABSENT}
    if isinstance(tree, list | tuple):
        return [item for each in tree if (item := fill(each, values)) is not ABSENT]
    return tree


def fill_text(text: str, values: Values) -> str:
    """A text, empty where there is no value."""
    filled = fill(text, values)
    return "" if filled is ABSENT else as_text(filled)


def fill_path(text: str, values: Values) -> str:
    """A URL path, every value quoted. Raises BadRecord for a value that is missing, empty, `.` or `..`."""

    def segment(name: str) -> str:
        value = lookup(values, name)
        told = "" if value is ABSENT else as_text(value)
        if told in ("", ".", ".."):
            raise BadRecord(f"{name} is {'missing' if not told else repr(told)}, and the address needs it")
        return quote(told, safe="")

    return _substitute(text, segment)


def lookup(values: Values, name: str) -> Any:
    """The value of a dotted name; ABSENT for null and for nothing at all."""
    found: Any = values
    for step in name.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return ABSENT
        found = found[step]
    if isinstance(found, SecretStr | SecretBytes):
        found = found.get_secret_value()
    return ABSENT if found is None else found


def as_text(value: Any) -> str:
    """As it stands in a URL or header: true, 1.50, 2026-11-22T08:00:00+00:00."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _fill_text(text: str, values: Values) -> Any:
    whole = _PART.fullmatch(text)
    if whole is not None and whole[1]:
        return lookup(values, whole[1])

    def part(name: str) -> str:
        value = lookup(values, name)
        return "" if value is ABSENT else as_text(value)

    return _substitute(text, part)


def _substitute(text: str, value_of: Callable[[str], str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        return value_of(match[1]) if match[1] else match[0][0]

    return _PART.sub(replaced, text)
