"""From checked trees to one Python function.

The generated function reads every path once, then computes each value in straight code. Where a value has the expected
class it is computed in place; everything else (null, whole numbers, wrong kinds) goes through `operators` and
`Function.checked`, which define the meaning. `source` of what is compiled can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mappings import operators
from mappings.registry import Parameter
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
    Read,
    Step,
    TableRead,
)
from mappings.values import Kind
from mappings.writer import Writer

_CLASSES = {
    Kind.TEXT: "str",
    Kind.NUMBER: "Decimal",
    Kind.INT: "int",
    Kind.BOOL: "bool",
    Kind.DATE: "date",
    Kind.LIST: "list",
    Kind.MAP: "dict",
}
_FAST_ARITHMETIC = {"+": "_add", "-": "_subtract", "*": "_multiply", "/": "_divide", "%": "modulo"}
_SAFE_ARITHMETIC = {sign: call.__name__ for sign, call in operators.ARITHMETIC.items()}
_SAFE_COMPARISON = {sign: call.__name__ for sign, call in operators.COMPARISONS.items()}
_ORDER = ("<", "<=", ">", ">=")


class Compiler(Writer):
    """Writes the code of trees."""

    # -- values -----------------------------------------------------------------------------------------------------

    def value(self, node: Node) -> str:
        """Source of an expression for the node's value; statements it needs are written before it."""
        match node:
            case Literal():
                return self._literal(node)
            case Read():
                return self.reads[node.path]
            case LetRead():
                return self._let(node)
            case TableRead():
                return self.constant(dict(node.value))
            case Step():
                return f"step({self.value(node.base)}, {node.key!r})"
            case Arithmetic():
                return self._arithmetic(node)
            case Compare() | IsNull() | Junction() | Not():
                return self.test(node)
            case Choice():
                return self._choice(node)
            case Call():
                return self._call(node)
            case External():
                return f"{self.constant(node.invoke, 'X')}({', '.join(self.values(node.reads))})"
            case ListOf():
                return f"[{', '.join(self.values(node.items))}]"
            case MapOf():
                pairs = zip(node.keys, self.values(node.items), strict=True)
                return f"{{{', '.join(f'{key!r}: {item}' for key, item in pairs)}}}"
        raise TypeError(f"no code for {type(node).__name__}")

    def values(self, nodes: Iterable[Node]) -> list[str]:
        return [self.value(node) for node in nodes]

    def atom(self, node: Node) -> str:
        """Like `value`, but a name or literal that may stand in several places."""
        if isinstance(node, Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
            return self.constant(node.value)
        text = self.value(node)
        if text.isidentifier() or isinstance(node, Literal):
            return text
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    def _literal(self, node: Literal) -> str:
        return self.constant(node.value) if isinstance(node.value, Decimal) else repr(node.value)

    def _let(self, node: LetRead) -> str:
        name = self.lets[node.name]
        with self.block(f"if {name}.__class__ is Failed:"):
            self.line(f"raise {name}.error")
        return name

    def _arithmetic(self, node: Arithmetic) -> str:
        """The whole sum twice: in place for decimal numbers, by `operators` for all else."""
        guards: dict[str, None] = {}
        fast, safe = self._terms(node, guards)
        if not guards:
            return safe
        tests = " and ".join(f"{name}.__class__ is Decimal" for name in guards)
        return f"({fast} if {tests} else {safe})"

    def _terms(self, node: Node, guards: dict[str, None]) -> tuple[str, str]:
        if isinstance(node, Arithmetic):
            if node.left is None:
                fast, safe = self._terms(node.right, guards)
                return f"_minus({fast})", f"negate({safe})"
            left_fast, left_safe = self._terms(node.left, guards)
            right_fast, right_safe = self._terms(node.right, guards)
            sign = node.operator
            return (
                f"{_FAST_ARITHMETIC[sign]}({left_fast}, {right_fast})",
                f"{_SAFE_ARITHMETIC[sign]}({left_safe}, {right_safe})",
            )
        if isinstance(node, Literal) and isinstance(node.value, (int, Decimal)):
            exact = self.constant(Decimal(node.value))
            return exact, repr(node.value) if isinstance(node.value, int) else exact
        name = self.atom(node)
        guards[name] = None
        return name, name

    def _choice(self, node: Choice) -> str:
        test = self.test(node.test)
        branches = [self.branch(lambda part=part: self.value(part)) for part in (node.then, node.otherwise)]  # type: ignore[misc]
        (then_lines, then), (else_lines, otherwise) = branches
        if not then_lines and not else_lines:
            return f"({then} if {test} else {otherwise})"
        result = self.fresh()
        self._conditional(f"if {test}:", then_lines, f"{result} = {then}")
        self._conditional("else:", else_lines, f"{result} = {otherwise}")
        return result

    def _conditional(self, head: str, lines: list[tuple[int, str]], last: str) -> None:
        self.line(head)
        self.lines.extend(lines)
        self.lines.append((self.depth + 1, last))

    def _call(self, node: Call) -> str:
        function = node.function
        if function.lazy:
            return self._first(node.arguments)
        texts = [self.value(a) if isinstance(a, TableRead) else self.atom(a) for a in node.arguments]
        slow = f"{self.constant(function.checked, 'C')}({', '.join(texts)})"
        guards = [
            self._guard(text, argument, function.parameter(index), only_text=function.inline is not None)
            for index, (text, argument) in enumerate(zip(texts, node.arguments, strict=True))
            if index not in node.prepared
        ]
        if None in guards:
            return slow
        slow = self._of_null(node, texts) + slow
        fast = self._direct(node, texts)
        tests = " and ".join(guard for guard in guards if guard)
        return f"({fast} if {tests} else {slow})" if tests else fast

    def _of_null(self, node: Call, texts: list[str]) -> str:
        """What goes before the checked call where all arguments but one are literals: null in, null out, in place."""
        function = node.function
        open_ones = [n for n, a in enumerate(node.arguments) if not isinstance(a, (Literal, TableRead))]
        if len(open_ones) != 1 or function.parameter(open_ones[0]).sees_null:
            return ""
        return f"{False if function.predicate else None} if {texts[open_ones[0]]} is None else "

    def _direct(self, node: Call, texts: list[str]) -> str:
        """The call itself, for arguments known to be right."""
        function = node.function
        if function.inline is not None:
            return function.inline(*texts)
        if node.special is not None:
            known = (Literal, TableRead)
            rest = [
                text for text, argument in zip(texts, node.arguments, strict=True) if not isinstance(argument, known)
            ]
            return f"{self.constant(node.special, 'S')}({', '.join(rest)})"
        for index, argument in enumerate(node.arguments):
            if index in node.prepared:
                texts[index] = self.constant(node.prepared[index])
            elif function.parameter(index).exact and isinstance(argument, Literal) and isinstance(argument.value, int):
                texts[index] = self.constant(Decimal(argument.value))
        return f"{self.constant(function.raw(len(texts)), 'F')}({', '.join(texts)})"

    def _guard(self, name: str, argument: Node, parameter: Parameter, *, only_text: bool) -> str | None:
        """A test that the argument may be handed over as it is; empty when that is known, None when it never may."""
        if only_text:
            literal = isinstance(argument, Literal)
            known = argument.kind is Kind.TEXT and literal
            return "" if known else None if literal else f"{name}.__class__ is str"
        if isinstance(argument, (Literal, TableRead)):
            return ""  # its kind was checked when it was read
        if parameter.prepared is not None:
            return None
        if parameter.kind is Kind.ANY:
            present = "" if parameter.sees_null else f"{name} is not None and "
            return f"{present}{name}.__class__ is not float"
        if parameter.kind is Kind.DATETIME:
            return f"{name}.__class__ is datetime and {name}.tzinfo is UTC"
        return f"{name}.__class__ is {_CLASSES[parameter.kind]}"

    def _first(self, nodes: tuple[Node, ...]) -> str:
        result = self.fresh()
        self.line(f"{result} = {self.value(nodes[0])}")
        for node in nodes[1:]:
            lines, text = self.branch(lambda node=node: self.value(node))  # type: ignore[misc]
            self._conditional(f"if {result} is None:", lines, f"{result} = {text}")
        return result

    # -- conditions -------------------------------------------------------------------------------------------------

    def test(self, node: Node) -> str:
        """Source of an expression that is True or False, nothing else."""
        match node:
            case Compare():
                return self._compare(node)
            case IsNull(operand=Literal(value=value)):
                return repr((value is None) is not node.negated)
            case IsNull():
                return f"({self.value(node.operand)} is {'not ' if node.negated else ''}None)"
            case Not():
                return f"(not {self.test(node.operand)})"
            case Junction():
                return self._junction(node)
        if node.kind is Kind.BOOL and not node.nullable:
            return self.value(node)
        name = self.atom(node)
        return f"({name} if {name} is True or {name} is False else truth({name}))"

    def _junction(self, node: Junction) -> str:
        """In one line where the parts need no statements of their own, else part by part while still undecided."""
        first, *rest = node.operands
        start = self.test(first)
        parts = [self.branch(lambda operand=operand: self.test(operand)) for operand in rest]  # type: ignore[misc]
        if not any(lines for lines, _ in parts):
            return f"({f' {node.operator} '.join([start, *(text for _, text in parts)])})"
        result = self.fresh()
        self.line(f"{result} = {start}")
        for lines, text in parts:
            head = f"if {result}:" if node.operator == "and" else f"if not {result}:"
            self._conditional(head, lines, f"{result} = {text}")
        return result

    def _compare(self, node: Compare) -> str:
        sign, right = node.operator, node.right
        if isinstance(node.left, Literal):
            return f"{_SAFE_COMPARISON[sign]}({self.value(node.left)}, {self.value(right)})"
        if isinstance(right, Literal) and sign in ("==", "!=") and isinstance(right.value, (str, bool)):
            name = self.atom(node.left)
            match = f"{name} is {right.value!r}" if isinstance(right.value, bool) else f"{name} == {right.value!r}"
            return f"({match})" if sign == "==" else f"({name} is not None and not {match})"
        if sign in _ORDER and isinstance(right, Literal) and isinstance(right.value, (int, Decimal)):
            name, number = self.atom(node.left), self.value(right)
            safe = f"{_SAFE_COMPARISON[sign]}({name}, {number})"
            return f"({name} {sign} {self.constant(Decimal(right.value))} if {name}.__class__ is Decimal else {safe})"
        if sign in _ORDER:
            name, other = self.atom(node.left), self.atom(right)
            exact = f"{name}.__class__ is Decimal and {other}.__class__ is Decimal"
            return f"({name} {sign} {other} if {exact} else {_SAFE_COMPARISON[sign]}({name}, {other}))"
        if sign in ("in", "not in") and isinstance(right, ListOf) and _all_text(right):
            name = self.atom(node.left)
            listed = "(" + "".join(f"{item}, " for item in self.values(right.items)) + ")"
            return f"({name} in {listed})" if sign == "in" else f"({name} is not None and {name} not in {listed})"
        return f"{_SAFE_COMPARISON[sign]}({self.value(node.left)}, {self.value(right)})"


def _all_text(node: ListOf) -> bool:
    return all(isinstance(item, Literal) and isinstance(item.value, str) for item in node.items)
