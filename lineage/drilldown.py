"""Drill-down: from a value to the record, field and moment it came from, through every step of every formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from lineage.blocks import is_row
from lineage.codec import Gone, encode
from lineage.errors import NoOrigin, UnknownPlan, UnstorableValue
from lineage.landing import Landed, fetch, fetch_rows
from lineage.origins import FactOrigin, How, Origin, SourceField, StageRef, Verdict
from lineage.plans import Plan, load_plan
from lineage.replay import Replayed, at_path, found_by, replay
from lineage.walk import parse_field
from lineage.writes import NEWEST, Written, writes_of, written_by_block
from mappings import EvaluationError, Path, format_path
from mappings.values import same

NOT_GIVEN = object()
_DEEPEST = 16


def drill(
    conn: Connection,
    rec: int,
    field: str,
    *,
    stored: Any = NOT_GIVEN,
    allowed: bool = False,
    until: int = NEWEST,
) -> Origin:
    """Where the value of a field came from, as of its newest write (or the newest up to sequence number `until`).

    `stored`: the value the record holds now; the verdict then says whether it is still what its inputs give.
    `allowed`: the reader may see values that a mapping masks. Raises NoOrigin.
    """
    return _drill(conn, rec, field, stored, allowed, until, 0)


def drill_row(conn: Connection, row: int, field: str, *, stored: Any = NOT_GIVEN, allowed: bool = False) -> Origin:
    """Where a field of a record came from that was made from this row of a block, by the block's plan. Its `rec` is the
    row. Raises NoOrigin."""
    return _drill_row(conn, row, field, stored, allowed, 0)


def _drill_row(conn: Connection, row: int, field: str, stored: Any, allowed: bool, depth: int) -> Origin:
    landed = fetch_rows(conn, [row]).get(row)
    made = written_by_block(conn, row, {} if landed is None else {row: landed})
    if made is None:
        raise NoOrigin(row, field)
    return _origin(conn, made, field, stored, allowed, depth)


def history(conn: Connection, rec: int, field: str, *, limit: int = 100, allowed: bool = False) -> list[Origin]:
    """The origin of every value the field had, newest first. Empty when it was never written."""
    return [_origin(conn, write, field, NOT_GIVEN, allowed, 0) for write in writes_of(conn, rec, field, limit=limit)]


def _drill(conn: Connection, rec: int, field: str, stored: Any, allowed: bool, until: int, depth: int) -> Origin:
    writes = writes_of(conn, rec, field, until=until)
    if not writes:
        raise NoOrigin(rec, field)
    return _origin(conn, writes[0], field, stored, allowed, depth)


def _origin(conn: Connection, write: Written, field: str, stored: Any, allowed: bool, depth: int) -> Origin:
    plan, problem = _plan(conn, write)
    how = _how(write, plan, field)
    source = write.landed.get(write.sources[0]) if write.sources else None
    if how in (How.MAPPED, How.ANSWERED) and not problem:
        problem = _missing(write, source)
    if problem:
        replayed = Replayed(None, (), (), (), erased=False)
    else:
        record = source.record if source is not None else None
        replayed = replay(plan, field, record, write.values, show_masked=allowed)
        replayed = _with_local_id(plan, write, record, replayed, allowed)
    return Origin(
        rec=write.rec,
        field=field,
        seq=write.seq,
        at=write.at,
        actor=write.actor,
        how=how,
        value=replayed.value,
        verdict=_verdict(replayed, stored, problem),
        stored=None if stored is NOT_GIVEN else stored,
        run=write.run,
        plan=write.plan,
        stages=tuple(StageRef(stage.name, stage.version) for stage in plan.stages) if plan is not None else (),
        traces=replayed.traces,
        sources=tuple(_source(source, path, raw) for path, raw in replayed.reads) if source is not None else (),
        facts=tuple(_fact(conn, write, name, how, allowed, depth) for name in replayed.facts),
        landings=write.sources,
        problem=problem,
        pruned_at=write.pruned_at or (source.pruned_at if source is not None else None),
    )


def _with_local_id(plan: Plan | None, write: Written, record: Any, made: Replayed, allowed: bool) -> Replayed:
    """A value that is a global id goes on to what the local id was made of that it was found by."""
    if plan is None or record is None or isinstance(record, Gone) or made.reads or len(made.facts) != 1:
        return made
    (name,) = made.facts
    xref = write.facts[name].get("xref")
    if not xref or made.value != write.values[name]:
        return made
    found = found_by(plan, name, xref[2], record, write.values, show_masked=allowed)
    return made if found is None else replace(made, traces=made.traces + found.traces, reads=found.reads)


def _plan(conn: Connection, write: Written) -> tuple[Plan | None, str]:
    if write.plan is None:
        return None, ""
    try:
        return load_plan(conn, write.plan), ""
    except UnknownPlan as error:
        return None, str(error)


def _missing(write: Written, source: Landed | None) -> str:
    if not write.sources:
        return ""
    if source is None:
        return f"source record {write.sources[0]} is missing"
    return source.problem


def _how(write: Written, plan: Plan | None, field: str) -> How:
    if write.plan is not None and plan is None and field not in write.facts:
        return How.MAPPED
    if plan is not None and plan.stages and field in plan.fields:
        return How.MAPPED
    if field in write.facts:
        by_hand = plan is None and not write.sources and not write.facts[field].get("from")
        return How.BY_HAND if by_hand else How.FACT
    return How.ANSWERED


def _verdict(replayed: Replayed, stored: Any, problem: str) -> Verdict:
    if problem:
        return Verdict.BROKEN
    if replayed.erased:
        return Verdict.ERASED
    if stored is NOT_GIVEN:
        return Verdict.NOT_COMPARED
    return Verdict.EQUAL if equal(replayed.value, stored) else Verdict.CHANGED


def equal(a: Any, b: Any) -> bool:
    """Equality of values as the mapping language has it: 1 is 1.0 but not "1" nor true; moments are equal across
    zones. A null entry of a map is none, and a map without entries is null: records hold neither in their labels."""
    a, b = (None if each == {} else each for each in (a, b))
    if isinstance(a, (dict, list)) and type(a) is type(b) and _written(a) == _written(b) != b"":
        return True  # what is written alike is alike; asked first, as it is many times quicker
    if isinstance(a, dict) and isinstance(b, dict):
        a, b = ({key: value for key, value in each.items() if value is not None} for each in (a, b))
    try:
        return same(a, b)
    except EvaluationError:
        return bool(a == b)


def _written(value: Any) -> bytes:
    try:
        return encode(value)
    except UnstorableValue:
        return b""


def _source(landed: Landed, path: Path, raw: Any) -> SourceField:
    system = landed.dataset.partition("/")[0]
    field = format_path(path)
    return SourceField(system, landed.dataset, landed.key, field, raw, landed.read_at, landed.run, landed.id)


def _fact(conn: Connection, write: Written, name: str, how: How, allowed: bool, depth: int) -> FactOrigin:
    fact = write.facts[name]
    rec, field, landing = fact.get("rec"), fact.get("field"), fact.get("landing")
    derived = source = None
    if rec is not None and field is not None and depth < _DEEPEST:
        derived = _derived(conn, write, name, rec, field, allowed, depth)
    elif landing is not None and field is not None and is_row(landing):
        derived = _drill_row(conn, landing, field, NOT_GIVEN, allowed, depth + 1)
    elif landing is not None:
        landed = write.landed.get(landing) or fetch(conn, [landing]).get(landing)
        if landed is not None:
            path = parse_field(fact.get("path") or name)
            raw = Gone() if isinstance(landed.record, Gone) else at_path(landed.record, path)
            source = _source(landed, path, raw)
    xref = fact.get("xref")
    return FactOrigin(
        name=name,
        value=fact["value"],
        origin="hub.manual" if how is How.BY_HAND else fact.get("from", ""),
        xref=None if xref is None else tuple(xref),
        rec=rec,
        field=field,
        derived=derived,
        source=source,
    )


def _derived(
    conn: Connection, write: Written, name: str, rec: int, field: str, allowed: bool, depth: int
) -> Origin | None:
    """The origin of the record's field that a fact was taken from, as of the write; None if it was never recorded.
    A field made from its own value before is followed to the write before."""
    itself = (rec, field) == (write.rec, name)
    try:
        return _drill(conn, rec, field, NOT_GIVEN, allowed, write.seq - itself, depth + 1)
    except NoOrigin:
        return None
