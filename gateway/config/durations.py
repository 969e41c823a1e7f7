"""Durations as people write them: `45s`, `10m`, `2h`, `1d`, or a number of seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from gateway.clock import DAY, HOUR, MINUTE, SECOND

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_TEXT = re.compile(r"(\d{1,9})\s*([smhd])")


def parse(value: Any) -> int:
    """Microseconds. Raises ValueError with what to write instead."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a duration such as 45s, 10m, 2h or 1d")
    if isinstance(value, int):
        return value * SECOND
    found = _TEXT.fullmatch(value.strip())
    if not found:
        raise ValueError(f"{value!r} is no duration; write 45s, 10m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def show(microseconds: int) -> str:
    """The shortest way to write it: 90 minutes is `90m`."""
    for unit in "dhms":
        if microseconds % _UNITS[unit] == 0 and (microseconds or unit == "s"):
            return f"{microseconds // _UNITS[unit]}{unit}"
    return f"{microseconds // SECOND}s"


Duration = Annotated[int, BeforeValidator(parse), PlainSerializer(show, return_type=str)]
"""Microseconds at run time, `10m` in documents."""
