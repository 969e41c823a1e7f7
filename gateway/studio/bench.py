"""The mapping bench: a draft and a sample in; problems with their places, the result, and how each value came about."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from typing import Any

from gateway.studio import samples
from mappings import RECORDS, FieldError, Mapping, MappingError, Problem, Trace, format_path, load_mapping

STEPS = 200
LONG = 2_000
"""Characters of a value that are shown."""
_NO_TEST = "\ntests:\n  - {in: {}, out: {}}\n"


def try_mapping(text: str, sample: str) -> dict[str, Any]:
    """Compile a draft and run it on one record. Never raises for what either holds: problems are told with line and
    column. Pure; bounded by the language's own bounds."""
    told: dict[str, Any] = {"problems": [], "sample_problems": [], "mapping": None, "result": None, "paths": []}
    record: dict[str, Any] | None = None
    try:
        record = samples.parsed(sample)
        told["paths"] = samples.paths_of(record)
    except MappingError as error:
        told["sample_problems"] = [_problem(p) for p in error.problems]
    mapping, problems = _loaded(text)
    told["problems"] = [_problem(p) for p in problems]
    if mapping is None:
        return told
    told["mapping"] = _described(mapping)
    told["problems"] += [
        {"path": "tests", "message": str(f), "line": f.line, "column": 1, "hint": "mend the mapping or the test"}
        for f in (() if problems else mapping.check())
    ]
    if record is not None:
        told["result"] = _result(mapping, record)
    return told


def _loaded(text: str) -> tuple[Mapping | None, tuple[Problem, ...]]:
    """The mapping, if it can run: one whose tests are still to be written can."""
    try:
        return load_mapping(text, "draft"), ()
    except MappingError as error:
        problems = error.problems
    if [p.path for p in problems] != ["tests"] or "missing" not in problems[0].message:
        return None, problems
    try:
        mapping = load_mapping(text.rstrip() + _NO_TEST, "draft")
    except MappingError as error:
        return None, error.problems
    return mapping, problems


def _described(mapping: Mapping) -> dict[str, Any]:
    known = RECORDS.get(mapping.target)
    return {
        "name": mapping.name, "connector": mapping.connector, "stream": mapping.stream, "target": mapping.target,
        "version": mapping.version, "functions": mapping.functions, "tests": len(mapping.cases),
        "fields": [
            {"name": name, "expression": rule.tree.text, "line": rule.line, "kind": str(rule.field.kind),
             "required": rule.field.required, "on_error": rule.on_error, "doc": rule.field.doc}
            for name, rule in mapping.rules.items()
        ],
        "left_out": [] if known is None else [
            {"name": f.name, "kind": str(f.kind), "doc": f.doc, "required": f.required}
            for f in known.fields.values() if f.name not in mapping.rules
        ],
        "edges": [
            {"field": e.target_field, "path": format_path(e.source_path), "type": str(e.type), "subtype": str(e.subtype),
             "masking": e.masking}
            for e in mapping.edges
        ],
    }  # fmt: skip


def _result(mapping: Mapping, record: MappingABC[str, Any]) -> dict[str, Any]:
    made = mapping.run(record)
    explained = mapping.explain(record)
    end = "dead" if made.dead is not None else "mapped" if made.matched else "skipped"
    return {
        "end": end,
        "values": {name: _shown(value) for name, value in made.values.items()},
        "errors": [_error(e) for e in made.errors],
        "dead": None if made.dead is None else _error(made.dead),
        "where": None if explained is None else {
            "text": explained.text, "value": explained.value is True,
            "parts": [str(part) for part in explained.parts][:50],
        },
        "chains": {name: _chain(mapping.trace(name, record)) for name in mapping.fields},
    }  # fmt: skip


def _chain(trace: Trace) -> dict[str, Any]:
    """From what was read to the value, step by step."""
    return {
        "expression": trace.expression,
        "value": _shown(trace.value),
        "error": None if trace.error is None else _error(trace.error),
        "steps": [
            {"text": s.text[:LONG], "operation": s.operation, "path": None if s.path is None else format_path(s.path),
             "inputs": [[name[:LONG], _shown(value)] for name, value in s.inputs], "result": _shown(s.result),
             "error": s.error, "line": s.line, "column": s.column}
            for s in trace.steps[:STEPS]
        ],
    }  # fmt: skip


def _problem(p: Problem) -> dict[str, Any]:
    return {"path": p.path, "message": p.message, "line": p.line, "column": p.column, "hint": p.hint}


def _error(e: FieldError) -> dict[str, Any]:
    return {"field": e.field, "message": e.message, "expression": e.expression, "line": e.line, "column": e.column}


def _shown(value: Any) -> Any:
    """The value, or the beginning of a long one as text."""
    if isinstance(value, str):
        return value if len(value) <= LONG else value[:LONG] + " …"
    if isinstance(value, dict | list):
        text = samples.written(value)
        return value if len(text) <= LONG else text[:LONG] + " …"
    return value
