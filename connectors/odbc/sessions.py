"""Connections: every call ends in time, every error is one of `connectors.errors`.

A driver's own time-outs can't be relied on when the network stays silent, so every call runs in a thread of its own
and whoever waits goes on when its time is up. Such a connection is `broken`: it is cancelled and closed behind.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

from connectors.errors import Ambiguous, ConfigProblem, ConnectorError, Transient
from connectors.odbc.drivers import load
from connectors.odbc.errors import classified
from connectors.odbc.settings import OdbcSettings

Connect = Callable[..., Any]
"""`pyodbc.connect`, or what a test puts in its place."""
T = TypeVar("T")
GRACE_S = 5
"""How much longer than the driver's own time-out we wait: a statement that the driver ends leaves a usable connection."""


def within(seconds: float, work: Callable[[], T], late: Callable[[], None], ended: Callable[[T | None], None]) -> T:
    """The result of `work`, which runs in a thread of its own. When it takes longer, `late` is told at once, and
    `ended`, in that thread, when it is over after all: with its result, or None if it failed.

    :raises TimeoutError: it took longer; `work` runs on.
    """
    over, lock = threading.Event(), threading.Lock()
    outcome: list[tuple[T | None, BaseException | None]] = []
    given_up = False

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - handed to whoever waits
            error = raised
        with lock:
            outcome.append((result, error))
            over.set()
            nobody_waits = given_up
        if nobody_waits:
            ended(result)

    threading.Thread(target=run, daemon=True, name="weft-odbc").start()
    over.wait(max(0.0, seconds))
    with lock:
        given_up = not outcome
    if given_up:
        late()
        raise TimeoutError
    result, error = outcome[0]
    if error is not None:
        raise error
    return cast(T, result)


class Rows:
    """The rows of a statement, fetched as they are asked for. `columns`: (name, Python type the driver gives)."""

    def __init__(self, session: Session, cursor: Any) -> None:
        self._session = session
        self._cursor = cursor
        self.columns: tuple[tuple[str, type], ...] = tuple((d[0], d[1]) for d in cursor.description or ())

    def fetch(self, count: int, timeout_s: float | None = None) -> list[Any]:
        """The next rows, at most so many; none at the end."""
        fetch = self._cursor.fetchmany
        return self._session.call(lambda: fetch(count), timeout_s)

    def all(self, timeout_s: float | None = None) -> list[Any]:
        """Every row that is left; the statement is done with."""
        rows: list[Any] = self._session.call(self._cursor.fetchall, timeout_s)
        self.close()
        return rows

    def close(self) -> None:
        """Give up what was not fetched."""
        if not self._session.broken:
            with contextlib.suppress(ConnectorError):
                self._session.call(self._cursor.close)


class Session:
    """One connection, used by one thread at a time. `dbms`: the product's own name, e.g. "Microsoft SQL Server".

    Every error of the driver leaves here classified. `in_doubt`: set while a commit is under way, so that a lost
    answer is Ambiguous. `broken`: not to be used again.
    """

    def __init__(self, raw: Any, settings: OdbcSettings, dbms: str, database: str, *, grace_s: int) -> None:
        self._raw = raw
        self._limit_s = settings.timeout_s + grace_s
        self._settings = settings
        self._running: Any = None
        self._abandoned = False
        self._handles = threading.Lock()  # a handle that is being cancelled must not be freed
        self.dbms = dbms
        self.database = database
        self.broken = False
        self.in_doubt = False
        self.idle_since = 0.0

    @property
    def product(self) -> str:
        """The database system and its version, for people."""
        return f"{self.dbms} {self._raw.getinfo(load().SQL_DBMS_VER)}"

    def query(self, sql: str, parameters: Sequence[Any] = (), timeout_s: float | None = None) -> Rows:
        """Run a statement. `timeout_s`: for this call alone, exactly; else the settings' with some grace."""
        return Rows(self, self.call(lambda: self._execute(sql, parameters), timeout_s))

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement that gives no rows; returns how many it changed."""
        cursor = self.call(lambda: self._execute(sql, parameters))
        changed = int(cursor.rowcount)
        cursor.close()
        return changed

    def _execute(self, sql: str, parameters: Sequence[Any]) -> Any:
        cursor = self._running = self._raw.cursor()
        cursor.execute(sql, *parameters)
        return cursor

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit at the end, roll back on any error. A commit whose answer is lost raises Ambiguous."""
        self._raw.autocommit = False
        try:
            yield self
            self.in_doubt = True
            self.call(self._raw.commit)
        except BaseException:
            self._roll_back()
            raise
        finally:
            self.in_doubt = False
            if not self.broken:
                self._raw.autocommit = True

    def _roll_back(self) -> None:
        if not self.broken:
            try:
                self.call(self._raw.rollback)
            except (Transient, Ambiguous, ConfigProblem):
                self.broken = True

    def call(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """One call into the driver. Raises the errors of `connectors.errors`."""
        pyodbc = load()
        limit = self._limit_s if timeout_s is None else timeout_s
        try:
            return within(limit, work, self._abandon, lambda _: self._dispose())
        except TimeoutError:
            raise (Ambiguous if self.in_doubt else Transient)(
                f"The database did not answer within {limit:.3g} s."
            ) from None
        except pyodbc.Error as error:
            told = classified(error, self._settings, self.database, in_doubt=self.in_doubt)
            self.broken = self.broken or isinstance(told, (Transient, Ambiguous))
            raise told from None
        except (ValueError, OverflowError) as error:  # UnicodeDecodeError, a date before the year 1
            raise ConfigProblem(f"The driver can't read a value: {error}") from error

    def _abandon(self) -> None:
        """Nobody waits for the running call any more. It alone may close the connection, and only when it has ended:
        closing under a driver's feet crashes the process."""
        self.broken = self._abandoned = True
        threading.Thread(target=self._cancel, daemon=True, name="weft-odbc-cancel").start()

    def _cancel(self) -> None:
        with self._handles:  # may itself hang in a silent network
            if self._running is not None:
                _quietly(self._running.cancel)

    def _dispose(self) -> None:
        with self._handles:
            if self._running is not None:  # libsqliteodbc keeps a connection with an open statement, without a word
                _quietly(self._running.close)
            _quietly(self._raw.close)

    def close(self) -> None:
        self.broken = True
        if not self._abandoned:
            self._dispose()


def _quietly(work: Callable[[], object]) -> None:
    with contextlib.suppress(load().Error):
        work()


def connect(
    settings: OdbcSettings, database: str = "", *, timeout_s: float | None = None, opener: Connect | None = None
) -> Session:
    """A new connection in autocommit mode. `opener`: instead of `pyodbc.connect`.

    :raises ConfigProblem: driver, server's certificate or database name. :raises AuthProblem: login refused.
    :raises Transient: not reachable, or not within `timeout_s`.
    """
    pyodbc = load()
    name = database or settings.database
    text = settings.connection_text(name)
    limit = settings.timeout_s if timeout_s is None else timeout_s
    open_ = opener or pyodbc.connect

    def opened() -> Session:
        raw = open_(text, autocommit=True, timeout=max(1, math.ceil(limit)))
        grace_s = GRACE_S
        try:
            raw.timeout = math.ceil(settings.timeout_s)
        except pyodbc.Error:  # psqlodbc has none, so ours is the only one
            grace_s = 0
        raw.setdecoding(
            pyodbc.SQL_CHAR, encoding="utf-16le", ctype=pyodbc.SQL_WCHAR
        )  # GBK columns: the driver converts
        return Session(raw, settings, str(raw.getinfo(pyodbc.SQL_DBMS_NAME)), name, grace_s=grace_s)

    try:
        return within(limit, opened, lambda: None, lambda late: late.close() if late is not None else None)
    except TimeoutError:
        raise Transient(f"{settings.server or 'The database server'} did not answer within {limit:.3g} s.") from None
    except pyodbc.Error as error:
        raise classified(error, settings, name) from None


class Pool:
    """The idle connections of one connector, a few for each database. Safe from any thread. `prepare`: what to do with
    a new one before it is used; its errors are those of the lease."""

    KEPT = 4
    IDLE_S = 60

    def __init__(
        self,
        settings: OdbcSettings,
        opener: Connect | None = None,
        prepare: Callable[[Session], object] | None = None,
    ) -> None:
        self._settings = settings
        self._opener = opener
        self._prepare = prepare
        self._lock = threading.Lock()
        self._idle: dict[str, list[Session]] = {}
        self._closed = False

    @contextlib.contextmanager
    def lease(self, database: str = "", timeout_s: float | None = None) -> Iterator[Session]:
        """A connection for a while; a broken one is not taken back. Errors as `connect`."""
        session = self._take(database)
        is_new = session is None
        if session is None:
            session = connect(self._settings, database, timeout_s=timeout_s, opener=self._opener)
        try:
            if is_new and self._prepare is not None:
                self._prepare(session)
            yield session
        except (Transient, Ambiguous):
            session.broken = True
            raise
        finally:
            self._take_back(database, session)

    def _take(self, database: str) -> Session | None:
        """The one used last; those that lay idle for long are closed: servers and firewalls forget them."""
        with self._lock:
            idle = self._idle.pop(database, [])
            oldest = time.monotonic() - self.IDLE_S
            fresh = [session for session in idle if session.idle_since >= oldest]
            found = fresh.pop() if fresh else None
            self._idle[database] = fresh
        for session in idle:
            if session.idle_since < oldest:
                session.close()
        return found

    def _take_back(self, database: str, session: Session) -> None:
        session.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle.setdefault(database, [])
            if not (session.broken or self._closed or len(idle) >= self.KEPT):
                idle.append(session)
                return
        session.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            sessions = [session for idle in self._idle.values() for session in idle]
            self._idle.clear()
        for session in sessions:
            session.close()
