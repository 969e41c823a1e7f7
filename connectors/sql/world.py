"""The exam's world of a database: tables made of the streams' own fields, over a driver that can break."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from connectors.contract import Ask, Command, Connector
from connectors.manifest import Field
from connectors.settings import parse_config
from connectors.sql.form import SqlOperation, SqlSection, SqlStream
from connectors.sql.operations import DDL
from connectors.sql.sandbox import SqliteStore
from connectors.sql.statements import parse

if TYPE_CHECKING:  # the exam needs pytest, which a hub at work does not have
    from connectors.conformance.world import Break, Kind, Known

ERRORS: Mapping[str, str] = {
    "transient": "database is locked",
    "auth": "not authorized",
    "cut": "connection lost",
    "timeout": "connection lost: no answer",
    "ambiguous": "connection lost",
    "junk": "protocol error",
}
"""As SQLite would say it, if it had a network."""
_BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


class Store(Protocol):
    """The database as its other users see it. Places of values are `?`."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> None: ...
    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...
    def close(self) -> None: ...


class BreakableSqlite:
    """`opener` for a connector: connections to a file, with failures that are due. `changes`: commits with an effect."""

    def __init__(self, path: Path, faults: Any) -> None:
        self._path = path
        self.faults = faults
        self.changes = 0

    def __call__(self) -> sqlite3.Connection:
        self.play(threading.Event())
        owner = self

        class Connected(_Connection):
            driver = owner

        return sqlite3.connect(self._path, factory=Connected, check_same_thread=False, timeout=5)

    def play(
        self, interrupted: threading.Event, *, effect: bool = False, done: Callable[[], None] | None = None
    ) -> None:
        how: Break | None = self.faults.take(effect=effect)
        if how is None:
            return
        if how.kind == "ambiguous" and done is not None:
            done()
            self.changes += 1
        if how.kind == "timeout":
            interrupted.wait(how.seconds)
        raise sqlite3.OperationalError(ERRORS[how.kind])


class _Connection(sqlite3.Connection):
    driver: ClassVar[BreakableSqlite]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.interrupted = threading.Event()
        self._settled = 0

    def cursor(self, *_: Any) -> Any:
        return super().cursor(_Cursor)

    def commit(self) -> None:
        if self.in_transaction and self.total_changes != self._settled:
            self.driver.play(self.interrupted, effect=True, done=super().commit)
            self.driver.changes += 1
            self._settled = self.total_changes
        super().commit()

    def rollback(self) -> None:
        self._settled = self.total_changes
        super().rollback()

    def interrupt(self) -> None:
        self.interrupted.set()
        super().interrupt()


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, values: Any = ()) -> Any:
        connection: Any = self.connection
        connection.driver.play(connection.interrupted)
        return super().execute(sql, values)


class SqlWorld:
    """Base of the worlds. `section()` says what there is; `place()` where, as a connection's settings. Streams of a
    SELECT are read from a table of the same rows, unless `real_selects`. `faults`: what breaks; default: the exam's own."""

    connector_type: ClassVar[type[Connector]]
    breaks: ClassVar[frozenset[Kind]] = frozenset({"transient", "auth", "cut", "timeout", "ambiguous", "junk"})
    types: ClassVar[Mapping[str, str]] = {}
    real_selects: ClassVar[bool] = False

    def __init__(self, faults: Any = None) -> None:
        if faults is None:
            from connectors.conformance.faults import Faults

            faults = Faults()
        self._folder = tempfile.TemporaryDirectory(prefix="weft-exam-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name) / "exam.db"
        self._faults = faults
        self._numbers = itertools.count(1)
        self._at = _BEGIN
        self._gone: set[tuple[str, tuple[Any, ...]]] = set()
        self._section = self.examined(self.section())
        self.store = self.opened()
        self.driver: Any = self.breakable()
        self.prepare()

    # -- what a world may say otherwise -------------------------------------------------------------------------------

    def section(self) -> SqlSection:
        raise TypeError("a world of a database says what is read, asked and written")

    def opened(self) -> Store:
        return SqliteStore(self.path)

    def breakable(self) -> Any:
        return BreakableSqlite(self.path, self._faults)

    def place(self) -> dict[str, Any]:
        return {"url": f"sqlite:///{self.path}"}

    def config(self) -> dict[str, Any]:
        return {**self.place(), "username": "hub", "password": "hub-password-0001", "timeout_s": 5}

    def prepare(self) -> None:
        """The tables. Those that are there already stay."""
        for form in self._section.streams.values():
            columns = self._columns(form)
            self.store.run(f"CREATE TABLE IF NOT EXISTS {form.table} ({', '.join(columns)})")
        if any(not form.confirm for form in self._section.operations.values()):
            self.store.run(DDL.format(table=f"IF NOT EXISTS {self._section.ledger}"))

    # -- the world ----------------------------------------------------------------------------------------------------

    def examined(self, section: SqlSection) -> SqlSection:
        """The section with small pages, and with tables in the place of SELECTs."""
        streams = {}
        for name, form in section.streams.items():
            more = {"page_rows": 7}
            table = {} if form.table or self.real_selects else {"table": f"exam_{name}", "select": ""}
            streams[name] = form.model_copy(update={**more, **table})
        return section.model_copy(update={"streams": streams})

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        settings = parse_config(kind, {**self.config(), **changes})
        return kind(settings, opener=self.driver, section=self._section)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return int(self._faults.calls)

    @property
    def changes(self) -> int:
        return int(self.driver.changes)

    def without_rights(self) -> None:
        self.store.run(f"DROP TABLE {self._section.ledger}")

    def close(self) -> None:
        self.store.close()
        self._folder.cleanup()

    # -- reading ------------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        for _ in range(n):
            if not same_time:
                self._at += timedelta(hours=1)
            self._insert(stream, self._at)

    def touch(self, stream: str) -> None:
        self._at += timedelta(hours=1)
        form, table = self._form(stream), self.table_of(stream)
        keys = [form.column_of(name) for name in form.key]
        [first] = self.store.rows(f"SELECT {', '.join(keys)} FROM {table} ORDER BY {', '.join(keys)} LIMIT 1")  # noqa: S608
        row = {column: value for column, value in self._row(form, self._at).items() if column not in keys}
        sets, where = ", ".join(f"{c} = ?" for c in row), " AND ".join(f"{k} = ?" for k in keys)
        self.store.run(f"UPDATE {table} SET {sets} WHERE {where}", [*row.values(), *first])  # noqa: S608

    def late(self, stream: str) -> None:
        self._insert(stream, self._at - self._form(stream).lookback / 2)

    def remove(self, stream: str) -> None:
        self._at += timedelta(hours=1)
        form, table = self._form(stream), self.table_of(stream)
        keys = [form.column_of(name) for name in form.key]
        last = self.store.rows(f"SELECT {', '.join(keys)} FROM {table} ORDER BY {', '.join(keys)}")[-1]  # noqa: S608
        where = " AND ".join(f"{key} = ?" for key in keys)
        if form.deleted is None:
            self.store.run(f"DELETE FROM {table} WHERE {where}", last)  # noqa: S608
            return
        flag = form.deleted.equals[0] if isinstance(form.deleted.equals, list) else form.deleted.equals
        sets = f"{form.deleted.path} = ?, {form.column_of(form.cursor)} = ?"
        self.store.run(f"UPDATE {table} SET {sets} WHERE {where}", [flag, self._moment(form, self._at), *last])  # noqa: S608
        self._gone.add((stream, last))

    def spoil(self, stream: str) -> None:
        form, table = self._form(stream), self.table_of(stream)
        keys = [form.column_of(name) for name in form.key]
        place = self.store.rows(f"SELECT {', '.join(keys)} FROM {table} ORDER BY {', '.join(keys)}")[10]  # noqa: S608
        where = " AND ".join(f"{key} = ?" for key in keys)
        self.store.run(f"UPDATE {table} SET {keys[-1]} = NULL WHERE {where}", place)  # noqa: S608

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        form = self._form(stream)
        names = list(dict.fromkeys([*form.key, *form.fields]))
        columns = ", ".join(form.column_of(name) for name in names)
        found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        for raw in self.store.rows(f"SELECT {columns} FROM {self.table_of(stream)}"):  # noqa: S608
            row = dict(zip(names, raw, strict=True))
            if None in (row[name] for name in form.key) or (stream, tuple(row[k] for k in form.key)) in self._gone:
                continue
            key = tuple(self._seen(form, name, row[name]) for name in form.key)
            found[key] = {n: self._seen(form, n, row[n]) for n in names if n not in form.key}
        return found

    def table_of(self, stream: str) -> str:
        """The table whose rows the stream shows."""
        return self._form(stream).table

    def _form(self, stream: str) -> SqlStream:
        return self._section.streams[stream]

    def _kind(self, form: SqlStream, name: str) -> str:
        return form.fields.get(name, Field()).type

    def _columns(self, form: SqlStream) -> list[str]:
        columns = {form.column_of(n): self.types.get(self._kind(form, n), "") for n in [*form.key, *form.fields]}
        if form.deleted is not None:
            columns.setdefault(form.deleted.path, self.types.get("any", ""))
        return [f"{name} {kind}".strip() for name, kind in columns.items()]

    def _insert(self, stream: str, at: datetime) -> None:
        row = self._row(self._form(stream), at)
        marks = ", ".join("?" for _ in row)
        self.store.run(f"INSERT INTO {self.table_of(stream)} ({', '.join(row)}) VALUES ({marks})", list(row.values()))  # noqa: S608

    def _row(self, form: SqlStream, at: datetime) -> dict[str, Any]:
        number = next(self._numbers)
        sample = form.samples[number % len(form.samples)] if form.samples else {}
        row = {}
        for name in dict.fromkeys([*form.key, *form.fields]):
            column = form.column_of(name)
            row[column] = self._value(form, name, number, sample.get(column), at)
        return row

    def _value(self, form: SqlStream, name: str, number: int, sample: Any, at: datetime) -> Any:
        kind = self._kind(form, name)
        if kind == "datetime":
            return self._moment(form, at if name == form.cursor else at + timedelta(minutes=number))
        made = {"number": Decimal(number) + Decimal("0.25"), "int": number, "bool": number % 2 == 1}
        if kind in made:
            return self._stored(made[kind])
        if kind == "date":
            return (at + timedelta(days=number)).date().isoformat()
        return f"{sample or '值'}-{number:05}" if name in form.key or sample is None else sample

    def _stored(self, value: Any) -> Any:
        """As SQLite takes it."""
        return str(value) if isinstance(value, Decimal) else value

    def _moment(self, form: SqlStream, at: datetime) -> Any:
        return at.isoformat()

    def _seen(self, form: SqlStream, name: str, raw: Any) -> Any:
        """What a column's value must become."""
        kind = self._kind(form, name)
        if raw is None:
            return None
        if kind == "datetime":
            when = raw if isinstance(raw, datetime) else datetime.fromisoformat(raw)
            return when if when.tzinfo else when.replace(tzinfo=UTC)
        made: Mapping[str, Callable[[Any], Any]] = {
            "number": lambda v: Decimal(str(v)),
            "int": int,
            "bool": bool,
            "text": str,
        }
        return made.get(kind, lambda v: v)(raw)

    # -- answering ----------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        from connectors.conformance.world import Known

        return [
            Known(Ask(name, dict(form.sample), 5), dict(form.answer)) for name, form in self._section.questions.items()
        ]

    def unknown(self) -> Sequence[Ask]:
        return [
            Ask(name, dict.fromkeys(form.needs, "no-such'thing"), 5) for name, form in self._section.questions.items()
        ]

    # -- writing ------------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        return [self._command(name, form) for name, form in self._section.operations.items()]

    def _command(self, op: str, form: SqlOperation, **key: Any) -> Command:
        number = next(self._numbers)
        values = {n: v.replace("{n}", str(number)) if isinstance(v, str) else v for n, v in form.sample.items()}
        names = {name: values.pop(name) for name in form.key}
        return Command(f"c-{number}", op, {**names, **key}, values)

    def refusals(self) -> Sequence[Command]:
        return [
            self._command(name, form, **{form.key[0]: "no-such-thing"})
            for name, form in self._section.operations.items()
            if form.rows and form.statements[-1].lstrip()[:6].upper() in ("UPDATE", "DELETE")
        ]

    def effects(self, command: Command) -> int:
        form, mark = self._section.operations[command.op], command.idempotency_key
        if not form.confirm:
            return len(self.store.rows(f"SELECT command FROM {self._section.ledger} WHERE command = ?", [mark]))  # noqa: S608
        values = {**command.key, **command.body, "command": mark}
        text, parameters = parse(form.confirm).render("qmark", values)
        return len(self.store.rows(text, parameters))
