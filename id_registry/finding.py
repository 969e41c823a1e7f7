"""Finding a thing by what a person knows of it: its id, what a system calls it, or its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

import orjson
from sqlalchemy import Connection, literal, select, tuple_

from id_registry.crosswalk import search
from id_registry.errors import BadGlobalId, BadInput
from id_registry.global_ids import KINDS, kind_of, parse_id
from id_registry.keys import is_storable
from id_registry.minting import was_minted
from id_registry.resolving import live
from id_registry.tables import observation, xref
from id_registry.values import decode

__all__ = ["NAMED", "Match", "find"]

NAMED = "name"
"""The field that holds what people call a thing."""
_KIND_NAMES = {kind.number: name for name, kind in KINDS.items()}


class Match(NamedTuple):
    """A thing that was found, by its live id: by which id, key or name, and whose key or name that is."""

    gid: int
    kind: str
    by: Literal["id", "key", "name"]
    text: str
    system: str


def find(conn: Connection, text: str, *, kinds: Collection[str] | None = None, limit: int = 20) -> list[Match]:
    """Things by a global id, by the beginning of what a system calls them, or by a part of their name (any case); each once,
    by the best it was found by: id, whole key, whole name, beginnings, the rest. Names are looked through one by one.

    Raises BadInput for text that cannot be kept, and a limit outside 1 to 200.
    """
    if not 1 <= limit <= 200:
        raise BadInput(f"limit is {limit}; give 1 to 200", value=limit, path="limit")
    if not is_storable(text):
        raise BadInput("the text holds NUL or a lone surrogate", value=text, path="text")
    wanted = text.strip()
    if not wanted:
        return []
    found = [*_by_id(conn, wanted), *_by_key(conn, wanted, kinds, limit), *_by_name(conn, wanted, limit * 5)]
    roots = live(conn, {match.gid for match in found})
    best: dict[int, Match] = {}
    for match in sorted(found, key=lambda m: _rank(m, wanted)):
        if kinds is None or match.kind in kinds:
            best.setdefault(roots[match.gid], match._replace(gid=roots[match.gid]))
    return list(best.values())[:limit]


def _rank(match: Match, wanted: str) -> tuple[int, int, int]:
    if match.by == "id":
        return 0, 0, match.gid
    told, asked = match.text.casefold(), wanted.casefold()
    rank = 1 if told == asked else 2 if told.startswith(asked) else 3
    return rank, len(told), match.gid


def _by_id(conn: Connection, text: str) -> Iterator[Match]:
    try:
        gid = parse_id(text.upper())
    except BadGlobalId:
        return
    if was_minted(conn, gid):
        yield Match(gid, kind_of(gid), "id", text.upper(), "")


def _by_key(conn: Connection, text: str, kinds: Collection[str] | None, limit: int) -> Iterator[Match]:
    """A range of the primary key for each kind and system there is."""
    for kind, system in _systems(conn):
        if kinds is None or kind in kinds:
            for x in search(conn, kind=kind, system=system, prefix=text, limit=limit).items:
                yield Match(x.gid, x.kind, "key", x.local, x.system)


def _systems(conn: Connection) -> Iterator[tuple[str, str]]:
    """Every kind and system that has keys, one step of the index each."""
    place = (xref.c.kind, xref.c.system)
    at = conn.execute(select(*place).order_by(*place).limit(1)).first()
    while at is not None:
        yield _KIND_NAMES[at.kind], at.system
        after = tuple_(*place) > tuple_(*map(literal, at))
        at = conn.execute(select(*place).where(after).order_by(*place).limit(1)).first()


def _by_name(conn: Connection, text: str, limit: int) -> Iterator[Match]:
    o = observation.c
    told = orjson.dumps(text).decode()[1:-1]  # as it stands within JSON
    like = o.value.ilike(f"%{_escaped(told)}%", escape="/")
    rows = select(o.gid, o.system, o.value).where(o.field == NAMED, like).limit(limit)
    for gid, system, value in conn.execute(rows):
        name = decode(value)
        if isinstance(name, str):
            yield Match(gid, kind_of(gid), "name", name, system)


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
