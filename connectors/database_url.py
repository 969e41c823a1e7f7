"""Databases by SQLAlchemy URL, for connectors: the same calls, time-outs and errors as `connectors.odbc` has.

The only module of a connector that imports SQLAlchemy, and only for what it knows of drivers: how to load one by a
URL, its parameter style, its connections. The hub's own database is none of its business.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.odbc import OdbcSettings, classified, within

T = TypeVar("T")
Opener = Callable[[], Any]
"""Opens a connection of the driver; what a test puts in the driver's place."""

_SECRET = re.compile(r"password|passwd|pwd|secret|token|api_?key", re.IGNORECASE)
_MYSQL = {
    1044: "42501", 1045: "28000", 1048: "23000", 1049: "3D000", 1054: "42S22", 1062: "23505", 1142: "42501",
    1143: "42501", 1146: "42S02", 1205: "40001", 1213: "40001", 1227: "42501", 1264: "22003", 1366: "22018",
    1406: "22001", 1451: "23000", 1452: "23000", 2002: "08001", 2003: "08001", 2006: "08S01", 2013: "08S01",
}  # fmt: skip
_ORACLE = {
    1: "23505", 60: "40001", 904: "42S22", 942: "42S02", 1017: "28000", 1031: "42501", 1400: "23000", 1722: "22018",
    2291: "23000", 2292: "23000", 3113: "08S01", 3114: "08S01", 3135: "08S01", 12154: "08001", 12170: "08001",
    12514: "3D000", 12541: "08001", 12899: "22001", 28000: "28000", 28001: "28000",
}  # fmt: skip


def checked(url: str) -> str:
    """A URL without secrets. Raises ValueError with what to write instead."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ValueError("write it as postgresql+psycopg://host:5432/database or sqlite:////path/to/file.db") from None
    if parsed.password is not None or parsed.username is not None:
        raise ValueError("must hold no user and password; put them into `username` and `password`")
    secret = next((name for name in parsed.query if _SECRET.search(name)), None)
    if secret:
        raise ValueError(f"must hold no secret such as {secret!r}; put it into `password`")
    return url


def address(url: str) -> str:
    """`postgresql://host:5432/database`: what the URL leads to, for lineage; files as `sqlite://localhost/path`."""
    parsed = make_url(url)
    place = (parsed.host or "localhost") + (f":{parsed.port}" if parsed.port else "")
    return f"{parsed.get_backend_name()}://{place}/{(parsed.database or '').lstrip('/')}"


class UrlRows:
    """The rows of a statement. `columns`: (name, None), as the driver does not tell types alike."""

    def __init__(self, columns: Sequence[str], rows: list[Any]) -> None:
        self.columns = tuple((name, None) for name in columns)
        self._rows = rows

    def all(self, timeout_s: float | None = None) -> list[Any]:
        return self._rows

    def close(self) -> None:
        """All was fetched already."""


class UrlSession:
    """One connection, used by one thread at a time; see `connectors.odbc.Session`."""

    def __init__(self, connection: sqlalchemy.Connection, settings: OdbcSettings, database: str) -> None:
        self._connection = connection
        self._settings = settings
        self._abandoned = False
        self.dbms = connection.dialect.name
        self.paramstyle = connection.dialect.paramstyle
        self.database = database
        self.broken = False
        self.in_doubt = False
        self.idle_since = 0.0

    @property
    def product(self) -> str:
        """The database system and its version, for people."""
        version = self._connection.dialect.server_version_info or ()
        return f"{self.dbms} {'.'.join(map(str, version))}".strip()

    def query(self, sql: str, parameters: Any = (), timeout_s: float | None = None) -> UrlRows:
        """Run a statement and fetch all it gives."""

        def work() -> UrlRows:
            result = self._execute(sql, parameters)
            return UrlRows(list(result.keys()), [tuple(row) for row in result.fetchall()])

        return self.call(work, timeout_s)

    def run(self, sql: str, parameters: Any = ()) -> int:
        """Run a statement that gives no rows; returns how many it changed."""
        return self.call(lambda: int(self._execute(sql, parameters).rowcount))

    def _execute(self, sql: str, parameters: Any) -> sqlalchemy.CursorResult[Any]:
        if not parameters:  # else % in a text would be taken for a value's place
            return self._connection.exec_driver_sql(sql, None, {"no_parameters": True})
        return self._connection.exec_driver_sql(sql, parameters)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[UrlSession]:
        """Commit at the end, roll back on any error. A commit whose answer is lost raises Ambiguous."""
        try:
            yield self
            self.in_doubt = True
            self.call(self._connection.commit)
        except BaseException:
            if not self.broken:
                try:
                    self.call(self._connection.rollback)
                except ConnectorError:
                    self.broken = True
            raise
        finally:
            self.in_doubt = False

    def call(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """One call into the driver. Raises the errors of `connectors.errors`."""
        limit = self._settings.timeout_s if timeout_s is None else timeout_s
        try:
            return within(limit, work, self._abandon, lambda _: self._dispose())
        except TimeoutError:
            kind = Ambiguous if self.in_doubt else Transient
            raise kind(f"The database did not answer within {limit:.3g} s.") from None
        except exc.SQLAlchemyError as error:
            told = meaning(error, self._settings, self.database, in_doubt=self.in_doubt)
            self.broken = self.broken or isinstance(told, (Transient, Ambiguous))
            raise told from None
        except (ValueError, OverflowError) as error:
            raise ConfigProblem(f"The driver can't read a value: {error}") from error

    def _abandon(self) -> None:
        """Nobody waits for the running call any more; it is cancelled where the driver can, and closes behind."""
        self.broken = self._abandoned = True
        threading.Thread(target=self._cancel, daemon=True, name="weft-url-cancel").start()

    def _cancel(self) -> None:
        try:
            raw = self._connection.connection.dbapi_connection
        except exc.ResourceClosedError:  # the call has ended meanwhile, and its connection is closed
            return
        cancel = getattr(raw, "cancel", None) or getattr(raw, "interrupt", None)
        if cancel is not None:
            with contextlib.suppress(*_driver_errors(self._connection), OSError):
                cancel()

    def _dispose(self) -> None:
        with contextlib.suppress(exc.SQLAlchemyError, *_driver_errors(self._connection)):
            self._connection.invalidate()
            self._connection.close()

    def close(self) -> None:
        self.broken = True
        if not self._abandoned:
            self._dispose()


class UrlPool:
    """The idle connections of one connector. Safe from any thread. `writes`: connections that have transactions;
    others commit by themselves. `prepare`: what to do with a new one before it is used. `opener`: for tests."""

    KEPT = 4
    IDLE_S = 60

    def __init__(
        self,
        url: str,
        settings: OdbcSettings,
        *,
        writes: bool,
        prepare: Callable[[UrlSession], object],
        opener: Opener | None = None,
    ) -> None:
        self._url = url
        self._settings = settings
        self._writes = writes
        self._prepare = prepare
        self._opener = opener
        self._engine: sqlalchemy.Engine | None = None
        self._lock = threading.Lock()
        self._idle: list[UrlSession] = []
        self._closed = False

    @contextlib.contextmanager
    def lease(self, database: str = "", timeout_s: float | None = None) -> Iterator[UrlSession]:
        """A connection for a while; a broken one is not taken back.

        :raises ConfigProblem: no such driver or database. :raises AuthProblem: login refused. :raises Transient: so.
        """
        session = self._take()
        is_new = session is None
        if session is None:
            session = self._open(timeout_s)
        try:
            if is_new:
                self._prepare(session)
            yield session
        except (Transient, Ambiguous):
            session.broken = True
            raise
        finally:
            self._take_back(session)

    def _open(self, timeout_s: float | None) -> UrlSession:
        limit = self._settings.timeout_s if timeout_s is None else timeout_s
        engine = self._made()
        name = engine.url.database or ""
        try:
            return within(
                limit,
                lambda: UrlSession(engine.connect(), self._settings, name),
                lambda: None,
                lambda late: late.close() if late is not None else None,
            )
        except TimeoutError:
            raise Transient(f"{engine.url.host or 'The database'} did not answer within {limit:.3g} s.") from None
        except exc.SQLAlchemyError as error:
            raise meaning(error, self._settings, name) from None

    def _made(self) -> sqlalchemy.Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self._engine_of()
            return self._engine

    def _engine_of(self) -> sqlalchemy.Engine:
        more: dict[str, Any] = {} if self._opener is None else {"creator": self._opener}
        if not self._writes:
            more["isolation_level"] = "AUTOCOMMIT"
        if make_url(self._url).get_backend_name() == "sqlite":
            more["connect_args"] = {"check_same_thread": False, "timeout": self._settings.timeout_s}
        try:
            return sqlalchemy.create_engine(self._with_login(), poolclass=NullPool, hide_parameters=True, **more)
        except exc.NoSuchModuleError as error:
            raise ConfigProblem(
                f"There is no such kind of database: {error}", hint="see SQLAlchemy's dialects"
            ) from None
        except ImportError as error:
            raise ConfigProblem(
                f"The database's driver is missing: {error}", hint=f"pip install {error.name}"
            ) from None
        except exc.ArgumentError as error:
            raise ConfigProblem(f"The url can't be used: {error}") from None

    def _with_login(self) -> URL:
        url, settings = make_url(self._url), self._settings
        if url.get_backend_name() == "sqlite":
            return url  # a file knows no login
        if settings.username:
            url = url.set(username=settings.username)
        return url.set(password=settings.password.get_secret_value()) if settings.password is not None else url

    def _take(self) -> UrlSession | None:
        oldest = time.monotonic() - self.IDLE_S
        with self._lock:
            stale = [each for each in self._idle if each.idle_since < oldest]
            fresh = [each for each in self._idle if each.idle_since >= oldest]
            found = fresh.pop() if fresh else None
            self._idle = fresh
        for each in stale:
            each.close()
        return found

    def _take_back(self, session: UrlSession) -> None:
        session.idle_since = time.monotonic()
        with self._lock:
            if not (session.broken or self._closed or len(self._idle) >= self.KEPT):
                self._idle.append(session)
                return
        session.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()


def meaning(
    error: exc.SQLAlchemyError, settings: OdbcSettings, database: str, *, in_doubt: bool = False
) -> ConnectorError:
    """What must happen next. Drivers have codes of their own; they are told as SQLSTATE."""
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return ConfigProblem(f"The database can't be used: {str(error)[:500]}")
    original = error.orig
    text = str(original.args[-1] if len(original.args) > 1 and isinstance(original.args[-1], str) else original)
    if re.search(r"not authorized|readonly database", text):
        return AuthProblem(f"The account lacks a right: {text[:300]}", hint="grant the hub's account what is named")
    if re.search(r"unable to open database file", text):
        return ConfigProblem(f"The database can't be opened: {text[:300]}", hint="is the path right, and readable?")
    return classified(Exception(_state(original, text), text), settings, database, in_doubt=in_doubt)


def _state(error: BaseException, text: str) -> str:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return str(state)
    module = type(error).__module__.partition(".")[0]
    first = error.args[0] if error.args else None
    if module in ("pymysql", "MySQLdb", "mysql") and isinstance(first, int):
        return _MYSQL.get(first, "HY000")
    oracle = re.search(r"\bORA-(\d{5})", text)
    if oracle:
        return _ORACLE.get(int(oracle[1]), "HY000")
    if module.startswith("psycopg") and type(error).__name__ == "OperationalError":
        return "08006"  # psycopg tells no state of what it lost itself
    return "HY000"


def _driver_errors(connection: sqlalchemy.Connection) -> tuple[type[BaseException], ...]:
    kind = getattr(connection.dialect.dbapi, "Error", None)
    return (kind,) if isinstance(kind, type) else ()
