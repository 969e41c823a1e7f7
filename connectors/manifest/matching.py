"""Templates backwards, for sandboxes: which values a request was made with, and where an answer's parts belong."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from connectors.manifest.paths import steps
from connectors.manifest.templates import ABSENT, Values, as_text, lookup

_NAME = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.]*)\}")
Found = dict[str, Any]
"""Placeholder name → the value that stood in its place."""


def match_path(template: str, path: str, known: Values) -> Found | None:
    """The values of a URL path's placeholders; None: another path."""
    pattern, order = _pattern(template, known, "[^/]+")
    match = re.fullmatch(pattern, path)
    return None if match is None else {n: unquote(v) for n, v in zip(order, match.groups(), strict=True)}


def match(template: Any, actual: Any, known: Values, found: Found) -> bool:
    """Whether `actual` is made of this template; what its placeholders stand for is added to `found`. `known`: values
    that must be these (the settings)."""
    if isinstance(template, str):
        return _match_text(template, actual, known, found)
    if isinstance(template, Mapping):
        if not isinstance(actual, Mapping):
            return False
        return all(match(item, actual.get(name, ABSENT), known, found) for name, item in template.items())
    if isinstance(template, list | tuple):
        if not isinstance(actual, list) or len(actual) != len(template):
            return False
        return all(match(t, a, known, found) for t, a in zip(template, actual, strict=True))
    return actual is not ABSENT and (actual == template or as_text(actual) == as_text(template))


def nested(found: Mapping[str, Any]) -> dict[str, Any]:
    """{"key.id": 1} as {"key": {"id": 1}}."""
    tree: dict[str, Any] = {}
    for name, value in found.items():
        *parents, last = name.split(".")
        here = tree
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = value
    return tree


def put(tree: Any, path: str, value: Any) -> Any:
    """The tree with this value at a path; what is missing on the way there is made. The tree itself is not changed."""
    return _put(copy.deepcopy(tree), steps(path), value)


def _put(tree: Any, where: tuple[str | int, ...], value: Any) -> Any:
    if not where:
        return value
    step, rest = where[0], where[1:]
    if isinstance(step, int):
        items = list(tree) if isinstance(tree, list) else []
        items += [None] * (step + 1 - len(items))
        items[step] = _put(items[step], rest, value)
        return items
    made = dict(tree) if isinstance(tree, Mapping) else {}
    made[step] = _put(made.get(step), rest, value)
    return made


def _match_text(template: str, actual: Any, known: Values, found: Found) -> bool:
    whole = _NAME.fullmatch(template)
    if whole is not None and whole[1]:
        name = whole[1]
        if name.startswith("config."):
            wanted = lookup(known, name)
            return (actual is ABSENT) == (wanted is ABSENT) and (wanted is ABSENT or as_text(actual) == as_text(wanted))
        if actual is not ABSENT:
            found[name] = actual
        return True
    if actual is ABSENT or isinstance(actual, list | dict) or actual is None:
        return False
    pattern, order = _pattern(template, known, ".*")
    hit = re.fullmatch(pattern, as_text(actual), re.DOTALL)
    if hit is not None:
        found.update(zip(order, hit.groups(), strict=True))
    return hit is not None


def _pattern(template: str, known: Values, one: str) -> tuple[str, list[str]]:
    pattern, order, place = "", [], 0
    for part in _NAME.finditer(template):
        pattern += re.escape(template[place : part.start()])
        place = part.end()
        name = part[1]
        if not name:
            pattern += re.escape(part[0][0])
        elif name.startswith("config."):
            value = lookup(known, name)
            pattern += re.escape("" if value is ABSENT else as_text(value))
        else:
            pattern += f"({one})"
            order.append(name)
    return pattern + re.escape(template[place:]), order
