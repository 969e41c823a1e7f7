"""A database as the hub sees it: tables and SELECTs are streams, SELECTs with values questions, changes operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from connectors.contract import (
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Health,
    Operation,
    Part,
    Policy,
    Question,
    Receipt,
    Settings,
    Stream,
)
from connectors.errors import BadRecord, ConfigProblem
from connectors.sql import health
from connectors.sql.client import Database, Opener
from connectors.sql.config import SqlConfig, SqlPlace
from connectors.sql.form import SqlSection
from connectors.sql.operations import Writer, operation
from connectors.sql.questions import answer, question
from connectors.sql.reading import SqlReader

_SCHEMES = {"microsoft": "mssql", "freetds": "mssql", "postgresql": "postgresql", "sqlite": "sqlite"}


def _hub_clock() -> datetime:
    return datetime.now(UTC)


class DatabaseConnector:
    """What the connector `sql` and every manifest of kind `sql` share. `opener`, `clock` and `section` are for tests."""

    policy: ClassVar[Policy] = Policy(timeout_s=60, rate_per_s=50, batch_rows=2000)

    def __init__(
        self,
        config: Any,
        *,
        opener: Opener | None = None,
        clock: Callable[[], datetime] = _hub_clock,
        section: SqlSection | None = None,
    ) -> None:
        self._config = config
        self._section = section or self.section()
        self._place = self.place()
        self._clock = clock
        self._database = Database(self._place, self._section.zone, opener)

    def section(self) -> SqlSection:
        """What is read, asked and written: the connection's own settings."""
        section: SqlSection = self._config
        return section

    def place(self) -> SqlPlace:
        """Where the database is: the connection's own settings."""
        place: SqlPlace = self._config
        return place

    @property
    def namespace(self) -> str:
        """`postgresql://host:port/database`."""
        place = self._place
        if place.url:
            from connectors.database_url import address

            return address(place.url)
        port = f":{place.port}" if place.port else ""
        host = (place.server or "odbc").replace("\\", "-")
        if place.style == "sqlite":
            host, port = "localhost", ""
        return f"{_SCHEMES.get(place.style, 'odbc')}://{host}{port}/{place.database}"

    def check(self) -> Health:
        return health.check(self._database, self._section)

    def close(self) -> None:
        self._database.close()


class ReadsDatabase(DatabaseConnector):
    """Tables and SELECTs become streams."""

    def streams(self) -> Sequence[Stream]:
        return [form.stream(name) for name, form in self._section.streams.items()]

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        """Keyset pages; see `connectors.sql.reading`."""
        yield from self._reader(stream, None).batches(cursor)

    def read_part(self, stream: Stream, part: Part, cursor: Cursor) -> Iterator[Batch]:
        """The same of the rows of a part; an index on (its column, cursor, key) serves it."""
        yield from self._reader(stream, part).batches(cursor)

    def _reader(self, stream: Stream, part: Part | None) -> SqlReader:
        form = self._section.streams.get(stream.name)
        if form is None:
            known = ", ".join(self._section.streams) or "none"
            raise ConfigProblem(f"There is no stream {stream.name!r}; there are: {known}.")
        return SqlReader(self._database, form, self._section.zone, stream.lookback, part)


class AnswersFromDatabase(DatabaseConnector):
    """SELECTs with values become questions."""

    def questions(self) -> Sequence[Question]:
        return [question(name, form) for name, form in self._section.questions.items()]

    def lookup(self, ask: Ask) -> Answer | None:
        """The first row; None when there is none."""
        form = self._section.questions.get(ask.question)
        if form is None:
            raise BadRecord(f"unknown question {ask.question!r}", record=dict(ask.inputs))
        return answer(self._database, form, ask, self._section.zone, self._clock())


class WritesDatabase(DatabaseConnector):
    """Statements become operations."""

    def operations(self) -> Sequence[Operation]:
        return [operation(name, form) for name, form in self._section.operations.items()]

    def write(self, command: Command) -> Receipt:
        """All statements of the operation in one transaction, once for each command."""
        return self._writer(command).write(command)

    def confirm(self, command: Command) -> Receipt | None:
        return self._writer(command).confirm(command)

    def _writer(self, command: Command) -> Writer:
        form = self._section.operations.get(command.op)
        if form is None:
            raise BadRecord(f"unknown operation {command.op!r}", record=dict(command.body))
        return Writer(self._database, form, self._section.ledger, self._section.zone)


class SqlConnector(ReadsDatabase, AnswersFromDatabase, WritesDatabase):
    """A database described by the connection's own settings."""

    name: ClassVar[str] = "sql"
    title: ClassVar[str] = "SQL database"
    title_zh: ClassVar[str] = "SQL 数据库"
    Config: ClassVar[type[Settings]] = SqlConfig
