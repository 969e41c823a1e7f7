"""Databases read by ODBC in tests: faults between pyodbc and its driver, and settings for a real PostgreSQL."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy.engine import make_url

from connectors.conformance import Break, Faults
from connectors.odbc import load

DRIVER = "[Microsoft][ODBC Driver 18 for SQL Server]"
SERVER = f"{DRIVER}[SQL Server]"
DEADLOCK = (
    "40001",
    f"[40001] {SERVER}Transaction (Process ID 57) was deadlocked on lock resources. (1205) (SQLExecDirectW)",
)
LOGIN = ("28000", f"[28000] {SERVER}Login failed for user 'weft'. (18456) (SQLDriverConnect)")
LOST = ("08S01", f"[08S01] {DRIVER}TCP Provider: Error code 0x68 (104) (SQLExecDirectW)")
SILENT = ("HYT00", f"[HYT00] {DRIVER}Query timeout expired (0) (SQLExecDirectW)")
CANCELLED = ("HY008", f"[HY008] {DRIVER}Operation canceled (0) (SQLExecDirectW)")
JUNK = ("HY000", f"[HY000] {DRIVER}Protocol error in TDS stream (0) (SQLFetch)")


def postgres_settings(url: str) -> dict[str, Any]:
    """What an ODBC connector needs to reach this SQLAlchemy URL's database."""
    told = make_url(url)
    place = {"driver": "postgresql", "server": told.host, "port": told.port, "username": told.username}
    return {**place, "database": told.database, "encrypt": False}


class FaultyOdbc:
    """`opener` for a connector: opens real connections, and breaks calls as `faults` says.

    A commit that has something to commit is the one call with an effect.
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def __call__(self, text: str, **options: Any) -> Any:
        self.play(threading.Event())
        return _Connection(self, load().connect(text, **options))

    def play(self, cancelled: threading.Event, *, effect: bool = False, done: Any = None) -> None:
        how = self.faults.take(effect=effect)
        if how is not None:
            self._fail(how, cancelled, done)

    def _fail(self, how: Break, cancelled: threading.Event, done: Any) -> None:
        error = load().Error
        if how.kind == "ambiguous":
            done()
        elif how.kind == "timeout" and cancelled.wait(how.seconds):
            raise error(*CANCELLED)
        told = {"transient": DEADLOCK, "auth": LOGIN, "cut": LOST, "timeout": SILENT, "ambiguous": LOST, "junk": JUNK}
        raise error(*told[how.kind])


class _Connection:
    def __init__(self, owner: FaultyOdbc, raw: Any) -> None:
        self._owner = owner
        self._raw = raw
        self._changed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._raw, name, value)

    def cursor(self) -> _Cursor:
        return _Cursor(self._owner, self, self._raw.cursor())

    def commit(self) -> None:
        changed, self._changed = self._changed, False
        self._owner.play(threading.Event(), effect=changed, done=self._raw.commit)
        self._raw.commit()


class _Cursor:
    def __init__(self, owner: FaultyOdbc, connection: _Connection, raw: Any) -> None:
        self._owner = owner
        self._connection = connection
        self._raw = raw
        self._cancelled = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._owner.play(self._cancelled)
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            self._connection._changed = True
        return self._raw.execute(sql, *parameters)

    def fetchmany(self, count: int) -> Any:
        self._owner.play(self._cancelled)
        return self._raw.fetchmany(count)

    def fetchall(self) -> Any:
        return self._raw.fetchall()

    def cancel(self) -> None:
        self._cancelled.set()
        self._raw.cancel()
