"""A mapping to begin with: every field of the record it aims at, filled where a name of the source is plainly the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from gateway.studio import samples
from mappings import RECORDS, Kind

ALIKE = 0.75
_KINDS = {Kind.NUMBER: "num({})", Kind.DATETIME: "datetime({})", Kind.TEXT: "text({})"}
_FITS = {Kind.NUMBER: "number", Kind.INT: "number", Kind.DATETIME: "datetime", Kind.TEXT: "text", Kind.BOOL: "flag"}


def scaffold(name: str, connector: str, stream: str, target: str, record: Mapping[str, Any]) -> str:
    """The text of a mapping to `target`; fields without a likely source stand as comments. Raises KeyError."""
    known = RECORDS[target]
    paths = [p for p in samples.paths_of(record) if p["kind"] not in ("map", "list")]
    lines = [f"mapping: {name}", f"from: {{connector: {connector}, stream: {stream}}}", f"to: {target}", "fields:"]
    for field in known.fields.values():
        note = f"{field.kind}{', required' if field.required else ''}: {field.doc}" if field.doc else str(field.kind)
        near = _nearest(field.name, paths)
        if near is None:
            lines.append(f"  # {field.name}:   # {note}")
            continue
        fits = _FITS.get(field.kind) == near["kind"] or field.kind not in _KINDS
        expression = near["path"] if fits else _KINDS[field.kind].format(near["path"])
        lines.append(f"  {field.name}: {expression}  # {note}")
    return "\n".join(lines) + "\n"


def with_test(text: str, record: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The text with one more test at its end: this record gives these values."""
    case = {"in": dict(record), "out": {n: v for n, v in values.items() if v is not None}}
    body = samples.written([case]).rstrip("\n").replace("\n", "\n  ")
    head = "" if re.search(r"^tests:", text, re.MULTILINE) else "tests:\n"
    return text.rstrip() + "\n" + head + "  " + body + "\n"


def _nearest(name: str, paths: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    def likeness(path: Mapping[str, str]) -> float:
        steps = re.findall(r"[A-Za-z0-9]+", path["path"])
        return max((SequenceMatcher(None, _plain(name), _plain(step)).ratio() for step in steps[-1:]), default=0)

    best = max(paths, key=likeness, default=None)
    return best if best is not None and likeness(best) >= ALIKE else None


def _plain(name: str) -> str:
    """Without its style: FSafeStock, safe_stock and safeStock are the same word."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^F(?=[A-Z])", "", name).lower())
