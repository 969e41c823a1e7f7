"""Files made for another system: one for each command, or one that grows by a row."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.drop_folder.client import Files, naming
from connectors.drop_folder.form import Export
from connectors.drop_folder.lines import DELIMITERS
from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest.shapes import convert, schema_of, write_moment

MAX_GROWN = 64 << 20
_DAYS_BACK = 7
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def operation(name: str, form: Export) -> Operation:
    """As the contract describes it: the body holds what the key does not."""
    whole = schema_of(form.fields, (), ())["properties"]
    properties = {
        field: {**schema, "description": schema.get("description") or f"the column {field}"}
        for field, schema in whole.items()
        if field not in form.key
    }
    required = [f for f, each in form.fields.items() if each.required and f not in form.key]
    schema = {"type": "object", "properties": properties, "required": required}
    return Operation(
        name=name,
        title=form.title,
        title_zh=form.title_zh,
        body_schema=schema,
        can_confirm=not form.receiver_deletes,
    )


class Exporter:
    """Carries out the commands of one export. `now`: the hub's clock."""

    def __init__(self, form: Export, files: Files, now: datetime) -> None:
        self._form = form
        self._files = files
        self._zone = ZoneInfo(form.zone or "UTC")
        self._today = now.astimezone(self._zone)

    def write(self, command: Command) -> Receipt:
        """Raises BadRecord for a body that does not fit, and the errors of the folder."""
        row = self._row(command)
        mark = mark_of(command)
        name = self._name(mark, self._today)
        return self._grow(command, name, row) if self._form.append else self._create(command, name, row)

    def confirm(self, command: Command) -> Receipt | None:
        """Whether the command's file is there, or with the receiver, or its row in the file that grows.

        Raises ConfigProblem where nobody can know.
        """
        if self._form.receiver_deletes:
            raise ConfigProblem(
                "the receiver deletes what it has read, so nobody can say whether the file was there",
                hint="ask the receiver; have it move files and set `taken_to` to avoid this",
            )
        mark = mark_of(command)
        for days in range(_DAYS_BACK + 1):
            name = self._name(mark, self._today - timedelta(days=days))
            for folder in filter(None, (self._form.folder, self._form.taken_to)):
                held = self._content(os.path.join(folder, name))
                if held is not None and (not self._form.append or mark.encode() in held):
                    return Receipt(command.id, Outcome.applied, external_id=name)
        return None

    # -- one file for each command ------------------------------------------------------------------------------------

    def _create(self, command: Command, name: str, row: Sequence[str]) -> Receipt:
        form = self._form
        data = self._text([self._columns(), row], bom=True)
        target = os.path.join(form.folder, name)
        for there in filter(None, (target, os.path.join(form.taken_to, name) if form.taken_to else "")):
            if (held := self._content(there)) is not None:
                return self._already(command, name, same=held == data)
        aside = os.path.join(form.folder, f".{name}.part")
        with naming(form.folder):
            self._files.remove(aside)
            self._files.create(aside, data)
        try:
            with naming(target, effect=True):
                self._files.publish(aside, target)
        finally:
            with contextlib.suppress(OSError):
                self._files.remove(aside)
        return Receipt(command.id, Outcome.applied, external_id=name)

    def _already(self, command: Command, name: str, *, same: bool) -> Receipt:
        if same:
            return Receipt(command.id, Outcome.duplicate, external_id=name)
        return Receipt(command.id, Outcome.rejected, reason=f"there is a file {name} with other content")

    # -- one file that grows ------------------------------------------------------------------------------------------

    def _grow(self, command: Command, name: str, row: Sequence[str]) -> Receipt:
        target = os.path.join(self._form.folder, name)
        held = self._content(target) or b""
        if mark_of(command).encode() in held:
            return Receipt(command.id, Outcome.duplicate, external_id=name)
        if len(held) > MAX_GROWN:
            raise ConfigProblem(f"{name} has grown to {len(held):,} bytes", hint="put {date} into its name")
        if held and not held.endswith(b"\n"):
            held += self._text([()], bom=False)
        data = held + self._text([row] if held else [self._columns(), row], bom=not held)
        aside = os.path.join(self._form.folder, f".{name}.part")
        with naming(self._form.folder):
            self._files.remove(aside)
            self._files.create(aside, data)
        with naming(target, effect=True):
            self._files.replace(aside, target)
        return Receipt(command.id, Outcome.applied, external_id=name)

    # -- content ------------------------------------------------------------------------------------------------------

    def _content(self, path: str) -> bytes | None:
        """None: there is no such file."""
        with naming(path):
            try:
                handle = self._files.open(path)
            except FileNotFoundError:
                return None
            try:
                parts = []
                while data := self._files.read(handle, 1 << 20):
                    parts.append(data)
                return b"".join(parts)
            finally:
                os.close(handle)

    def _name(self, mark: str, day: datetime) -> str:
        return self._form.file.replace("{command}", mark).replace("{date}", day.strftime("%Y-%m-%d"))

    def _columns(self) -> list[str]:
        return [*self._form.fields, self._form.mark_column]

    def _row(self, command: Command) -> list[str]:
        values = {**command.body, **command.key}
        missing = [k for k in self._form.key if command.key.get(k) in (None, "")]
        missing += [f for f, each in self._form.fields.items() if each.required and values.get(f) in (None, "")]
        if missing:
            raise BadRecord(f"{missing[0]} is missing", record=dict(values))
        unknown = values.keys() - self._form.fields.keys() - set(self._form.key)
        if unknown:
            raise BadRecord(f"there is no column for {sorted(unknown)[0]}", record=dict(values))
        return [self._cell(name, values) for name in self._form.fields] + [mark_of(command)]

    def _cell(self, name: str, values: Mapping[str, Any]) -> str:
        field = self._form.fields[name]
        try:
            value = convert(values.get(name), field.model_copy(update={"format": "iso"}), self._zone)
        except (BadRecord, ValueError, OverflowError) as error:
            raise BadRecord(f"{name}: {error}", record=dict(values)) from None
        if value is None:
            return ""
        if isinstance(value, datetime):
            return str(write_moment(value, field.format, ZoneInfo(field.zone) if field.zone else self._zone))
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, bool):
            return "true" if value else "false"
        text = str(value)
        guarded = self._form.guard_formulas and field.type in ("text", "any") and text.startswith(_FORMULA)
        return f"'{text}" if guarded else text

    def _text(self, rows: Sequence[Sequence[str]], *, bom: bool) -> bytes:
        codec = self._form.encoding if bom else self._form.encoding.removesuffix("-sig")
        delimiter = DELIMITERS.get(self._form.delimiter, self._form.delimiter)
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode(codec)


def mark_of(command: Command) -> str:
    """The command's own mark in names and rows: the same at every try."""
    return command.idempotency_key[:16]
