"""Reading a stream: everything that changed since the cursor, in the order of row versions, never past a safe mark.

A rowversion is given when a row is written, not when its transaction commits: a lower one may appear after a higher
one has been read. So the mark is taken first (`MIN_ACTIVE_ROWVERSION`), and nothing above it is read until next time.

A cursor names its database: the counter belongs to it, and starts anew in the next year's. After a change of year the
old database is read to its end, then the new one from its beginning. A mark below that of the cursor means that an
older backup was restored: everything is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.contract import Batch, Cursor
from connectors.errors import ConfigProblem
from connectors.u8.client import Database, U8Client
from connectors.u8.config import U8Config
from connectors.u8.rows import Maker
from connectors.u8.statements import Window, key_of, window
from connectors.u8.tables import Source


class Position(NamedTuple):
    """How far a database has been read: row version and key of the last record, and the mark of that run."""

    database: str
    at: int
    key: tuple[Any, ...] | None
    mark: int

    @property
    def cursor(self) -> Cursor:
        key = None if self.key is None else list(self.key)
        return {"database": self.database, "at": self.at, "key": key, "mark": self.mark}


class Reader:
    """Reads one stream once."""

    def __init__(self, client: U8Client, config: U8Config, source: Source) -> None:
        self._client = client
        self._config = config
        self._source = source
        self._key = key_of(source, config)

    def read(self, cursor: Cursor) -> Iterator[Batch]:
        """:raises MissingObject: this U8 lacks a table or column that the stream needs."""
        before = self._position(cursor)
        current = self._client.current()
        if before is not None and before.database != current:
            yield from self._rest_of(before)
            before = None
        with self._client.open(current) as database:
            yield from self._since(database, before)

    def _rest_of(self, before: Position) -> Iterator[Batch]:
        """What last year's database still has. It may be gone by now, archived or closed to the login."""
        try:
            with self._client.open(before.database) as database:
                yield from self._since(database, before)
        except ConfigProblem:
            return

    def _since(self, database: Database, before: Position | None) -> Iterator[Batch]:
        mark = database.mark()
        if before is not None and mark < before.mark:
            before = None
        span = Window(0, None, mark) if before is None else Window(before.at, before.key, mark)
        statement = window(self._source, database.schema, database.dialect, self._config, span)
        rows = database.session.query(statement.sql, statement.parameters)
        names = [column.name for column in statement.columns]
        places = [names.index(name) for name in self._key]
        maker = Maker(statement.columns, [given for _, given in rows.columns], self._config.zone)
        try:
            while page := rows.fetch(self._config.page_size):
                good, bad = maker.records(page)
                last = page[-1]
                position = Position(database.name, int(last[-1]), tuple(_plain(last[p]) for p in places), mark)
                yield Batch(good, cursor=position.cursor, bad=bad)
        finally:
            rows.close()

    def _position(self, cursor: Cursor) -> Position | None:
        if cursor is None:
            return None
        if isinstance(cursor, dict):
            database, at, key, mark = (cursor.get(name) for name in ("database", "at", "key", "mark"))
            whole = isinstance(at, int) and isinstance(mark, int)
            if isinstance(database, str) and whole and isinstance(key, list) and len(key) == len(self._key):
                return Position(database, at, tuple(key), mark)  # type: ignore[arg-type]
        raise ConfigProblem(
            f"{cursor!r} is no cursor of the stream {self._source.name}.",
            hint="read it from the beginning; `stock_by_batch` was changed, or the cursor is another stream's",
        )


def _plain(value: Any) -> Any:
    """A key's value as it survives JSON."""
    return int(value) if isinstance(value, Decimal) else value
