"""What the sandboxes of manifests have in common: rows by stream, asked for page by page, and what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from connectors.manifest.forms import ConfirmForm, ListForm, Paging
from connectors.manifest.matching import Found, nested, put
from connectors.manifest.shapes import moment
from connectors.manifest.templates import ABSENT, as_text, fill_text

CAP = 7
"""The most records of a page, however many are asked for: systems have such bounds."""
UNKNOWN = "unknown"
"""What the system has never heard of."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What was written: the operation, and the values its request was made with."""

    op: str
    found: Found


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list. `following`: where the next page begins, None at the end."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    following: int | None

    def told(self, paging: Paging, body: Any) -> Any:
        """The answer with what the manifest reads of it beside the rows."""
        if paging.total:
            body = put(body, paging.total, self.total)
        if paging.more:
            body = put(body, paging.more, self.following is not None)
        if paging.kind == "token":
            body = put(body, paging.next, None if self.following is None else f"t{self.following}")
        return body


def page_of(form: ListForm, rows: Sequence[dict[str, Any]], found: Found, start: int = 0) -> Page:
    """The page that a request asks for, of the rows since its moment."""
    some = since(form, rows, found.get("since"))
    size = min(int(found.get("page.size") or CAP), CAP) if form.paging.kind != "none" else len(some) or 1
    match form.paging.kind:
        case "page":
            start = (int(found.get("page.number", form.paging.start)) - form.paging.start) * size
        case "offset":
            start = int(found.get("page.offset") or 0)
        case "token":
            start = int(str(found.get("page.token") or "t0")[1:])
    end = start + size
    return Page(some[start:end], len(some), end if end < len(some) else None)


def since(form: ListForm, rows: Sequence[dict[str, Any]], begin: Any) -> list[dict[str, Any]]:
    """The rows from a moment on, in the order of their changes."""
    if not form.cursor:
        return list(rows)
    shape, kind = form.shape, form.fields[form.cursor].type
    placed = sorted(((shape.value(form.cursor, row), n, row) for n, row in enumerate(rows)), key=lambda each: each[:2])
    if begin in (None, "", ABSENT):
        return [row for _, _, row in placed]
    start: Any = begin
    if kind == "datetime":
        start = moment(begin, form.since_format, ZoneInfo(form.since_zone or form.zone or "UTC"))
    elif kind == "int":
        start = int(begin)
    inclusive = form.since_is == "inclusive"
    return [row for at, _, row in placed if at > start or (inclusive and at == start)]


def answer_to(samples: Sequence[Any], found: Found) -> Any:
    """The sample answer to a question; ABSENT: the system knows nothing of it."""
    asked = {name.removeprefix("input."): as_text(value) for name, value in found.items()}
    for sample in samples:
        if all(as_text(sample.inputs.get(name)) == value for name, value in asked.items()):
            return sample.answer
    return ABSENT


def confirmation(form: ConfirmForm, op: str, effects: Sequence[Effect], found: Found) -> Any:
    """What shows that a command took effect; ABSENT: nothing does."""
    for effect in effects:
        shared = found.keys() & effect.found.keys()
        if effect.op == op and all(as_text(found[n]) == as_text(effect.found[n]) for n in shared):
            item: Any = {}
            for path, text in form.where.items():
                item = put(item, path, fill_text(text, nested(effect.found)))
            if form.external_id:
                item = put(item, form.external_id, "1")
            return item or {"found": True}
    return ABSENT


def refused_key(found: Found) -> bool:
    """Whether a request names something that the system has never heard of."""
    return any(name.startswith("key.") and as_text(value) == UNKNOWN for name, value in found.items())
