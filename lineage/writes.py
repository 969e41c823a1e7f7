"""Reading back: the writes that set a field, each with what it was made from. One round trip on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from lineage.codec import decode, unpack_bits, unpack_ids
from lineage.landing import Landed, fetch, unpack
from lineage.runs import RunRef
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

    @property
    def values(self) -> dict[str, Any]:
        """The values of the facts."""
        return {name: fact["value"] for name, fact in self.facts.items()}


def writes_of(conn: Connection, rec: int, field: str, *, until: int = NEWEST, limit: int = 1) -> list[Written]:
    """The newest writes that set a field, newest first, none later than the sequence number `until`."""
    bit = state_of(conn).fields.existing(conn, field)
    if bit is None:
        return []
    if conn.dialect.name == "postgresql":
        byte = bit // 8
        rows = conn.exec_driver_sql(_POSTGRESQL, (rec, until, byte, bit, limit)).all()
        return _group(conn, rows)
    return list(_sqlite(conn, rec, until, bit, limit))


def _group(conn: Connection, rows: Sequence[Any]) -> list[Written]:
    """Join rows: one per landing row, or one alone."""
    state = state_of(conn)
    names = state.datasets.keys(conn, {row.dataset for row in rows if row.dataset is not None})
    found: dict[int, Written] = {}
    for row in rows:
        written = found.get(row.seq)
        if written is None:
            written = found[row.seq] = _written(row, bytes(row.fields), tuple(row.src or ()))
        if row.dataset is not None:
            written.landed[row.id] = unpack(conn, state, row, names[row.dataset])
    return list(found.values())


def _sqlite(conn: Connection, rec: int, until: int, bit: int, limit: int) -> Iterator[Written]:
    """SQLite has no bit operators on blobs; its rows cost no round trip, so they are looked at here until enough
    match."""
    byte, mask = bit // 8, 1 << bit % 8
    found = []
    result = conn.exec_driver_sql(_SQLITE, (rec, until))
    for row in result:
        if len(row.fields) > byte and row.fields[byte] & mask:
            found.append(row)
            if len(found) == limit:
                break
    result.close()
    for row in found:
        written = _written(row, row.fields, tuple(unpack_ids(row.src)) if row.src else ())
        written.landed = fetch(conn, written.sources) if written.sources else {}
        yield written


def _written(row: Any, bits: bytes, sources: tuple[int, ...]) -> Written:
    run = RunRef(row.run, row.run_uuid, row.run_job) if row.run_uuid is not None else None
    facts = decode(row.facts) if row.facts else {}
    return Written(row.rec, row.seq, row.at, run, row.plan, bits, sources, {}, row.actor, facts)


def fields_of(conn: Connection, bits: bytes) -> list[str]:
    """The names of the fields in a bitmap."""
    names = state_of(conn).fields.keys(conn, unpack_bits(bits))
    return [names[bit] for bit in sorted(names)]


_SQLITE = """
    SELECT p.rec, p.seq, p.at, p.run, r.uuid AS run_uuid, r.job AS run_job, p.plan, p.fields, p.src, p.actor, p.facts
    FROM lineage_prov p LEFT JOIN lineage_run r ON r.id = p.run
    WHERE p.rec = ? AND p.seq <= ? ORDER BY p.seq DESC
"""
_POSTGRESQL = """
    SELECT p.rec, p.seq, p.at, p.run, r.uuid AS run_uuid, r.job AS run_job, p.plan, p.fields, p.src, p.actor, p.facts,
           l.id, l.dataset, l.key, l.read_at, l.run AS landed_in, l.erased_at, l.dictionary, l.payload
    FROM (
        SELECT * FROM lineage_prov
        WHERE rec = %b AND seq <= %b
          AND CASE WHEN octet_length(fields) > %b THEN get_bit(fields, %b) = 1 ELSE false END
        ORDER BY seq DESC LIMIT %b
    ) p
    LEFT JOIN lineage_run r ON r.id = p.run
    LEFT JOIN lineage_landing l ON l.id = ANY (p.src)
    ORDER BY p.seq DESC
"""


def writes_since(conn: Connection, since: int, wanted: Callable[[int], bool]) -> Iterator[Written]:
    """Every write at or after `since` of the records wanted, by record and order, without their landing rows. Read in
    slices, so that memory does not grow."""
    unpack_src = tuple if conn.dialect.name == "postgresql" else unpack_ids
    rec, seq = -1, -1
    while True:
        rows = conn.execute(text(_SINCE), {"since": since, "rec": rec, "seq": seq, "slice": _SLICE}).all()
        for row in rows:
            if wanted(row.rec):
                yield _written(row, bytes(row.fields), tuple(unpack_src(row.src)) if row.src else ())
        if len(rows) < _SLICE:
            return
        rec, seq = rows[-1].rec, rows[-1].seq


_SLICE = 5000
_SINCE = """
    SELECT rec, seq, at, run, NULL AS run_uuid, NULL AS run_job, plan, fields, src, actor, facts
    FROM lineage_prov WHERE at >= :since AND (rec, seq) > (:rec, :seq) ORDER BY rec, seq LIMIT :slice
"""
