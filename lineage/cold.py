"""What was sealed into segments is found there when the database no longer has it: look-ups by number, and nothing else.

Rows as they lie in a segment, by kind:
    prov     [rec, seq, at, run, plan, fields as hex, [source, ...], actor, facts]
    landing  [id, address as hex, read_at, run, erased_at, dataset, shared, key, payload as `codec` writes it or null]
    block    [id, dataset, plan, read_at, run, actor, erased_at, count, objects as hex, payload as `blocks` writes it]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select

from lineage import segments, tables
from lineage.errors import Damaged
from lineage.segments import Row

Kind: TypeAlias = Literal["prov", "landing", "block"]

_S = tables.segment.c
_folders: WeakKeyDictionary[Engine, Path] = WeakKeyDictionary()


class Segment(NamedTuple):
    """A sealed segment, as the database knows it. `first` and `last`: the numbers of its first and last row; `rows`: how
    many; `first_at` and `last_at`: when they were written or read; `pruned_at`: since when only skeletons are left."""

    id: int
    kind: Kind
    name: str
    first: int
    last: int
    rows: int
    size: int
    first_at: int
    last_at: int
    made_at: int
    pruned_at: int | None


class Found(NamedTuple):
    """A row from a segment; `pruned_at` of the segment."""

    row: Row
    pruned_at: int | None


def keep_segments(engine: Engine, folder: Path) -> None:
    """Where the segments of this database lie; all processes of a hub must see the same folder."""
    _folders[engine] = folder


def folder_of(conn: Connection) -> Path:
    """Raises Damaged when nobody said where the segments are."""
    folder = _folders.get(conn.engine)
    if folder is None:
        raise Damaged("rows were sealed into segments, and nobody said where they are: call keep_segments")
    return folder


def listed(conn: Connection, kind: Kind | None = None) -> list[Segment]:
    """All segments, oldest first."""
    query = select(tables.segment).order_by(_S.id)
    return [Segment(*row) for row in conn.execute(query if kind is None else query.where(_S.kind == kind))]


def find(conn: Connection, kind: Kind, number: int) -> list[Found]:
    """The sealed rows of a number, those sealed first first. Raises Damaged when a file is missing or unreadable."""
    covering = select(_S.name, _S.pruned_at).where(_S.kind == kind, _S.first <= number, _S.last >= number)
    found: list[Found] = []
    for name, pruned_at in conn.execute(covering.order_by(_S.id)).all():
        found += [Found(row, pruned_at) for row in segments.find(folder_of(conn), name, number)]
    return found


def find_all(conn: Connection, kind: Kind, numbers: Iterable[int]) -> tuple[dict[int, Found], dict[int, str]]:
    """The newest sealed row of each number, and why others can't be read; those never sealed are left out."""
    found: dict[int, Found] = {}
    problems: dict[int, str] = {}
    for number in sorted(set(numbers)):
        try:
            rows = find(conn, kind, number)
        except Damaged as error:
            problems[number] = str(error)
            continue
        if rows:
            found[number] = rows[-1]
    return found, problems


def scan(conn: Connection, kind: Kind, wanted: Sequence[Segment] | None = None) -> Iterator[tuple[Segment, Row]]:
    """Every sealed row of a kind. Raises Damaged."""
    for segment in listed(conn, kind) if wanted is None else wanted:
        for row in segments.rows(folder_of(conn), segment.name):
            yield segment, row
