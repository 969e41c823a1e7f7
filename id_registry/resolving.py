"""From what a system calls a thing to its global id, in batches and without races.

The way of a batch: look all keys up; insert the sorted misses, letting others' rows stand; if some others' rows stood,
look those up again *as a new statement* (a statement sees the snapshot it began with, so the insert itself cannot tell
who won). Everybody inserts in the same order, so no two transactions wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from id_registry.batches import CHUNK, chunks, planned_afresh, rows_parameters, values_parameter
from id_registry.errors import ConcurrentChange
from id_registry.keys import Columns, Key, columns_of
from id_registry.minting import mint_each

__all__ = ["SEEN_EVERY", "born", "live", "lookup", "resolve"]

SEEN_EVERY = 24 * 3600 * 1_000_000
"""`last_seen` is brought up to date when it is this many microseconds old, so a key is written at most once a day."""

# PostgreSQL: one index probe per key whatever the planner thinks of the table's size (a join turns into a scan of all
# of xref), one pass for all redirects (a subquery per key scans that table as long as it is small), and one row for the
# answer, in the order of the question. Each of these was measured to be worth it.
_READ = {
    "postgresql": """
WITH known AS MATERIALIZED (
  SELECT array_agg(x.gid ORDER BY k.o) AS gids, array_agg(x.gid) FILTER (WHERE x.last_seen < %s) AS stale
  FROM unnest(%b::smallint[], %b::text[], %b::text[]) WITH ORDINALITY k(kind, system, local, o)
  LEFT JOIN LATERAL (
    SELECT gid, last_seen FROM xref WHERE kind = k.kind AND system = k.system AND local = k.local OFFSET 0) x ON true)
SELECT known.gids, known.stale, merged.gids, merged.roots
FROM known, LATERAL (
  SELECT array_agg(r.gid) AS gids, array_agg(r.root) AS roots
  FROM unnest(known.gids) g(gid) JOIN redirect r ON r.gid = g.gid) merged
""",
    "sqlite": """
SELECT k.key, coalesce((SELECT r.root FROM redirect r WHERE r.gid = x.gid), x.gid),
       CASE WHEN x.last_seen < ? THEN x.gid END
FROM json_each(?) k
LEFT JOIN xref x ON x.kind = json_extract(k.value, '$[0]') AND x.system = json_extract(k.value, '$[1]')
                AND x.local = json_extract(k.value, '$[2]')
""",
}
_ADD = {
    "postgresql": """
INSERT INTO xref (kind, system, local, gid, first_seen, last_seen)
SELECT k.kind, k.system, k.local, k.gid, k.now, k.now
FROM (SELECT *, %s::bigint AS now FROM unnest(%b::smallint[], %b::text[], %b::text[], %b::bigint[])
      WITH ORDINALITY u(kind, system, local, gid, o)) k
ORDER BY k.o
ON CONFLICT (kind, system, local) DO NOTHING
""",
    "sqlite": """
INSERT INTO xref (kind, system, local, gid, first_seen, last_seen)
SELECT json_extract(k.value, '$[0]'), json_extract(k.value, '$[1]'), json_extract(k.value, '$[2]'),
       json_extract(k.value, '$[3]'), n.now, n.now
FROM (SELECT ? AS now) n, json_each(?) k
WHERE true
ON CONFLICT (kind, system, local) DO NOTHING
""",
}
_SEE = {  # a row that somebody else is bringing up to date is left to them: nobody waits
    "postgresql": """
UPDATE xref SET last_seen = %s WHERE gid IN (
  SELECT gid FROM xref WHERE last_seen < %s AND gid = ANY(%b::bigint[]) FOR NO KEY UPDATE SKIP LOCKED)
""",
    "sqlite": "UPDATE xref SET last_seen = ? WHERE last_seen < ? AND gid IN (SELECT value FROM json_each(?))",
}
_BORN = {
    "postgresql": """
SELECT k.o, x.gid FROM unnest(%b::smallint[], %b::text[], %b::text[]) WITH ORDINALITY k(kind, system, local, o)
CROSS JOIN LATERAL (
  SELECT gid FROM xref WHERE kind = k.kind AND system = k.system AND local = k.local OFFSET 0) x
""",
    "sqlite": """
SELECT k.key + 1, x.gid FROM json_each(?) k
JOIN xref x ON x.kind = json_extract(k.value, '$[0]') AND x.system = json_extract(k.value, '$[1]')
           AND x.local = json_extract(k.value, '$[2]')
""",
}
_LIVE = {
    "postgresql": "SELECT gid, root FROM redirect WHERE gid = ANY(%b::bigint[])",
    "sqlite": "SELECT gid, root FROM redirect WHERE gid IN (SELECT value FROM json_each(?))",
}


def resolve(conn: Connection, keys: Iterable[Key], now: int) -> dict[Key, int]:
    """The live gid of every key, minting those of keys never seen before. Safe beside any number of others doing so.

    Known keys cost one statement per 5,000 and write nothing, except that a key's `last_seen` is renewed when it is
    older than a day. New keys cost two more, three when another transaction was quicker with some of them; keys that
    another open transaction is adding are waited for. Call it once per transaction, with all keys: two transactions
    that each call it twice can wait for each other, which the database ends with an error.

    Raises BadKey, UnknownKind, BadTime, NumbersExhausted; ConcurrentChange if keys are deleted meanwhile. Where another
    was quicker, PostgreSQL ends a transaction above READ COMMITTED with a serialization failure.
    """
    with planned_afresh(conn):
        found, missing, stale = _read(conn, list(keys), now - SEEN_EVERY)
        if missing:
            found |= _add(conn, sorted(set(missing)), now)
        for gids in chunks(stale):
            conn.exec_driver_sql(_SEE[conn.dialect.name], (now, now - SEEN_EVERY, values_parameter(conn, gids)))
    return found


def lookup(conn: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """The live gids of those keys that are known; writes nothing. Raises BadKey, UnknownKind."""
    with planned_afresh(conn):
        return _read(conn, list(keys), 0)[0]


def born(conn: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """The gids that known keys were born with, whatever they were merged with since; writes nothing. For those who keep
    a gid with a record of one system: merges and their undoing leave it right. Raises BadKey, UnknownKind."""
    found: dict[Key, int] = {}
    with planned_afresh(conn):
        for chunk in chunks(list(keys)):
            columns = columns_of(chunk)
            given: tuple[object, ...] = columns
            if conn.dialect.name != "postgresql":
                given = rows_parameters(conn, list(zip(*columns, strict=True)))
            rows = conn.exec_driver_sql(_BORN[conn.dialect.name], tuple(given)).all()
            found.update((chunk[o - 1], gid) for o, gid in rows)
    return found


def live(conn: Connection, gids: Iterable[int]) -> dict[int, int]:
    """Each gid to the one that stands for it now: itself unless it was merged."""
    found = {gid: gid for gid in gids}
    with planned_afresh(conn):
        for chunk in chunks(list(found)):
            rows = conn.exec_driver_sql(_LIVE[conn.dialect.name], (values_parameter(conn, chunk),)).all()
            found.update((gid, root) for gid, root in rows)
    return found


def _read(conn: Connection, keys: Sequence[Key], seen_before: int) -> tuple[dict[Key, int], list[Key], list[int]]:
    """Live gids of the known keys, the unknown keys, and the birth gids of those last seen before that time."""
    found: dict[Key, int] = {}
    missing: list[Key] = []
    stale: list[int] = []
    read = _read_arrays if conn.dialect.name == "postgresql" else _read_json
    for start, chunk in zip(range(0, len(keys), CHUNK), chunks(keys), strict=True):
        gids, old = read(conn, columns_of(chunk, start), seen_before)
        if None in gids:
            missing += (key for key, gid in zip(chunk, gids, strict=True) if gid is None)
            found.update((key, gid) for key, gid in zip(chunk, gids, strict=True) if gid is not None)
        else:
            found.update(zip(chunk, gids, strict=True))  # type: ignore[arg-type]
        stale += old
    return found, missing, stale


def _read_arrays(conn: Connection, columns: Columns, seen_before: int) -> tuple[list[int | None], list[int]]:
    gids, stale, merged, roots = conn.exec_driver_sql(_READ["postgresql"], (seen_before, *columns)).one()
    if merged:
        root_of = dict(zip(merged, roots, strict=True))
        gids = [root_of.get(gid, gid) for gid in gids]
    return gids, stale or []


def _read_json(conn: Connection, columns: Columns, seen_before: int) -> tuple[list[int | None], list[int]]:
    rows = list(zip(*columns, strict=True))
    answers = conn.exec_driver_sql(_READ["sqlite"], (seen_before, *rows_parameters(conn, rows))).all()
    gids: list[int | None] = [None] * len(rows)
    for i, gid, _ in answers:
        gids[i] = gid
    return gids, [old for _, _, old in answers if old is not None]


def _add(conn: Connection, missing: list[Key], now: int) -> dict[Key, int]:
    supply = {kind: iter(gids) for kind, gids in mint_each(conn, Counter(key.kind for key in missing), now).items()}
    born = {key: next(supply[key.kind]) for key in missing}
    contested = False
    for chunk in chunks(missing):
        rows = list(zip(*columns_of(chunk), [born[key] for key in chunk], strict=True))
        added = conn.exec_driver_sql(_ADD[conn.dialect.name], (now, *rows_parameters(conn, rows))).rowcount
        contested |= added < len(chunk)
    if not contested:
        return born
    found, gone, _ = _read(conn, missing, 0)
    if gone:
        raise ConcurrentChange(f"another transaction added and deleted {gone[0]} meanwhile; roll back and try again")
    return found
