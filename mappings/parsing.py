"""From the text of an expression to its checked tree: a white list over the standard library's `ast`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings import calls, typing_rules
from mappings.errors import EvaluationError, Problem
from mappings.registry import FUNCTIONS
from mappings.source_text import MAX_NODES, SourceText
from mappings.suggestions import among, nearest
from mappings.tree import (
    Arithmetic,
    Choice,
    Compare,
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
)
from mappings.values import Kind, in_bounds, whole_in_bounds

MAX_DEPTH = 60

_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_FOREIGN_WORDS = {"null": "None", "none": "None", "nil": "None", "true": "True", "false": "False"}
_REFUSED_NODES = {
    ast.JoinedStr: ("an f-string is not part of the language", "join texts with concat()"),
    ast.Lambda: ("a lambda is not part of the language", ""),
    ast.ListComp: ("a comprehension is not part of the language", ""),
    ast.SetComp: ("a comprehension is not part of the language", ""),
    ast.DictComp: ("a comprehension is not part of the language", ""),
    ast.GeneratorExp: ("a comprehension is not part of the language", ""),
    ast.NamedExpr: ("an assignment is not part of an expression", "name it under `let:`"),
    ast.Starred: ("a star is not part of the language", "write the arguments out"),
    ast.Tuple: ("a tuple is not part of the language", "write a list: [a, b]"),
    ast.Set: ("a set is not part of the language", "write a list: [a, b]"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name. `names`: the roots it may read, None for any; `lets` and `tables` of its mapping."""

    names: Collection[str] | None = None
    lets: Mapping[str, Node] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def parse(text: str, scope: Scope) -> tuple[Node | None, list[Problem]]:
    """The tree of the expression, or None and every problem found."""
    reader = TreeReader(text, scope)
    node = reader.read()
    return (None if reader.problems else node), reader.problems


def parse_path(text: str, scope: Scope) -> tuple[Path | None, list[Problem]]:
    """The path that the text is, and nothing else."""
    node, problems = parse(text, scope)
    if node is not None and not isinstance(node, Read):
        return None, [Problem(f"{text!r} is not a path", hint="name one field, such as labels.instance")]
    return (node.path if isinstance(node, Read) else None), problems


class TreeReader:
    """Walks Python's tree of one expression and makes the checked one. Every problem is noted, not only the first."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.source = SourceText(text)
        self.place = self.source.place
        self.scope = scope
        self.count = 0

    @property
    def problems(self) -> list[Problem]:
        return self.source.problems

    def read(self) -> Node | None:
        tree = self.source.parse()
        return None if tree is None else self.convert(tree, 1)

    def refuse(self, at: ast.expr, message: str, hint: str = "") -> Node:
        """Note a problem and go on with a stand-in."""
        self.source.refuse(at, message, hint)
        return Literal(*self.place(at), Kind.ANY, True, None)

    def convert(self, at: ast.expr, depth: int) -> Node:
        self.count += 1
        if depth > MAX_DEPTH:
            return self.refuse(at, f"the expression is nested deeper than {MAX_DEPTH}", "split it with `let:`")
        if self.count > MAX_NODES:
            if self.count == MAX_NODES + 1:
                self.refuse(at, f"the expression has more than {MAX_NODES} parts", "split it with `let:`")
            return Literal(*self.place(at), Kind.ANY, True, None)
        match at:
            case ast.Constant():
                return self._constant(at)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._access(at, depth)
            case ast.BinOp() if type(at.op) in _ARITHMETIC:
                return self._arithmetic(at, depth)
            case ast.UnaryOp():
                return self._unary(at, depth)
            case ast.Compare():
                return self._compare(at, depth)
            case ast.BoolOp():
                operands = tuple(self._condition(value, depth) for value in at.values)
                word = "and" if isinstance(at.op, ast.And) else "or"
                return Junction(*self.place(at), Kind.BOOL, False, word, operands)
            case ast.IfExp():
                return self._choice(at, depth)
            case ast.Call():
                return calls.convert(self, at, depth)
            case ast.List():
                items = tuple(self.convert(item, depth + 1) for item in at.elts)
                return ListOf(*self.place(at), Kind.LIST, False, items)
            case ast.Dict():
                return self._map(at, depth)
            case ast.BinOp():
                hints = {ast.Pow: "powers are not computed here", ast.FloorDiv: "write floor(a / b)"}
                return self.refuse(at, "this operator is not part of the language", hints.get(type(at.op), ""))
        message, hint = _REFUSED_NODES.get(type(at), (f"{type(at).__name__} is not part of the language", ""))
        return self.refuse(at, message, hint)

    def _constant(self, at: ast.Constant) -> Node:
        place, value = self.place(at), at.value
        try:
            if value is None:
                return Literal(*place, Kind.NULL, True, None)
            if isinstance(value, bool):
                return Literal(*place, Kind.BOOL, False, value)
            if isinstance(value, int):
                return Literal(*place, Kind.INT, False, whole_in_bounds(value))
            if isinstance(value, float):
                exact = in_bounds(Decimal(place[0].replace("_", "")))
                return Literal(*place, Kind.NUMBER, False, exact)
            if isinstance(value, str):
                if self.source.breaks_line(at):
                    return self.refuse(at, "a text goes over the end of a line", "write \\n for a line break in a text")
                value.encode()
                return Literal(*place, Kind.TEXT, False, value)
        except (EvaluationError, InvalidOperation, UnicodeEncodeError) as error:
            return self.refuse(at, f"this literal cannot be used: {error}")
        return self.refuse(at, f"a literal of type {type(value).__name__} is not part of the language")

    def _access(self, at: ast.expr, depth: int) -> Node:
        """A path into the record, or a step into a computed value."""
        keys: list[str | int] = []
        inner = at
        while isinstance(inner, (ast.Attribute, ast.Subscript)):
            key = self._key(inner)
            if key is None:
                return Literal(*self.place(at), Kind.ANY, True, None)
            keys.append(key)
            inner = inner.value
            if len(keys) > MAX_DEPTH:
                return self.refuse(at, f"the path is longer than {MAX_DEPTH} keys")
        keys.reverse()
        if isinstance(inner, ast.Name):
            return self._name(at, inner, keys)
        node = self.convert(inner, depth + 1)
        return self._steps(at, node, keys)

    def _steps(self, at: ast.expr, node: Node, keys: list[str | int]) -> Node:
        if keys and node.kind not in (Kind.ANY, Kind.MAP, Kind.LIST, Kind.NULL):
            return self.refuse(at, f"a {node.kind} has no parts to read")
        for key in keys:
            node = Step(*self.place(at), Kind.ANY, True, node, key)
        return node

    def _key(self, at: ast.Attribute | ast.Subscript) -> str | int | None:
        if isinstance(at, ast.Attribute):
            written = self.place(at)[0]
            if at.attr.startswith("__"):
                self.refuse(
                    at, f"{at.attr!r} cannot be read with a dot", f"write [{at.attr!r}] if a key is really so named"
                )
            elif not written.endswith(at.attr):
                self.refuse(
                    at, f"{at.attr!r} is not written in its plain letters", "write the key in brackets and quotes"
                )
            else:
                return at.attr
            return None
        index: object = at.slice.value if isinstance(at.slice, ast.Constant) else None
        if (
            isinstance(at.slice, ast.UnaryOp)
            and isinstance(at.slice.op, ast.USub)
            and isinstance(at.slice.operand, ast.Constant)
        ):
            negative = at.slice.operand.value
            index = -negative if isinstance(negative, int) and not isinstance(negative, bool) else None
        if isinstance(index, str) or (isinstance(index, int) and not isinstance(index, bool) and abs(index) < 10**6):
            return index
        self.refuse(at, "only a text or a position stands in brackets", "for a computed key write get(map, key)")
        return None

    def _name(self, at: ast.expr, name: ast.Name, keys: list[str | int]) -> Node:
        root, place = name.id, self.place(at)
        if self.place(name)[0] != root:
            return self.refuse(
                name, f"{root!r} is not written in its plain letters", f"write row[{self.place(name)[0]!r}]"
            )
        if root in self.scope.lets:
            target = self.scope.lets[root]
            node = LetRead(*self.place(name), target.kind, target.nullable, root, target)
            return self._steps(at, node, keys)
        if root.startswith("__"):
            return self.refuse(name, f"{root!r} cannot be read", f"write row[{root!r}] if a field is really so named")
        if root in _FOREIGN_WORDS:
            return self.refuse(name, f"{root!r} is not a word of the language", f"write {_FOREIGN_WORDS[root]}")
        if root == "row":
            if not keys or not isinstance(keys[0], int):
                return Read(*place, Kind.ANY if keys else Kind.MAP, bool(keys), tuple(keys))
            return self.refuse(at, "the record has named fields, no positions", "write row['name']")
        if self.scope.names is not None and root not in self.scope.names:
            if root in self.scope.tables:
                return self.refuse(name, f"the table {root!r} is no value", f"write lookup(value, {root})")
            return self.refuse(name, f"there is no {root!r} here", among(root, {*self.scope.names, *self.scope.lets}))
        return Read(*place, Kind.ANY, True, (root, *keys))

    def _arithmetic(self, at: ast.BinOp, depth: int) -> Node:
        sign = _ARITHMETIC[type(at.op)]
        # A sum written in one line leans to the left: its terms are no nesting.
        left = self.convert(at.left, depth if isinstance(at.left, ast.BinOp) else depth + 1)
        right = self.convert(at.right, depth + 1)
        for side, operand in ((at.left, left), (at.right, right)):
            if not Kind.NUMBER.accepts(operand.kind):
                hint = (
                    "join texts with concat()" if Kind.TEXT is operand.kind and sign == "+" else "convert it with num()"
                )
                return self.refuse(side, f"'{sign}' takes numbers, this is {operand.kind}", hint)
        return Arithmetic(*self.place(at), typing_rules.arithmetic(sign, left, right), True, sign, left, right)

    def _unary(self, at: ast.UnaryOp, depth: int) -> Node:
        if isinstance(at.op, ast.Not):
            return Not(*self.place(at), Kind.BOOL, False, self._condition(at.operand, depth))
        if not isinstance(at.op, ast.USub):
            return self.refuse(at, "only '-' and 'not' stand before a value")
        operand = self.convert(at.operand, depth + 1)
        if isinstance(operand, Literal) and isinstance(operand.value, (int, Decimal)) and operand.kind is not Kind.BOOL:
            value = -operand.value if isinstance(operand.value, int) else operand.value.copy_negate()
            return Literal(*self.place(at), operand.kind, False, value)
        if not Kind.NUMBER.accepts(operand.kind):
            return self.refuse(at, f"'-' takes a number, this is {operand.kind}")
        kind = operand.kind if operand.kind is Kind.INT else Kind.NUMBER
        return Arithmetic(*self.place(at), kind, True, "-", None, operand)

    def _compare(self, at: ast.Compare, depth: int) -> Node:
        sides = [at.left, *at.comparators]
        links = [self._link(at, op, a, b, depth) for op, a, b in zip(at.ops, sides, sides[1:], strict=False)]
        if len(links) == 1:
            return links[0]
        return Junction(*self.place(at), Kind.BOOL, False, "and", tuple(links))

    def _link(self, at: ast.Compare, op: ast.cmpop, a: ast.expr, b: ast.expr, depth: int) -> Node:
        text, line, column = self.place(a)
        place = self.place(at) if len(at.ops) == 1 else (self.source.between(a, b), line, column)
        left = self.convert(a, depth + 1)
        if isinstance(op, (ast.Is, ast.IsNot)):
            if not (isinstance(b, ast.Constant) and b.value is None):
                return self.refuse(b, "after 'is' stands None only", "compare values with ==")
            return IsNull(*place, Kind.BOOL, False, left, isinstance(op, ast.IsNot))
        sign, right = _COMPARISONS[type(op)], self.convert(b, depth + 1)
        if Kind.NULL in (left.kind, right.kind):
            wanted = "is not None" if sign == "!=" else "is None"
            return self.refuse(at, "a comparison with None is never true", f"write {text} {wanted}")
        complaint = typing_rules.comparison(sign, left.kind, right.kind)
        if complaint:
            return self.refuse(at, *complaint)
        return Compare(*place, Kind.BOOL, False, sign, left, right)

    def _condition(self, at: ast.expr, depth: int) -> Node:
        node = self.convert(at, depth + 1)
        if not Kind.BOOL.accepts(node.kind) or node.kind is Kind.NULL:
            return self.refuse(at, f"a condition is true or false, this is {node.kind}", "compare it with something")
        return node

    def _choice(self, at: ast.IfExp, depth: int) -> Node:
        then = self.convert(at.body, depth + 1)
        test = self._condition(at.test, depth)
        otherwise = self.convert(at.orelse, depth + 1)
        kind = typing_rules.either(then.kind, otherwise.kind)
        return Choice(*self.place(at), kind, then.nullable or otherwise.nullable, test, then, otherwise)

    def _map(self, at: ast.Dict, depth: int) -> Node:
        keys = []
        for key in at.keys:
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                return self.refuse(at, "the keys of a map are literal texts", "write {'name': value}")
            if key.value in keys:
                return self.refuse(key, f"the key {key.value!r} stands twice")
            keys.append(key.value)
        items = tuple(self.convert(item, depth + 1) for item in at.values)
        return MapOf(*self.place(at), Kind.MAP, False, tuple(keys), items)

    def unknown_function(self, at: ast.expr, name: str) -> Node:
        return self.refuse(at, f"there is no function {name}()", nearest(name, FUNCTIONS))
