"""What a process remembers about one database: ids of names and plans, dictionaries, and what a transaction has
landed."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import Transaction

from lineage import tables
from lineage.compression import Compression
from lineage.interning import Interned


class State:
    """Everything here can be lost at any time; the database alone is the truth."""

    def __init__(self) -> None:
        self.datasets = Interned(tables.dataset, tables.dataset.c.name)
        self.fields = Interned(tables.field, tables.field.c.name)
        self.plans = Interned(tables.plan, tables.plan.c.sha256)
        self.compression = Compression()
        self.bitmaps: dict[tuple[str, ...], bytes] = {}
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
