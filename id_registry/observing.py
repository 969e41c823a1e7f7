"""What each system says of a thing: the values that a golden record is made of.

A value is kept under the *birth* id of the record it was read from, never under the live id, so a merge brings values
together without touching them and an undo separates them exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from id_registry.batches import chunks, planned_afresh, rows_parameters, values_parameter
from id_registry.components import births_of, check_known, is_member
from id_registry.errors import BadObservation
from id_registry.global_ids import format_id, kind_of
from id_registry.keys import SYSTEM_LENGTH, TEXT_LENGTH, check_text, is_storable
from id_registry.resolving import live
from id_registry.tables import field_lock
from id_registry.values import encode

__all__ = ["Observation", "lock_field", "observe", "unlock_field"]


class Observation(NamedTuple):
    """One field of one record, as a system had it at `read_at` (microseconds since 1970 UTC).

    `gid` may be any id of the thing. `local` is the record's id in that system; without it the thing's only record
    there is meant, and if it has several or none there, `gid` itself. `value`: text, bool, int, Decimal, aware
    datetime, None, or a list or map of these. `source`: the reading it came from, in the caller's words or numbers.
    """

    gid: int
    system: str
    field: str
    value: object
    read_at: int
    source: str | int | None = None
    local: str = ""


class _Held(NamedTuple):
    gid: int
    system: str
    field: str
    value: str
    read_at: int
    since: int
    noted_at: int
    source: str


# A reading older than the one held is late and changes nothing; one of the same time that says the same, neither. Of
# two different readings of one time the later to arrive counts.
_UNLESS_LATE = """
ON CONFLICT (gid, system, field) DO UPDATE SET value = excluded.value, read_at = excluded.read_at,
  since = CASE WHEN observation.value = excluded.value THEN observation.since ELSE excluded.since END,
  noted_at = CASE WHEN observation.value = excluded.value THEN observation.noted_at ELSE excluded.noted_at END,
  source = excluded.source
WHERE excluded.read_at > observation.read_at
   OR (excluded.read_at = observation.read_at AND excluded.value <> observation.value)
"""
_ROWS = {
    "postgresql": """
INSERT INTO observation (gid, system, field, value, read_at, since, noted_at, source)
SELECT gid, system, field, value, read_at, since, noted_at, source
FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[])
     WITH ORDINALITY u(gid, system, field, value, read_at, since, noted_at, source, o)
ORDER BY o
""",
    "sqlite": """
INSERT INTO observation (gid, system, field, value, read_at, since, noted_at, source)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
       json_extract(value, '$[6]'), json_extract(value, '$[7]')
FROM json_each(?) WHERE true
""",
}
_HOLD = {dialect: "".join((rows, _UNLESS_LATE)) for dialect, rows in _ROWS.items()}
_RECORDS = {
    "postgresql": """
WITH root AS MATERIALIZED (SELECT unnest(%b::bigint[]) AS gid),
     member AS (SELECT gid, gid AS root FROM root UNION ALL SELECT gid, root FROM redirect WHERE root IN (TABLE root))
SELECT m.root, m.gid, x.system, x.local
FROM member m CROSS JOIN LATERAL (SELECT system, local FROM xref WHERE gid = m.gid OFFSET 0) x
WHERE x.system = ANY(%b::text[])""",
    "sqlite": """
WITH root AS MATERIALIZED (SELECT value AS gid FROM json_each(?)),
     member AS (SELECT gid, gid AS root FROM root UNION ALL SELECT gid, root FROM redirect WHERE root IN root)
SELECT m.root, x.gid, x.system, x.local FROM member m JOIN xref x ON x.gid = m.gid
WHERE x.system IN (SELECT value FROM json_each(?))""",
}


def observe(conn: Connection, observations: Iterable[Observation], now: int) -> None:
    """Keep what systems say of things. Three statements per 5,000 observations, in any order and number of times.

    Per record and field the newest reading is held, with the time since when it says the same. A reading older than
    that changes nothing; a reading seen before writes nothing; the same value read again only moves `read_at`.

    Raises BadGlobalId; BadObservation, naming the observation and its part, before anything is written.
    """
    given = list(observations)
    values = [_check(observation, i) for i, observation in enumerate(given)]
    with planned_afresh(conn):
        births = _records(conn, given)
        held: dict[tuple[int, str, str], _Held] = {}
        for i in sorted(range(len(given)), key=lambda i: given[i].read_at):
            o, place = given[i], (births[i], given[i].system, given[i].field)
            before = held.get(place)
            since = before.since if before and before.value == values[i] else o.read_at
            held[place] = _Held(*place, values[i], o.read_at, since, now, encode(o.source, f"observations[{i}].source"))
        for chunk in chunks([held[place] for place in sorted(held)]):
            conn.exec_driver_sql(_HOLD[conn.dialect.name], rows_parameters(conn, chunk))


def lock_field(conn: Connection, gid: int, field: str, value: object, *, actor: str, reason: str, now: int) -> None:
    """A person settles a field: the golden record has this value, whatever the systems say, until it is unlocked.

    Raises BadObservation, BadInput, BadGlobalId, UnknownGlobalId.
    """
    kind_of(gid)
    check_known(conn, (gid,), births_of(conn, (gid,)))
    row = {
        "gid": gid,
        "field": check_text(field, "field"),
        "value": encode(value, "value"),
        "at": now,
        "actor": check_text(actor, "actor"),
        "reason": check_text(reason, "reason", empty=True),
    }
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = make(field_lock).values(row)
    newer = {name: statement.excluded[name] for name in ("value", "at", "actor", "reason")}
    conn.execute(statement.on_conflict_do_update(index_elements=["gid", "field"], set_=newer))


def unlock_field(conn: Connection, gid: int, field: str) -> bool:
    """The rules decide again about this field, of all ids that are one thing with `gid`. False: it was not locked."""
    root = live(conn, (gid,))[gid]
    locked = is_member(field_lock.c.gid, root) & (field_lock.c.field == field)
    return conn.execute(delete(field_lock).where(locked)).rowcount > 0


def _check(o: Observation, i: int) -> str:
    """The observation's value as it is kept."""
    path = f"observations[{i}]"
    kind_of(o.gid)
    for name, text, length in (("system", o.system, SYSTEM_LENGTH), ("field", o.field, TEXT_LENGTH)):
        if not isinstance(text, str) or not 0 < len(text) <= length or not is_storable(text):
            hint = f"give text of 1 to {length} characters without NUL and lone surrogates"
            raise BadObservation(f"{path}.{name} is {text!r}; {hint}", value=text, path=f"{path}.{name}", hint=hint)
    if isinstance(o.read_at, bool) or not isinstance(o.read_at, int):
        hint = "give microseconds since 1970 UTC"
        raise BadObservation(
            f"{path}.read_at is {o.read_at!r}; {hint}", value=o.read_at, path=f"{path}.read_at", hint=hint
        )
    return encode(o.value, f"{path}.value")


def _records(conn: Connection, observations: Sequence[Observation]) -> list[int]:
    """The birth id of the record that each observation was read from."""
    roots = live(conn, {o.gid for o in observations})
    systems = values_parameter(conn, sorted({o.system for o in observations}))
    records: dict[tuple[int, str], dict[str, int]] = {}
    for chunk in chunks(sorted(set(roots.values()))):
        asked = (values_parameter(conn, chunk), systems)
        for root, gid, system, local in conn.exec_driver_sql(_RECORDS[conn.dialect.name], asked):
            records.setdefault((root, system), {})[local] = gid
    births = []
    for i, o in enumerate(observations):
        there = records.get((roots[o.gid], o.system), {})
        if o.local and o.local not in there:
            why = (
                f"observations[{i}].local: {o.system} has no {o.local!r} that is {format_id(o.gid)}; resolve() it first"
            )
            raise BadObservation(why, value=o.local, path=f"observations[{i}].local", hint="resolve() the key first")
        only = next(iter(there.values())) if len(there) == 1 else o.gid
        births.append(there[o.local] if o.local else only)
    return births
