"""Replay: a field's value again from what is stored, with every step of every formula on the way.

The first stage reads the source record. Each next stage reads the fields of the stage before it and the facts
(`ids.device` is `record["ids"]["device"]`); a fact never hides a field. A single stage also gets the facts.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from lineage.codec import Gone
from lineage.plans import Plan
from lineage.walk import parse_field
from mappings import Mapping as FieldMapping
from mappings import Path, TraceStep
from mappings.operators import step
from mappings.registry import FUNCTIONS

_REMEMBERED = 1024


class Withheld(enum.Enum):
    """Stands where a value is not shown."""

    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class FieldTrace:
    """How one stage made one field: its formula and every step, in the order of computation. `error`: the failure
    that the mapping turned into this value."""

    stage: int
    mapping: str
    version: str
    field: str
    expression: str
    steps: tuple[TraceStep, ...]
    value: Any
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recomputed value, its traces from the last stage back to the first, and the source paths and facts it read."""

    value: Any
    traces: tuple[FieldTrace, ...]
    reads: tuple[tuple[Path, Any], ...]
    facts: tuple[str, ...]
    erased: bool


def at_path(record: Any, path: Path) -> Any:
    """The part of a record at a path; None where it leads nowhere."""
    for key in path:
        record = step(record, key)
    return record


def nest(facts: Mapping[str, Any]) -> dict[str, Any]:
    """{"ids.device": 1} -> {"ids": {"device": 1}}."""
    nested: dict[str, Any] = {}
    for name, value in facts.items():
        *path, last = name.split(".")
        level = nested
        for part in path:
            below = level.setdefault(part, {})
            if not isinstance(below, dict):
                below = level[part] = {}
            level = below
        level[last] = value
    return nested


def run(plan: Plan, record: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Every field the plan sets, computed by the compiled stages; empty when a stage does not let the record through.
    Whoever computes a record's fields with this function can be sure that a replay is the same computation."""
    nested = nest(facts) if facts else {}
    values: Mapping[str, Any] = _first_input(plan, record, nested)
    for number, stage in enumerate(plan.stages):
        result = stage.run({**nested, **values} if nested and number else values)
        if result.dead is not None or not result.matched:
            return {}
        values = result.values
    return {plan.prefix + name: value for name, value in values.items()}


def _first_input(plan: Plan, record: Any, nested: dict[str, Any]) -> Any:
    """What the first stage reads: the source record, with the facts below it if there is no later stage."""
    if record is None or isinstance(record, Gone):
        return nested if record is None or len(plan.stages) == 1 else {}
    if nested and len(plan.stages) == 1 and isinstance(record, Mapping):
        return {**nested, **record}
    return record


def replay(
    plan: Plan | None, field: str, record: Any, facts: Mapping[str, Any], *, show_masked: bool = False
) -> Replayed:
    """One field's value, step by step. `field` is one that the plan sets, a fact, or a path of the record."""
    own = plan.own_name(field) if plan is not None else field
    if plan is not None and plan.stages and own is not None:
        work = _Replay(plan, record, facts, show_masked)
        value = work.field(len(plan.stages) - 1, own, hidden=False)
        read = [value for _, value in work.reads.values()] + [facts[name] for name in work.facts]
        erased = any(map(_holds_gone, read))
        return Replayed(
            Gone() if erased else value, tuple(work.traces), tuple(work.reads.values()), tuple(work.facts), erased
        )
    if field in facts:
        return Replayed(facts[field], (), (), (field,), isinstance(facts[field], Gone))
    path = parse_field(own if own is not None else field)
    value = Gone() if isinstance(record, Gone) else at_path(record, path)
    return Replayed(value, (), ((path, value),), (), _holds_gone(value))


def found_by(
    plan: Plan, fact: str, local: str, record: Any, facts: Mapping[str, Any], *, show_masked: bool = False
) -> Replayed | None:
    """How the local id came about that a fact was looked up by: the field of that name in a stage before the last. None
    when no stage has it, or it gives another id today."""
    name = fact.rpartition(".")[2]
    stage = next((n for n in reversed(range(len(plan.stages) - 1)) if name in plan.stages[n].fields), None)
    if stage is None:
        return None
    work = _Replay(plan, record, facts, show_masked)
    value = work.field(stage, name, hidden=False)
    if value != local:
        return None
    return Replayed(value, tuple(work.traces), tuple(work.reads.values()), (), erased=False)


class _Replay:
    """One replay of one field through all stages of a plan."""

    def __init__(self, plan: Plan, record: Any, facts: Mapping[str, Any], show_masked: bool) -> None:
        self._plan, self._stages = plan, plan.stages
        self._record = record
        self._nested = nest(facts)
        self._names = facts.keys()
        self._show_masked = show_masked
        self._values: dict[tuple[int, str], Any] = {}
        self.traces: list[FieldTrace] = []
        self.reads: dict[Path, tuple[Path, Any]] = {}
        self.facts: dict[str, None] = {}

    def field(self, stage: int, name: str, *, hidden: bool) -> Any:
        """The value of a field of a stage. `hidden`: a later stage masks it, so nothing on the way is shown."""
        if (stage, name) in self._values:
            return self._values[stage, name]
        mapping = self._stages[stage]
        place = len(self.traces)
        masked = () if self._show_masked else _reads_of(mapping).masked.get(name, ())
        source = self._input(stage, mapping, name, masked, hidden)
        trace = mapping.trace(name, source)
        self._values[stage, name] = trace.value
        self._note_reads(stage, trace.steps, masked, hidden)
        steps, value = trace.steps, trace.value
        error = None if trace.error is None else trace.error.message
        if hidden or masked:
            steps = _hide(steps, masked, hidden)
            error = error and "failed on a masked value"
            value = Withheld.MASKED if hidden else value
        self.traces.insert(
            place, FieldTrace(stage, mapping.name, mapping.version, name, trace.expression, steps, value, error)
        )
        return trace.value

    def _input(self, stage: int, mapping: FieldMapping, name: str, masked: tuple[Path, ...], hidden: bool) -> Any:
        if stage == 0:
            return _first_input(self._plan, self._record, self._nested)
        before = self._stages[stage - 1].fields
        paths = _reads_of(mapping).paths.get(name, ())
        roots = {path[0] for path in paths if path} if () not in paths else set(before)
        fields = {
            each: self.field(stage - 1, each, hidden=hidden or any(path[:1] == (each,) for path in masked))
            for each in before
            if each in roots
        }
        return {**self._nested, **fields}

    def _note_reads(self, stage: int, steps: Iterable[TraceStep], masked: tuple[Path, ...], hidden: bool) -> None:
        before = set(self._stages[stage - 1].fields) if stage else ()
        sees_facts = stage > 0 or len(self._stages) == 1 or self._record is None
        for each in steps:
            if each.path is None:
                continue
            if not stage and self._record is not None:
                self.reads[each.path] = (each.path, self._shown(each, masked, hidden))
            if sees_facts and not (each.path and each.path[0] in before):
                dotted = ".".join(map(str, each.path))
                self.facts |= {fact: None for fact in self._names if _overlap(fact, dotted)}

    def _shown(self, read: TraceStep, masked: tuple[Path, ...], hidden: bool) -> Any:
        if isinstance(self._record, Gone) or _holds_gone(read.result):
            return Gone()
        return Withheld.MASKED if hidden or _touches(read.path or (), masked) else read.result


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(b + ".") or b.startswith(a + ".") or not b


def _touches(path: Path, masked: tuple[Path, ...]) -> bool:
    return any(path[: len(m)] == m or m[: len(path)] == path for m in masked)


def _holds_gone(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_gone, value.values()))
    return isinstance(value, Gone) or (isinstance(value, list) and any(map(_holds_gone, value)))


def _hide(steps: Iterable[TraceStep], masked: tuple[Path, ...], hidden: bool) -> tuple[TraceStep, ...]:
    """The steps without the values of masked paths, up to the function that masks them; without any value if
    `hidden`."""
    tainted: set[str] = set()
    shown = []
    for each in steps:
        inputs = tuple((text, Withheld.MASKED if hidden or text in tainted else value) for text, value in each.inputs)
        known = FUNCTIONS.get(each.operation)
        fed = any(text in tainted for text, _ in each.inputs) and not (known is not None and known.masking)
        if hidden or fed or (each.path is not None and _touches(each.path, masked)):
            tainted.add(each.text)
            each = replace(each, result=Withheld.MASKED)
        error = each.error and "failed on a masked value" if inputs != each.inputs else each.error
        shown.append(replace(each, inputs=inputs, error=error))
    return tuple(shown)


class _Reads(NamedTuple):
    paths: dict[str, tuple[Path, ...]]
    masked: dict[str, tuple[Path, ...]]


_reads: dict[str, _Reads] = {}


def _reads_of(mapping: FieldMapping) -> _Reads:
    """Which paths each field reads, and which of them it masks; remembered by the mapping's version."""
    known = _reads.get(mapping.version)
    if known is None:
        paths: dict[str, dict[Path, None]] = {}
        masked: dict[str, dict[Path, None]] = {}
        for edge in mapping.edges:
            paths.setdefault(edge.target_field, {})[edge.source_path] = None
            if edge.masking:
                masked.setdefault(edge.target_field, {})[edge.source_path] = None
        known = _Reads({k: tuple(v) for k, v in paths.items()}, {k: tuple(v) for k, v in masked.items()})
        if len(_reads) >= _REMEMBERED:
            _reads.clear()
        _reads[mapping.version] = known
    return known
