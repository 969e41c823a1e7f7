"""What a process remembers about one database: ids of names and plans, dictionaries, and what a transaction has
landed."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import Transaction

from lineage import tables
from lineage.compression import Compression
from lineage.interning import Interned


class Shape(NamedTuple):
    """What the writes of one plan that set the same fields have in common: the bitmap, and the fields the plan does not
    set."""

    bits: bytes
    unexplained: tuple[str, ...]


class State:
    """Everything here can be lost at any time; the database alone is the truth."""

    def __init__(self) -> None:
        self.datasets = Interned(tables.dataset, tables.dataset.c.name)
        self.fields = Interned(tables.field, tables.field.c.name)
        self.plans = Interned(tables.plan, tables.plan.c.sha256)
        self.compression = Compression()
        self.shapes: dict[tuple[str, tuple[str, ...]], Shape] = {}
        self.appended: Counter[str] = Counter()
        self._landed: WeakKeyDictionary[Transaction, dict[int, bool]] = WeakKeyDictionary()

    def landed(self, conn: Connection) -> dict[int, bool]:
        """The landing ids that this very transaction has landed or met, and whether they are shared."""
        current = conn.get_transaction()
        if current is None:
            return {}
        landed = self._landed.get(current)
        if landed is None:
            landed = self._landed[current] = {}
        return landed

    def dataset_ids(self, conn: Connection, names: Any) -> dict[str, int]:
        return self.datasets.ids(conn, names, lambda name: {"name": name})

    def field_ids(self, conn: Connection, names: Any) -> dict[str, int]:
        return self.fields.ids(conn, names, lambda name: {"name": name})


_states: WeakKeyDictionary[Engine, State] = WeakKeyDictionary()
_lock = threading.Lock()


def state_of(conn: Connection) -> State:
    """The state of the connection's database."""
    state = _states.get(conn.engine)
    if state is None:
        with _lock:
            state = _states.setdefault(conn.engine, State())
    return state
