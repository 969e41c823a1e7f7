"""Recording: one row per write of a record, saying which fields were set and from what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection

from lineage import tables
from lineage.codec import encode, pack_bits, pack_ids
from lineage.errors import UnknownOrigin
from lineage.interning import insert_new
from lineage.plans import Plan, plan_id
from lineage.reading import any_of, rows
from lineage.state import Shape, State, state_of

_TICKS = 1024
"""Sequence numbers per microsecond, for writes of one record at one moment."""
_FIRST_RECORD = 10**12
"""Global ids lie above, landing ids below."""
_REMEMBERED = 10_000
_CHUNK = 10_000  # SQLite bounds the variables of a statement
_GROWN = 5000
"""Rows in a table from which on no plan reads all of it to find one."""
_FACT_KEYS = ("value", "from", "xref", "rec", "field", "landing", "path")
_FACT_NAMES = frozenset(_FACT_KEYS)


class Fact(NamedTuple):
    """A value that the hub knew, and where it came from: `origin` in a word ("registry", "hub"), and if there is one
    the crosswalk entry (`xref`: kind, system, local id), the record and field it was taken from (`rec`, `field`: the
    drill-down goes on there, as of then; with `path` it is a copy of that place of the field's value, `row` being all
    of it, and is verified as such), or the landing row and path (`landing`, `path`)."""

    value: Any
    origin: str = ""
    xref: tuple[str, str, str] | None = None
    rec: int | None = None
    field: str | None = None
    landing: int | None = None
    path: str | None = None


class Write(NamedTuple):
    """One write of a record. `fields`: the names it set. `sources`: landing ids, first the record that the plan's
    first stage read. `facts`: name -> value or Fact (or the same as a map: value, from, xref, rec, field, landing,
    path); a field that is a fact has its value. `plan` None: the fields are facts (set by hand: `actor` is the
    person), or parts of the first source as it answered."""

    rec: int
    plan: Plan | None
    fields: Collection[str]
    sources: Sequence[int]
    facts: Mapping[str, Any]
    actor: str
    at: int


class Effect(NamedTuple):
    """One outbound action: `rule` (a bridge) wrote the object `key` of `dataset`. Note it again when its `state`
    changes."""

    rec: int
    rule: str
    dataset: str
    key: str
    state: str
    at: int


def record(conn: Connection, writes: Sequence[Write], *, run: int | None = None) -> None:
    """Append one row per write; of two writes of a record in one call the later stands later. One statement a call, one
    more when a source is shared or was not landed in this transaction, or a fact was taken from another record.

    Order is right however clocks differ, as long as writers of a record wait for one another (they hold its row).
    Raises UnknownOrigin for a field that neither plan, nor source, nor fact explains.
    """
    if not writes:
        return
    state = state_of(conn)
    keys = [(write.plan.sha256 if write.plan is not None else "", tuple(write.fields)) for write in writes]
    plans = {write.plan.sha256: write.plan for write in writes if write.plan is not None}
    shapes = _shapes(conn, state, set(keys), plans)
    plan_ids: dict[str, int | None] = {sha: plan_id(conn, state, plan) for sha, plan in plans.items()}
    pack = _array if conn.dialect.name == "postgresql" else _number_or_varints
    written = []
    feeding: list[tuple[int, int]] = []
    for write, key in zip(writes, keys, strict=True):
        rec, plan, _, sources, given, actor, at = write
        bits, unexplained = shapes[key]
        if unexplained and not (sources and (plan is None or not plan.stages)):
            _refuse_unknown(write, unexplained)
        facts = None
        if given:
            facts, sources_of_facts = _describe(given)
            feeding += [(source, rec) for source in sources_of_facts]
        feeding += [(source, rec) for source in sources]
        written.append(
            (
                rec,
                at,
                run,
                plan_ids.get(key[0]),
                bits,
                pack(sources) if sources else None,
                actor,
                encode(facts).decode() if facts else None,
            )
        )
    _append(conn, "lineage_prov", written)
    _index(conn, state, feeding)


def note_effects(conn: Connection, effects: Sequence[Effect]) -> None:
    """Append one row per outbound action, or per change of its state. One statement a call."""
    if effects:
        datasets = state_of(conn).dataset_ids(conn, {effect.dataset for effect in effects})
        _append(conn, "lineage_effect", [(e.rec, e.at, e.rule, datasets[e.dataset], e.key, e.state) for e in effects])


# -- what a row holds --------------------------------------------------------------------------------------------------


def _shapes(
    conn: Connection, state: State, keys: set[tuple[str, tuple[str, ...]]], plans: Mapping[str, Plan]
) -> Mapping[tuple[str, tuple[str, ...]], Shape]:
    """The shape of each (plan, fields); remembered once all names are known to be committed."""
    known = state.shapes
    new = [key for key in keys if key not in known]
    if not new:
        return known
    ids = state.field_ids(conn, {name for _, names in new for name in names})
    found = {key: known[key] for key in keys if key in known}
    for key in new:
        sha, names = key
        of_plan = plans[sha].fields if sha else ()
        shape = Shape(pack_bits(ids[name] for name in names), tuple(name for name in names if name not in of_plan))
        found[key] = shape
        if state.fields.knows(names):
            known[key] = shape
    if len(known) > _REMEMBERED:
        known.clear()
    return found


def _refuse_unknown(write: Write, unexplained: tuple[str, ...]) -> None:
    for name in unexplained:
        if name not in write.facts:
            raise UnknownOrigin(name, write.plan.fields if write.plan is not None else ())


def _describe(facts: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], list[int]]:
    """The facts as they are kept, and the records and landing rows that they were taken from."""
    described: dict[str, dict[str, Any]] = {}
    sources: list[int] = []
    for name, fact in facts.items():
        if fact.__class__ is Fact:
            kept = {key: value for key, value in zip(_FACT_KEYS, fact, strict=True) if value or key == "value"}
        elif fact.__class__ is dict and "value" in fact and fact.keys() <= _FACT_NAMES:
            kept = fact
        else:
            described[name] = {"value": fact}
            continue
        described[name] = kept
        sources += [source for source in (kept.get("rec"), kept.get("landing")) if source]
    return described, sources


def stored_sources(conn: Connection, ids: Sequence[int]) -> Any:
    """Landing ids as `lineage_prov` keeps them; the inverse of `writes.sources`."""
    if not ids:
        return None
    return list(ids) if conn.dialect.name == "postgresql" else _number_or_varints(ids)


def _number_or_varints(ids: Sequence[int]) -> Any:
    return ids[0] if len(ids) == 1 else pack_ids(ids)


def _array(ids: Sequence[int]) -> Any:
    return "{" + ",".join(map(str, ids)) + "}"


# -- statements --------------------------------------------------------------------------------------------------------


def _append(conn: Connection, table: str, new: list[tuple[Any, ...]]) -> None:
    """Append rows (rec, at, ...); each gets the next sequence number of its record."""
    statement = _STATEMENTS[table, conn.dialect.name]
    if conn.dialect.name != "postgresql":
        conn.exec_driver_sql(statement, new)
        return
    while new:
        places: Counter[int] = Counter()
        nth = []
        for row in new:
            nth.append(places[row[0]])
            places[row[0]] += 1
        columns = [list(column) for column in zip(*new, strict=True)]
        with _planned_afresh(conn, state_of(conn).appended[table] < _GROWN):
            lost = conn.exec_driver_sql(statement, (nth, *columns)).scalars().all()
        state_of(conn).appended[table] += len(new)
        new = [new[place - 1] for place in lost]  # another writer of the same record took the number meanwhile


@contextmanager
def _planned_afresh(conn: Connection, wanted: bool) -> Iterator[None]:
    """PostgreSQL keeps one plan for a statement that the driver has prepared. One made while the table fills a page
    reads the whole table for every row, and goes on doing so when it has grown; so nothing is prepared before
    that."""
    driver = conn.connection.driver_connection
    if not wanted or driver is None:
        yield
        return
    threshold, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = threshold


def _index(conn: Connection, state: State, feeding: list[tuple[int, int]]) -> None:
    """Put into the reverse index what feeds more than one record."""
    landed = state.landed(conn)
    unknown = sorted({source for source, _ in feeding if source < _FIRST_RECORD and source not in landed})
    for start in range(0, len(unknown), _CHUNK):
        among, parameters = any_of(conn, unknown[start : start + _CHUNK])
        found = rows(conn, f"SELECT id, shared FROM lineage_landing WHERE id {among}", parameters)  # noqa: S608
        landed |= {i: bool(shared) for i, shared in found}
    pairs = sorted({pair for pair in feeding if pair[0] >= _FIRST_RECORD or landed.get(pair[0])})
    if pairs:
        new = [{"src": source, "rec": rec} for source, rec in pairs]
        insert_new(conn, tables.prov_src, new, tables.prov_src.c.src, tables.prov_src.c.rec)


def _postgresql(table: str, types: Mapping[str, str]) -> str:
    names = ", ".join(types)
    arrays = ", ".join(f"%b::{'text' if kind.endswith('[]') else kind}[]" for kind in types.values())
    values = ", ".join(f"u.{name}::{kind}" if kind.endswith("[]") else f"u.{name}" for name, kind in types.items())
    return f"""
        WITH w AS MATERIALIZED (
            SELECT u.place, u.rec, greatest(
                u.at * {_TICKS} + u.nth,
                (SELECT max(p.seq) FROM {table} p WHERE p.rec = u.rec) + 1 + u.nth
            ) AS seq, u.at, {values}
            FROM unnest(%b::int[], %b::bigint[], %b::bigint[], {arrays}) WITH ORDINALITY
                AS u(nth, rec, at, {names}, place)
        ), i AS (
            INSERT INTO {table} (rec, seq, at, {names}) SELECT rec, seq, at, {names} FROM w
            ON CONFLICT (rec, seq) DO NOTHING RETURNING rec, seq
        )
        SELECT w.place FROM w LEFT JOIN i USING (rec, seq) WHERE i.rec IS NULL ORDER BY w.place
    """  # noqa: S608


def _sqlite(table: str, types: Mapping[str, str]) -> str:
    values = ", ".join(f"?{number}" for number in range(3, 3 + len(types)))
    return f"""
        INSERT INTO {table} (rec, seq, at, {", ".join(types)}) VALUES (
            ?1, max(?2 * {_TICKS}, coalesce((SELECT max(seq) FROM {table} WHERE rec = ?1) + 1, 0)), ?2, {values}
        )
    """  # noqa: S608


_PROV = {
    "run": "bigint", "plan": "int", "fields": "bytea", "src": "bigint[]", "actor": "text", "facts": "text"
}  # fmt: skip
_EFFECT = {"rule": "text", "dataset": "int", "key": "text", "state": "text"}
_STATEMENTS = {
    ("lineage_prov", "postgresql"): _postgresql("lineage_prov", _PROV),
    ("lineage_prov", "sqlite"): _sqlite("lineage_prov", _PROV),
    ("lineage_effect", "postgresql"): _postgresql("lineage_effect", _EFFECT),
    ("lineage_effect", "sqlite"): _sqlite("lineage_effect", _EFFECT),
}
