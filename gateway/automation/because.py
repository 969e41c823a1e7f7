"""Why a condition held or not: each comparison with the values it saw."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from typing import Any

from core_tickets.matching import near
from mappings import Expression


def because(when: Expression, record: MappingABC[str, Any]) -> list[str]:
    """Each comparison of a condition with the values it saw."""
    told = when.explain(record)
    lines = []
    for part in told.parts:
        seen = ", ".join(f"{name} = {value!r}" for name, value in part.values.items())
        outcome = "cannot be computed" if part.result is None else str(part.result).lower()
        lines.append(
            f"{part.text}: {outcome}" + (f" ({seen})" if seen else "") + (f"; {part.error}" if part.error else "")
        )
        lines += _misspelled(part.text, part.values.values()) if part.result is False else []
    return lines + ([f"error: {told.error}"] if told.error else [])


def _misspelled(text: str, values: Iterable[Any]) -> list[str]:
    """What a comparison misses by its spelling alone: expressions compare texts exactly."""
    written = re.findall(r"'([^']*)'|\"([^\"]*)\"", text)
    return [
        f"  {value!r} and {literal!r} are the same but for their spelling: write it as the source does, or use lower()"
        for literal in (a or b for a, b in written)
        for value in values
        if isinstance(value, str) and near(literal, value)
    ]
