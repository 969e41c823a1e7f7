"""Sealing: rows that no longer change leave the database for immutable files, and everything goes on working.

The file is on disk before the transaction that removes the rows commits; a crash in between leaves a file that nobody
knows of, which `sweep` removes. Rows come back (`thaw`) when a value in them is to be erased.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Select, Table, bindparam, delete, event, func, insert, select

from lineage import cold, segments, tables
from lineage.blocks import coded, packed, unpacked
from lineage.codec import Gone, decode, encode
from lineage.cold import Kind, Segment
from lineage.reading import any_of, placeholder
from lineage.reading import rows as driver_rows
from lineage.recording import stored_sources
from lineage.segments import Row
from lineage.state import state_of
from lineage.writes import sources

_PROV = "rec, seq, at, run, plan, fields, src, actor, facts"
_AT: dict[Kind, int] = {"prov": 2, "landing": 2, "block": 3}
ORPHAN_S = 86_400
"""Seconds that a file nobody knows of is left alone: its transaction may not have committed yet."""


def seal_records(conn: Connection, recs: Sequence[int], now: int) -> Segment | None:
    """Move all writes of these records into a segment. None: they have none here. Raises OSError, Damaged."""
    p = tables.prov.c
    if not recs:
        return None
    among, parameters = any_of(conn, sorted(recs))
    lock = " FOR UPDATE" if conn.dialect.name == "postgresql" else ""
    # by the driver: SQLite's numbers in `src` are no bytes to SQLAlchemy
    found = driver_rows(conn, f"SELECT {_PROV} FROM lineage_prov WHERE rec {among} ORDER BY rec, seq{lock}", parameters)  # noqa: S608
    rows = [[*r[:5], bytes(r[5]).hex(), list(sources(r[6])), *r[7:]] for r in found]
    gone = delete(tables.prov).where(p.rec == bindparam("a"), p.seq == bindparam("b"))
    return _seal(conn, "prov", rows, now, lambda: conn.execute(gone, [{"a": r[0], "b": r[1]} for r in rows]))


def seal_landing(conn: Connection, before: int, now: int, *, after: int = 0, limit: int = 5_000) -> Segment | None:
    """Move up to so many source records with an id over `after` that were read before that moment into a segment. None:
    there is none."""
    c = tables.landing.c
    rows = [
        [r.id, bytes(r.address).hex(), r.read_at, r.run, r.erased_at, r.dataset, r.shared, r.key, _text(conn, r)]
        for r in conn.execute(_due(tables.landing, before, after, limit))
    ]
    gone = delete(tables.landing).where(c.id == bindparam("a"))
    return _seal(conn, "landing", rows, now, lambda: conn.execute(gone, [{"a": r[0]} for r in rows]))


def seal_blocks(conn: Connection, before: int, now: int, *, after: int = 0, limit: int = 100) -> Segment | None:
    """The same for blocks of bulk reads."""
    c = tables.block.c
    rows = [
        [r.id, r.dataset, r.plan, r.read_at, r.run, r.actor, r.erased_at, r.count, bytes(r.objects).hex(),
         unpacked(r.id, bytes(r.payload)).decode()]
        for r in conn.execute(_due(tables.block, before, after, limit))
    ]  # fmt: skip
    gone = delete(tables.block).where(c.id == bindparam("a"))
    return _seal(conn, "block", rows, now, lambda: conn.execute(gone, [{"a": r[0]} for r in rows]))


def _text(conn: Connection, row: Any) -> str | None:
    if row.payload is None:
        return None
    return state_of(conn).compression.decompress(conn, row.dictionary, bytes(row.payload)).decode()


def _due(table: Table, before: int, after: int, limit: int) -> Select[Any]:
    """The newest row stays: SQLite gives its number away again once it is gone."""
    newest = select(func.max(table.c.id)).scalar_subquery()
    old = select(table).where(table.c.id > after, table.c.id < newest, table.c.read_at < before)
    return old.order_by(table.c.id).limit(limit).with_for_update(skip_locked=True)


def _seal(conn: Connection, kind: Kind, rows: list[Row], now: int, remove: Callable[[], Any]) -> Segment | None:
    if not rows:
        return None
    sealed = _write(conn, kind, rows, now)
    remove()
    return sealed


def _write(conn: Connection, kind: Kind, rows: list[Row], now: int, pruned_at: int | None = None) -> Segment:
    written = segments.write(cold.folder_of(conn), kind, rows)
    times = [row[_AT[kind]] for row in rows]
    sealed = Segment(0, kind, written.name, rows[0][0], rows[-1][0], written.rows, written.size, min(times), max(times),
                     now, pruned_at)  # fmt: skip
    _, *values = sealed
    names = [column.name for column in tables.segment.columns if column.name != "id"]
    made = insert(tables.segment).values(dict(zip(names, values, strict=True))).returning(tables.segment.c.id)
    return sealed._replace(id=conn.execute(made).scalar_one())


def prune(conn: Connection, segment: Segment, now: int) -> Segment:
    """Leave of a segment what was read where and when and what it fed, and no longer the values. For good."""
    rows = [_skeleton(segment.kind, row) for row in segments.rows(cold.folder_of(conn), segment.name)]
    _drop(conn, segment)
    return _write(conn, segment.kind, rows, now, pruned_at=now)


def _skeleton(kind: Kind, row: Row) -> Row:
    if kind == "landing":
        return [*row[:8], None]
    if kind == "block":
        keys = orjson.loads(row[9].partition("\n")[0])["keys"]
        return [*row[:9], coded(keys, [Gone()] * len(keys)).decode()]
    facts = decode(row[8]) if row[8] else {}
    for fact in facts.values():
        fact["value"] = Gone()
    return [*row[:8], encode(facts).decode() if facts else None]


def thaw(conn: Connection, kind: Kind, numbers: Collection[int]) -> int:
    """Bring the rows of these numbers back into the database, out of every segment that has them; answers how many. The
    old files are removed once the transaction has committed."""
    wanted, back = set(numbers), 0
    for segment in cold.listed(conn, kind):
        if not any(segment.first <= number <= segment.last for number in wanted):
            continue
        rows = list(segments.rows(cold.folder_of(conn), segment.name))
        mine = [row for row in rows if row[0] in wanted]
        if not mine:
            continue
        _put_back(conn, kind, mine)
        back += len(mine)
        _drop(conn, segment)
        if len(mine) < len(rows):
            _write(conn, kind, [r for r in rows if r[0] not in wanted], segment.made_at, segment.pruned_at)
    return back


def _put_back(conn: Connection, kind: Kind, rows: Sequence[Row]) -> None:
    if kind == "prov":
        marks = ", ".join([placeholder(conn)] * 9)
        statement = f"INSERT INTO lineage_prov ({_PROV}) VALUES ({marks})"  # noqa: S608
        values = [(*r[:5], bytes.fromhex(r[5]), stored_sources(conn, r[6]), *r[7:]) for r in rows]
        conn.exec_driver_sql(statement, values)
    elif kind == "block":
        names = [column.name for column in tables.block.columns]
        blocks = [(*r[:8], bytes.fromhex(r[8]), packed(r[9].encode())) for r in rows]
        conn.execute(insert(tables.block), [dict(zip(names, r, strict=True)) for r in blocks])
    else:
        compress = state_of(conn).compression.compress
        names = ["id", "address", "read_at", "run", "erased_at", "dataset", "shared", "key", "payload", "dictionary"]
        landed = [
            (r[0], bytes.fromhex(r[1]), *r[2:8], None if r[8] is None else compress(0, r[8].encode()), 0) for r in rows
        ]
        conn.execute(insert(tables.landing), [dict(zip(names, r, strict=True)) for r in landed])


def _drop(conn: Connection, segment: Segment) -> None:
    """Forget a segment; its file goes when the transaction has committed."""
    folder = cold.folder_of(conn)
    conn.execute(delete(tables.segment).where(tables.segment.c.id == segment.id))
    event.listen(conn, "commit", lambda _: segments.forget(folder, segment.name), once=True)


def sweep(conn: Connection) -> list[str]:
    """Remove files of segments that nobody knows of, and that are old enough for no transaction to be about to; answers
    their names."""
    folder = cold.folder_of(conn)
    known = {segment.name for segment in cold.listed(conn)}
    removed = []
    for file in [*folder.glob("*.segment"), *folder.glob(".segment-*")]:
        if file.name.removesuffix(".segment") not in known and file.stat().st_mtime < time.time() - ORPHAN_S:
            file.unlink(missing_ok=True)
            removed.append(file.name)
    return removed
