"""A mapping's own tests: what comes out is compared with what they say."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.evaluation import Evaluator
from mappings.external import find_function, undeclared_reads
from mappings.mapping import Case, Mapping, TestFailure
from mappings.tree import External
from mappings.values import same


def failures(mapping: Mapping) -> list[TestFailure]:
    """Every way in which the mapping's tests do not hold."""
    return [failure for case in mapping.cases for failure in [*_outcome(mapping, case), *_reads(mapping, case)]]


def _outcome(mapping: Mapping, case: Case) -> list[TestFailure]:
    result = mapping.run(case.record)
    if case.skipped or not result.matched:
        if case.skipped and not result.matched:
            return []
        actual = "was taken" if result.matched else "was skipped by `where`"
        return [_failure(case, "where", not case.skipped, result.matched, f"the record {actual}")]
    if case.dead is not None:
        if result.dead is not None and case.dead in str(result.dead):
            return []
        said = f"died of {result.dead}" if result.dead else "did not die"
        return [_failure(case, "", case.dead, str(result.dead), f"the record {said}, expected {case.dead!r}")]
    if result.dead is not None:
        return [_failure(case, result.dead.field, None, None, f"the record died of {result.dead}")]
    reasons = {error.field: error for error in result.errors}
    return [
        _failure(
            case,
            name,
            expected,
            result.values[name],
            f"{name} is {_shown(result.values[name])}, expected {_shown(expected)}"
            + (f"; it failed: {reasons[name]}" if name in reasons else ""),
        )
        for name, expected in case.out.items()
        if not agrees(expected, result.values[name])
    ]


def _reads(mapping: Mapping, case: Case) -> list[TestFailure]:
    """Python functions that ask for more than they declare would make the field graph lie."""
    found = []
    for name, rule in mapping.rules.items():
        if isinstance(rule.tree, External):
            function = find_function(rule.tree.name, [rule.tree.name.partition(":")[0]])
            values = [Evaluator(case.record).value(read) for read in rule.tree.reads]
            for path in undeclared_reads(function, rule.tree.reads, values):
                message = f"{rule.tree.name} reads {path!r}, which {name} does not declare"
                found.append(_failure(case, name, None, path, message))
    return found


def agrees(expected: Any, actual: Any) -> bool:
    """Whether a value is the one a test states: numbers and times may be written as text."""
    if isinstance(actual, Decimal) and isinstance(expected, str):
        try:
            return Decimal(expected) == actual
        except InvalidOperation:
            return False
    if isinstance(actual, (datetime, date)) and isinstance(expected, str):
        return _same_time(expected, actual)
    if isinstance(actual, AbstractMapping) and isinstance(expected, AbstractMapping):
        return actual.keys() == expected.keys() and all(agrees(expected[key], value) for key, value in actual.items())
    if isinstance(actual, (list, tuple)) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(agrees, expected, actual))
    return same(expected, actual)


def _same_time(expected: str, actual: datetime | date) -> bool:
    try:
        if isinstance(actual, datetime):
            moment = datetime.fromisoformat(expected)
            return moment.tzinfo is not None and moment == actual
        return date.fromisoformat(expected) == actual
    except ValueError:
        return False


def _shown(value: Any) -> str:
    return str(value.isoformat()) if isinstance(value, (datetime, date)) else repr(value)


def _failure(case: Case, field: str, expected: Any, actual: Any, message: str) -> TestFailure:
    return TestFailure(case.name, field, expected, actual, message, case.line)
