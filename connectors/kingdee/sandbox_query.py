"""ExecuteBillQuery of the stand-in: its filter language, order, paging, and the table it answers with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cmp_to_key
from typing import Any

from connectors.kingdee.sandbox_state import Doc, FormType, Refusal, State

CAP = 2000
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w.]*)|(?P<sign><>|!=|>=|<=|[=<>(),]))"
)
Row = tuple[Doc, Doc | None]
Test = Callable[[Row], bool]


def query(state: State, data: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """The asked field keys and the rows. Raises Refusal as Kingdee does."""
    kind = state.form(str(data.get("FormId") or ""))
    fields = [key.strip() for key in str(data.get("FieldKeys") or "").split(",") if key.strip()]
    if not fields:
        raise Refusal("FieldKeys不能为空", 8)
    order = _order(str(data.get("OrderString") or ""))
    clause = _Clause(state, kind, _words(data.get("FilterString")))
    test = clause.test()
    asked = [*fields, *(key for key, _ in order), *clause.used]
    by_line = any(key.lower().partition(".")[0] in kind.lines for key in asked)
    rows = [row for row in state.rows(kind, by_line=by_line) if test(row)]

    def compared(a: Row, b: Row) -> int:
        return _compared(state, kind, order, a, b)

    rows.sort(key=cmp_to_key(compared))
    top, start, limit = (int(data.get(name) or 0) for name in ("TopRowCount", "StartRow", "Limit"))
    rows = rows[:top] if top else rows
    page = rows[start : start + min(limit or CAP, CAP)]
    for key in fields:
        state.value(kind, key, {}, {})  # a wrong field is refused also where there are no rows
    return fields, [[shown(state.value(kind, key, *row)) for key in fields] for row in page]


def shown(value: Any) -> Any:
    """A value as Kingdee writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    return value


def _words(given: Any) -> str:
    """The filter as a text; the newer form, a list of conditions, is written out."""
    if not isinstance(given, list):
        return str(given or "")
    signs = {"67": "=", "=": "=", ">=": ">=", "<=": "<=", ">": ">", "<": "<", "17": "like", "": "="}
    parts = []
    for n, each in enumerate(given):
        sign = signs.get(str(each.get("Compare", "")), "=")
        value = str(each.get("Value", "")).replace("'", "''")
        logic = "or" if str(given[n - 1].get("Logic", "0")).lower() in ("1", "or") else "and"
        parts.append(
            f"{logic if n else ''} {each.get('Left', '')}{each['FieldName']} {sign} '{value}'{each.get('Right', '')}"
        )
    return " ".join(parts)


def _order(text: str) -> list[tuple[str, bool]]:
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, _, way = part.partition(" ")
        found.append((key, way.strip().lower() == "desc"))
    return found


def _compared(state: State, kind: FormType, order: Sequence[tuple[str, bool]], a: Row, b: Row) -> int:
    for key, down in order:
        left, right = state.value(kind, key, *a), state.value(kind, key, *b)
        if left == right:
            continue
        less = left is None or (right is not None and left < right)
        return (1 if down else -1) if less else (-1 if down else 1)
    return 0


class _Clause:
    """A filter, parsed by recursive descent."""

    def __init__(self, state: State, kind: FormType, text: str) -> None:
        self._state = state
        self._kind = kind
        self._text = text
        self._tokens = self._split(text)
        self._at = 0
        self.used: list[str] = []

    def test(self) -> Test:
        if not self._tokens:
            return lambda row: True
        found = self._either()
        if self._at < len(self._tokens):
            raise self._wrong()
        return found

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._wrong()
            tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return tokens

    def _wrong(self) -> Refusal:
        return Refusal(f"FilterString语法错误：{self._text}")

    def _peek(self) -> str:
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        word = self._peek()
        if not word or (wanted and word not in wanted):
            raise self._wrong()
        self._at += 1
        return word

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek() == "or":
            self._take()
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._peek() == "and":
            self._take()
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._peek() == "not":
            self._take()
            inner = self._one()
            return lambda row: not inner(row)
        if self._peek() == "(":
            self._take()
            inner = self._either()
            self._take(")")
            return inner
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != "name":
            raise self._wrong()
        key = self._tokens[self._at][1]
        self._at += 1
        self._state.value(self._kind, key, {}, {})
        self.used.append(key)
        return self._comparison(lambda row: self._state.value(self._kind, key, *row))

    def _comparison(self, value: Callable[[Row], Any]) -> Test:
        sign = self._take("=", "<>", "!=", ">", ">=", "<", "<=", "in", "like", "is", "not")
        if sign == "is":
            wanted = self._take("null", "not") == "null"
            if not wanted:
                self._take("null")
            return lambda row: (value(row) is None) == wanted
        if sign == "not":
            inner = self._comparison(value)
            return lambda row: not inner(row)
        if sign == "in":
            self._take("(")
            among = [self._literal()]
            while self._take(",", ")") == ",":
                among.append(self._literal())
            return lambda row: any(_equal(value(row), each) for each in among)
        literal = self._literal()
        if sign == "like":
            pattern = re.escape(literal).replace("%", ".*").replace("_", ".")
            return lambda row: re.fullmatch(pattern, str(value(row) or ""), re.IGNORECASE | re.DOTALL) is not None
        return lambda row: _holds(value(row), sign, literal)

    def _literal(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] == "sign":
            raise self._wrong()
        kind, word = self._tokens[self._at]
        self._at += 1
        return word[1:-1].replace("''", "'") if kind == "text" else word


def _holds(value: Any, sign: str, literal: str) -> bool:
    if sign in ("=", "<>", "!="):
        return value is not None and _equal(value, literal) is (sign == "=")
    if value is None:
        return False
    wanted = _like(value, literal)
    return bool(
        {
            ">": value > wanted,
            ">=": value >= wanted,
            "<": value < wanted,
            "<=": value <= wanted,
        }[sign]
    )


def _equal(value: Any, literal: str) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        return value is (literal.lower() in ("1", "true"))
    if isinstance(value, str):
        return value.casefold() == literal.casefold()  # the usual collation of SQL Server there: Chinese_PRC_CI_AS
    return bool(value == _like(value, literal))


def _like(value: Any, literal: str) -> Any:
    """The literal as a value of the same kind."""
    try:
        if isinstance(value, datetime):
            return datetime.fromisoformat(literal)
        return Decimal(literal) if isinstance(value, (int, Decimal)) else literal
    except (ValueError, InvalidOperation) as e:
        raise Refusal(f"从字符串“{literal}”转换失败") from e
