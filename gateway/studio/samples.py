"""Samples of what a system sends, as text a person can read and change: the YAML of mapping tests, exact both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

import lineage
from connectors.contract import Event
from connectors.errors import ConnectorError
from gateway import tables
from gateway.config.hub import Live
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import places, prepare
from gateway.ingest.recall import split
from gateway.ingest.stored import restore
from gateway.sync import store
from mappings import Path, format_path
from mappings.document_reader import read_document
from mappings.errors import MappingError, Problem

MAX_PATHS = 500
MAX_DEPTH = 8
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = frozenset({"null", "true", "false", "y", "n", "yes", "no", "on", "off"})
_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "flag"), (int | Decimal | float, "number"), (datetime, "datetime"), (date, "date"), (str, "text"), (dict, "map"),
    (list, "list"),
)  # fmt: skip
_M = tables.message.c


@dataclass(frozen=True, slots=True)
class Sample:
    """One record as its source gives it. `message`: the stored message it came with; `end`: how that ended."""

    key: str
    text: str
    message: int | None = None
    at: int | None = None
    end: str = ""
    rule: str = ""


def written(record: Any) -> str:
    """A record as YAML that `parsed` reads back to the very same values."""
    return "\n".join(_lines(record, 0)) + "\n"


def parsed(text: str) -> dict[str, Any]:
    """The record of a sample's text (YAML or JSON). Raises MappingError with line and column; bounded in size and depth."""
    record = read_document(text).plain
    if not isinstance(record, dict):
        raise MappingError([Problem("a sample is one record: names and values", hint="begin with `name: value`")])
    return record


def paths_of(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Every path of a record as expressions write it, with kind and beginning of its value; at most some hundreds."""
    found: list[dict[str, str]] = []
    for path, value in _walk(record, ()):
        if len(found) >= MAX_PATHS:
            break
        shown = "" if isinstance(value, dict | list) else str(value)[:80]
        found.append({"path": format_path(path), "kind": _kind(value), "value": shown})
    return found


def of_stream(live: Live, stream: str, limit: int) -> list[Sample]:
    """Records of a stream as its system gives them now. Raises ConnectorError; [] for a stream that is not read."""
    assert live.runtime is not None
    found = next((s for s in live.runtime.streams() if s.name == stream), None) if "reads" in live.can else None
    if found is None:
        return []
    made: list[Sample] = []
    for batch in live.runtime.read(found, None):
        for record in batch.records:
            key = "/".join(str(record.get(name, "")) for name in found.key)
            made.append(Sample(key, written(live.runtime.masked(dict(record)))))
            if len(made) >= limit:
                return made
    return made


def recorded(conn: Connection, live: Live, stream: str, limit: int, *, dead: bool = False) -> list[Sample]:
    """The newest stored messages of a stream (`dead`: only those that are dead letters); of records of business that were
    read, what the hub holds."""
    d = tables.delivery
    mine = select(_M.id.label("message_id"), _M.position, _M.end, _M.rule, d).join_from(
        tables.message, d, d.c.id == _M.delivery_id
    )
    mine = mine.where(_M.connection_id == live.id, _M.stream == stream).order_by(_M.id.desc()).limit(limit)
    if dead:
        mine = mine.where(_M.end == "dead")
    made = []
    for row in conn.execute(mine):
        event = _event(live, row)
        if event is not None:
            text = written(dict(event.record))
            made.append(Sample(event.key or event.id, text, row.message_id, row.received_at, row.end, row.rule))
    return made if made or dead else _held(conn, live.id, stream, limit)


def _event(live: Live, row: Any) -> Event | None:
    delivery = restore(row)
    try:
        events, bad = split(live, delivery)
    except ConnectorError:
        return None
    parts = prepare(Incoming(row.id, live, delivery, events, row.received_at, lambda _: None, bad))
    found = (p.event for place, p in zip(places(parts), parts, strict=True) if place == row.position)
    return next(found, None)


def _held(conn: Connection, connection: str, stream: str, limit: int) -> list[Sample]:
    shelf = store.shelf(conn, connection, stream)
    rows = [] if shelf is None else store.live_rows(conn, shelf.id, None, limit)
    landed = lineage.fetch(conn, [r.landing for r in rows])
    return [
        Sample(row.key, written(source.record), None, source.read_at)
        for row in rows
        if (source := landed.get(row.landing)) is not None and isinstance(source.record, dict)
    ]


# -- the text ---------------------------------------------------------------------------------------------------------


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        for name, child in value.items():
            key = str(name) if _PLAIN.fullmatch(str(name)) and str(name).lower() not in _WORDS else _quoted(str(name))
            if _nested(child):
                yield f"{pad}{key}:"
                yield from _lines(child, depth + 1)
            else:
                yield f"{pad}{key}: {_scalar(child)}"
    elif isinstance(value, Sequence):
        for child in value:
            if _nested(child):
                first, *rest = _lines(child, depth + 1)
                yield f"{pad}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{pad}- {_scalar(child)}"


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) and bool(value)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() | float():
            text = format(Decimal(str(value)), "f")
            return text if "." in text else text + ".0"
        case datetime():
            return f"!datetime {_quoted(value.isoformat().replace('+00:00', 'Z'))}"
        case date():
            return f"!date {_quoted(value.isoformat())}"
        case dict():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            return _quoted(str(value))


def _quoted(text: str) -> str:
    # JSON's escapes are YAML's; DEL, C1 and the marks that YAML takes for line ends are not plain in either
    escaped = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda m: f"\\u{ord(m[0]):04x}", escaped)


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if len(path) >= MAX_DEPTH:
        return
    children: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        children = ((str(name), child) for name, child in value.items())
    elif isinstance(value, list) and value:
        children = [(0, value[0])]
    for step, child in children:
        yield (*path, step), child
        yield from _walk(child, (*path, step))


def _kind(value: Any) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")
