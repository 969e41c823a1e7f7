"""The operators at run time: null in, null out; numbers only, exactly; comparisons of one kind, false with null."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, Overflow
from typing import Any

from mappings.errors import EvaluationError
from mappings.values import CONTEXT, Kind, as_number, describe, in_utc, kind_of, same, size, whole_in_bounds


def add(a: Any, b: Any) -> int | Decimal | None:
    if a is None or b is None:
        return None
    a, b = _operand(a), _operand(b)
    return whole_in_bounds(a + b) if isinstance(a, int) and isinstance(b, int) else CONTEXT.add(a, b)


def subtract(a: Any, b: Any) -> int | Decimal | None:
    if a is None or b is None:
        return None
    a, b = _operand(a), _operand(b)
    return whole_in_bounds(a - b) if isinstance(a, int) and isinstance(b, int) else CONTEXT.subtract(a, b)


def multiply(a: Any, b: Any) -> int | Decimal | None:
    if a is None or b is None:
        return None
    a, b = _operand(a), _operand(b)
    return whole_in_bounds(a * b) if isinstance(a, int) and isinstance(b, int) else CONTEXT.multiply(a, b)


def divide(a: Any, b: Any) -> Decimal | None:
    """Always exact to 34 digits, never floored."""
    if a is None or b is None:
        return None
    return CONTEXT.divide(Decimal(_operand(a)), Decimal(_operand(b)))


def modulo(a: Any, b: Any) -> int | Decimal | None:
    """The remainder of the floored quotient: it has the sign of `b`, for whole numbers and others alike."""
    if a is None or b is None:
        return None
    a, b = _operand(a), _operand(b)
    if b == 0:
        raise EvaluationError("division by zero")
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    rest = CONTEXT.remainder(Decimal(a), Decimal(b))
    return CONTEXT.add(rest, b) if rest and (rest < 0) != (b < 0) else rest


def negate(a: Any) -> int | Decimal | None:
    if a is None:
        return None
    a = _operand(a)
    return -a if isinstance(a, int) else CONTEXT.minus(a)


def equal(a: Any, b: Any) -> bool:
    return a is not None and b is not None and same(a, b)


def unequal(a: Any, b: Any) -> bool:
    return a is not None and b is not None and not same(a, b)


def less(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return False
    if a.__class__ is not Decimal or b.__class__ is not Decimal:
        a, b = _ordered(a, b)
    return bool(a < b)


def less_or_equal(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return False
    if a.__class__ is not Decimal or b.__class__ is not Decimal:
        a, b = _ordered(a, b)
    return bool(a <= b)


def greater(a: Any, b: Any) -> bool:
    return less(b, a)


def greater_or_equal(a: Any, b: Any) -> bool:
    return less_or_equal(b, a)


def within(item: Any, container: Any) -> bool:
    """`item in container`: part of a text, element of a list, key of a map."""
    if item is None or container is None:
        return False
    kind = kind_of(container)
    if kind is Kind.LIST:
        size(container), size(item)
        return any(same(item, element, checked=True) for element in container)
    if kind in (Kind.TEXT, Kind.MAP):
        if not isinstance(item, str):
            raise EvaluationError(f"only a text can be 'in' a {kind}, got {describe(item)}: convert it with text()")
        return item in container
    raise EvaluationError(f"nothing can be 'in' {describe(container)}")


def outside(item: Any, container: Any) -> bool:
    return item is not None and container is not None and not within(item, container)


def truth(value: Any) -> bool:
    """The value if it is true or false. Raises EvaluationError."""
    if value is True or value is False:
        return bool(value)
    hint = ": write default(value, False)" if value is None else ": compare it with something"
    raise EvaluationError(f"a condition is true or false, got {describe(value)}{hint}")


def step(value: Any, key: str | int) -> Any:
    """The part of a map or list under a key or position; null where there is none."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(key, int) and isinstance(value, (list, tuple)) and -len(value) <= key < len(value):
        return value[key]
    return None


def reason(error: Exception) -> str:
    """What a person reads about a failed computation."""
    if isinstance(error, ZeroDivisionError) or "DivisionUndefined" in str(error):
        return "division by zero"
    if isinstance(error, Overflow):
        return "the result is beyond the largest number"
    if isinstance(error, ArithmeticError):
        return "the numbers cannot be computed with (too many digits, or not finite)"
    return str(error)


def _operand(value: Any) -> int | Decimal:
    """A number to compute with. A Decimal is taken as it is: CONTEXT bounds every result."""
    return value if value.__class__ is Decimal else as_number(value)


def _ordered(a: Any, b: Any) -> tuple[Any, Any]:
    kind, other = kind_of(a), kind_of(b)
    if kind in (Kind.NUMBER, Kind.INT) and other in (Kind.NUMBER, Kind.INT):
        return _operand(a), _operand(b)
    if kind is other and kind in (Kind.TEXT, Kind.DATE):
        return a, b
    if kind is other and kind is Kind.DATETIME:
        return in_utc(a), in_utc(b)
    raise EvaluationError(
        f"{describe(a)} and {describe(b)} cannot be ordered: convert one with num(), text(), datetime()"
    )


ARITHMETIC = {"+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo}
COMPARISONS = {
    "==": equal,
    "!=": unequal,
    "<": less,
    "<=": less_or_equal,
    ">": greater,
    ">=": greater_or_equal,
    "in": within,
    "not in": outside,
}
