"""Where a sandbox keeps its databases: SQLite files in a folder, or databases of a PostgreSQL server."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


class Store(Protocol):
    """One database, as the stand-in itself uses it. `?` marks a parameter in both. `lock` keeps steps together."""

    kind: str
    lock: AbstractContextManager[bool]

    def script(self, sql: str) -> None: ...
    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...
    def fill(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None: ...
    def close(self) -> None: ...


class SqliteStore:
    """A file. `template`: what it holds at the beginning."""

    kind = "sqlite"

    def __init__(self, path: Path, template: bytes | None = None) -> None:
        if template is not None:
            path.write_bytes(template)
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self._raw = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        if template is None:
            self._raw.execute("PRAGMA journal_mode=WAL")
        self._raw.execute("PRAGMA synchronous=OFF")

    def script(self, sql: str) -> None:
        self._raw.executescript(sql)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._raw.execute(sql, parameters).fetchall()

    def fill(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.lock:
            self._raw.execute("BEGIN")
            places = ", ".join("?" * (columns.count(",") + 1))
            self._raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)  # noqa: S608
            self._raw.execute("COMMIT")

    def close(self) -> None:
        self._raw.close()


class PostgresStore:
    """A database of a PostgreSQL server, by its libpq connection string (needs psycopg)."""

    kind = "postgresql"

    def __init__(self, conninfo: str) -> None:
        import psycopg

        self.lock: AbstractContextManager[bool] = threading.RLock()
        self._raw = psycopg.connect(conninfo, autocommit=True)

    def script(self, sql: str) -> None:
        self._raw.execute(sql.encode())

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            done = self._raw.execute(sql.replace("?", "%s").encode(), parameters or None)
            return done.fetchall() if done.description else []

    def fill(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        places = ", ".join(["%s"] * (columns.count(",") + 1))
        with self.lock, self._raw.transaction(), self._raw.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})".encode(), rows)  # noqa: S608

    def close(self) -> None:
        self._raw.close()
