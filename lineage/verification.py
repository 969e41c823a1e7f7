"""Verification: every recorded value computed again from its stored inputs, and compared with what the records hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select

from lineage import cold, segments, tables
from lineage.blocks import place_of
from lineage.codec import Gone
from lineage.drilldown import drill, equal
from lineage.errors import Damaged, NoOrigin, UnknownPlan
from lineage.landing import Landed, fetch
from lineage.origins import Verdict
from lineage.plans import Plan, compile_plan, load_plan
from lineage.replay import at_path, replay, run
from lineage.walk import parse_field
from lineage.writes import Written, fields_of, writes_since, written_by_block

_BATCH = 500


class Difference(NamedTuple):
    """A record holds another value than its inputs give."""

    rec: int
    field: str
    recomputed: Any
    stored: Any
    seq: int


class BrokenPlan(NamedTuple):
    """A stored plan that means something else today: a mapping no longer compiles, or compiles to another version
    because a function it uses has changed."""

    plan: int
    mapping: str
    reason: str


class MissingInput(NamedTuple):
    """A source record that a value needs and that is not there or can't be read."""

    rec: int
    landing: int
    reason: str


class BrokenSegment(NamedTuple):
    """A file of sealed rows that is missing, or whose content is not what was sealed."""

    segment: str
    reason: str


@dataclass(slots=True)
class Report:
    """What `verify` found. `values`: those looked at, that is compared with what is held, or found erased. `ok` when
    nothing is wrong; erased values are not wrong, they can't be checked any more."""

    records: int = 0
    values: int = 0
    erased: int = 0
    differences: list[Difference] = field(default_factory=list)
    plans: list[BrokenPlan] = field(default_factory=list)
    missing: list[MissingInput] = field(default_factory=list)
    segments: list[BrokenSegment] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.differences or self.plans or self.missing or self.segments)


class Standing(NamedTuple):
    """A record that names the row of a block it was made from, and what it holds now (a field left out is null)."""

    rec: int
    row: int
    values: Mapping[str, Any]


ReadValues = Callable[[Connection, Sequence[int]], Mapping[int, Mapping[str, Any]]]
"""Reads what the records hold now: {record: {field: value}}. A record that it leaves out is not compared, nor is a
field (one that is there with None is compared)."""


def verify(
    conn: Connection, since: int, read_values: ReadValues, sample: float = 1.0, *, seed: int = 0,
    standing: Iterable[Standing] = (),
) -> Report:  # fmt: skip
    """Recompute the newest recorded value of every field written at or after `since`, and compare.

    `sample`: the share of records looked at, drawn by their id and `seed` (another seed draws others). `standing`:
    records made from rows of blocks, best in the order of their rows; all that are given are looked at, as far as the
    sample goes. The content of every segment drawn, of whatever time, is compared with its name. Memory does not grow
    with the number of records, only with that of findings.
    """
    report = Report(plans=_changed_plans(conn), segments=_broken_segments(conn, sample, seed))
    for writes in _batches(writes_since(conn, since, lambda rec: _drawn(rec, sample, seed))):
        _verify_batch(conn, writes, read_values, report)
    drawn = (each for each in standing if _drawn(each.rec, sample, seed))
    for block, records in groupby(drawn, key=lambda each: place_of(each.row)[0]):
        _verify_block(conn, block, list(records), report)
    return report


def _broken_segments(conn: Connection, sample: float, seed: int) -> list[BrokenSegment]:
    found = []
    for segment in cold.listed(conn):
        if _drawn(segment.id, sample, seed):
            try:
                segments.check(cold.folder_of(conn), segment.name)
            except Damaged as error:
                found.append(BrokenSegment(segment.name, str(error)))
    return found


def _verify_block(conn: Connection, block: int, records: Sequence[Standing], report: Report) -> None:
    """Every field of the records that were made from one block."""
    report.records += len(records)
    landed = fetch(conn, [each.row for each in records])
    write = written_by_block(conn, records[0].row, {})
    if write is None or write.plan is None:
        report.missing += [MissingInput(each.rec, each.row, "the block is missing, or has no plan") for each in records]
        return
    try:
        plan = load_plan(conn, write.plan)
    except UnknownPlan:
        return  # told already, once, among the plans
    for each in records:
        source = landed.get(each.row)
        if source is None or source.problem:
            report.missing.append(MissingInput(each.rec, each.row, source.problem if source else "missing"))
            continue
        if source.erased_at is not None:
            values = {name: _one(plan, name, source.record, {}) for name in plan.fields}
        else:
            values = run(plan, source.record, {})
        _compare(report, each.rec, 0, values, {name: each.values.get(name) for name in plan.fields})


def _drawn(rec: int, share: float, seed: int) -> bool:
    if share >= 1:
        return True
    digest = blake2b(f"{seed}/{rec}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def _batches(writes: Iterator[Written]) -> Iterator[dict[int, list[Written]]]:
    """Whole records, with all their writes in order."""
    batch: dict[int, list[Written]] = {}
    for write in writes:
        if write.rec not in batch and len(batch) == _BATCH:
            yield batch
            batch = {}
        batch.setdefault(write.rec, []).append(write)
    if batch:
        yield batch


def _verify_batch(conn: Connection, batch: dict[int, list[Written]], read_values: ReadValues, report: Report) -> None:
    first = {write.sources[0] for writes in batch.values() for write in writes if write.sources}
    landed = fetch(conn, sorted(first))
    stored = read_values(conn, list(batch))
    names: dict[bytes, list[str]] = {}
    for rec, writes in batch.items():
        report.records += 1
        newest: dict[str, Written] = {}
        for write in writes:
            if write.bits not in names:
                names[write.bits] = fields_of(conn, write.bits)
            newest |= dict.fromkeys(names[write.bits], write)
        before: dict[str, Any] = {}
        for write in sorted({w.seq: w for w in newest.values()}.values(), key=lambda w: w.seq):
            own = [name for name, last in newest.items() if last is write]
            values = _recompute(conn, write, own, landed, report)
            values |= _copied(conn, write, values, before)
            before |= values
            _compare(report, rec, write.seq, values, stored.get(rec, {}))


def _copied(conn: Connection, write: Written, values: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Of facts that are copies of a place of another field (`rec`, `field`, `path`) what stood there then. `before`:
    the record's fields that were recomputed of earlier writes."""
    found: dict[str, Any] = {}
    for name in values:
        fact = write.facts.get(name, {})
        if not (fact.get("rec") and fact.get("field") and fact.get("path")):
            continue
        if fact["rec"] == write.rec and fact["field"] in before:
            whole = before[fact["field"]]
        else:
            try:
                origin = drill(conn, fact["rec"], fact["field"], until=write.seq, allowed=True)
            except NoOrigin:
                continue
            if origin.verdict is Verdict.BROKEN:
                continue
            whole = Gone() if origin.verdict is Verdict.ERASED else origin.value
        found[name] = whole if isinstance(whole, Gone) else at_path(whole, parse_field(fact["path"]))
    return found


def _compare(report: Report, rec: int, seq: int, values: dict[str, Any], stored: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Gone):
            report.values += 1
            report.erased += 1
        elif name in stored:
            report.values += 1
            if not equal(value, stored[name]):
                report.differences.append(Difference(rec, name, value, stored[name], seq))


def _recompute(
    conn: Connection, write: Written, names: list[str], landed: dict[int, Landed], report: Report
) -> dict[str, Any]:
    """The values of these fields of one write; those that can't be computed are left out and reported."""
    try:
        plan = load_plan(conn, write.plan) if write.plan is not None else None
    except UnknownPlan:
        plan, names = None, [name for name in names if name in write.facts]
    source = landed.get(write.sources[0]) if write.sources else None
    if write.sources and (source is None or source.problem):
        names = [n for n in names if n in write.facts and not (plan is not None and n in plan.fields)]
        reason = source.problem if source is not None else "missing"
        report.missing.append(MissingInput(write.rec, write.sources[0], reason))
    record = source.record if source is not None else None
    erased = (source is not None and source.erased_at is not None) or Gone in map(type, write.values.values())
    if plan is None or not plan.stages or erased:
        return {name: _one(plan, name, record, write.values) for name in names}
    computed = run(plan, record, write.values)
    return {name: computed.get(name) if name in plan.fields else write.values[name] for name in names}


def _one(plan: Plan | None, name: str, record: Any, facts: dict[str, Any]) -> Any:
    replayed = replay(plan, name, record, facts, show_masked=True)
    return Gone() if replayed.erased else replayed.value


def _changed_plans(conn: Connection) -> list[BrokenPlan]:
    found = []
    for row in conn.execute(select(tables.plan.c.id, tables.plan.c.sha256, tables.plan.c.body)):
        try:
            plan = compile_plan(row.id, row.sha256, row.body)
        except UnknownPlan as error:
            found.append(BrokenPlan(row.id, "", str(error)))
            continue
        for stage, stored in zip(plan.stages, orjson.loads(row.body)["stages"], strict=True):
            if stage.version != stored["version"]:
                found.append(BrokenPlan(row.id, stage.name, _why(stored["functions"], stage.functions)))
    return found


def _why(before: dict[str, int], now: dict[str, int]) -> str:
    changed = [
        f"{name}() was version {before[name]} and is {now.get(name)}"
        for name in before
        if before[name] != now.get(name)
    ]
    return "; ".join(changed) or "its text compiles to another version"
