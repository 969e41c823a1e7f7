"""Where in an answer something is: `data.items`, `rows[0].id`, `links['next page']`; empty is the whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

_STEP = re.compile(r"""(?:^|\.)([^.\[\]'"\s]+)|\[(-?\d{1,6})\]|\[(?:'([^']*)'|"([^"]*)")\]""")


def steps(path: str) -> tuple[str | int, ...]:
    """The steps of a path. Raises ValueError with what to write instead."""
    found: list[str | int] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            raise ValueError(f"{path!r} is no path; write data.items, rows[0].id or links['next page']")
        name, number, single, double = match.groups()
        found.append(int(number) if number is not None else next(p for p in (name, single, double) if p is not None))
        place = match.end()
    return tuple(found)


def _checked(path: str) -> str:
    steps(path)
    return path


Path = Annotated[str, AfterValidator(_checked)]


def at(value: Any, path: str) -> Any:
    """What is there, None where there is nothing."""
    for step in steps(path):
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, list | tuple) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value
