"""A PostgreSQL driver that breaks when it is told to: psycopg's own connections, with faults between it and its server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

import psycopg
from psycopg import errors

from connectors.conformance import Break, Faults

_CHANGES = ("INSERT", "UPDATE", "DELETE")


class FaultyPsycopg:
    """`opener` for `connectors.sql`. A commit that has something to commit is the one call with an effect."""

    def __init__(self, dsn: str, faults: Faults) -> None:
        self._dsn = dsn
        self.faults = faults
        self.changes = 0

    def __call__(self) -> psycopg.Connection[Any]:
        self.play(threading.Event())
        owner = self

        class Connected(_Connection):
            driver = owner

        return Connected.connect(self._dsn, cursor_factory=_Cursor)

    def play(self, cancelled: threading.Event, *, effect: bool = False, done: Callable[[], None] | None = None) -> None:
        how = self.faults.take(effect=effect)
        if how is not None:
            self._fail(how, cancelled, done)

    def _fail(self, how: Break, cancelled: threading.Event, done: Callable[[], None] | None) -> None:
        if how.kind == "ambiguous" and done is not None:
            done()
            self.changes += 1
        if how.kind == "timeout" and cancelled.wait(how.seconds):
            raise errors.QueryCanceled("canceling statement due to user request")
        if how.kind == "transient":
            raise errors.SerializationFailure("could not serialize access due to concurrent update")
        if how.kind == "auth":
            raise errors.InvalidPassword('password authentication failed for user "hub"')
        if how.kind == "junk":
            raise psycopg.OperationalError("lost synchronization with server: got message type H")
        raise psycopg.OperationalError("server closed the connection unexpectedly")


class _Connection(psycopg.Connection[Any]):
    driver: ClassVar[FaultyPsycopg]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cancelled = threading.Event()
        self.changed = False

    def commit(self) -> None:
        if self.changed:
            self.changed = False
            self.driver.play(self.cancelled, effect=True, done=super().commit)
            self.driver.changes += 1
        super().commit()

    def cancel(self) -> None:
        self.cancelled.set()
        super().cancel()


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        connection: Any = self.connection
        connection.driver.play(connection.cancelled)
        if str(query).lstrip().upper().startswith(_CHANGES):
            connection.changed = True
        return super().execute(query, params, **options)
