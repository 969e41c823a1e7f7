"""Free text that people typed into another system."""

from __future__ import annotations

import html
import re
from typing import Any

_TAGS = re.compile(r"<[^<>]{0,1000}>")
_SPACE = re.compile(r"[^\S\n]+")


def clean(record: dict[str, Any]) -> str | None:
    """The first text among the declared fields, without markup, entities and superfluous space; null when there is
    none."""
    for value in record.values():
        if isinstance(value, str) and value.strip():
            text = html.unescape(_TAGS.sub(" ", value[:65_536]))
            lines = (_SPACE.sub(" ", line).strip() for line in text.splitlines())
            return "\n".join(line for line in lines if line) or None
    return None
