"""Where database systems differ, as far as reading pages and binding values goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

_PLAIN = re.compile(r"[^\W\d]\w*")
_PRODUCTS = (
    ("postgres", "postgresql"),
    ("cockroach", "postgresql"),
    ("redshift", "postgresql"),
    ("sqlite", "sqlite"),
    ("sql server", "mssql"),
    ("mssql", "mssql"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
    ("oracle", "oracle"),
)
_POSTGRESQL = "SELECT set_config('TimeZone', '{zone}', false), set_config('statement_timeout', '{milliseconds}', false)"
_GREETINGS = {
    ("postgresql", True): _POSTGRESQL,
    ("postgresql", False): f"{_POSTGRESQL}, set_config('default_transaction_read_only', 'on', false)",
    ("mysql", False): "SET SESSION TRANSACTION READ ONLY",
    ("sqlite", False): "PRAGMA query_only = ON",
}
"""What a new connection is told first: (system, whether it writes) → statement."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`name`: postgresql, sqlite, mssql, mysql, oracle, or "" for any other. `aware`: the driver takes times with a zone."""

    name: str
    aware: bool = False

    def page(self, source: str, where: str, order: str, count: int) -> str:
        """A SELECT of at most so many rows of a source (a table, or a SELECT in brackets), in an order."""
        condition = f" WHERE {where}" if where else ""
        ordered = f" ORDER BY {order}" if order else ""
        if self.name == "mssql":
            return f"SELECT TOP ({count}) q.* FROM {source} q{condition}{ordered}"  # noqa: S608 - checked by `statements`
        limit = (
            f" LIMIT {count}" if self.name in ("postgresql", "sqlite", "mysql") else f" FETCH FIRST {count} ROWS ONLY"
        )
        return f"SELECT q.* FROM {source} q{condition}{ordered}{limit}"  # noqa: S608 - checked by `statements`

    def column(self, name: str) -> str:
        """A column of `q`; quoted where its name is no plain word."""
        if _PLAIN.fullmatch(name):
            return f"q.{name}"
        if self.name == "mssql":
            return f"q.[{name.replace(']', ']]')}]"
        mark = "`" if self.name == "mysql" else '"'
        return f"q.{mark}{name.replace(mark, mark * 2)}{mark}"

    def greeting(self, zone: str, timeout_s: float, *, writes: bool) -> str:
        """What a new connection is told first: its zone, its patience, that it only reads. Empty: nothing."""
        told = _GREETINGS.get((self.name, writes), "")
        return told.format(zone=zone, milliseconds=round(timeout_s * 1000))

    def bind(self, value: Any, zone: ZoneInfo) -> Any:
        """A value as the driver takes it. A time without a zone is one of `zone`, as the connection's are."""
        if isinstance(value, datetime) and value.tzinfo is not None and not self.aware:
            value = value.astimezone(zone).replace(tzinfo=None)
        if self.name == "sqlite":
            if isinstance(value, datetime):
                return value.isoformat(" ")
            if isinstance(value, Decimal):
                return f"{value:f}"
        return value


def dialect_of(product: str, *, aware: bool = False) -> Dialect:
    """By what the driver says it is connected to."""
    told = product.lower()
    name = next((name for mark, name in _PRODUCTS if mark in told), "")
    return Dialect(name, aware and name == "postgresql")
