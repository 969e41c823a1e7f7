"""A database passes the whole exam: SQLite and PostgreSQL by URL, PostgreSQL by ODBC, and a manifest."""

from __future__ import annotations

import atexit
import functools
import itertools
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import psycopg

from connectors.conformance import Conformance
from connectors.contract import Connector
from connectors.manifest import connector_of
from connectors.sql import SqlConnector
from connectors.sql.form import SqlSection, SqlStream
from connectors.sql.kind import KIND
from connectors.sql.operations import DDL
from connectors.sql.world import SqlWorld
from tests.real.odbc import FaultyOdbc
from tests.real.postgres import Postgres
from tests.real.psycopg_faults import FaultyPsycopg

_databases = itertools.count(1)
SECTION = {
    "zone": "Asia/Shanghai",
    "streams": {
        "orders": {
            "table": "orders",
            "key": ["id", "line"],
            "cursor": "changed_at",
            "lookback": "10m",
            "fields": {"line": "int", "quantity": "number", "changed_at": "datetime", "done": "bool"},
            "deleted": {"path": "removed", "equals": "yes"},
        },
        "stock": {
            "select": "SELECT s.item, s.warehouse, s.quantity AS qty FROM stock s JOIN warehouses w ON w.id = s.warehouse",
            "key": ["item", "warehouse"],
            "fields": {"qty": "number"},
            "absent_is_deleted": True,
        },
    },
    "questions": {
        "machine_hours": {
            "title": "Hours run",
            "title_zh": "运行小时数",
            "needs": ["device"],
            "select": "SELECT hours, read_at, '100%' AS ratio FROM machines WHERE id = :device -- :not_a_place",
            "fields": {"hours": "number", "read_at": "datetime"},
            "as_of": "read_at",
            "link": "https://plant.example/machines/{device}",
            "sample": {"device": "press-7"},
            "answer": {"hours": 4210, "ratio": "100%"},
        },
    },
    "operations": {
        "set_status": {
            "title": "Set the work order's status",
            "title_zh": "设置工单状态",
            "key": "id",
            "fields": {"status": {"type": "text", "required": True}, "hours": "number", "at": "datetime"},
            "statements": ["UPDATE work_orders SET status = :status, hours = :hours, at = :at WHERE id = :id"],
            "sample": {"id": "WO-0001", "status": "done {n}", "at": "2026-11-22T08:00:00Z"},
        },
        "add_note": {
            "title": "Add a note",
            "title_zh": "添加备注",
            "key": "machine",
            "fields": {"text": {"type": "text", "required": True}},
            "statements": [
                "INSERT INTO notes (ref, machine, text) VALUES (:command, :machine, :text)",
                "UPDATE machines SET notes = notes + 1 WHERE id = :machine",
            ],
            "confirm": "SELECT ref FROM notes WHERE ref = :command",
            "sample": {"machine": "press-7", "text": "修好了 it's done"},
        },
    },
}


class PlantWorld(SqlWorld):
    """SQLite by URL. What differs elsewhere is in the classes below."""

    connector_type: ClassVar[type[Connector]] = SqlConnector
    real_selects = True
    types: ClassVar[Mapping[str, str]] = {"number": "TEXT", "int": "INTEGER"}
    time: ClassVar[str] = "TEXT"
    flag: ClassVar[str] = "INTEGER"

    def section(self) -> SqlSection:
        return SqlSection.model_validate(SECTION)

    def config(self) -> dict[str, Any]:
        return {**super().config(), **SECTION}

    def prepare(self) -> None:
        run, number = self.store.run, self.types["number"]
        run(
            f"CREATE TABLE orders (id TEXT, line INTEGER, quantity {number}, changed_at {self.time}, done {self.flag}, "
            "removed TEXT)"
        )
        run(f"CREATE TABLE stock (item TEXT, warehouse TEXT, quantity {number})")
        run("CREATE TABLE warehouses (id TEXT)")
        run(f"CREATE TABLE machines (id TEXT, hours {number}, read_at {self.time}, notes INTEGER)")
        run(f"CREATE TABLE work_orders (id TEXT, status TEXT, hours {number}, at {self.time})")
        run("CREATE TABLE notes (ref TEXT, machine TEXT, text TEXT)")
        run(DDL.format(table="weft_commands"))
        run("INSERT INTO machines VALUES ('press-7', '4210', '2026-06-01 08:00:00', 0)")
        run("INSERT INTO work_orders VALUES ('WO-0001', 'open', NULL, NULL)")

    def table_of(self, stream: str) -> str:
        return stream

    def _row(self, form: SqlStream, at: datetime) -> dict[str, Any]:
        row = super()._row(form, at)
        if "qty" in row:
            row["quantity"] = row.pop("qty")
        return row

    def _insert(self, stream: str, at: datetime) -> None:
        super()._insert(stream, at)
        self.store.run("INSERT INTO warehouses SELECT warehouse FROM stock EXCEPT SELECT id FROM warehouses")

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        if stream == "orders":
            return super().truth(stream)
        rows = self.store.rows(
            "SELECT item, warehouse, quantity FROM stock WHERE warehouse IS NOT NULL AND item IS NOT NULL"
        )
        form = self._form(stream)
        return {(item, warehouse): {"qty": self._seen(form, "qty", qty)} for item, warehouse, qty in rows}

    def spoil(self, stream: str) -> None:
        if stream == "orders":
            super().spoil(stream)
            return
        super().spoil(stream)
        self.store.run("INSERT INTO stock VALUES (NULL, (SELECT MIN(id) FROM warehouses), '1')")


class PostgresStore:
    """Through a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(sql.replace("?", "%s").encode(), values)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql.replace("?", "%s").encode(), values).fetchall()

    def close(self) -> None:
        self._connection.close()


@functools.cache
def server() -> Postgres:
    """One for all worlds of this file."""
    started = Postgres().start()
    atexit.register(started.remove)
    return started


class PostgresWorld(PlantWorld):
    """A real PostgreSQL by URL (psycopg): exact numbers, times with a zone."""

    types: ClassVar[Mapping[str, str]] = {"number": "numeric", "int": "integer"}
    time: ClassVar[str] = "timestamptz"
    flag: ClassVar[str] = "boolean"

    def opened(self) -> PostgresStore:
        self.database = f"exam_{next(_databases)}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {self.database}".encode())
        return PostgresStore(self._dsn(self.database))

    def _dsn(self, database: str) -> str:
        return f"host=127.0.0.1 port={server().port} user=weft dbname={database}"

    def breakable(self) -> Any:
        return FaultyPsycopg(self._dsn(self.database), self._faults)

    def place(self) -> dict[str, Any]:
        return {"url": f"postgresql+psycopg://127.0.0.1:{server().port}/{self.database}"}

    def config(self) -> dict[str, Any]:
        return {**super().config(), "username": "weft"}

    def _stored(self, value: Any) -> Any:
        return value

    def close(self) -> None:
        super().close()
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {self.database} WITH (FORCE)".encode())


class CountingOdbc(FaultyOdbc):
    """Counts the commits that took effect."""

    changes = 0

    def play(self, cancelled: threading.Event, *, effect: bool = False, done: Any = None) -> None:
        def counted() -> None:
            done()
            self.changes += 1

        super().play(cancelled, effect=effect, done=counted)
        self.changes += effect


class OdbcWorld(PostgresWorld):
    """The same by ODBC (psqlodbc through pyodbc)."""

    def breakable(self) -> Any:
        return CountingOdbc(self._faults)

    def place(self) -> dict[str, Any]:
        where = {"driver": "postgresql", "server": "127.0.0.1", "port": server().port, "database": self.database}
        return {**where, "encrypt": False}


class TestSqliteByUrl(Conformance):
    world_type = PlantWorld


class TestPostgresByUrl(Conformance):
    world_type = PostgresWorld


class TestPostgresByOdbc(Conformance):
    world_type = OdbcWorld


class TestManifest(Conformance):
    """What `weft connector new` makes."""

    world_type = KIND.world(connector_of(KIND.scaffold("plant_database")))
