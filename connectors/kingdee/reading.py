"""Reading a form: every change since the last run, in pages that stay true while the data change under them.

Pages are cut by a row's own number (`FID > last`), never by position: a row that is changed, added or deleted meanwhile
moves no other row from one page to the next. The filter by time is the same for a whole run. A run takes its mark, the
newest change on the server's own clock, before its first page; the next run begins `lookback` before that mark, so what
was changed behind this run's back, or committed late, is read then. Nothing ever depends on the hub's clock being right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import Batch, Cursor, Record, Stream
from connectors.errors import BadRecord, ConfigProblem
from connectors.kingdee.config import CAP, KingdeeConfig
from connectors.kingdee.forms import Column, Form
from connectors.kingdee.records import LOCAL, moment, quoted, record
from connectors.kingdee.selecting import Selector

BEFORE_ALL = "1900-01-01 00:00:00"
"""The mark of a run that found nothing: whatever comes later is newer."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands. Times as the server writes them, in its own zone. `since`: what was changed before is known;
    `mark`: the next `since`, None between two runs; `after`: the last row given out in this run."""

    since: str | None = None
    mark: str | None = None
    after: int | None = None

    @classmethod
    def load(cls, cursor: Cursor) -> Position:
        if cursor is None:
            return cls()
        try:
            if not isinstance(cursor, dict):
                raise TypeError("no object")
            since, mark, after = cursor.get("since"), cursor.get("mark"), cursor.get("after")
            for each in (since, mark):
                if each is not None:
                    datetime.strptime(str(each), LOCAL).astimezone()
            position = cls(
                None if since is None else str(since),
                None if mark is None else str(mark),
                None if after is None else int(str(after)),
            )
        except (TypeError, ValueError) as e:
            raise ConfigProblem(f"The cursor is none of this connector: {e}.", hint="Start the sync anew.") from e
        return position

    def dump(self) -> Cursor:
        parts = {"since": self.since, "mark": self.mark, "after": self.after}
        return {name: value for name, value in parts.items() if value is not None} or None


class FormReader:
    """One read of one form."""

    def __init__(
        self, selector: Selector, config: KingdeeConfig, form: Form, clock: Callable[[], datetime], lookback: timedelta
    ) -> None:
        self._selector = selector
        self._config = config
        self._form = form
        self._clock = clock
        self._lookback = lookback
        self._columns = (*form.columns, *(Column(key) for key in config.extra_fields.get(form.stream, ())))
        self._place = next(n for n, column in enumerate(form.columns) if column.key == form.row)

    def read(self, cursor: Cursor) -> Iterator[Batch]:
        """The batches from a cursor on. Each batch's cursor is safe to resume from."""
        position = Position.load(cursor)
        if position.after is None:
            position = replace(position, mark=self._mark(position.since))
        while True:
            rows = self._page(position)
            last = len(rows) < min(self._config.page_size, CAP)
            after = position.after if last else self._last(rows)
            position = Position(position.mark) if last else replace(position, after=after)
            records, bad = self._records(rows)
            if rows or position.dump() != cursor:
                cursor = position.dump()
                yield Batch(records, cursor, bad)
            if last:
                return

    def _mark(self, since: str | None) -> str:
        """The time of the newest change so far, on the server's clock; what is dated in the future is no mark."""
        now = self._clock().astimezone(self._config.zone).strftime(LOCAL)
        newest = self._selector.rows(
            self._form.form,
            [Column("FModifyDate", "time")],
            lambda _: f"{self._ours()} and FModifyDate <= {quoted(now)}",
            order="FModifyDate DESC",
            limit=1,
        )
        found = record([Column("FModifyDate", "time")], newest[0], self._config.zone)["FModifyDate"] if newest else None
        mark = found.astimezone(self._config.zone).strftime(LOCAL) if found is not None else None
        return max(mark or BEFORE_ALL, since or BEFORE_ALL)

    def _ours(self) -> str:
        return f"{self._form.org} = {quoted(self._config.organization)}"

    def _page(self, position: Position) -> list[Any]:
        def where(absent: frozenset[str]) -> str:
            parts = [self._ours()]
            if position.since is not None:
                begin = moment(position.since, self._config.zone)
                assert begin is not None
                since = (begin - self._lookback).astimezone(self._config.zone).strftime(LOCAL)
                times = [f"{key} >= {quoted(since)}" for key in self._form.changed if key not in absent]
                parts.append(f"({' or '.join(times)})")
            if position.after is not None:
                parts.append(f"{self._form.row} > {position.after}")
            return " and ".join(parts)

        return self._selector.rows(
            self._form.form, self._columns, where, order=f"{self._form.row} ASC", limit=self._config.page_size
        )

    def _last(self, rows: list[Any]) -> int:
        """The greatest row number of a full page."""
        numbers = [
            n for row in rows if isinstance(row, list) and len(row) > self._place and _whole(n := row[self._place])
        ]
        if not numbers:
            raise ConfigProblem(f"No row of {self._form.form} has a number in {self._form.row}; is it K3 Cloud?")
        return int(max(numbers))

    def _records(self, rows: list[Any]) -> tuple[list[Record], list[BadRecord]]:
        good: list[Record] = []
        bad: list[BadRecord] = []
        for row in rows:
            try:
                made = record(self._columns, row, self._config.zone)
                if any(made[name] is None for name in self._form.key):
                    raise BadRecord(f"a row of {self._form.form} without {' and '.join(self._form.key)}", record=made)
            except BadRecord as reason:
                bad.append(reason)
            else:
                good.append(made)
        return good, bad


def stream(form: Form, config: KingdeeConfig) -> Stream:
    return Stream(
        name=form.stream,
        key=form.key,
        schema_=form.schema(config.extra_fields.get(form.stream, ())),
        mode="incremental",
        lookback=config.lookback,
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
