"""Reading a stream: everything that changed since the cursor, in the order of row versions, never past a safe mark.

A rowversion is given when a row is written, not when its transaction commits: a lower one may appear after a higher
one has been read. So the mark is taken first (`MIN_ACTIVE_ROWVERSION`), and nothing above it is read until next time.

A cursor names its database: the counter belongs to it, and starts anew in the next year's. After a change of year the
old database is read to its end, then the new one from its beginning. A mark behind the cursor means that an older
backup was restored: everything is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.contract import Batch, Cursor
from connectors.errors import ConfigProblem
from connectors.u8.client import Database, U8Client
from connectors.u8.config import U8Config
from connectors.u8.rows import Maker
from connectors.u8.statements import Statement, Window, key_of, window
from connectors.u8.tables import Source


class Reader:
    """Reads one stream once."""

    def __init__(self, client: U8Client, config: U8Config, source: Source) -> None:
        self._client = client
        self._config = config
        self._source = source
        self._key = key_of(source, config)

    def read(self, cursor: Cursor) -> Iterator[Batch]:
        """:raises MissingObject: this U8 lacks a table or column that the stream needs."""
        before, after, key = self._position(cursor)
        current = self._client.current()
        if before and before != current:
            yield from self._rest_of(before, after, key)
            after, key = 0, None
        with self._client.open(current) as database:
            yield from self._window(database, after, key)

    def _rest_of(self, name: str, after: int, key: tuple[Any, ...] | None) -> Iterator[Batch]:
        """What last year's database still has. It may be gone by now, archived or closed to the login."""
        try:
            with self._client.open(name) as database:
                yield from self._window(database, after, key)
        except ConfigProblem:
            return

    def _window(self, database: Database, after: int, key: tuple[Any, ...] | None) -> Iterator[Batch]:
        mark = database.mark()
        if mark < after:
            after, key = 0, None
        span = Window(after, key, mark)
        statement = window(self._source, database.schema, database.dialect, self._config, span)
        yield from self._batches(database, statement)

    def _batches(self, database: Database, statement: Statement) -> Iterator[Batch]:
        rows = database.session.query(statement.sql, statement.parameters)
        names = [column.name for column in statement.columns]
        places = [names.index(name) for name in self._key]
        maker = Maker(statement.columns, [given for _, given in rows.columns], self._config.zone)
        try:
            while page := rows.fetch(self._config.page_size):
                good, bad = maker.records(page)
                last = page[-1]
                place = [_plain(last[p]) for p in places]
                yield Batch(good, cursor={"database": database.name, "at": int(last[-1]), "key": place}, bad=bad)
        finally:
            rows.close()

    def _position(self, cursor: Cursor) -> tuple[str, int, tuple[Any, ...] | None]:
        if cursor is None:
            return "", 0, None
        if isinstance(cursor, dict):
            database, at, key = cursor.get("database"), cursor.get("at"), cursor.get("key")
            if isinstance(database, str) and isinstance(at, int) and _fits(key, self._key):
                return database, at, tuple(key) if isinstance(key, list) else None
        raise ConfigProblem(
            f"{cursor!r} is no cursor of the stream {self._source.name}.",
            hint="read it from the beginning; `stock_by_batch` was changed, or the cursor is another stream's",
        )


def _fits(key: object, names: Sequence[str]) -> bool:
    return key is None or (isinstance(key, list) and len(key) == len(names))


def _plain(value: Any) -> Any:
    """A key's value as it survives JSON."""
    return int(value) if isinstance(value, Decimal) else str(value) if isinstance(value, datetime) else value
