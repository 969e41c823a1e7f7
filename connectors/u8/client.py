"""The databases of one account set over ODBC: which one is current, what it holds, and connections to it.

The other door to U8, its OpenAPI, is in `openapi.py`. No other module of this connector touches the network.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.errors import AuthProblem, ConfigProblem, Transient
from connectors.odbc import Connect, MissingObject, Pool, Session
from connectors.u8 import accounts
from connectors.u8.config import U8Config
from connectors.u8.dialects import Dialect, dialect_of, greet
from connectors.u8.schema import Schema, probe

KNOWN_FOR_S = 600
"""How long the name of the current database is believed."""


class Database:
    """One connection to one database, with what it holds."""

    def __init__(self, session: Session, schema: Schema, dialect: Dialect) -> None:
        self.session = session
        self.schema = schema
        self.dialect = dialect
        self.name = session.database

    def mark(self) -> int:
        """The newest row version that no open transaction can undercut any more: everything up to it may be read."""
        return int(self.session.query(self.dialect.mark).all()[0][0])

    def rows(self, sql: str, parameters: Sequence[Any] = (), timeout_s: float | None = None) -> list[dict[str, Any]]:
        """All rows of a small query, as maps by the names in it."""
        found = self.session.query(sql, parameters, timeout_s)
        names = [name for name, _ in found.columns]
        return [dict(zip(names, row, strict=True)) for row in found.all(timeout_s)]


class U8Client:
    """Safe to use from several threads. `opener`: instead of `pyodbc.connect`; `clock`: aware now."""

    def __init__(self, config: U8Config, *, opener: Connect | None = None, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._pool = Pool(config, opener, greet)
        self._lock = threading.Lock()
        self._schemas: dict[str, Schema] = {}
        self._current = ("", 0.0)

    def close(self) -> None:
        self._pool.close()

    def now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def current(self, timeout_s: float | None = None) -> str:
        """The name of the database that holds the account set's current year, or the one that is set.

        :raises ConfigProblem: no such account set or year; UFSystem can't be read.
        """
        if self._config.database:
            return self._config.database
        with self._lock:
            name, until = self._current
        if not name or time.monotonic() >= until:
            today = self._clock().astimezone(self._config.zone).date()
            with self._system(timeout_s) as session:
                name = accounts.current(session, self._config.account, today, self._config.year)
            with self._lock:
                self._current = (name, time.monotonic() + KNOWN_FOR_S)
        return name

    def forget(self) -> None:
        """Ask anew which database is current, and what each holds."""
        with self._lock:
            self._current = ("", 0.0)
            self._schemas.clear()

    @contextlib.contextmanager
    def open(self, name: str = "", timeout_s: float | None = None) -> Iterator[Database]:
        """A connection to this database (default: the current one), with what it holds."""
        until = None if timeout_s is None else time.monotonic() + timeout_s

        def left() -> float | None:
            if until is None:
                return None
            rest = until - time.monotonic()
            if rest <= 0:
                raise Transient("The deadline passed before U8 could be asked.")
            return rest

        wanted = name or self.current(left())
        with self._pool.lease(wanted, left()) as session:
            try:
                yield Database(session, self._schema(session), dialect_of(session))
            except MissingObject:
                self.forget()  # it may have been upgraded meanwhile
                raise

    @contextlib.contextmanager
    def _system(self, timeout_s: float | None) -> Iterator[Session]:
        try:
            with self._pool.lease(accounts.SYSTEM, timeout_s) as session:
                yield session
        except (AuthProblem, MissingObject) as error:
            raise accounts.explained(error) from error

    def account_sets(self) -> dict[str, str]:
        """Number → name of every account set of the server."""
        with self._system(None) as session:
            return accounts.account_sets(session)

    def databases(self) -> list[accounts.YearDatabase]:
        """The account set's databases and their years."""
        if not self._config.account:
            raise ConfigProblem("`account` is not set, only `database`.")
        with self._system(None) as session:
            return accounts.databases(session, self._config.account)

    def _schema(self, session: Session) -> Schema:
        with self._lock:
            known = self._schemas.get(session.database)
        if known is None:
            known = probe(session)
            with self._lock:
                self._schemas[session.database] = known
        return known
