"""The last step of a field: the value becomes exactly what its canonical field asks for, or it is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.errors import EvaluationError
from mappings.record_types import Field
from mappings.suggestions import among, nearest
from mappings.tree import Arithmetic, Call, Literal, Node
from mappings.values import (
    CONTEXT,
    MAX_DIGITS,
    MAX_EXPONENT,
    MAX_TEXT,
    Kind,
    as_decimal,
    as_text,
    describe,
    in_utc,
    kind_of,
    short_enough,
    size,
)
from mappings.writer import Writer

_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")


def read_type(text: str, field: Field) -> Field:
    """The field narrowed to a type written in a mapping: a kind, or `decimal(18,4)`. Raises ValueError with what to
    write."""
    match = _DECIMAL.fullmatch(text.strip())
    if match:
        precision, scale = int(match[1]), int(match[2])
        if not 0 <= scale <= precision <= MAX_DIGITS or precision == 0:
            raise ValueError(f"decimal(p,s) needs 1 <= p <= {MAX_DIGITS} and 0 <= s <= p")
        kind, narrowed = Kind.NUMBER, replace(field, kind=Kind.NUMBER, precision=precision, scale=scale)
    else:
        words = [kind for kind in Kind if kind is not Kind.NULL]
        if text not in words:
            raise ValueError(f"{text!r} is no type: {among(text, [*words, 'decimal(18,4)'])}")
        kind = Kind(text)
        narrowed = replace(field, kind=kind)
    if field.kind not in (Kind.ANY, kind) and (field.kind, kind) != (Kind.NUMBER, Kind.INT):
        raise ValueError(f"{field.name!r} is {field.kind}, it cannot be {text}")
    return narrowed


def fits(node: Node, field: Field) -> str:
    """What is wrong with this expression for this field, as far as can be known beforehand; empty when nothing is."""
    if isinstance(node, Literal) and node.value is not None:
        try:
            coerce(node.value, field)
        except EvaluationError as error:
            return str(error)
        return ""
    if node.kind is Kind.NULL:
        return f"{field.name!r} must have a value" if field.required else ""
    if field.kind.accepts(node.kind) or (field.kind is Kind.TEXT and node.kind not in (Kind.LIST, Kind.MAP)):
        return ""
    words = {Kind.NUMBER: "num()", Kind.INT: "int()", Kind.DATETIME: "datetime()", Kind.TEXT: "join() or json()"}
    remedy = f": convert it with {words[field.kind]}" if field.kind in words else ""
    return f"{field.name!r} is {field.kind}, this is {node.kind}{remedy}"


def coerce(value: Any, field: Field) -> Any:
    """The value as the field stores it; null stays null. Numbers, booleans and times become text where text is asked
    for; nothing else is guessed. Raises EvaluationError."""
    if value is None:
        return None
    result = _convert(value, field)
    if field.choices and result not in field.choices:
        hint = nearest(str(result), field.choices)
        raise EvaluationError(
            f"{describe(result)} is none of {', '.join(field.choices)}" + (f": {hint}" if hint else "")
        )
    return result


def _convert(value: Any, field: Field) -> Any:
    kind = kind_of(value)
    match field.kind:
        case Kind.TEXT:
            return short_enough(as_text(value))
        case Kind.NUMBER if kind in (Kind.NUMBER, Kind.INT):
            number = as_decimal(value)
            return number if field.scale is None else _rounded(number, field)
        case Kind.INT if kind in (Kind.NUMBER, Kind.INT):
            number = as_decimal(value)
            if number == int(number):
                return int(number)
            raise EvaluationError(f"{describe(value)} is not whole: write round() or floor()")
        case Kind.DATETIME if kind is Kind.DATETIME:
            return in_utc(value)
        case Kind.ANY:
            size(value)
            return as_decimal(value) if isinstance(value, float) else value
        case Kind.LIST if kind is Kind.LIST:
            size(value)
            return value if value.__class__ is list else list(value)
        case Kind.MAP if kind is Kind.MAP:
            size(value)
            return value if value.__class__ is dict else dict(value)
        case Kind.BOOL | Kind.DATE if kind is field.kind:
            return value
    words = {
        Kind.NUMBER: "num()",
        Kind.INT: "int()",
        Kind.DATETIME: "datetime()",
        Kind.BOOL: "bool()",
        Kind.DATE: "date()",
    }
    remedy = f": convert it with {words[field.kind]}" if field.kind in words else ""
    raise EvaluationError(f"{field.kind} is needed, got {describe(value)}{remedy}")


def _rounded(number: Decimal, field: Field) -> Decimal:
    precision, scale = field.precision or MAX_DIGITS, field.scale or 0
    try:
        result = number.quantize(Decimal(1).scaleb(-scale), context=CONTEXT)
    except InvalidOperation:
        raise EvaluationError(f"{describe(number)} does not fit into {field.type}") from None
    if result and result.adjusted() >= precision - scale:
        raise EvaluationError(f"{describe(number)} does not fit into {field.type}")
    return result


def write_coercion(writer: Writer, name: str, node: Node, field: Field) -> None:
    """Code that does what `coerce` does to the variable, in place where the value is already right."""
    if isinstance(node, Literal):
        writer.line(f"{name} = {writer.constant(coerce(node.value, field))}")
        return
    convert = writer.constant(lambda value: coerce(value, field), "as_")
    right = _already_right(name, node, field)
    if right:
        writer.line(f"if not ({right}) and {name} is not None: {name} = {convert}({name})")


def _already_right(name: str, node: Node, field: Field) -> str:
    """Source of a test that the value needs nothing done to it; empty when that is known beforehand."""
    computed = isinstance(node, (Arithmetic, Call))
    if field.choices:
        return f"{name} in {field.choices!r}"
    match field.kind:
        case Kind.TEXT:
            return f"{name}.__class__ is str and len({name}) <= {MAX_TEXT}"
        case Kind.NUMBER if field.scale is None:
            small = "" if computed else f" and -{MAX_EXPONENT} <= {name}.adjusted() <= {MAX_EXPONENT}"
            return f"{name}.__class__ is Decimal and {name}.is_finite(){small}"
        case Kind.BOOL:
            known = node.kind is Kind.BOOL and not node.nullable
            return "" if known else f"{name} is True or {name} is False"
        case Kind.INT:
            return f"{name}.__class__ is int and {-(10**18)} < {name} < {10**18}"
        case Kind.DATE:
            return f"{name}.__class__ is date"
        case Kind.DATETIME:
            return f"{name}.__class__ is datetime and {name}.tzinfo is UTC"
    return "False"


def missing(field: Field) -> EvaluationError:
    """The failure of a required field that came out null."""
    return EvaluationError(f"{field.name!r} must have a value, got null")
