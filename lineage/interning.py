"""Ids of things that are written once and never change: names of datasets and fields, plans.

An id is remembered per engine, but only once its row is known to be committed: a row that this very transaction
inserted may still be rolled back (and SQLite then gives its id to another), so it is looked up again until another
transaction sees it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from sqlalchemy import Column, Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Transaction


def insert_new(conn: Connection, table: Table, rows: list[dict[str, Any]], *conflict: Column[Any]) -> None:
    """Insert what is not there yet; rows that conflict on the given columns are left as they are."""
    if conn.dialect.name == "postgresql":
        conn.execute(postgresql.insert(table).on_conflict_do_nothing(index_elements=conflict), rows)
    else:
        conn.execute(sqlite.insert(table).on_conflict_do_nothing(index_elements=conflict), rows)


class Interned:
    """The ids of one table's rows by their natural key."""

    def __init__(self, table: Table, key: Column[str]) -> None:
        self._table, self._key = table, key
        self._known: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._inserted: dict[str, WeakSet[Transaction]] = {}
        self._lock = threading.Lock()

    def ids(self, conn: Connection, keys: Iterable[str], row: Callable[[str], dict[str, Any]]) -> dict[str, int]:
        """The id of each key; `row` gives the row of a key that is new. No statement when all are known."""
        known = self._known
        wanted = set(keys)
        missing = sorted(wanted - known.keys())
        found = {key: known[key] for key in wanted if key in known}
        if missing:
            found |= self._find(conn, missing)
            new = [key for key in missing if key not in found]
            if new:
                insert_new(conn, self._table, [row(key) for key in new], self._key)
                self._remember_inserted(conn, new)
                found |= self._find(conn, new)
        return found

    def knows(self, keys: Iterable[str]) -> bool:
        """Whether all these keys are known to be committed."""
        return all(key in self._known for key in keys)

    def existing(self, conn: Connection, key: str) -> int | None:
        """The id of a key if it has one; nothing is inserted."""
        known = self._known.get(key)
        return known if known is not None else self._find(conn, [key]).get(key)

    def keys(self, conn: Connection, ids: Iterable[int]) -> dict[int, str]:
        """The key of each id."""
        wanted = set(ids)
        missing = wanted - self._names.keys()
        found = {i: self._names[i] for i in wanted - missing}
        if missing:
            rows = conn.execute(select(self._key).where(self._table.c.id.in_(sorted(missing)))).scalars().all()
            found |= {i: key for key, i in self._find(conn, list(rows)).items()}
        return found

    def _find(self, conn: Connection, keys: list[str]) -> dict[str, int]:
        rows = conn.execute(select(self._key.label("key"), self._table.c.id).where(self._key.in_(keys))).all()
        found = {row.key: row.id for row in rows}
        current = conn.get_transaction()
        with self._lock:
            for key, i in found.items():
                if current is None or current not in self._inserted.get(key, ()):
                    self._known[key] = i
                    self._names[i] = key
                    self._inserted.pop(key, None)
        return found

    def _remember_inserted(self, conn: Connection, keys: list[str]) -> None:
        current = conn.get_transaction()
        if current is not None:
            with self._lock:
                for key in keys:
                    self._inserted.setdefault(key, WeakSet()).add(current)
