"""Connections to the database, by ODBC or by URL: the only module of this connector that touches the network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import Ambiguous, Transient
from connectors.odbc import Connect, Pool
from connectors.sql.config import SqlPlace
from connectors.sql.dialects import Dialect, dialect_of
from connectors.sql.statements import Statement, parse

Opener = Connect | Callable[[], Any]


class Line:
    """A connection for a while. Every error that leaves here is one of `connectors.errors`."""

    def __init__(self, session: Any, dialect: Dialect, zone: ZoneInfo) -> None:
        self._session = session
        self._zone = zone
        self.dialect = dialect

    @property
    def product(self) -> str:
        """The database system and its version, for people."""
        return str(self._session.product)

    def rows(
        self, sql: str | Statement, values: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns' names and all rows of a SELECT."""
        text, parameters = self._rendered(sql, values)
        found = self._session.query(text, parameters, timeout_s)
        rows = [tuple(row) for row in found.all(timeout_s)]
        found.close()  # psqlodbc keeps a transaction, and so a lock on the table, for as long as a cursor is open
        return [name for name, _ in found.columns], rows

    def run(self, sql: str | Statement, values: Mapping[str, Any]) -> int:
        """How many rows a statement changed; -1 where the driver can't tell."""
        text, parameters = self._rendered(sql, values)
        return int(self._session.run(text, parameters))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises Ambiguous when the answer to the commit is lost."""
        with self._session.transaction():
            yield

    def _rendered(self, sql: str | Statement, values: Mapping[str, Any] | None) -> tuple[str, Any]:
        statement = parse(sql) if isinstance(sql, str) else sql
        bound = {name: self.dialect.bind(value, self._zone) for name, value in (values or {}).items()}
        return statement.render(getattr(self._session, "paramstyle", "qmark"), bound)


class Database:
    """The database of one connection. Safe from any thread. `opener`: in the driver's place, for tests."""

    def __init__(self, place: SqlPlace, zone: str, opener: Opener | None = None) -> None:
        self._place = place
        self._zone = ZoneInfo(zone)
        self._pools: dict[bool, Any] = {writes: self._pool(opener, writes=writes) for writes in (False, True)}

    def _pool(self, opener: Opener | None, *, writes: bool) -> Any:
        def greet(session: Any) -> None:
            text = dialect_of(session.dbms).greeting(self._zone.key, self._place.timeout_s, writes=writes)
            try:
                if text and writes:
                    with session.transaction():
                        session.run(text)
                elif text:
                    session.run(text)
            except Ambiguous as error:  # whether it heard us matters to nobody
                raise Transient(str(error)) from error

        if not self._place.url:
            return Pool(self._place, opener, greet)
        from connectors.database_url import UrlPool

        return UrlPool(self._place.url, self._place, writes=writes, prepare=greet, opener=opener)

    @contextlib.contextmanager
    def reading(self, timeout_s: float | None = None) -> Iterator[Line]:
        """A connection that only reads, as far as the database can be told so; it commits by itself."""
        with self._lease(writes=False, timeout_s=timeout_s) as line:
            yield line

    @contextlib.contextmanager
    def writing(self) -> Iterator[Line]:
        with self._lease(writes=True, timeout_s=None) as line:
            yield line

    @contextlib.contextmanager
    def _lease(self, *, writes: bool, timeout_s: float | None) -> Iterator[Line]:
        with self._pools[writes].lease(timeout_s=timeout_s) as session:
            yield Line(session, dialect_of(session.dbms, aware=bool(self._place.url)), self._zone)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
