"""What every system calls a thing, from either end."""

from __future__ import annotations

import base64
import binascii
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, tuple_

from id_registry.components import is_member
from id_registry.errors import BadCursor, BadInput
from id_registry.global_ids import KINDS, kind_named
from id_registry.keys import is_storable
from id_registry.resolving import live
from id_registry.tables import redirect, xref

__all__ = ["Xref", "XrefPage", "crosswalk", "search"]

LARGEST_PAGE = 1_000
_NAMES = {kind.number: name for name, kind in KINDS.items()}


class Xref(NamedTuple):
    """One system's name for a thing. `birth` is the id this key was born with, `gid` the live one it answers with now.

    Times in microseconds since 1970 UTC; `last_seen` is exact to a day.
    """

    kind: str
    system: str
    local: str
    birth: int
    first_seen: int
    last_seen: int
    gid: int


@dataclass(frozen=True, slots=True)
class XrefPage:
    """One page of a search; `next_cursor` asks for the next, None after the last."""

    items: tuple[Xref, ...]
    next_cursor: str | None


def crosswalk(conn: Connection, gid: int) -> list[Xref]:
    """All names of the thing that `gid` is now, merged ones too, by system and local id. Empty: no system uses it."""
    root = live(conn, (gid,))[gid]
    query = _xrefs().where(is_member(xref.c.gid, root)).order_by(xref.c.system, xref.c.local)
    return [_xref(row) for row in conn.execute(query)]


def search(
    conn: Connection,
    *,
    kind: str | None = None,
    system: str | None = None,
    prefix: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> XrefPage:
    """Keys whose local id begins with `prefix`, by kind, system and local id, a page at a time.

    Quick with `kind` and `system`; without them a prefix is looked for among all keys of what is given.
    Raises UnknownKind, BadCursor, BadInput (a limit outside 1 to 1,000, text that cannot be kept).
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadInput(f"limit is {limit}; give 1 to {LARGEST_PAGE}", value=limit, path="limit")
    for name, text in (("system", system or ""), ("prefix", prefix)):
        if not is_storable(text):
            raise BadInput(f"{name} holds NUL or a lone surrogate", value=text, path=name)
    query = _xrefs()
    if kind is not None:
        query = query.where(xref.c.kind == kind_named(kind).number)
    if system is not None:
        query = query.where(xref.c.system == system)
    if prefix:
        query = query.where(_begins_with(prefix))
    place = (xref.c.kind, xref.c.system, xref.c.local)
    if cursor is not None:
        query = query.where(tuple_(*place) > tuple_(*map(literal, _decode(cursor))))
    rows = conn.execute(query.order_by(*place).limit(limit + 1)).all()
    more = _encode(rows[limit - 1]) if len(rows) > limit else None
    return XrefPage(tuple(_xref(row) for row in rows[:limit]), more)


def _xrefs() -> Select[Any]:
    merged = redirect.c.gid == xref.c.gid
    return select(xref, func.coalesce(redirect.c.root, xref.c.gid)).join_from(xref, redirect, merged, isouter=True)


def _xref(row: Any) -> Xref:
    number, *rest = row
    return Xref(_NAMES[number], *rest)


def _begins_with(prefix: str) -> ColumnElement[bool]:
    """A range of the primary key: both databases compare code points."""
    start = xref.c.local >= prefix
    head = prefix.rstrip(chr(sys.maxunicode))  # nothing comes after that character
    if not head:
        return start
    after = 0xE000 if head[-1] == "\ud7ff" else ord(head[-1]) + 1  # no text has the surrogates between
    return start & (xref.c.local < head[:-1] + chr(after))


def _encode(row: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([row.kind, row.system, row.local])).decode()


def _decode(cursor: str) -> tuple[int, str, str]:
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError) as e:
        raise BadCursor(value=cursor, path="cursor", hint="give the next_cursor of the page before, or none") from e
    match place:
        case [int(kind), str(system), str(local)] if kind in _NAMES and is_storable(system + local):
            return kind, system, local
    raise BadCursor(value=cursor, path="cursor", hint="give the next_cursor of the page before, or none")
