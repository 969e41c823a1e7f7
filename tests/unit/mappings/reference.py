"""The meaning of the language, written a second time: a slow walk over Python's own syntax tree, on its own arithmetic.

It knows nothing of `mappings`. Tests compare the two. It raises Wrong where a value cannot be computed."""

from __future__ import annotations

import ast
import decimal
import ipaddress
import re
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

LIMIT = 10**34


class Wrong(Exception):
    """There is no value."""


def evaluate(text: str, record: Mapping[str, Any]) -> Any:
    """The value of an expression that is known to be accepted. Raises Wrong."""
    context = decimal.Context(prec=34, rounding=decimal.ROUND_HALF_UP, Emin=-999, Emax=999, clamp=0)
    context.traps[decimal.InvalidOperation] = True
    context.traps[decimal.DivisionByZero] = True
    context.traps[decimal.Overflow] = True
    with decimal.localcontext(context):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # '\\d' in a pattern is meant
                tree = ast.parse(text, mode="eval")
            return _Walk(text, record).value(tree.body)
        except decimal.DecimalException as error:
            raise Wrong(str(error)) from error


def is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal, float)) and not isinstance(value, bool)


def exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


def number(value: Any) -> Any:
    if not is_number(value):
        raise Wrong(f"no number: {value!r}")
    value = exact(value)
    if isinstance(value, int) and abs(value) >= LIMIT:
        raise Wrong("too many digits")
    return value


def equal(a: Any, b: Any) -> bool:
    if is_number(a) and is_number(b):
        return bool(exact(a) == exact(b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return set(a) == set(b) and all(equal(a[k], b[k]) for k in a)
    return type(a) is type(b) and bool(a == b)


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return f"{number(value):f}" if isinstance(exact(value), Decimal) else str(number(value))
    raise Wrong("no text")


def truth(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise Wrong("neither true nor false")


class _Walk:
    def __init__(self, text: str, record: Mapping[str, Any]) -> None:
        self.text = text
        self.record = record

    def value(self, n: ast.expr) -> Any:
        if isinstance(n, ast.Constant):
            if isinstance(n.value, float):
                return Decimal(ast.get_source_segment(self.text, n) or "")
            return n.value
        method: Callable[[Any], Any] = getattr(self, type(n).__name__.lower())
        return method(n)

    def name(self, n: ast.Name) -> Any:
        return self.record if n.id == "row" else self.record.get(n.id)

    def attribute(self, n: ast.Attribute) -> Any:
        return self.part(self.value(n.value), n.attr)

    def subscript(self, n: ast.Subscript) -> Any:
        return self.part(self.value(n.value), ast.literal_eval(n.slice))

    def part(self, value: Any, key: Any) -> Any:
        if isinstance(value, dict):
            return value.get(key)
        if isinstance(value, list) and isinstance(key, int):
            return value[key] if -len(value) <= key < len(value) else None
        return None

    def list(self, n: ast.List) -> Any:
        return [self.value(item) for item in n.elts]

    def dict(self, n: ast.Dict) -> Any:
        keys = [ast.literal_eval(key) for key in n.keys if key is not None]
        return {key: self.value(item) for key, item in zip(keys, n.values, strict=True)}

    def ifexp(self, n: ast.IfExp) -> Any:
        return self.value(n.body) if truth(self.value(n.test)) else self.value(n.orelse)

    def boolop(self, n: ast.BoolOp) -> Any:
        stop = isinstance(n.op, ast.Or)
        for operand in n.values:
            if truth(self.value(operand)) is stop:
                return stop
        return not stop

    def unaryop(self, n: ast.UnaryOp) -> Any:
        value = self.value(n.operand)
        if isinstance(n.op, ast.Not):
            return not truth(value)
        return None if value is None else -number(value)

    def binop(self, n: ast.BinOp) -> Any:
        left, right = self.value(n.left), self.value(n.right)
        if left is None or right is None:
            return None
        a, b = number(left), number(right)
        whole = isinstance(a, int) and isinstance(b, int)
        result = self.compute(n.op, a, b, whole)
        if whole and isinstance(result, int) and abs(result) >= LIMIT:
            raise Wrong("too many digits")
        return result

    def compute(self, op: ast.operator, a: Any, b: Any, whole: bool) -> Any:
        match op:
            case ast.Add():
                return a + b
            case ast.Sub():
                return a - b
            case ast.Mult():
                return a * b
            case ast.Div():
                return Decimal(a) / Decimal(b)
        if whole:
            if b == 0:
                raise Wrong("division by zero")
            return a % b
        rest = Decimal(a) % Decimal(b)
        return rest + b if rest and (rest < 0) != (b < 0) else rest

    def compare(self, n: ast.Compare) -> Any:
        sides = [n.left, *n.comparators]
        return all(self.link(op, a, b) for op, a, b in zip(n.ops, sides, sides[1:], strict=False))

    def link(self, op: ast.cmpop, a: ast.expr, b: ast.expr) -> bool:
        left, right = self.value(a), self.value(b)
        if isinstance(op, ast.Is):
            return left is None
        if isinstance(op, ast.IsNot):
            return left is not None
        if left is None or right is None:
            return False
        match op:
            case ast.Eq():
                return equal(left, right)
            case ast.NotEq():
                return not equal(left, right)
            case ast.In():
                return self.within(left, right)
            case ast.NotIn():
                return not self.within(left, right)
        return self.order(op, left, right)

    def within(self, left: Any, right: Any) -> bool:
        if isinstance(right, list):
            return any(equal(left, item) for item in right)
        if isinstance(right, (str, dict)) and isinstance(left, str):
            return left in right
        raise Wrong("nothing to be in")

    def order(self, op: ast.cmpop, left: Any, right: Any) -> bool:
        if is_number(left) and is_number(right):
            left, right = exact(left), exact(right)
        elif not (isinstance(left, str) and isinstance(right, str)):
            raise Wrong("no order")
        match op:
            case ast.Lt():
                return bool(left < right)
            case ast.LtE():
                return bool(left <= right)
            case ast.Gt():
                return bool(left > right)
        return bool(left >= right)

    def call(self, n: ast.Call) -> Any:
        assert isinstance(n.func, ast.Name)
        name = n.func.id
        if name in ("first", "coalesce", "default"):
            for argument in n.args:
                value = self.value(argument)
                if value is not None:
                    return value
            return None
        values = [self.value(argument) for argument in n.args]
        words = {str(word.arg): self.value(word.value) for word in n.keywords}
        kinds, compute = FUNCTIONS[name]
        if len(values) > FALLIBLE.get(name, 99):
            words["otherwise"] = values.pop()
        for index, value in enumerate(values):
            if value is None:
                return False if name in PREDICATES else None
            self.check(kinds.split()[min(index, len(kinds.split()) - 1)], value)
        if "otherwise" in words:
            try:
                return compute(*values)
            except (Wrong, decimal.InvalidOperation):
                return words["otherwise"]
        return compute(*values, **words)

    def check(self, kind: str, value: Any) -> None:
        fits = {
            "any": True,
            "text": isinstance(value, str),
            "number": is_number(value),
            "int": is_number(value) and exact(value) == int(exact(value)),
            "list": isinstance(value, list),
            "map": isinstance(value, dict),
        }
        if value is not None and not fits[kind]:
            raise Wrong(f"{kind} is needed, got {value!r}")


def _num(value: Any) -> Decimal:
    if is_number(value):
        return Decimal(number(value))
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", value, re.ASCII):
        return Decimal(value.strip())
    raise Wrong("no number")


def _int(value: Any) -> int:
    found = _num(value)
    if found != found.to_integral_value() or abs(found) >= LIMIT:
        raise Wrong("not whole")
    return int(found)


def _is_number(value: Any) -> bool:
    try:
        _num(value)
    except Wrong:
        return False
    return True


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _round(value: Any, digits: int = 0) -> Decimal:
    return Decimal(number(value)).quantize(Decimal(1).scaleb(-int(digits)), rounding=decimal.ROUND_HALF_UP)


def _extreme(sign: int, *values: Any) -> Any:
    members = (
        [v for v in values[0] if v is not None] if len(values) == 1 and isinstance(values[0], list) else list(values)
    )
    found = None
    for member in members:
        if found is None:
            found = member
            continue
        pair = (member, found) if sign < 0 else (found, member)
        if _Walk("", {}).order(ast.Lt(), *pair):
            found = member
    return found


def _sum(values: list[Any]) -> Any:
    total: Any = 0
    for value in values:
        if value is not None:
            total = total + number(value)
    return number(total)


def _join(values: list[Any], separator: str = "") -> str | None:
    texts = [as_text(v) for v in values if v is not None and v != ""]
    return separator.join(texts) if texts else None


def _get(container: Any, key: Any) -> Any:
    if isinstance(key, (bool, list, dict)) or (is_number(key) and exact(key) != int(exact(key))):
        raise Wrong("no key")
    return _Walk("", {}).part(container, key if isinstance(key, str) else int(exact(key)))


def _length(value: Any) -> int:
    if not isinstance(value, (str, list, dict)):
        raise Wrong("no length")
    return len(value)


def _lookup(value: Any, table: dict[str, Any]) -> Any:
    if as_text(value) not in table:
        raise Wrong("not in the table")
    return table[as_text(value)]


def _replace(value: str, old: str, new: str) -> str:
    if not old:
        raise Wrong("nothing to replace")
    return value.replace(old, new)


def _truncate(value: str, length: int) -> str:
    return value if len(value) <= length else (value[: max(length - 1, 0)] + "…")[: max(int(length), 0)]


FALLIBLE = {"num": 1, "int": 1, "lookup": 2}
"""How many arguments stand before `otherwise`."""
PREDICATES = {"contains", "starts_with", "ends_with", "is_ip", "is_number", "matches", "is_text"}
FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "concat": ("any", lambda *v: "".join(map(as_text, v))),
    "lower": ("text", str.lower),
    "upper": ("text", str.upper),
    "strip": ("text", str.strip),
    "nonempty": ("text", lambda v: v if v.strip() else None),
    "replace": ("text", _replace),
    "digits": ("text", lambda v: "".join(c for c in v if c in "0123456789")),
    "text": ("any", as_text),
    "num": ("any", _num),
    "int": ("any", _int),
    "contains": ("text", lambda v, p: p in v),
    "starts_with": ("text", lambda v, p: v.startswith(p)),
    "ends_with": ("text", lambda v, p: v.endswith(p)),
    "before": ("text", lambda v, s: v.split(s)[0] if s else v),
    "split": ("text", lambda v, s: v.split(s)),
    "truncate": ("text int", _truncate),
    "matches": ("text", lambda v, p: re.search(p, v) is not None),
    "is_ip": ("text", _is_ip),
    "is_text": ("any", lambda v: isinstance(v, str)),
    "is_number": ("any", _is_number),
    "length": ("any", _length),
    "round": ("number int", _round),
    "floor": ("number", lambda v: Decimal(number(v)).quantize(Decimal(1), rounding=decimal.ROUND_FLOOR)),
    "abs": ("number", lambda v: abs(number(v))),
    "clamp": ("number", lambda v, a, b: number(a) if v < number(a) else number(b) if v > number(b) else number(v)),
    "min": ("any", lambda *v: _extreme(-1, *v)),
    "max": ("any", lambda *v: _extreme(1, *v)),
    "sum": ("list", _sum),
    "join": ("list text", _join),
    "get": ("any", _get),
    "keys": ("map", sorted),
    "lookup": ("any map", _lookup),
}
