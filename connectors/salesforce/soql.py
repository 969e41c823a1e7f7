"""Queries put together out of parts: columns, an object, conditions that must all hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def select(columns: Iterable[str], source: str, *where: str, order: str = "", limit: int | None = None) -> str:
    """A SELECT with each column once. Conditions must hold no unquoted value: see `text` and `moment`."""
    parts = ["SELECT", ", ".join(dict.fromkeys(columns)), "FROM", source]
    if where:
        parts += ["WHERE", " AND ".join(where)]
    if order:
        parts += ["ORDER BY", order]
    if limit is not None:
        parts += ["LIMIT", str(limit)]
    return " ".join(parts)


def count(source: str, *where: str) -> str:
    return select(["COUNT()"], source, *where)


def text(value: str) -> str:
    """A text as a literal."""
    from simple_salesforce.format import quote_soql_value

    return quote_soql_value(value)


def texts(values: Iterable[str]) -> str:
    """A list of texts, for IN."""
    from simple_salesforce.format import quote_soql_value

    return quote_soql_value(list(values))


def moment(at: datetime) -> str:
    """A moment as a literal, to the millisecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
