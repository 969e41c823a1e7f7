"""SOQL as far as the hub, simple-salesforce and curious people need it: parsed into a query.

SELECT columns (also of parents: `Owner.Name`), COUNT(), subqueries over children; WHERE with AND, OR, NOT, = != <>
< <= > >= LIKE IN NOT IN and semi-joins; texts, numbers, true, false, null, dates, times and date literals; ORDER BY
ASC, DESC, NULLS FIRST, NULLS LAST; LIMIT; OFFSET. No GROUP BY and no aggregates but COUNT().
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.salesforce.sandbox_state import ApiError

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?::\d+)?)"
    r"|(?P<sign><=|>=|<>|!=|[=<>(),]))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`column` compared with `value`: a scalar, a list, or a Query for a semi-join."""

    column: str
    sign: str
    value: Any


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or` or `not` of parts."""

    kind: str
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time, or a date literal such as LAST_N_DAYS:30, as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    columns: tuple[str, ...]
    children: tuple[Query, ...]
    counts: bool
    source: str
    where: Comparison | Logic | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int


def parse(text: str) -> Query:
    """Raises ApiError MALFORMED_QUERY."""
    return _Parser(text).whole()


def malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", message)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise malformed(f"unexpected token: '{text[place : place + 20]}'")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            place = found.end()
        self._next = 0

    def whole(self) -> Query:
        query = self._query(nested=False)
        if self._next < len(self._tokens):
            raise malformed(f"unexpected token: '{self._peek()}'")
        return query

    # -- tokens -------------------------------------------------------------------------------------------------------

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self, kind: str = "") -> str:
        if self._next >= len(self._tokens):
            raise malformed("unexpected token: '<EOF>'")
        found, text = self._tokens[self._next]
        if kind and found != kind:
            raise malformed(f"unexpected token: '{text}'")
        self._next += 1
        return text

    def _is(self, *words: str) -> bool:
        """Whether these words (or signs) come next; takes them if so."""
        coming = [text.upper() for _, text in self._tokens[self._next : self._next + len(words)]]
        if coming != [*words]:
            return False
        self._next += len(words)
        return True

    def _must(self, *words: str) -> None:
        if not self._is(*words):
            raise malformed(f"expecting {' '.join(words)}, found '{self._peek() or '<EOF>'}'")

    # -- clauses ------------------------------------------------------------------------------------------------------

    def _query(self, *, nested: bool) -> Query:
        self._must("SELECT")
        columns: list[str] = []
        children: list[Query] = []
        counts = False
        while True:
            if self._is("COUNT", "(", ")"):
                counts = True
            elif not nested and self._is("("):
                children.append(self._query(nested=True))
                self._must(")")
            else:
                columns.append(self._take("word"))
            if not self._is(","):
                break
        self._must("FROM")
        source = self._take("word")
        where = self._or() if self._is("WHERE") else None
        order = self._order() if self._is("ORDER", "BY") else ()
        limit = int(self._take("number")) if self._is("LIMIT") else None
        offset = int(self._take("number")) if self._is("OFFSET") else 0
        self._is("ALL", "ROWS")
        return Query(tuple(columns), tuple(children), counts, source, where, order, limit, offset)

    def _order(self) -> tuple[Order, ...]:
        found: list[Order] = []
        while True:
            column = self._take("word")
            descending = self._is("DESC")
            if not descending:
                self._is("ASC")
            last = self._is("NULLS", "LAST")
            if not last:
                self._is("NULLS", "FIRST")
            found.append(Order(column, descending, last))
            if not self._is(","):
                return tuple(found)

    def _or(self) -> Comparison | Logic:
        parts = [self._and()]
        while self._is("OR"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Logic("or", tuple(parts))

    def _and(self) -> Comparison | Logic:
        parts = [self._not()]
        while self._is("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))

    def _not(self) -> Comparison | Logic:
        if self._is("NOT"):
            return Logic("not", (self._not(),))
        if self._is("("):
            inner = self._or()
            self._must(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        column = self._take("word")
        if self._is("NOT", "IN"):
            return Comparison(column, "not in", self._members())
        if self._is("IN"):
            return Comparison(column, "in", self._members())
        if self._is("LIKE"):
            return Comparison(column, "like", self._literal())
        sign = self._take("sign")
        if sign not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            raise malformed(f"unexpected token: '{sign}'")
        return Comparison(column, "!=" if sign == "<>" else sign, self._literal())

    def _members(self) -> Any:
        self._must("(")
        if self._peek().upper() == "SELECT":
            inner = self._query(nested=True)
            self._must(")")
            return inner
        members = [self._literal()]
        while self._is(","):
            members.append(self._literal())
        self._must(")")
        return members

    def _literal(self) -> Any:
        kind, text = self._tokens[self._next] if self._next < len(self._tokens) else ("", "<EOF>")
        self._next += 1
        if kind == "text":
            return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
        if kind == "number":
            return Decimal(text)
        if kind == "moment":
            return Moment(text)
        word = text.lower()
        if kind == "word" and word in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word]
        if kind == "word" and re.fullmatch(r"[A-Z_]+(:\d+)?", text):
            return Moment(text)
        raise malformed(f"unexpected token: '{text}'")
