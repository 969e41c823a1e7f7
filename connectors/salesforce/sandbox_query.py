"""Carrying out a query of the stand-in: which records, in which order, with which columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from connectors.salesforce.sandbox_schema import Column, SObject
from connectors.salesforce.sandbox_soql import Comparison, Logic, Moment, Order, Query, malformed
from connectors.salesforce.sandbox_state import ApiError, Row, State

_DAYS = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}


class Engine:
    """Answers queries over a State as the hub's user sees it."""

    def __init__(self, state: State, version: str = "59.0") -> None:
        self._state = state
        self._version = version

    def run(self, query: Query, *, deleted: bool) -> list[Row]:
        """All records as the REST API writes them. Raises ApiError."""
        of = self._object(query.source)
        wanted = [self._path(of, column) for column in query.columns]
        children = [(child, *self._child(of, child)) for child in query.children]
        return [
            self._shown(of, row, wanted) | {rel: self._nested(row, inner, link) for inner, rel, link in children}
            for row in self._found(of, query, deleted=deleted)
        ]

    def count(self, query: Query, *, deleted: bool) -> int:
        return len(self._found(self._object(query.source), query, deleted=deleted))

    def _object(self, name: str) -> SObject:
        try:
            return self._state.object(name)
        except ApiError:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.") from None

    def _found(self, of: SObject, query: Query, *, deleted: bool) -> list[Row]:
        keep = self._condition(of, query.where)
        rows = [r for r in self._state.tables[of.name].values() if (deleted or not r["IsDeleted"]) and keep(r)]
        for order in reversed(query.order):
            rows.sort(key=cmp_to_key(self._comparer(of, order)))
        end = None if query.limit is None else query.offset + query.limit
        return rows[query.offset : end]

    # -- columns ------------------------------------------------------------------------------------------------------

    def _column(self, of: SObject, name: str) -> Column:
        found = next((c for c in of.columns.values() if c.name.lower() == name.lower()), None)
        if found is None or found.hidden:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on entity '{of.name}'.")
        return found

    def _path(self, of: SObject, name: str) -> list[Column]:
        """The columns one goes through: references to parents, then the column itself."""
        *steps, last = name.split(".")
        path: list[Column] = []
        for step in steps:
            link = next((c for c in of.columns.values() if c.relationship.lower() == step.lower()), None)
            if link is None or link.hidden:
                raise ApiError(400, "INVALID_FIELD", f"Didn't understand relationship '{step}' in field path.")
            path.append(link)
            of = self._object(link.to[0])
        return [*path, self._column(of, last)]

    def _value(self, row: Row | None, path: list[Column]) -> Any:
        for link in path[:-1]:
            row = self._parent(row, link)
        return None if row is None else row.get(path[-1].name)

    def _parent(self, row: Row | None, link: Column) -> Row | None:
        identity = None if row is None else row.get(link.name)
        tables = (self._state.tables[target] for target in link.to)
        return next((table[identity] for table in tables if identity in table), None)

    def _shown(self, of: SObject, row: Row, wanted: list[list[Column]]) -> Row:
        shown: Row = self._attributes(of.name, row)
        for path in wanted:
            place, here = shown, row
            for link in path[:-1]:
                parent = self._parent(here, link)
                if parent is None:
                    place[link.relationship] = None
                    break
                name = next(target for target in link.to if parent["Id"] in self._state.tables[target])
                place = place.setdefault(link.relationship, self._attributes(name, parent))
                here = parent
            else:
                place[path[-1].name] = here.get(path[-1].name)
        return shown

    def _attributes(self, name: str, row: Row) -> Row:
        return {"attributes": {"type": name, "url": f"/services/data/v{self._version}/sobjects/{name}/{row['Id']}"}}

    def _child(self, of: SObject, query: Query) -> tuple[str, str]:
        for relationship, (name, link) in of.children.items():
            if relationship.lower() == query.source.lower() and self._state.objects[name].readable:
                return relationship, link
        raise ApiError(
            400, "INVALID_FIELD", f"Didn't understand relationship '{query.source}' in FROM part of query call."
        )

    def _nested(self, row: Row, query: Query, link: str) -> Row | None:
        parent = next(of for of in self._state.objects.values() if row["Id"].startswith(of.prefix))
        child = next(c for rel, (c, _) in parent.children.items() if rel.lower() == query.source.lower())
        of = self._state.objects[child]
        wanted = [self._path(of, column) for column in query.columns]
        rows = [r for r in self._found(of, query, deleted=False) if r[link] == row["Id"]]
        if not rows:
            return None
        return {"totalSize": len(rows), "done": True, "records": [self._shown(of, r, wanted) for r in rows]}

    # -- conditions ---------------------------------------------------------------------------------------------------

    def _condition(self, of: SObject, node: Comparison | Logic | None) -> Callable[[Row], bool]:
        if node is None:
            return lambda row: True
        if isinstance(node, Logic):
            parts = [self._condition(of, part) for part in node.parts]
            if node.kind == "not":
                return lambda row: not parts[0](row)
            join = all if node.kind == "and" else any
            return lambda row: join(part(row) for part in parts)
        return self._comparison(of, node)

    def _comparison(self, of: SObject, node: Comparison) -> Callable[[Row], bool]:
        path = self._path(of, node.column)
        kind = path[-1].type
        if kind == "textarea" and path[-1].length > 255:
            raise ApiError(400, "INVALID_FIELD", f"field '{node.column}' can not be filtered in a query call")
        if node.sign in ("in", "not in"):
            members = self._members(node.value, kind)
            positive = node.sign == "in"
            return lambda row: (_comparable(self._value(row, path), kind) in members) is positive
        if node.sign == "like":
            pattern = _like(str(node.value))
            return lambda row: bool(pattern.fullmatch(str(self._value(row, path) or "")))
        wanted, test = self._literal(node.value, kind), _TESTS[node.sign]
        return lambda row: test(_comparable(self._value(row, path), kind), wanted)

    def _members(self, value: Any, kind: str) -> set[Any]:
        if isinstance(value, Query):
            inner = self._object(value.source)
            path = self._path(inner, value.columns[0])
            return {_comparable(self._value(r, path), kind) for r in self._found(inner, value, deleted=False)}
        return {self._literal(member, kind) for member in value}

    def _literal(self, value: Any, kind: str) -> Any:
        """A literal of the query as values of this kind of column are compared; refused where kinds differ."""
        if value is None:
            return None
        if isinstance(value, Moment) is not (kind in ("datetime", "date")):
            raise ApiError(400, "INVALID_FIELD", f"value of filter criterion must be of type {kind}")
        if isinstance(value, bool) is not (kind == "boolean"):
            raise ApiError(400, "INVALID_FIELD", f"value of filter criterion must be of type {kind}")
        if isinstance(value, Moment):
            return _comparable(self._moment(value.text, kind), kind)
        if kind in ("id", "reference") and not re.fullmatch(r"([A-Za-z0-9]{15}([A-Za-z0-9]{3})?)?", str(value)):
            raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
        return _comparable(value, kind)

    def _moment(self, text: str, kind: str) -> str:
        if text[:1].isdigit():
            if (kind == "datetime") is not ("T" in text):
                raise ApiError(400, "INVALID_FIELD", f"value of filter criterion must be of type {kind}")
            return text
        name, _, n = text.partition(":")
        midnight = self._state.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if name in _DAYS:
            at = midnight + timedelta(days=_DAYS[name])
        elif name == "LAST_N_DAYS" and n:
            at = midnight - timedelta(days=int(n))
        else:
            raise malformed(f"unexpected token: '{text}'")
        return at.isoformat() if kind == "datetime" else at.date().isoformat()

    def _comparer(self, of: SObject, order: Order) -> Callable[[Row, Row], int]:
        path = self._path(of, order.column)
        kind = path[-1].type

        def compare(one: Row, other: Row) -> int:
            left, right = _comparable(self._value(one, path), kind), _comparable(self._value(other, path), kind)
            if left is None or right is None:
                if left is right:
                    return 0
                return (1 if left is None else -1) if order.nulls_last else (-1 if left is None else 1)
            return (int(left > right) - int(left < right)) * (-1 if order.descending else 1)

        return compare


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and test(left, right)


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
}


def _comparable(value: Any, kind: str) -> Any:
    """Times as moments, Ids by their first 15 characters, texts without regard to case, as SOQL compares."""
    if value is None or value == "":
        return None
    if kind == "datetime":
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    if kind in ("id", "reference"):
        return str(value)[:15]
    if kind == "double":
        return Decimal(str(value))
    return value if isinstance(value, bool) else str(value).lower()


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(sign, re.escape(sign)) for sign in pattern), re.IGNORECASE | re.DOTALL)
