"""The checked tree of an expression: what `parsing` makes, and `compiler`, `edges` and `evaluation` walk."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mappings.registry import Function
from mappings.values import Kind

Path: TypeAlias = tuple[str | int, ...]
"""A way into a record: `labels.instance` is `("labels", "instance")`, `alerts[0].status` is `("alerts", 0, "status")`.
The empty path is the whole record (`row`)."""


def format_path(path: Path) -> str:
    """The path as one writes it in an expression."""
    if not path:
        return "row"
    first, *rest = path
    text = first if isinstance(first, str) and is_name(first) else f"row[{first!r}]"
    for part in rest:
        text += f".{part}" if isinstance(part, str) and is_name(part) else f"[{part!r}]"
    return text


def is_name(text: str) -> bool:
    """Whether a key can be written after a dot, without quotes."""
    return text.isidentifier() and text.isascii() and not keyword.iskeyword(text) and not text.startswith("__")


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression: its text, where it stands in it (from 1), and what is known of its value
    beforehand."""

    text: str
    line: int
    column: int
    kind: Kind
    nullable: bool


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Any


@dataclass(frozen=True, slots=True)
class Read(Node):
    """A value of the record; null where the path leads nowhere."""

    path: Path


@dataclass(frozen=True, slots=True)
class LetRead(Node):
    """The value of an intermediate name (`let:`)."""

    name: str
    target: Node


@dataclass(frozen=True, slots=True)
class TableRead(Node):
    """A table of the mapping, as argument of `lookup`."""

    name: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step(Node):
    """A part of a computed value, `get(...)[0].name`: null where there is none."""

    base: Node
    key: str | int


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`a + b` and so on; `-a` has only a right side."""

    operator: str
    left: Node | None
    right: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """Two values compared; never null: a comparison with null is false."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    operand: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """`and` or `or` over two or more conditions, looked at from left to right."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`then if test else otherwise`."""

    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A call of a registered function. `arguments` stand in the order of its parameters; `prepared` holds what was made
    of a literal beforehand (a pattern, a zone), by position; `special` a quicker function of the arguments that are no
    literals."""

    function: Function
    arguments: tuple[Node, ...]
    prepared: Mapping[int, Any]
    special: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class External(Node):
    """A call of a Python function over the fields it declares; `invoke` takes their values."""

    name: str
    invoke: Callable[..., Any]
    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    keys: tuple[str, ...]
    items: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The parts a node is made of, in the order they are written."""
    match node:
        case Arithmetic(left=None, right=right):
            return (right,)
        case Arithmetic(left=left, right=right) if left is not None:
            return (left, right)
        case Compare():
            return (node.left, node.right)
        case IsNull() | Not():
            return (node.operand,)
        case Junction():
            return node.operands
        case Choice():
            return (node.then, node.test, node.otherwise)
        case Call():
            return node.arguments
        case ListOf() | MapOf():
            return node.items
        case Step():
            return (node.base,)
        case External():
            return node.reads
        case LetRead():
            return (node.target,)
    return ()


def walk(node: Node, lets: set[str] | None = None) -> Iterator[Node]:
    """The node and everything below it; what an intermediate name stands for comes once."""
    lets = set() if lets is None else lets
    yield node
    if isinstance(node, LetRead):
        if node.name in lets:
            return
        lets.add(node.name)
    for child in children(node):
        yield from walk(child, lets)


def depth_of(node: Node, lets: dict[str, int] | None = None) -> int:
    """How deeply the parts are nested, with every intermediate name replaced by what it stands for."""
    lets = {} if lets is None else lets
    if isinstance(node, LetRead):
        if node.name not in lets:
            lets[node.name] = 1 + depth_of(node.target, lets)
        return lets[node.name]
    return 1 + max((depth_of(child, lets) for child in children(node)), default=0)


def reads_of(*nodes: Node) -> tuple[Path, ...]:
    """The paths these expressions read, each once, in the order they are met."""
    found: dict[Path, None] = {}
    lets: set[str] = set()
    for node in nodes:
        for part in walk(node, lets):
            if isinstance(part, Read):
                found[part.path] = None
    return tuple(found)


def functions_of(*nodes: Node) -> dict[str, int]:
    """The functions these expressions call, with their versions."""
    return {part.function.name: part.function.version for n in nodes for part in walk(n) if isinstance(part, Call)}
