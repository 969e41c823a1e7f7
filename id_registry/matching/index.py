"""What records say, kept for matching: their compared fields, and the keys under which candidates are found.

A record is written when it is new or its compared fields changed, and is then `pending` until the matcher has looked at it; a
record that says the same again costs one look-up, and a key that is only named by others costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, func, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from id_registry.batches import among, chunks, rows_parameters, values_parameter
from id_registry.global_ids import KINDS
from id_registry.matching.kinds import SCHEMES, key_number
from id_registry.matching.model import Record
from id_registry.matching.tables import match_frequency, match_key, match_record

__all__ = [
    "MOST",
    "Held",
    "count_frequencies",
    "forget_records",
    "holders",
    "note_records",
    "page",
    "pending",
    "records",
    "settled",
    "size",
]

MOST = 64
"""Records that one key may bring as candidates; a key of more brings none, and is rare no more."""
_COUNTED = 10_000
_R, _K = match_record.c, match_key.c
_NAMES = {kind.number: name for name, kind in KINDS.items()}

_HOLDERS = """
SELECT k.key, c.gid FROM unnest(%b::bigint[]) k(key)
CROSS JOIN LATERAL (SELECT gid FROM match_key WHERE key = k.key LIMIT %s) c
"""
_HOLDER = "SELECT * FROM (SELECT key, gid FROM match_key WHERE key = ? LIMIT ?)"
_AT_ONCE = (10, 50)
"""Keys of one statement on SQLite, which has no LATERAL: of two sizes, so that the statements are prepared once."""
_SIZE = {
    "postgresql": "SELECT n FROM match_frequency WHERE key = %s",
    "sqlite": "SELECT n FROM match_frequency WHERE key = ?",
}
_RECORDS = {
    "postgresql": "SELECT gid, kind, system, local, body FROM match_record WHERE gid = ANY(%b::bigint[])",
    "sqlite": "SELECT gid, kind, system, local, body FROM match_record WHERE gid IN (SELECT value FROM json_each(?))",
}
_ADD_KEYS = {
    "postgresql": """
INSERT INTO match_key (key, gid) SELECT key, gid FROM unnest(%b::bigint[], %b::bigint[]) u(key, gid) ORDER BY key, gid
ON CONFLICT DO NOTHING""",
    "sqlite": """
INSERT INTO match_key (key, gid) SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?) WHERE true
ON CONFLICT DO NOTHING""",
}
_COUNT = """
INSERT INTO match_frequency (key, n) SELECT key, count(*) FROM match_key GROUP BY key HAVING count(*) > :few
"""


class Held(NamedTuple):
    """A record as it is held; `text` is its body as it stands in the table."""

    gid: int
    kind: str
    system: str
    local: str
    body: Record
    text: str


def note_records(
    conn: Connection, kind: str, system: str, records: Mapping[str, Mapping[str, Any]], births: Mapping[str, int]
) -> int:
    """Take in what these records ({local id: canonical values}) say. `births`: the ids they were born with. Answers how many said
    something new; records of a kind without a scheme are passed over."""
    scheme = SCHEMES.get(kind)
    if scheme is None or not records:
        return 0
    bodies = {
        births[local]: (local, orjson.dumps(scheme.normal(values), option=orjson.OPT_SORT_KEYS).decode())
        for local, values in records.items()
    }
    known: dict[int, str] = {}
    for chunk in chunks(sorted(bodies)):
        rows = conn.execute(select(_R.gid, _R.body).where(among(conn, _R.gid, chunk)))
        known.update((gid, body) for gid, body in rows)
    new = {gid: told for gid, told in sorted(bodies.items()) if known.get(gid) != told[1]}
    if not new:
        return 0
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    number = KINDS[kind].number
    rows_ = [
        {"gid": gid, "kind": number, "system": system, "local": local, "body": body, "pending": True}
        for gid, (local, body) in new.items()
    ]
    for start in range(0, len(rows_), 1000):
        statement = insert(match_record).values(rows_[start : start + 1000])
        fresh = {"body": statement.excluded.body, "pending": True}
        conn.execute(statement.on_conflict_do_update(index_elements=["gid"], set_=fresh))
    _drop_keys(conn, [gid for gid in new if gid in known])
    keys = sorted(
        {
            (key_number(kind, *pair), gid)
            for gid, (_, body) in new.items()
            for pair in scheme.keys(orjson.loads(body))
        }
    )  # fmt: skip
    for part in chunks(keys):
        conn.exec_driver_sql(_ADD_KEYS[conn.dialect.name], rows_parameters(conn, part))
    return len(new)


def forget_records(conn: Connection, gids: Collection[int]) -> None:
    """Records that are gone say nothing of identity any more; what was decided stays."""
    for chunk in chunks(sorted(gids)):
        conn.execute(delete(match_record).where(among(conn, _R.gid, chunk)))
    _drop_keys(conn, sorted(gids))


def pending(conn: Connection, kind: str, limit: int) -> list[Held]:
    """Records that the matcher has not looked at, the eldest ids first."""
    query = (
        select(match_record).where(_R.kind == KINDS[kind].number, _R.pending.is_(True)).order_by(_R.gid).limit(limit)
    )
    return [_held(kind, row) for row in conn.execute(query)]


def page(conn: Connection, kind: str, after: int, limit: int) -> list[Held]:
    """The records of a kind whose id is above `after`, in order."""
    query = select(match_record).where(_R.kind == KINDS[kind].number, _R.gid > after).order_by(_R.gid).limit(limit)
    return [_held(kind, row) for row in conn.execute(query)]


def settled(conn: Connection, looked_at: Sequence[Held]) -> None:
    """The matcher has looked at these; one that changed meanwhile stays pending."""
    for start in range(0, len(looked_at), 500):
        same = tuple_(_R.gid, _R.body).in_([(h.gid, h.text) for h in looked_at[start : start + 500]])
        conn.execute(update(match_record).where(same).values(pending=False))


def records(conn: Connection, gids: Collection[int]) -> dict[int, Held]:
    """Those of these that are held."""
    found: dict[int, Held] = {}
    for chunk in chunks(sorted(gids)):
        rows = conn.exec_driver_sql(_RECORDS[conn.dialect.name], (values_parameter(conn, chunk),)).all()
        found.update((row.gid, _held(_NAMES[row.kind], row)) for row in rows)
    return found


def holders(conn: Connection, keys: Collection[int]) -> tuple[dict[int, list[int]], dict[int, int]]:
    """The records that have each key, at most MOST + 1; and how many have the keys that were counted to be shared by many."""
    found: dict[int, list[int]] = {}
    wanted = sorted(keys)
    if conn.dialect.name == "postgresql":
        for part in chunks(wanted):
            for key, gid in conn.exec_driver_sql(_HOLDERS, (list(part), MOST + 1)):
                found.setdefault(key, []).append(gid)
    else:
        size = _AT_ONCE[0] if len(wanted) <= _AT_ONCE[0] else _AT_ONCE[1]
        statement = " UNION ALL ".join([_HOLDER] * size)
        for start in range(0, len(wanted), size):
            some = wanted[start : start + size]
            padded = [*some, *[None] * (size - len(some))]
            given = tuple(value for key in padded for value in (key, MOST + 1))
            for key, gid in conn.exec_driver_sql(statement, given):
                found.setdefault(key, []).append(gid)
    many = [key for key, gids in found.items() if len(gids) > MOST]
    counts: dict[int, int] = {key: len(gids) for key, gids in found.items()}
    for part in chunks(many):
        rows = conn.execute(select(match_frequency).where(among(conn, match_frequency.c.key, part)))
        counts.update((key, max(n, MOST + 1)) for key, n in rows)
    return found, counts


def size(conn: Connection, kind: str) -> int:
    """How many records of a kind there are: counted up to ten thousand, beyond as the batch counted them."""
    number = KINDS[kind].number
    counted = conn.exec_driver_sql(_SIZE[conn.dialect.name], (number,)).scalar_one_or_none() or 0
    if counted > _COUNTED:
        return int(counted)
    some = select(_R.gid).where(_R.kind == number).limit(_COUNTED + 1).subquery()
    return conn.execute(select(func.count()).select_from(some)).scalar_one()


def count_frequencies(conn: Connection, few: int = MOST) -> int:
    """Learn from the data which keys many records share, and how many records there are; answers how many such keys there are."""
    conn.execute(delete(match_frequency))
    shared = conn.execute(text(_COUNT), {"few": few}).rowcount
    sizes = conn.execute(select(_R.kind, func.count()).group_by(_R.kind)).all()
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    for kind, n in sizes:
        statement = insert(match_frequency).values(key=kind, n=n)
        conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"n": n}))
    return shared


def _drop_keys(conn: Connection, gids: Sequence[int]) -> None:
    for chunk in chunks(gids):
        conn.execute(delete(match_key).where(among(conn, _K.gid, chunk)))


def _held(kind: str, row: Any) -> Held:
    return Held(row.gid, kind, row.system, row.local, orjson.loads(row.body), row.body)
