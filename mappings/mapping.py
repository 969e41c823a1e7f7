"""A compiled mapping: one record in, one canonical record out, with its field graph and its replay."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from mappings.edges import EVERY_FIELD, Dependency, Edge, dependencies
from mappings.errors import EvaluationError
from mappings.evaluation import Evaluator, Explanation, TraceStep, explain
from mappings.operators import reason, truth
from mappings.outputs import coerce, missing
from mappings.record_types import Field
from mappings.tree import Node, Path, functions_of, reads_of
from mappings.writer import FAILURES

OnError = Literal["dead_letter", "null", "default"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field that could not be computed: the smallest part of its expression that failed, where that stands in the
    expression (from 1), and why. `field` is `where` when the mapping's own condition failed."""

    field: str
    message: str
    expression: str = ""
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.field}: {self.message} (in {self.expression}, line {self.line}, column {self.column})"


@dataclass(slots=True)
class Result:
    """What became of one record. `values`: every field of the mapping, null ones included. `errors`: fields that
    failed and were set to null or a default, as the mapping says. `dead`: the failure that makes the whole record a
    dead letter. `matched`: its `where`; False means the record is not for this mapping, and `values` is empty."""

    values: dict[str, Any]
    errors: tuple[FieldError, ...] = ()
    dead: FieldError | None = None
    matched: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """The replay of one field: its formula, every step in the order of computation, the value `run` gives, and the
    failure that `on_error` turned into this value, if there was one."""

    field: str
    expression: str
    steps: tuple[TraceStep, ...]
    value: Any
    error: FieldError | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is made: its expression, the canonical field it fills, and what to do when it fails."""

    field: Field
    tree: Node
    on_error: OnError
    default: Any = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One of the mapping's own tests."""

    name: str
    record: abc.Mapping[str, Any]
    out: abc.Mapping[str, Any]
    dead: str | None = None
    skipped: bool = False
    line: int = 1


@dataclass(frozen=True, slots=True)
class TestFailure:
    """A test of the mapping that does not hold: which, about which field, what was expected and what came out."""

    test: str
    field: str
    expected: Any
    actual: Any
    message: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.test} (line {self.line}): {self.message}"


@dataclass(frozen=True, eq=False)
class Mapping:
    """A mapping that was loaded and compiled. Pure and thread-safe; the same record always gives the same result."""

    name: str
    description: str
    connector: str
    stream: str
    target: str
    key: tuple[str, ...]
    text: str
    canonical: str
    version: str
    """64 hex digits: the hash of the text without its comments and layout, and of the versions of the functions
    used."""
    rules: abc.Mapping[str, Rule]
    where: Node | None
    cases: tuple[Case, ...]
    run: Callable[[abc.Mapping[str, Any]], Result]
    """run(record) -> Result. Never raises for what a record holds; never changes the record."""
    source: str = field(repr=False, default="")
    """The generated Python, for the curious."""
    origin: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.rules)

    @cached_property
    def trees(self) -> tuple[Node, ...]:
        own = (self.where,) if self.where is not None else ()
        return (*own, *(rule.tree for rule in self.rules.values()))

    @cached_property
    def reads(self) -> tuple[Path, ...]:
        """Every path of the source record that the mapping may read."""
        return reads_of(*self.trees)

    @property
    def functions(self) -> dict[str, int]:
        """The functions it calls, with their versions."""
        return functions_of(*self.trees)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The exact field graph. What `where` reads is INDIRECT/FILTER of the target `*`, once."""
        found = [
            Edge(name, path, how.type, how.subtype, masked)
            for name, rule in self.rules.items()
            for path, how, masked in dependencies(rule.tree)
        ]
        if self.where is not None:
            filters = dependencies(self.where, Dependency.FILTER)
            found += [Edge(EVERY_FIELD, path, how.type, how.subtype, masked) for path, how, masked in filters]
        return tuple(found)

    def trace(self, field: str, record: abc.Mapping[str, Any]) -> Trace:
        """Replay one field. Its value is the one `run` gives; a dead letter's has `error` and null. Raises KeyError
        for a field the mapping does not set."""
        rule = self.rules[field]
        evaluator = Evaluator(record)
        value, error = replay(rule, evaluator)
        if error is not None:
            value = rule.default if rule.on_error == "default" else None
        return Trace(field, rule.tree.text, tuple(evaluator.steps), value, error)

    def matches(self, record: abc.Mapping[str, Any]) -> bool:
        """Its `where` for this record. Raises EvaluationError when that fails."""
        return self.where is None or truth(Evaluator(record).value(self.where))

    def explain(self, record: abc.Mapping[str, Any]) -> Explanation | None:
        """Why `where` let this record through or not, part by part; None for a mapping without one."""
        return None if self.where is None else explain(self.where, record)

    def check(self) -> list[TestFailure]:
        """Run the mapping's own tests. Empty: all hold."""
        from mappings.checking import failures

        return failures(self)

    def __reduce__(self) -> tuple[Any, ...]:
        from mappings.loading import load_mapping

        return load_mapping, (self.text, self.origin)


def replay(rule: Rule, evaluator: Evaluator) -> tuple[Any, FieldError | None]:
    """The field's value step by step, or null and what failed, where."""
    name = rule.field.name
    try:
        value = evaluator.value(rule.tree)
    except FAILURES as error:
        return None, locate(name, evaluator, error)
    try:
        value = coerce(value, rule.field)
        if value is None and rule.field.required:
            raise missing(rule.field)
    except EvaluationError as error:
        return None, FieldError(name, str(error), rule.tree.text, rule.tree.line, rule.tree.column)
    return value, None


def locate(name: str, evaluator: Evaluator, error: Exception) -> FieldError:
    """The failure with the part of the expression where it happened: the last step the evaluator wrote down."""
    last = evaluator.steps[-1]
    return FieldError(name, reason(error), last.text, last.line, last.column)
