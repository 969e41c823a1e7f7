"""The replica's rows, in batches: looked up by number, written where they changed.

On PostgreSQL new rows go in by COPY, straight into the table: a run holds the stream's lease, so nobody else adds the
same ones, and where somebody does (a message of the same system) the database says so and the transaction is tried again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

import lineage
from gateway.sync import roster
from gateway.sync.pages import Load, Row
from gateway.sync.tables import replica, replica_stream, unusable, watch
from id_registry.batches import planned_afresh

_R, _S = replica.c, replica_stream.c
_COLUMNS = ("stream", "id", "content", "landing", "read_at", "deleted_at", "gid", "whole", "key", "values")
_NAMES = ", ".join(f'"{c}"' for c in _COLUMNS)
CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the records of one stream are held."""

    id: int
    record: str
    mapping: str
    rules: str
    live: int


@dataclass(slots=True)
class Held:
    """What is held of an object: `content` None: it was deleted."""

    content: int | None
    read_at: int


@dataclass(slots=True)
class Before:
    """A row as it was before it changed."""

    key: str
    values: str
    landing: int
    whole: int | None
    deleted: bool


def shelf(conn: Connection, connection_id: str, stream: str) -> Shelf | None:
    """What is held of a stream; None: nothing yet."""
    where = (_S.connection_id == connection_id, _S.stream == stream)
    row = conn.execute(select(_S.id, _S.record, _S.mapping, _S.rules, _S.live).where(*where)).first()
    return None if row is None else Shelf(*row)


def shelves(conn: Connection) -> dict[tuple[str, str], Shelf]:
    """All of them, by connection and stream."""
    rows = conn.execute(select(_S.connection_id, _S.stream, _S.id, _S.record, _S.mapping, _S.rules, _S.live))
    return {(connection, stream): Shelf(*rest) for connection, stream, *rest in rows}


def shelf_for(conn: Connection, connection_id: str, stream: str, record: str, mapping: str) -> Shelf:
    """The same, made when there is none."""
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    new = {"connection_id": connection_id, "stream": stream, "record": record, "mapping": mapping, "rules": ""}
    conn.execute(make(replica_stream).values(new).on_conflict_do_nothing())
    found = shelf(conn, connection_id, stream)
    assert found is not None
    return found


def change_shelf(conn: Connection, number: int, **values: Any) -> None:
    conn.execute(update(replica_stream).where(_S.id == number).values(values))


def count_live(conn: Connection, number: int, more: int) -> None:
    """So many more (or fewer) rows of the stream are live."""
    if more:
        conn.execute(update(replica_stream).where(_S.id == number).values(live=_S.live + more))


# -- looking up --------------------------------------------------------------------------------------------------------

# on PostgreSQL one index probe per key, planned for the table as it is now: see id_registry.batches
_PROBE = """
SELECT r.* FROM unnest(%s::text::bigint[]) k(id) CROSS JOIN LATERAL (
  SELECT {columns} FROM replica WHERE stream = %s AND id = k.id OFFSET 0) r
"""
_AMONG = "SELECT {columns} FROM replica WHERE stream = ? AND id IN (SELECT value FROM json_each(?))"
_HELD = "id, content, read_at"
_WHOLE_ROW = 'id, key, "values", landing, whole, deleted_at IS NOT NULL'


def _rows(conn: Connection, columns: str, stream: int, ids: Sequence[int]) -> Sequence[Sequence[Any]]:
    # the list travels as text: the driver would take ten times as long over numbers
    joined = ",".join(map(str, ids))
    if conn.dialect.name != "postgresql":
        return conn.exec_driver_sql(_AMONG.format(columns=columns), (stream, f"[{joined}]")).all()
    with planned_afresh(conn):
        return conn.exec_driver_sql(_PROBE.format(columns=columns), (f"{{{joined}}}", stream)).all()


def known(conn: Connection, stream: int, ids: Sequence[int]) -> dict[int, Held]:
    """What is held of these objects, so far as to see whether they changed."""
    if not ids:
        return {}
    return {i: Held(content, read_at) for i, content, read_at in _rows(conn, _HELD, stream, ids)}


def before(conn: Connection, stream: int, ids: Sequence[int]) -> dict[int, Before]:
    """These rows as they are now."""
    if not ids:
        return {}
    rows = _rows(conn, _WHOLE_ROW, stream, ids)
    return {i: Before(key, text, landing, whole, bool(gone)) for i, key, text, landing, whole, gone in rows}


def by_key(conn: Connection, connection_id: str, stream: str, key: str) -> tuple[str, int, str] | None:
    """(record, landing, values) of a live row by the name its source gives it."""
    of = lineage.object_prefix(f"{connection_id}/{stream}", key)
    number = int.from_bytes(of, "little", signed=True)
    mine = (_S.connection_id == connection_id, _S.stream == stream, _R.id == number, _R.deleted_at.is_(None))
    query = (
        select(_S.record, _R.landing, _R["values"]).join_from(replica, replica_stream, _S.id == _R.stream).where(*mine)
    )
    row = conn.execute(query).first()
    return None if row is None else (row[0], row[1], row[2])


def parts_of(conn: Connection, stream: int, wholes: Sequence[int]) -> dict[int, list[str]]:
    """The live records of each of these wholes, as they are held."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(wholes), 500):
        part = _R.whole.in_(wholes[start : start + 500])
        rows = select(_R.whole, _R["values"]).where(_R.stream == stream, part, _R.deleted_at.is_(None))
        for whole, values in conn.execute(rows):
            found.setdefault(whole, []).append(values)
    return found


def is_empty(conn: Connection, stream: int) -> bool:
    """Has the stream no row at all, not even a deleted one?"""
    return conn.execute(select(_R.id).where(_R.stream == stream).limit(1)).first() is None


def ids_between(conn: Connection, stream: int, low: int, high: int) -> set[int]:
    """The numbers of the live rows of a stream in this range, its ends included."""
    where = (_R.stream == stream, _R.id >= low, _R.id <= high, _R.deleted_at.is_(None))
    return set(conn.execute(select(_R.id).where(*where)).scalars())


def live_rows(conn: Connection, stream: int, after: int | None, limit: int) -> list[Any]:
    """Some live rows of a stream, by number, behind `after`: (id, whole, key, values, landing)."""
    rows = select(_R.id, _R.whole, _R.key, _R["values"], _R.landing).where(_R.stream == stream, _R.deleted_at.is_(None))
    if after is not None:
        rows = rows.where(_R.id > after)
    return list(conn.execute(rows.order_by(_R.id).limit(limit)))


def standing(conn: Connection, since: int) -> Iterator[tuple[str, int, int, str]]:
    """Every live row read at or after `since`, in the order of their landing: (record, id, landing, values)."""
    rows = (
        select(_S.record, _R.id, _R.landing, _R["values"])
        .join_from(replica, replica_stream, _S.id == _R.stream)
        .where(_R.read_at >= since, _R.deleted_at.is_(None))
        .order_by(_R.landing)
    )
    streamed = conn.execution_options(yield_per=2_000).execute(rows)
    for row in streamed:
        yield row.record, row.id, row.landing, row._mapping[_R["values"]]


def count_rows(conn: Connection) -> dict[int, int]:
    """Live rows by stream, counted."""
    counted = select(_R.stream, func.count()).where(_R.deleted_at.is_(None)).group_by(_R.stream)
    return dict(conn.execute(counted).all())


# -- writing -----------------------------------------------------------------------------------------------------------


def add(conn: Connection, stream: int, rows: Sequence[Row], read_at: int) -> int:
    """Insert rows nobody has; answers how many the database took."""
    if not rows:
        return 0
    if conn.dialect.name == "postgresql":
        return _copy(conn, f"COPY replica ({_NAMES}) FROM STDIN", _lines(stream, rows, read_at))
    values = [(stream, r.id, r.content, r.landing, read_at, None, r.gid, r.whole, r.key, r.held.decode()) for r in rows]
    return conn.exec_driver_sql(_ADD_SQLITE, values).rowcount


def load(conn: Connection, stream: int, rows: Load, read_at: int) -> int:
    """The same for rows by columns, which are landed by now."""
    plain, held = rows.plain, rows.held
    if conn.dialect.name != "postgresql":
        values = [
            (stream, i, content, landing, read_at, None, None, None, key, text.decode())
            for i, content, landing, key, text in zip(
                plain.ids, plain.contents, rows.landings, plain.keys, held, strict=True
            )
        ]
        return conn.exec_driver_sql(_ADD_SQLITE, values).rowcount
    lines = _binary(stream, plain.ids, plain.contents, rows.landings, plain.keys, held, read_at)
    # neighbours in the index go in one behind the other; floats are compared faster, and near is near enough
    order = sorted(range(len(plain)), key=list(map(float, plain.ids)).__getitem__)
    parts = (order[start : start + 1_000] for start in range(0, len(order), 1_000))
    some = (b"".join(map(lines.__getitem__, part)) for part in parts)
    return _copy(conn, f"COPY replica ({_NAMES}) FROM STDIN (FORMAT binary)", chain([_HEAD], some, [_END]))


def _binary(
    stream: int, ids: Sequence[int], contents: Sequence[int], landings: Sequence[int], keys: Sequence[str],
    held: Sequence[bytes], read_at: int,
) -> list[bytes]:  # fmt: skip
    """Rows in COPY's binary form: the server takes them as they are, and looks for no ends of lines in them."""
    names = list(map(str.encode, keys))
    before, behind = repeat(_BEFORE.pack(10, 4, stream, 8)), repeat(_BEHIND.pack(8, read_at, -1, -1, -1))
    size, sizes = repeat(8), map(_SIZE.pack, map(len, held))
    fronts = map(_FRONT.pack, before, ids, size, contents, size, landings, behind, map(len, names))
    return list(map(b"".join, zip(fronts, names, sizes, held, strict=True)))


_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_BEFORE, _BEHIND = struct.Struct("!hiii"), struct.Struct("!iqiii")
"""Of a row in COPY's binary form, what is the same in all: how many columns, the stream and the size of the id; the time of
reading and three nulls. Every value stands behind its size."""
_FRONT = struct.Struct("!14sqiqiq24si")
"""All before the key, and the key's size."""
_SIZE = struct.Struct("!i")


def change(conn: Connection, stream: int, rows: Sequence[Row], read_at: int) -> tuple[int, int]:
    """Overwrite rows that are there, deleted ones too, unless something newer is held, or they were deleted later; answers
    how many that were, and how many of them come back."""
    if not rows:
        return 0, 0
    if conn.dialect.name != "postgresql":
        values = [
            (r.content, r.landing, read_at, r.gid, r.whole, r.held.decode(), stream, r.id, r.key, read_at) for r in rows
        ]
        ids = ",".join(str(r.id) for r in rows)
        revived = conn.exec_driver_sql(_REVIVED_SQLITE, (stream, f"[{ids}]", read_at)).scalar_one()
        return conn.exec_driver_sql(_CHANGE_SQLITE, values).rowcount, revived
    conn.exec_driver_sql("CREATE TEMPORARY TABLE replica_stage (LIKE replica) ON COMMIT DROP")
    _copy(conn, f"COPY replica_stage ({_NAMES}) FROM STDIN", _lines(stream, rows, read_at))
    # nobody has counted the stage: the planner shall probe the replica for each row, not read all of it
    conn.exec_driver_sql(_PLANNER.format("off"))
    revived = conn.exec_driver_sql(_REVIVED_POSTGRESQL).scalar_one()
    changed = conn.exec_driver_sql(_CHANGE_POSTGRESQL).rowcount
    conn.exec_driver_sql(_PLANNER.format("on"))
    conn.exec_driver_sql("DROP TABLE replica_stage")
    return changed, revived


def remove(conn: Connection, stream: int, ids: Sequence[int], read_at: int, now: int) -> list[int]:
    """Mark rows as deleted that were so when they were read; answers those that were live. Their last values stay."""
    removed: list[int] = []
    for start in range(0, len(ids), 500):
        live = (
            _R.stream == stream,
            _R.id.in_(ids[start : start + 500]),
            _R.deleted_at.is_(None),
            _R.read_at <= read_at,
        )
        changed = update(replica).where(*live).values(deleted_at=now, content=None).returning(_R.id)
        removed += conn.execute(changed).scalars()
    return removed


def forget(conn: Connection, connection_id: str, stream: str) -> None:
    """Let go of everything that is held of a stream, for a stream that became another record."""
    found = shelf(conn, connection_id, stream)
    if found is not None:
        roster.forget(conn, connection_id, stream, found.record)
        conn.execute(delete(replica).where(_R.stream == found.id))
        conn.execute(delete(watch).where(watch.c.stream == found.id))
        conn.execute(delete(replica_stream).where(_S.id == found.id))


def _lines(stream: int, rows: Sequence[Row], read_at: int) -> list[bytes]:
    """Rows in COPY's text form, some at a time."""
    return [_some_lines(stream, rows[start : start + 1_000], read_at) for start in range(0, len(rows), 1_000)]


def _some_lines(stream: int, rows: Sequence[Row], read_at: int) -> bytes:
    keys = "".join([r.key for r in rows])
    odd = "\\" in keys or not keys.isprintable() or any(b"\\" in r.held for r in rows)
    if not odd and not any(r.gid is not None or r.whole is not None for r in rows):
        line = b"%d\t%%d\t%%d\t%%d\t%d\t\\N\t\\N\t\\N\t%%b\t%%b\n" % (stream, read_at)
        return b"".join([line % (r.id, r.content, r.landing, r.key.encode(), r.held) for r in rows])
    line = b"%d\t%%d\t%%d\t%%d\t%d\t\\N\t%%b\t%%b\t%%b\t%%b\n" % (stream, read_at)
    return b"".join([
        line % (r.id, r.content, r.landing, _null(r.gid), _null(r.whole), _text(r.key), _escaped(r.held)) for r in rows
    ])  # fmt: skip


def _null(value: int | None) -> bytes:
    return b"\\N" if value is None else b"%d" % value


def _text(value: str) -> bytes:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if not value.isprintable():
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value.encode()


def _escaped(value: bytes) -> bytes:
    """Of JSON this is enough: it has no bare control characters."""
    return value.replace(b"\\", b"\\\\") if b"\\" in value else value


def _copy(conn: Connection, statement: str, data: Iterable[bytes]) -> int:
    dbapi: Any = conn.dialect.loaded_dbapi
    cursor: Any = conn.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            for part in data:
                copy.write(part)
        return int(cursor.rowcount)
    except dbapi.Error as error:
        raise DBAPIError.instance(statement, None, error, dbapi.Error, dialect=conn.dialect) from error
    finally:
        cursor.close()


_ADD_SQLITE = f"INSERT INTO replica ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_CHANGE_SQLITE = """
UPDATE replica SET content = ?, landing = ?, read_at = ?, gid = ?, whole = ?, "values" = ?, deleted_at = NULL
WHERE stream = ?7 AND id = ?8 AND key = ?9 AND read_at <= ?10 AND (deleted_at IS NULL OR deleted_at <= ?10)
"""
_REVIVED_SQLITE = """
SELECT count(*) FROM replica
WHERE stream = ?1 AND id IN (SELECT value FROM json_each(?2)) AND read_at <= ?3 AND deleted_at <= ?3
"""
_REVIVED_POSTGRESQL = """
SELECT count(*) FROM (
  SELECT r.id FROM replica r JOIN replica_stage s ON r.stream = s.stream AND r.id = s.id AND r.key = s.key
  WHERE r.read_at <= s.read_at AND r.deleted_at <= s.read_at FOR UPDATE OF r) x
"""
_PLANNER = "SELECT " + ", ".join(
    f"set_config('{name}', '{{0}}', true)" for name in ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "jit")
)
_CHANGE_POSTGRESQL = """
UPDATE replica r SET content = s.content, landing = s.landing, read_at = s.read_at, gid = s.gid, whole = s.whole,
  "values" = s."values", deleted_at = NULL
FROM replica_stage s WHERE r.stream = s.stream AND r.id = s.id AND r.key = s.key AND r.read_at <= s.read_at
  AND (r.deleted_at IS NULL OR r.deleted_at <= s.read_at)
"""


def first_told(conn: Connection, stream: int, digests: Iterable[int], run: int) -> set[int]:
    """Of unusable records those that nobody told of yet; the others are noted as met again."""
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    c = unusable.c
    fresh: set[int] = set()
    items = sorted(set(digests))
    for start in range(0, len(items), 500):
        part = items[start : start + 500]
        values = [{"stream": stream, "digest": d, "run": run} for d in part]
        added = make(unusable).values(values).on_conflict_do_nothing().returning(c.digest)
        fresh |= set(conn.execute(added).scalars())
        again = [d for d in part if d not in fresh]
        conn.execute(update(unusable).where(c.stream == stream, c.digest.in_(again)).values(run=run))
    return fresh


def forget_unusable(conn: Connection, stream: int, run: int) -> None:
    """After a whole read: what it did not meet is mended or gone; should it come again, it is told again."""
    conn.execute(delete(unusable).where(unusable.c.stream == stream, unusable.c.run != run))
