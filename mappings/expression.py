"""One expression by itself: a rule's condition, a bridge's value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mappings.compiler import Compiler
from mappings.edges import Dependency, dependencies
from mappings.errors import EvaluationError, ExpressionError, Problem
from mappings.evaluation import Explanation, explain
from mappings.operators import reason, truth
from mappings.parsing import Scope, parse
from mappings.suggestions import among
from mappings.tree import Node, Path, functions_of, reads_of
from mappings.values import Kind, describe, kind_of
from mappings.writer import FAILURES


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled expression. Pure: the same record gives the same value."""

    text: str
    tree: Node
    returns: Kind
    compute: Callable[[Mapping[str, Any]], Any]
    source: str
    """The generated Python, for the curious."""
    context: tuple[Any, ...] = ()

    @cached_property
    def reads(self) -> tuple[Path, ...]:
        """Every path it may read."""
        return reads_of(self.tree)

    @property
    def functions(self) -> dict[str, int]:
        """The functions it calls, with their versions."""
        return functions_of(self.tree)

    def evaluate(self, record: Mapping[str, Any]) -> Any:
        """The value for a record. Raises EvaluationError; with `returns="bool"` also for null."""
        try:
            value = self.compute(record)
        except FAILURES as error:
            raise EvaluationError(f"{self.text}: {reason(error)}") from error
        if self.returns is Kind.BOOL:
            return truth(value)
        if self.returns is not Kind.ANY and not self.returns.accepts(kind_of(value)):
            raise EvaluationError(f"{self.text}: {self.returns} is needed, got {describe(value)}")
        return value

    def over(self, columns: Sequence[Path]) -> Callable[[Mapping[str, Any], Iterable[Sequence[Any]]], list[int]]:
        """The condition for many records in one go: a function of what they have in common and of a row for each, which
        gives the places where it is True; where it cannot be computed it is not. `columns` says which path each value of a
        row is; all other paths are read in what the records have in common."""
        writer = Compiler()
        names = [writer.fresh("c") for _ in columns]
        writer.reads.update(zip(columns, names, strict=True))
        writer.line("found = []")
        with writer.block(f"for place, ({''.join(name + ', ' for name in names)}) in enumerate(rows):"):
            with writer.block("try:"):
                writer.read_all(self.reads)
                writer.line(f"holds = {writer.value(self.tree)}")
            with writer.block("except FAILURES:"):
                writer.line("continue")
            with writer.block("if holds is True:"):
                writer.line("found.append(place)")
        writer.line("return found")
        return writer.build("places", "record, rows")[0]

    def edges(self) -> list[tuple[Path, str, str]]:
        """What the value depends on: (path, DIRECT or INDIRECT, subtype)."""
        return [(path, d.type, d.subtype) for path, d, _ in self.dependencies()]

    def dependencies(self) -> list[tuple[Path, Dependency, bool]]:
        """Like `edges`, and whether every such way masks the value."""
        return dependencies(self.tree)

    def explain(self, record: Mapping[str, Any]) -> Explanation:
        """Which part of the condition was true or false for this record, and with which values."""
        return explain(self.tree, record)

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_expression, (self.text, *self.context)


def compile_expression(
    text: str,
    names: Collection[str] | None = None,
    returns: str = "any",
    tables: Mapping[str, Mapping[str, Any]] | None = None,
) -> Expression:
    """Compile one expression.

    `names` are the roots it may read (`{"alert", "ticket"}`), None for any. `returns` is the kind its value must have:
    any, bool, text, number, int, datetime, date, list or map. Raises ExpressionError with every problem found.
    """
    wanted = _kind(returns)
    tree, problems = parse(text, Scope(names=names, tables=tables or {}))
    if tree is not None and not wanted.accepts(tree.kind):
        problems = [Problem(f"{wanted} is needed here, this is {tree.kind}", hint=_conversion(wanted))]
    if tree is None or problems:
        raise ExpressionError(problems)
    writer = Compiler()
    writer.read_all(reads_of(tree))
    writer.line(f"return {writer.value(tree)}")
    compute, source = writer.build("expression", "record")
    context = (None if names is None else tuple(names), returns, tables)
    return Expression(text, tree, wanted, compute, source, context)


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        raise ValueError(f"no kind of value is called {name!r}: {among(name, list(Kind))}") from None


def _conversion(kind: Kind) -> str:
    words = {
        Kind.TEXT: "text()",
        Kind.NUMBER: "num()",
        Kind.INT: "int()",
        Kind.DATETIME: "datetime()",
        Kind.BOOL: "bool()",
    }
    return f"convert it with {words[kind]}" if kind in words else ""
