"""From cells to records: which column is which field, and what is wrong with a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Record
from connectors.drop_folder.examine import Unusable
from connectors.drop_folder.form import FileStream
from connectors.drop_folder.lines import Row
from connectors.drop_folder.workbook import Fault
from connectors.errors import BadRecord
from connectors.manifest import Field, Shape

_SPACE = re.compile(r"\s+")


class Table:
    """One file's columns. `header`: the rows that name them, none where the stream names them itself.

    Raises Unusable when a column is missing that must be there.
    """

    def __init__(self, form: FileStream, zone: str, file: str, header: Sequence[Row]) -> None:
        self._form = form
        self._file = file
        self._names = form.columns or names_of([row.cells for row in header])
        self._nulls = frozenset({"", *form.nulls})
        fields = {**{key: Field(type="text") for key in form.key}, **form.fields}
        self._zone = ZoneInfo(form.zone or zone)
        self._shape = Shape(fields, form.key, zone=form.zone or zone, deleted=form.deleted)
        self._kinds = {form.column_of(name): field for name, field in fields.items()}
        self._columns = [(name, self._kinds.get(name)) for name in self._names]
        self._refuse_what_lacks()

    def _refuse_what_lacks(self) -> None:
        must = (
            self._kinds if self._form.missing_columns == "refuse" else [self._form.column_of(k) for k in self._form.key]
        )
        missing = [column for column in must if column not in self._names]
        if missing:
            there = ", ".join(filter(None, self._names[:40])) or "none"
            raise Unusable(f"it has no column {missing[0]!r}; its columns are: {there}")

    def record(self, row: Row) -> Record:
        """The record of a row. Raises BadRecord, which names file, row and column."""
        raw: dict[str, Any] = {}
        try:
            if row.problem:
                raise BadRecord(row.problem)
            raw = self._raw(row.cells)
            record = self._shape.record(raw)
        except BadRecord as reason:
            held = raw or {"cells": [str(cell) for cell in row.cells[:100]]}
            raise BadRecord(
                f"{self._where(row)}: {reason}", record={"_file": self._file, "_row": row.number, **held}
            ) from None
        if self._form.origin_fields:
            return {**record, "_file": self._file, "_row": row.number}
        return record

    def _where(self, row: Row) -> str:
        return f"{self._file} row {row.number}" + (f" (line {row.line})" if row.line != row.number else "")

    def _raw(self, cells: Sequence[Any]) -> dict[str, Any]:
        names = self._names
        if len(cells) > len(names) and any(cell not in (None, "") for cell in cells[len(names) :]):
            raise BadRecord(f"it has {len(cells)} cells, there are {len(names)} columns")
        if len(cells) < len(names) and self._form.short_rows == "refuse" and any(names[len(cells) :]):
            raise BadRecord(f"it has only {len(cells)} of {len(names)} cells; is the file cut off?")
        raw: dict[str, Any] = {}
        for (name, field), cell in zip(self._columns, cells, strict=False):
            value = cell
            if type(cell) is str:
                value = cell.strip()
                if value in self._nulls:
                    value = None
                elif "\0" in value:
                    raise BadRecord(f"{name}: it holds a zero byte")
            elif isinstance(cell, Fault):
                raise BadRecord(f"{name}: {cell}")
            if not name:
                if value is not None:
                    raise BadRecord(f"{value!r} stands in a column without a name")
                continue
            raw[name] = value if field is None or value is None else self._as_declared(name, value, field)
        return raw

    def _as_declared(self, column: str, cell: Any, field: Field) -> Any:
        """What spreadsheets and other countries write, as the field's type wants it."""
        if field.type in ("number", "int") and isinstance(cell, str):
            comma, point = (".", ",") if self._form.decimal_comma else (",", ".")
            return cell.replace(comma, "").replace("\u00a0", "").replace(point, ".")
        if field.type == "date":
            if isinstance(cell, datetime):
                return cell.astimezone(self._zone).date().isoformat()
            if isinstance(cell, str) and field.format != "iso":
                return _day(column, cell, field.format)
        if field.type == "text" and not isinstance(cell, str):
            return _as_text(cell, self._zone)
        if field.type == "bool" and isinstance(cell, Decimal):
            return str(cell)
        return cell


def names_of(header: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The names of the columns from one or more rows, each once: the second `qty` is `qty_2`. Empty ones stay empty."""
    width = max((len(cells) for cells in header), default=0)
    names: list[str] = []
    for column in range(width):
        parts: list[str] = []
        for cells in header:
            cell = cells[column] if column < len(cells) else None
            text = "" if cell is None else _SPACE.sub(" ", cell if isinstance(cell, str) else _as_text(cell)).strip()
            if text and text not in parts:
                parts.append(text)
        name = "_".join(parts)
        number = 2
        while name and name in names:
            name = f"{'_'.join(parts)}_{number}"
            number += 1
        names.append(name)
    return tuple(names)


def _day(column: str, text: str, format: str) -> str:
    try:
        return datetime.strptime(text, format).date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise BadRecord(f"{column}: {text[:60]!r} is no date of format {format}") from None


def _as_text(cell: Any, zone: ZoneInfo | None = None) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return cell.astimezone(zone).isoformat() if isinstance(cell, datetime) else str(cell)
