"""A stream read in keyset pages: each a short statement of its own, each going on behind the last row of the one before.

Rows are ordered by (cursor, key), or by key alone for a snapshot. So no row is lost or read twice because others come
and go between two pages, no transaction stays open while the hub stores, and memory is that of one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Batch, Cursor, Part, Record
from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest import Field, Shape
from connectors.manifest.paths import steps
from connectors.sql.client import Database
from connectors.sql.dialects import Dialect
from connectors.sql.form import SqlStream
from connectors.sql.values import decode, earlier, encode, plain, renamed


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page begins: behind the row with these raw values of (cursor, key), or with `key` empty at this cursor
    value. `at`: None for a snapshot."""

    at: Any
    key: tuple[Any, ...]


class SqlReader:
    """Reads one stream, or a part of it. `lookback`: how far behind its cursor it begins."""

    def __init__(
        self, database: Database, form: SqlStream, zone: str, lookback: timedelta, part: Part | None = None
    ) -> None:
        self._part = part
        self._database = database
        self._form = form
        self._zone = ZoneInfo(form.zone or zone)
        self._lookback = lookback
        self._cursor = form.column_of(form.cursor) if form.cursor else ""
        self._keys = [form.column_of(name) for name in form.key]
        self._shape = Shape(form.fields, form.key, zone=form.zone or zone, deleted=form.deleted)
        self._wanted = [form.column_of(name) for name in {**dict.fromkeys(form.key), **form.fields}]
        if form.deleted is not None:
            self._wanted.append(str(steps(form.deleted.path)[0]))

    def batches(self, cursor: Cursor) -> Iterator[Batch]:
        """All rows behind the cursor, or all rows. Raises the errors of the database."""
        saved = self._loaded(cursor)
        mark = self._start(saved)
        begin = mark
        newest = saved
        while True:
            columns, rows = self._page(mark)
            if rows:
                last = self._mark_of(columns, rows[-1])
                if mark is not None and last == mark and mark.key:
                    raise self._no_progress()
                mark, newest = last, newest if self._is_older(last, newest) else last
                good, bad = self._sorted_out(columns, rows)
                yield Batch(good, self._dumped(newest), bad)
            if len(rows) < self._form.page_rows:
                break
        yield from self._without_order(begin)

    # -- pages --------------------------------------------------------------------------------------------------------

    def _page(self, mark: Mark | None, without: str = "") -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._database.reading() as line:
            dialect = line.dialect
            values: dict[str, Any] = {}
            keys = [dialect.column(key) for key in self._keys]
            order = [dialect.column(self._cursor), *keys] if self._cursor and not without else keys
            where = [f"{column} IS NOT NULL" for column in order]
            if without == "cursor":
                where.append(f"{dialect.column(self._cursor)} IS NULL")
            if mark is not None:
                where.append(self._behind(dialect, order, mark, values))
            where += self._of_part(dialect, values)
            sql = dialect.page(self._form.source, " AND ".join(where), ", ".join(order), self._form.page_rows)
            columns, rows = line.rows(sql, values)
        return renamed(columns, self._wanted), rows

    def _behind(self, dialect: Dialect, order: Sequence[str], mark: Mark, values: dict[str, Any]) -> str:
        """The rows behind a mark: c >= ? AND (c > ? OR (c = ? AND (k > ? …))), which an index on (c, k) serves."""
        raw = [mark.at, *mark.key] if self._cursor and mark.at is not None else list(mark.key)
        names = [f"v{number}" for number in range(len(raw))]
        values |= dict(zip(names, raw, strict=True))
        if not mark.key:
            return f"{order[0]} >= :v0"
        condition = f"{order[len(raw) - 1]} > :{names[-1]}"
        for column, name in zip(reversed(order[: len(raw) - 1]), reversed(names[:-1]), strict=True):
            condition = f"({column} > :{name} OR ({column} = :{name} AND {condition}))"
        return f"{order[0]} >= :v0 AND {condition}" if len(raw) > 1 else condition

    def _of_part(self, dialect: Dialect, values: dict[str, Any]) -> list[str]:
        """What the rows of the part have in common; nothing for the whole."""
        part = self._part
        if part is None:
            return []
        column = dialect.column(self._form.column_of(part.field))
        given: dict[str, Any] = {f"p{number}": value for number, value in enumerate(part.among)}
        if given:
            values |= given
            among = ", ".join(f":{name}" for name in given)
            return [f"({column} NOT IN ({among}) OR {column} IS NULL)" if part.others else f"{column} IN ({among})"]
        bounds = []
        if part.lower is not None:
            values["low"] = part.lower
            bounds.append(f"{column} >= :low")
        if part.upper is not None:
            values["high"] = part.upper
            bounds.append(f"{column} < :high" if bounds else f"({column} < :high OR {column} IS NULL)")
        return bounds

    def _without_order(self, begin: Mark | None) -> Iterator[Batch]:
        """Rows that no page holds: those without a cursor value are read, those without a key are unusable."""
        if self._cursor and self._form.null_cursor == "read":
            mark: Mark | None = None
            while True:
                columns, rows = self._page(mark, "cursor")
                if rows:
                    place = dict(zip(columns, rows[-1], strict=True))
                    mark = Mark(None, tuple(place[key] for key in self._keys))
                    good, bad = self._sorted_out(columns, rows)
                    yield Batch(good, bad=bad)
                if len(rows) < self._form.page_rows:
                    break
        columns, rows = self._without_key(begin)
        if rows:
            _, bad = self._sorted_out(columns, rows)
            yield Batch((), bad=bad)

    def _without_key(self, begin: Mark | None) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._database.reading() as line:
            dialect = line.dialect
            values: dict[str, Any] = {}
            where = " OR ".join(f"{dialect.column(key)} IS NULL" for key in self._keys)
            if self._cursor and begin is not None:
                values["v0"] = begin.at
                where = f"({where}) AND {dialect.column(self._cursor)} >= :v0"
            where = " AND ".join((f"({where})", *self._of_part(dialect, values)))
            sql = dialect.page(self._form.source, where, "", self._form.page_rows)
            columns, rows = line.rows(sql, values)
        return renamed(columns, self._wanted), rows

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _sorted_out(
        self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> tuple[list[Record], list[BadRecord]]:
        good: list[Record] = []
        bad: list[BadRecord] = []
        for row in rows:
            try:
                good.append(self._shape.record(record_of(columns, row, self._zone)))
            except BadRecord as reason:
                held = {
                    name: None if value is None else str(value)[:500] for name, value in zip(columns, row, strict=True)
                }
                bad.append(BadRecord(str(reason), record=held))
        return good, bad

    def _mark_of(self, columns: Sequence[str], row: Sequence[Any]) -> Mark:
        place = dict(zip(columns, row, strict=True))
        lacking = [column for column in (self._cursor, *self._keys) if column and column not in place]
        if lacking:
            raise ConfigProblem(f"there is no column {lacking[0]!r}", hint=f"there are: {', '.join(columns)}")
        return Mark(place[self._cursor] if self._cursor else None, tuple(place[key] for key in self._keys))

    # -- cursors ------------------------------------------------------------------------------------------------------

    def _loaded(self, cursor: Cursor) -> Mark | None:
        if cursor is None or not self._cursor:
            return None
        if isinstance(cursor, dict) and isinstance(cursor.get("key"), list) and "at" in cursor:
            try:
                return Mark(decode(cursor["at"]), tuple(decode(each) for each in cursor["key"]))  # type: ignore[union-attr]
            except ValueError:
                pass
        raise ConfigProblem(f"{str(cursor)[:200]!r} is no cursor of this stream")

    def _dumped(self, mark: Mark | None) -> Cursor:
        if mark is None or not self._cursor:
            return None
        return {"at": encode(mark.at), "key": [encode(each) for each in mark.key]}

    def _start(self, saved: Mark | None) -> Mark | None:
        if saved is None or not self._lookback:
            return saved
        return Mark(earlier(saved.at, self._lookback, self._form.fields.get(self._form.cursor, Field())), ())

    def _is_older(self, mark: Mark, saved: Mark | None) -> bool:
        """Whether what was looked back to is still being read: the cursor never goes back."""
        try:
            return saved is not None and bool(self._lookback) and bool(mark.at < saved.at)
        except TypeError:
            return False

    def _no_progress(self) -> ConfigProblem:
        return ConfigProblem(
            f"the rows behind {self._cursor or self._keys[0]} do not come in order: the driver gives its values less "
            "exactly than the database compares them",
            hint="cast it in a SELECT, e.g. to milliseconds",
        )


def record_of(columns: Sequence[str], row: Sequence[Any], zone: ZoneInfo) -> Mapping[str, Any]:
    """A row by its columns' names. Raises BadRecord, naming the column."""
    record: dict[str, Any] = {}
    for name, value in zip(columns, row, strict=True):
        try:
            record[name] = plain(value, zone)
        except (BadRecord, OverflowError) as reason:
            raise BadRecord(f"{name}: {reason}") from None
    return record
