"""Reading back: the writes that set a field, each with what it was made from. One round trip on PostgreSQL."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from lineage import cold, tables
from lineage.blocks import is_row, place_of
from lineage.codec import decode, unpack_bits, unpack_ids
from lineage.errors import Damaged
from lineage.landing import Landed, LandingRow, fetch, fetch_rows, fetch_sealed, unpack
from lineage.reading import placeholder, rows
from lineage.runs import RunRef
from lineage.segments import Row
from lineage.state import state_of

NEWEST = (1 << 63) - 1


@dataclass(slots=True)
class Written:
    """A prov row with its landing rows (in the order of its sources; missing ones are left out)."""

    rec: int
    seq: int
    at: int
    run: RunRef | None
    plan: int | None
    bits: bytes
    sources: tuple[int, ...]
    landed: dict[int, Landed]
    actor: str
    facts: dict[str, dict[str, Any]]
    pruned_at: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values of the facts."""
        return {name: fact["value"] for name, fact in self.facts.items()}


class _Row(NamedTuple):
    """A row of lineage_prov with its run."""

    rec: int
    seq: int
    at: int
    run: int | None
    run_uuid: str
    run_job: str
    plan: int | None
    fields: bytes
    src: Any
    actor: str
    facts: str | None


_WIDTH = len(_Row._fields)


def writes_of(conn: Connection, rec: int, field: str, *, until: int = NEWEST, limit: int = 1) -> list[Written]:
    """The newest writes that set a field, newest first, none later than the sequence number `until`."""
    bit = state_of(conn).fields.existing(conn, field)
    if bit is None:
        return []
    found = _group(conn, _matching(conn, _WRITES, rec, until, bit, limit))
    if len(found) < limit:
        found += _sealed(conn, rec, bit, until)[: limit - len(found)]
    return found


def _sealed(conn: Connection, rec: int, bit: int, until: int) -> list[Written]:
    """The writes of a record that were sealed and set a field, newest first."""
    of_record = [_from_segment(conn, row, pruned_at) for row, pruned_at in cold.find(conn, "prov", rec)]
    found = {write.seq: write for write in of_record if write.seq <= until and _has(write.bits, bit)}
    for write in found.values():
        write.landed = fetch(conn, write.sources)
    return [found[seq] for seq in sorted(found, reverse=True)]


def _has(bits: bytes, bit: int) -> bool:
    return len(bits) > bit // 8 and bool(bits[bit // 8] >> bit % 8 & 1)


def _from_segment(conn: Connection, row: Row, pruned_at: int | None = None) -> Written:
    rec, seq, at, run, plan, fields, src, actor, facts = row
    of_run = None
    if run is not None:
        r = tables.run.c
        of_run = conn.execute(select(r.id, r.uuid, r.job).where(r.id == run)).first()
    told = decode(facts) if facts else {}
    reference = RunRef(*of_run) if of_run is not None else None
    return Written(rec, seq, at, reference, plan, bytes.fromhex(fields), tuple(src), {}, actor, told, pruned_at)


def sources_of(conn: Connection, rec: int, field: str) -> tuple[int, ...]:
    """The landing ids that the newest write of a field used."""
    bit = state_of(conn).fields.existing(conn, field)
    if bit is None:
        return ()
    found = _matching(conn, _SOURCES, rec, NEWEST, bit, 1)
    if found:
        return sources(found[0][0])
    sealed = [row for row, _ in cold.find(conn, "prov", rec) if _has(bytes.fromhex(row[5]), bit)]
    return tuple(max(sealed, key=lambda row: row[1])[6]) if sealed else ()


def _matching(
    conn: Connection, statement: Mapping[str, str], rec: int, until: int, bit: int, limit: int
) -> Sequence[Sequence[Any]]:
    """SQLite has no operators on the bits of a blob: there the byte is looked for among those that have the bit."""
    byte = bit // 8
    name = conn.dialect.name
    tested = (byte, bit) if name == "postgresql" else (byte, _HAVING_BIT[bit % 8], byte + 1)
    return rows(conn, statement[name], (rec, until, *tested, limit))


def _group(conn: Connection, joined: Sequence[Sequence[Any]]) -> list[Written]:
    """Rows come one per landing row. SQLite joins the only one; the rows of several are fetched."""
    found: dict[int, Written] = {}
    for each in joined:
        row = _Row._make(each[:_WIDTH])
        written = found.get(row.seq)
        if written is None:
            written = found[row.seq] = _written(row)
        landing = LandingRow._make(each[_WIDTH:])
        if landing.id is not None:
            written.landed[landing.id] = unpack(conn, landing)
    for written in found.values():
        if conn.dialect.name != "postgresql" and len(written.sources) > 1:
            written.landed = fetch(conn, written.sources)
        elif of_blocks := [source for source in written.sources if is_row(source)]:
            written.landed |= fetch_rows(conn, of_blocks)
        if missing := [source for source in written.sources if source not in written.landed and not is_row(source)]:
            written.landed |= fetch_sealed(conn, missing)
    return list(found.values())


def sources(src: Any) -> tuple[int, ...]:
    """The landing ids of a row as the database has them: an array on PostgreSQL; on SQLite one number, or several as varints."""
    match src:
        case None:
            return ()
        case int():
            return (src,)
        case bytes():
            return tuple(unpack_ids(src))
    return tuple(src)


def _written(row: _Row) -> Written:
    run = RunRef(row.run, row.run_uuid, row.run_job) if row.run is not None else None
    facts = decode(row.facts) if row.facts else {}
    used = sources(row.src)
    return Written(row.rec, row.seq, row.at, run, row.plan, bytes(row.fields), used, {}, row.actor, facts)


def written_by_block(conn: Connection, row: int, landed: dict[int, Landed]) -> Written | None:
    """The write of the record that a row of a block became, which has no row of its own; None: there is no such block."""
    b, r = tables.block.c, tables.run.c
    columns = select(b.plan, b.read_at, b.actor, r.id, r.uuid, r.job).outerjoin_from(
        tables.block, tables.run, r.id == b.run
    )
    found = conn.execute(columns.where(b.id == place_of(row)[0])).first() or _sealed_block(conn, place_of(row)[0])
    if found is None:
        return None
    plan, read_at, actor, *run = found
    return Written(row, 0, read_at, None if run[0] is None else RunRef(*run), plan, b"", (row,), landed, actor, {})


def _sealed_block(conn: Connection, block: int) -> tuple[Any, ...] | None:
    """Plan, moment, actor and run of a block that lies in a segment."""
    for (_, _, plan, read_at, run, actor, *_), _ in cold.find(conn, "block", block):
        r = tables.run.c
        found = conn.execute(select(r.id, r.uuid, r.job).where(r.id == run)).first() if run is not None else None
        return (plan, read_at, actor, *(found or (None, None, None)))
    return None


def fields_of(conn: Connection, bits: bytes) -> list[str]:
    """The names of the fields in a bitmap."""
    names = state_of(conn).fields.keys(conn, unpack_bits(bits))
    return [names[bit] for bit in sorted(names)]


def recorded_fields(conn: Connection, rec: int) -> set[str]:
    """The fields of a record that some write set: those that have an origin."""
    found = rows(conn, f"SELECT DISTINCT fields FROM lineage_prov WHERE rec = {placeholder(conn)}", (rec,))  # noqa: S608
    return {name for (bits,) in found for name in fields_of(conn, bytes(bits))}


_HAVING_BIT = [bytes(byte for byte in range(256) if byte >> bit & 1) for bit in range(8)]
_SLICE = 5000
_NEWEST = {
    "postgresql": """
        SELECT * FROM lineage_prov WHERE rec = %b AND seq <= %b
        AND CASE WHEN octet_length(fields) > %b THEN get_bit(fields, %b) = 1 ELSE false END
        ORDER BY seq DESC LIMIT %b
    """,
    "sqlite": """
        SELECT * FROM lineage_prov WHERE rec = ? AND seq <= ?
        AND length(fields) > ? AND instr(?, substr(fields, ?, 1)) > 0
        ORDER BY seq DESC LIMIT ?
    """,
}
_SOURCES = {name: f"SELECT src FROM ({newest}) p" for name, newest in _NEWEST.items()}  # noqa: S608
_WRITES = {
    name: f"""
        SELECT p.rec, p.seq, p.at, r.id, r.uuid, r.job, p.plan, p.fields, p.src, p.actor, p.facts,
               {", ".join(f"l.{column}" for column in LandingRow._fields)}
        FROM ({newest}) p
        LEFT JOIN lineage_run r ON r.id = p.run
        LEFT JOIN lineage_landing l ON l.id {"= ANY (p.src)" if name == "postgresql" else "= p.src"}
        ORDER BY p.seq DESC
    """  # noqa: S608
    for name, newest in _NEWEST.items()
}
_SINCE = """
    SELECT rec, seq, at, NULL, NULL, NULL, plan, fields, src, actor, facts
    FROM lineage_prov WHERE at >= {0} AND (rec, seq) > ({0}, {0}) ORDER BY rec, seq LIMIT {0}
"""


def writes_since(conn: Connection, since: int, wanted: Callable[[int], bool]) -> Iterator[Written]:
    """Every write at or after `since` of the records wanted, by record and order, without their landing rows; sealed ones,
    too, except those whose segment can't be read. Read in slices, so that memory does not grow."""
    sealed = [_since_in(conn, segment, since) for segment in cold.listed(conn, "prov") if segment.last_at >= since]
    merged = heapq.merge(_since(conn, since), *sealed, key=lambda write: (write.rec, write.seq))
    return (write for write in merged if wanted(write.rec))


def _since_in(conn: Connection, segment: cold.Segment, since: int) -> Iterator[Written]:
    try:
        for _, row in cold.scan(conn, "prov", [segment]):
            if row[2] >= since:
                yield _from_segment(conn, row, segment.pruned_at)
    except Damaged:
        return  # told by whoever checks the segments


def _since(conn: Connection, since: int) -> Iterator[Written]:
    rec, seq = -1, -1
    while True:
        part = rows(conn, _SINCE.format(placeholder(conn)), (since, rec, seq, _SLICE))
        yield from (_written(_Row._make(row)) for row in part)
        if len(part) < _SLICE:
            return
        rec, seq = part[-1][:2]
