"""Calls: the right function, the right number of arguments, of the right kinds, checked before any record is seen."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import mappings.builtin  # noqa: F401  (registers the functions)
from mappings.errors import EvaluationError
from mappings.registry import DYNAMIC, FUNCTIONS, REQUIRED, Function, Parameter
from mappings.suggestions import among
from mappings.tree import Call, Literal, Node, TableRead, walk
from mappings.typing_rules import either
from mappings.values import Kind, kind_of

if TYPE_CHECKING:
    from mappings.parsing import TreeReader


def convert(reader: TreeReader, at: ast.Call, depth: int) -> Node:
    """The checked call."""
    if isinstance(at.func, ast.Attribute):
        return reader.refuse(at, "methods are not called here", f"write {at.func.attr}(value)")
    if not isinstance(at.func, ast.Name):
        return reader.refuse(at, "only a function can be called, by its name")
    function = FUNCTIONS.get(at.func.id)
    if function is None:
        return reader.unknown_function(at, at.func.id)
    given = _slots(reader, at, function)
    if given is None:
        return Literal(*reader.place(at), function.returns, True, None)
    arguments: list[Node] = []
    prepared: dict[int, Any] = {}
    for index, argument in enumerate(given):
        parameter = function.parameter(index)
        if argument is None:
            arguments.append(_default(reader, at, parameter))
        elif parameter.table:
            arguments.append(_table(reader, argument, function))
        else:
            arguments.append(reader.convert(argument, depth + 1))
            _check(reader, argument, arguments[-1], parameter, function)
        _prepare(reader, at, arguments[-1], parameter, index, prepared)
    kind, nullable = _kind(function, arguments), _nullable(function, arguments)
    special = _specialise(reader, at, function, arguments, prepared)
    return Call(*reader.place(at), kind, nullable, function, tuple(arguments), prepared, special)


def _specialise(
    reader: TreeReader, at: ast.Call, function: Function, arguments: list[Node], prepared: Mapping[int, Any]
) -> Callable[..., Any] | None:
    if function.specialise is None or reader.problems:
        return None
    known = [
        prepared.get(index, node.value) if isinstance(node, (Literal, TableRead)) else DYNAMIC
        for index, node in enumerate(arguments)
    ]
    try:
        return function.specialise(*known)
    except EvaluationError as error:
        reader.refuse(at, str(error))
        return None


def fallible_calls(node: Node) -> list[Call]:
    """The calls of an expression that fail on values of the right kind and do not say what to give then."""
    return [part for part in walk(node) if isinstance(part, Call) and _fails(part)]


def _fails(call: Call) -> bool:
    if call.function.handles(len(call.arguments)):
        return False
    return call.function.fallible or any(
        call.function.parameter(index).prepared is not None and not isinstance(argument, Literal)
        for index, argument in enumerate(call.arguments)
    )


def _slots(reader: TreeReader, at: ast.Call, function: Function) -> list[ast.expr | None] | None:
    """The arguments in the order of the parameters; None for one left out. None as a whole when they do not fit."""
    parameters = function.parameters
    if any(isinstance(a, ast.Starred) for a in at.args) or any(k.arg is None for k in at.keywords):
        reader.refuse(at, "stars are not part of the language", "write the arguments out")
        return None
    if len(at.args) > len(parameters) and not function.variadic:
        most = len(parameters)
        reader.refuse(at, f"{function.name}() takes at most {most} arguments, got {len(at.args)}", function.signature)
        return None
    slots: list[ast.expr | None] = list(at.args)
    names = [p.name for p in parameters if not p.variadic]
    for word in at.keywords:
        if word.arg not in names:
            reader.refuse(at, f"{function.name}() has no argument {word.arg!r}", among(str(word.arg), names))
            return None
        index = names.index(word.arg)
        slots.extend([None] * (index + 1 - len(slots)))
        if slots[index] is not None:
            reader.refuse(at, f"the argument {word.arg!r} is given twice")
            return None
        slots[index] = word.value
    for index, parameter in enumerate(parameters):
        missing = index >= len(slots) or slots[index] is None
        if missing and parameter.default is REQUIRED and not (parameter.variadic and index > 0):
            reader.refuse(at, f"{function.name}() needs the argument {parameter.name!r}", function.signature)
            return None
    return slots


def _default(reader: TreeReader, at: ast.Call, parameter: Parameter) -> Node:
    value = parameter.default
    return Literal(*reader.place(at), kind_of(value), value is None, value)


def _table(reader: TreeReader, at: ast.expr, function: Function) -> Node:
    if isinstance(at, ast.Name):
        tables = reader.scope.tables
        if at.id in tables:
            return TableRead(*reader.place(at), Kind.MAP, False, at.id, tables[at.id])
        hint = among(at.id, tables) if tables else "write it under `tables:`"
        return reader.refuse(at, f"there is no table {at.id!r}", hint)
    if isinstance(at, ast.Dict):
        table = _literal_table(at)
        if table is not None:
            return TableRead(*reader.place(at), Kind.MAP, False, reader.place(at)[0], table)
    return reader.refuse(at, f"{function.name}() takes the name of a table here", "write it under `tables:`")


def _literal_table(at: ast.Dict) -> Mapping[str, Any] | None:
    table: dict[str, Any] = {}
    for key, value in zip(at.keys, at.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Constant)):
            return None
        if not isinstance(value.value, (str, int, bool)) or key.value in table:
            return None
        table[key.value] = value.value
    return table


def _check(reader: TreeReader, at: ast.expr, node: Node, parameter: Parameter, function: Function) -> None:
    if isinstance(node, Literal) and node.value is None and node.kind is Kind.NULL and not parameter.sees_null:
        reader.refuse(at, f"{function.name}() of None is None", function.signature)
    elif not parameter.kind.accepts(node.kind):
        hint = {Kind.TEXT: "convert it with text()", Kind.NUMBER: "convert it with num()"}.get(parameter.kind, "")
        reader.refuse(at, f"{function.name}() takes {parameter.kind} as {parameter.name!r}, this is {node.kind}", hint)
    elif parameter.kind is Kind.INT and isinstance(node, Literal) and isinstance(node.value, Decimal):
        reader.refuse(at, f"{function.name}() takes a whole number as {parameter.name!r}", f"write {node.value:.0f}")
    elif parameter.prepared is not None and parameter.prepared.literal_only and not isinstance(node, Literal):
        reader.refuse(at, f"{function.name}() takes a literal text as {parameter.name!r}", function.signature)


def _prepare(
    reader: TreeReader, at: ast.Call, node: Node, parameter: Parameter, index: int, prepared: dict[int, Any]
) -> None:
    if parameter.prepared is None or not isinstance(node, Literal) or not isinstance(node.value, str):
        return
    try:
        prepared[index] = parameter.prepared.parse(node.value)
    except EvaluationError as error:
        reader.refuse(at, str(error))


def _kind(function: Function, arguments: list[Node]) -> Kind:
    if not function.lazy:
        return function.returns
    kind = Kind.NULL
    for argument in arguments:
        kind = either(kind, argument.kind)
    return kind


def _nullable(function: Function, arguments: list[Node]) -> bool:
    if function.lazy:
        return all(argument.nullable for argument in arguments)
    return not function.predicate
