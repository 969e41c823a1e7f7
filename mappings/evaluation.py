"""The same meaning as the compiled code, step by step: for drill-downs ("where does this value come from") and for
explanations ("why did this rule not match"). A walk over the tree, slow and complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings import operators
from mappings.errors import EvaluationError
from mappings.tree import (
    Arithmetic,
    Call,
    Choice,
    Compare,
    External,
    IsNull,
    Junction,
    LetRead,
    ListOf,
    Literal,
    MapOf,
    Node,
    Not,
    Path,
    Read,
    Step,
    TableRead,
    children,
    format_path,
    walk,
)
from mappings.values import describe
from mappings.writer import FAILURES


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One part of a formula as it was computed: its text and place, what was done (a function's name, an operator,
    `read`, `literal`, `let`), the inputs as (text, value), and the result. `error` instead of a result when it failed
    there."""

    text: str
    line: int
    column: int
    operation: str
    inputs: tuple[tuple[str, Any], ...] = ()
    result: Any = None
    path: Path | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison (or other smallest condition): true, false, or None when it could not be computed (`error` says
    why). `values` are the fields it read; `decided`: the whole condition got as far as looking at it."""

    text: str
    result: bool | None
    values: dict[str, Any]
    decided: bool
    error: str | None = None

    def __str__(self) -> str:
        said = {True: "true", False: "false", None: f"failed ({self.error})"}[self.result]
        seen = ", ".join(f"{path} = {describe(value)}" for path, value in self.values.items())
        return f"{self.text} is {said}" + (f": {seen}" if seen else "") + ("" if self.decided else " (not needed)")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A condition and all its parts, those included that a decided `and` or `or` did not look at."""

    text: str
    value: Any
    parts: tuple[Part, ...]
    error: str | None = None


@dataclass
class Evaluator:
    """Computes nodes over one record and writes down every step."""

    record: Mapping[str, Any]
    steps: list[TraceStep] = field(default_factory=list)
    lets: dict[str, Any] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def value(self, node: Node) -> Any:
        """The node's value. Raises what the compiled code raises; the last step is then the one that failed."""
        self.seen.add(id(node))
        match node:
            case Literal():
                return node.value
            case TableRead():
                return node.value
            case Read():
                return self._keep(node, "read", (), self._read(node.path), node.path)
            case LetRead():
                return self._let(node)
            case Choice():
                return self._choice(node)
            case Junction():
                return self._junction(node)
            case Call() if node.function.lazy:
                return self._first(node)
        inputs = tuple((child.text, self.value(child)) for child in children(node))
        operation, compute = _operation(node)
        try:
            result = compute(*(value for _, value in inputs))
        except FAILURES as error:
            self.steps.append(
                TraceStep(node.text, node.line, node.column, operation, inputs, error=operators.reason(error))
            )
            raise
        return self._keep(node, operation, inputs, result)

    def _keep(
        self, node: Node, operation: str, inputs: tuple[tuple[str, Any], ...], result: Any, path: Path | None = None
    ) -> Any:
        self.steps.append(TraceStep(node.text, node.line, node.column, operation, inputs, result, path))
        return result

    def _read(self, path: Path) -> Any:
        value: Any = self.record
        for key in path:
            value = operators.step(value, key)
        return value

    def _let(self, node: LetRead) -> Any:
        if node.name not in self.lets:
            self.lets[node.name] = self.value(node.target)
        return self._keep(node, "let", ((node.target.text, self.lets[node.name]),), self.lets[node.name])

    def _truth(self, node: Node) -> bool:
        value = self.value(node)
        try:
            return operators.truth(value)
        except EvaluationError as error:
            step = TraceStep(node.text, node.line, node.column, "condition", ((node.text, value),), error=str(error))
            self.steps.append(step)
            raise

    def _choice(self, node: Choice) -> Any:
        test = self._truth(node.test)
        taken = node.then if test else node.otherwise
        value = self.value(taken)
        return self._keep(node, "if", ((node.test.text, test), (taken.text, value)), value)

    def _junction(self, node: Junction) -> bool:
        inputs = []
        result = node.operator == "and"
        for operand in node.operands:
            result = self._truth(operand)
            inputs.append((operand.text, result))
            if result is not (node.operator == "and"):
                break
        self._keep(node, node.operator, tuple(inputs), result)
        return result

    def _first(self, node: Call) -> Any:
        inputs = []
        value = None
        for argument in node.arguments:
            value = self.value(argument)
            inputs.append((argument.text, value))
            if value is not None:
                break
        return self._keep(node, node.function.name, tuple(inputs), value)


def _operation(node: Node) -> tuple[str, Any]:
    """The name of what a node does, and the function over its children's values."""
    match node:
        case Arithmetic(left=None):
            return "-", operators.negate
        case Arithmetic():
            return node.operator, operators.ARITHMETIC[node.operator]
        case Compare():
            return node.operator, operators.COMPARISONS[node.operator]
        case IsNull():
            return "is not None" if node.negated else "is None", lambda value: (value is None) is not node.negated
        case Not():
            return "not", lambda value: not operators.truth(value)
        case Call():
            return node.function.name, node.function.checked
        case External():
            return node.name, node.invoke
        case ListOf():
            return "list", lambda *items: list(items)
        case MapOf():
            return "map", lambda *items: dict(zip(node.keys, items, strict=True))
        case Step():
            return "read", lambda value: operators.step(value, node.key)
    raise TypeError(f"{type(node).__name__} computes nothing")


def explain(tree: Node, record: Mapping[str, Any]) -> Explanation:
    """The condition over the record, part by part."""
    whole = Evaluator(record)
    value, error = _attempt(whole, tree)
    parts = []
    for leaf in _leaves(tree):
        result, fault = _attempt(Evaluator(record), leaf)
        if fault is None:
            result, fault = _as_condition(result)
        reader = Evaluator(record)
        values = {format_path(n.path): reader.value(n) for n in walk(leaf) if isinstance(n, Read)}
        parts.append(Part(leaf.text, result, values, id(leaf) in whole.seen, fault))
    return Explanation(tree.text, value, tuple(parts), error)


def _as_condition(value: Any) -> tuple[bool | None, str | None]:
    try:
        return operators.truth(value), None
    except EvaluationError as error:
        return None, str(error)


def _attempt(evaluator: Evaluator, node: Node) -> tuple[Any, str | None]:
    try:
        return evaluator.value(node), None
    except FAILURES as error:
        return None, operators.reason(error)


def _leaves(node: Node) -> list[Node]:
    """The smallest conditions of a condition."""
    match node:
        case Junction():
            return [leaf for operand in node.operands for leaf in _leaves(operand)]
        case Not():
            return _leaves(node.operand)
        case LetRead():
            return _leaves(node.target)
    return [node]
