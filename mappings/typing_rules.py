"""What the kinds of the parts say about the whole, before any record is seen."""

from __future__ import annotations

from mappings.tree import Node
from mappings.values import Kind

_ORDERED = {Kind.NUMBER, Kind.TEXT, Kind.DATETIME, Kind.DATE}


def arithmetic(sign: str, left: Node, right: Node) -> Kind:
    """The kind of `left sign right`: whole numbers stay whole but for division."""
    whole = left.kind is Kind.INT and right.kind is Kind.INT
    return Kind.INT if whole and sign != "/" else Kind.NUMBER


def either(a: Kind, b: Kind) -> Kind:
    """The kind of a value that is one of two."""
    if a is b or b is Kind.NULL:
        return a
    if a is Kind.NULL:
        return b
    return Kind.NUMBER if {a, b} == {Kind.INT, Kind.NUMBER} else Kind.ANY


def comparison(sign: str, left: Kind, right: Kind) -> tuple[str, str] | None:
    """What is wrong with comparing these kinds, and what to write instead; None when they fit."""
    if Kind.ANY in (left, right) and sign in ("==", "!="):
        return None
    a, b = _family(left), _family(right)
    if sign in ("==", "!="):
        return (
            None
            if a is b
            else (f"{left} and {right} are never equal", "convert one of them: text(), num(), datetime()")
        )
    if sign in ("in", "not in"):
        if b in (Kind.LIST, Kind.ANY):
            return None
        if b in (Kind.TEXT, Kind.MAP):
            fits = a in (Kind.TEXT, Kind.ANY)
            return None if fits else (f"only a text can be '{sign}' a {right}", "convert it with text()")
        return f"nothing can be '{sign}' {right}", "a list, a text or a map stands on the right"
    for kind in (a, b):
        if kind is not Kind.ANY and kind not in _ORDERED:
            return f"{kind} has no order", "compare it with == or !="
    fits = Kind.ANY in (a, b) or a is b
    return None if fits else (f"{left} and {right} cannot be ordered", "convert one of them: text(), num(), datetime()")


def _family(kind: Kind) -> Kind:
    return Kind.NUMBER if kind is Kind.INT else kind
