"""Blocks: the raw records of bulk reads, some hundred a row of the table, and the plan that made records of them.

A row of a block has a landing id like any other source record (`row_id`), so drill-down, facts, verification and
erasure take either. A block is written once; what was known before is not looked for, as whoever reads in bulk compares
with what it holds anyway.

The payload is lines: one that says how to read the others, then one a row. Rows of plain columns are JSON as orjson
writes it, with the names of the columns that are exact numbers, times or dates in the first line; any other rows are
written by `codec`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from json import loads as _loads
from typing import Any, NamedTuple, Protocol

import orjson
import zstandard
from sqlalchemy import Connection, insert, select

from lineage import cold, tables
from lineage.codec import decode, encode
from lineage.columns import Columns
from lineage.errors import Damaged
from lineage.plans import Plan, plan_id
from lineage.state import State, state_of

ROWS = 512
"""Rows in a block: enough to compress well, few enough to read one of them in a millisecond."""
FIRST_ROW = 1 << 62
"""Landing ids from here on are rows of blocks; global ids and landing rows lie far below."""
_PLACES = 12
_PLACE = (1 << _PLACES) - 1
_LEVEL = 1
_B = tables.block.c


class RawRow(Protocol):
    """One record as a source gave it. `object`: `landing.object_prefix` of its dataset and key; `text` and `columns`: of
    `raw_texts` or `raw_text`, which the caller needed anyway to see what changed. `record` may be None where there are
    columns: the text then says it all."""

    @property
    def key(self) -> str: ...
    @property
    def object(self) -> bytes: ...
    @property
    def record(self) -> Mapping[str, Any] | None: ...
    @property
    def text(self) -> bytes: ...
    @property
    def columns(self) -> Columns | None: ...


class RawTexts(Protocol):
    """Records of one shape as a source gave them, all plain: their keys and objects as of a RawRow, and what `raw_texts`
    made of them."""

    @property
    def keys(self) -> Sequence[str]: ...
    @property
    def objects(self) -> Sequence[bytes]: ...
    @property
    def texts(self) -> Sequence[bytes]: ...
    @property
    def columns(self) -> Columns: ...


class Block(NamedTuple):
    """A block, decoded: keys and records in order; a record, or a part of it, that was erased is Gone."""

    id: int
    dataset: int
    plan: int | None
    read_at: int
    run: int | None
    actor: str
    erased_at: int | None
    keys: list[str]
    records: list[Any]
    pruned_at: int | None = None


def row_id(block: int, place: int) -> int:
    """The landing id of a row of a block."""
    return FIRST_ROW | block << _PLACES | place


def place_of(row: int) -> tuple[int, int]:
    """(block, place) of such a landing id."""
    return (row ^ FIRST_ROW) >> _PLACES, row & _PLACE


def is_row(landing: int) -> bool:
    """Is this landing id that of a row of a block?"""
    return landing >= FIRST_ROW


def raw_text(record: Mapping[str, Any]) -> bytes:
    """The record in a form that is equal for equal records of equal column order; for hashing, and for `land_block`.
    Raises UnstorableValue, which names the path."""
    try:
        return orjson.dumps(record, default=_number)
    except orjson.JSONEncodeError:
        return encode(record)


def record_of(text: bytes, columns: Columns | None) -> dict[str, Any]:
    """The record that a text was made of."""
    if columns is None:
        return dict(decode(text))
    return _plain(columns.exact, columns.times, columns.dates, text)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value).encode())
    raise TypeError


def land_block(
    conn: Connection, dataset: str, rows: Sequence[RawRow], plan: Plan | None, read_at: int, *, run: int | None = None,
    actor: str = "",
) -> list[int]:  # fmt: skip
    """Store raw records with the plan by which each became a record; returns the landing id of each, in order. One
    statement for all of them. Raises UnstorableValue."""
    blocks = [
        (b"".join([row.object for row in part]), _packed(part), len(part))
        for start in range(0, len(rows), ROWS)
        if (part := rows[start : start + ROWS])
    ]
    return _land(conn, dataset, blocks, plan, read_at, run, actor)


def land_texts(
    conn: Connection, dataset: str, rows: RawTexts, plan: Plan | None, read_at: int, *, run: int | None = None,
    actor: str = "",
) -> list[int]:  # fmt: skip
    """The same for records of one shape whose texts are at hand, without an object for each."""
    blocks = [
        (b"".join(rows.objects[start : start + ROWS]), _lines(rows.columns, keys, rows.texts[start : start + ROWS]), len(keys))
        for start in range(0, len(rows.keys), ROWS)
        if (keys := rows.keys[start : start + ROWS])
    ]  # fmt: skip
    return _land(conn, dataset, blocks, plan, read_at, run, actor)


def _land(
    conn: Connection, dataset: str, blocks: Sequence[tuple[bytes, bytes, int]], plan: Plan | None, read_at: int,
    run: int | None, actor: str,
) -> list[int]:  # fmt: skip
    """Blocks of (objects, payload, count of rows): the landing id of each row."""
    if not blocks:
        return []
    state = state_of(conn)
    common = {
        "dataset": state.dataset_ids(conn, (dataset,))[dataset], "plan": None if plan is None else plan_id(conn, state, plan),
        "read_at": read_at, "run": run, "actor": actor,
    }  # fmt: skip
    values = [
        common | {"count": count, "objects": objects, "payload": packed(payload)} for objects, payload, count in blocks
    ]
    made = insert(tables.block).returning(_B.id, sort_by_parameter_order=True)
    ids = conn.execute(made, values).scalars().all()
    counts = [count for _, _, count in blocks]
    return [row for block, count in zip(ids, counts, strict=True) for row in _ids(block, count)]


def _ids(block: int, count: int) -> range:
    first = row_id(block, 0)
    return range(first, first + count)


def _packed(rows: Sequence[RawRow]) -> bytes:
    columns = rows[0].columns
    keys = [row.key for row in rows]
    if columns is None or any(row.columns is not columns and row.columns != columns for row in rows):
        return coded(keys, [row.record if row.record is not None else record_of(row.text, row.columns) for row in rows])
    return _lines(columns, keys, [row.text for row in rows])


def _lines(columns: Columns, keys: Sequence[str], texts: Sequence[bytes]) -> bytes:
    head = {"exact": columns.exact, "times": columns.times, "dates": columns.dates, "keys": keys}
    return b"\n".join([orjson.dumps(head), *texts])


def coded(keys: Sequence[str], records: Iterable[Any]) -> bytes:
    """The lines of a block of any records."""
    return b"\n".join([orjson.dumps({"coded": True, "keys": keys}), *map(encode, records)])


# -- reading back ------------------------------------------------------------------------------------------------------


def read_blocks(conn: Connection, ids: Iterable[int]) -> dict[int, Block]:
    """The blocks with these ids; those that don't exist are left out. Raises Damaged."""
    wanted = sorted(set(ids))
    found: dict[int, Block] = {}
    for start in range(0, len(wanted), 500):
        for row in conn.execute(select(tables.block).where(_B.id.in_(wanted[start : start + 500]))):
            keys, records = decoded(row.id, unpacked(row.id, bytes(row.payload)))
            found[row.id] = Block(
                row.id, row.dataset, row.plan, row.read_at, row.run, row.actor, row.erased_at, keys, records
            )
    return found if len(found) == len(wanted) else found | _sealed(conn, [i for i in wanted if i not in found])


def _sealed(conn: Connection, ids: Iterable[int]) -> dict[int, Block]:
    blocks = {}
    sealed, problems = cold.find_all(conn, "block", ids)
    if problems:
        raise Damaged(next(iter(problems.values())))
    for i, ((_, dataset, plan, read_at, run, actor, erased_at, _, _, text), pruned_at) in sealed.items():
        keys, records = decoded(i, text.encode())
        pruned_at = pruned_at if erased_at is None else None
        blocks[i] = Block(i, dataset, plan, read_at, run, actor, erased_at or pruned_at, keys, records, pruned_at)
    return blocks


def unpacked(block: int, payload: bytes) -> bytes:
    """The lines of a block. Raises Damaged."""
    try:
        return zstandard.ZstdDecompressor().decompress(payload)
    except zstandard.ZstdError as problem:
        raise Damaged(f"block {block} can't be read: {problem}") from problem


def packed(lines: bytes) -> bytes:
    """The inverse of `unpacked`."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False).compress(lines)


def decoded(block: int, text: bytes) -> tuple[list[str], list[Any]]:
    """Keys and records of a block's lines. Raises Damaged."""
    try:
        head, *lines = text.split(b"\n")
        told = orjson.loads(head)
        if told.get("coded"):
            return told["keys"], [decode(line) for line in lines]
        read = partial(_plain, told["exact"], told["times"], told["dates"])
        return told["keys"], [read(line) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise Damaged(f"block {block} can't be read: {problem}") from problem


def _plain(exact: Sequence[str], times: Sequence[str], dates: Sequence[str], line: bytes) -> dict[str, Any]:
    if line[:1] == b"\x01":  # what orjson could not write, among columns that are plain all the same
        return dict(decode(line))
    record: dict[str, Any] = _loads(line, parse_float=Decimal)
    for name in exact:
        if record[name] is not None:
            record[name] = Decimal(record[name])
    for name in times:
        if record[name] is not None:
            record[name] = datetime.fromisoformat(record[name])
    for name in dates:
        if record[name] is not None:
            record[name] = date.fromisoformat(record[name])
    return record


def holding(conn: Connection, dataset: str, object_: bytes, key: str) -> list[int]:
    """The landing ids of every row of an object, oldest first. Reads the skeletons of all blocks of the dataset."""
    number = state_of(conn).datasets.existing(conn, dataset)
    if number is None:
        return []
    found: list[int] = []
    for block, objects in conn.execute(select(_B.id, _B.objects).where(_B.dataset == number).order_by(_B.id)):
        hashes = bytes(objects)
        places = [n // 8 for n in range(0, len(hashes), 8) if hashes[n : n + 8] == object_]
        if places:
            keys = read_blocks(conn, [block])[block].keys
            found += [row_id(block, place) for place in places if keys[place] == key]
    for _, row in cold.scan(conn, "block"):
        hashes = bytes.fromhex(row[8])
        if row[1] == number and any(hashes[n : n + 8] == object_ for n in range(0, len(hashes), 8)):
            keys, _ = decoded(row[0], row[9].encode())
            found += [row_id(row[0], place) for place, other in enumerate(keys) if other == key]
    return found


def replace_rows(conn: Connection, block: Block, records: Mapping[int, Any], now: int) -> None:
    """Write a block anew with other records at these places (Gone, or with Gone in them)."""
    whole = [records.get(place, record) for place, record in enumerate(block.records)]
    payload = packed(coded(block.keys, whole))
    conn.execute(tables.block.update().where(_B.id == block.id).values(payload=payload, erased_at=now))


def dataset_name(conn: Connection, state: State, dataset: int) -> str:
    """The name of a dataset by its number."""
    return state.datasets.keys(conn, (dataset,)).get(dataset, f"(unnamed {dataset})")
