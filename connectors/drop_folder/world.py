"""The exam's world of a folder: files with rows made of the streams' own samples, on a file system that can break."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from connectors.contract import Command, Connector
from connectors.drop_folder.client import Files, Found
from connectors.drop_folder.exporting import mark_of
from connectors.drop_folder.form import EXCEL_SUFFIXES, Export, FileStream, Section
from connectors.drop_folder.lines import DELIMITERS
from connectors.drop_folder.sandbox import csv_text
from connectors.drop_folder.sandbox_workbook import workbook
from connectors.manifest import Field
from connectors.settings import parse_config

if TYPE_CHECKING:  # the exam needs pytest, which a hub at work does not have
    from connectors.conformance.world import Break, Kind

_ERRORS = {"transient": errno.EBUSY, "cut": errno.EHOSTUNREACH, "auth": errno.EACCES, "timeout": errno.ETIMEDOUT}
_ROWS_A_FILE = 15
_DELETED = "_deleted_in_the_exam"
_SPOILT = "_spoilt_in_the_exam"


class BreakableFiles(Files):
    """The file system, with failures that are due. `denied`: the account has lost its rights."""

    def __init__(self, faults: Any) -> None:
        self._faults = faults
        self.changes = 0
        self.denied = False

    def _call(self, path: str, *, effect: bool = False) -> Break | None:
        how: Break | None = self._faults.take(effect=effect)
        if how is not None and how.kind != "ambiguous":
            if how.kind == "timeout":
                threading.Event().wait(how.seconds)
            raise OSError(_ERRORS[how.kind], os.strerror(_ERRORS[how.kind]), path)
        return how

    def entries(self, folder: str) -> list[Found]:
        self._call(folder)
        if self.denied:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        return super().entries(folder)

    def open(self, path: str) -> int:
        self._call(path)
        return super().open(path)

    def read(self, handle: int, size: int) -> bytes:
        self._call("")
        return super().read(handle, size)

    def about(self, handle: int) -> os.stat_result:
        self._call("")
        return super().about(handle)

    def create(self, path: str, data: bytes) -> None:
        self._call(path)
        super().create(path, data)

    def publish(self, source: str, target: str) -> None:
        how = self._call(target, effect=True)
        super().publish(source, target)
        self._answer(how, target)

    def replace(self, source: str, target: str) -> None:
        how = self._call(target, effect=True)
        super().replace(source, target)
        self._answer(how, target)

    def _answer(self, how: Break | None, target: str) -> None:
        self.changes += 1
        if how is not None:
            raise OSError(errno.EIO, os.strerror(errno.EIO), target)

    def writable(self, folder: str) -> bool:
        return not self.denied and super().writable(folder)


class FolderWorld:
    """Base of the worlds: `section()` says what is read and written, with folders of this world. `faults`: what breaks;
    default: the exam's own."""

    connector_type: ClassVar[type[Connector]]
    breaks: ClassVar[frozenset[Kind]] = frozenset({"transient", "auth", "cut", "timeout", "ambiguous"})

    def __init__(self, faults: Any = None) -> None:
        if faults is None:
            from connectors.conformance.faults import Faults

            faults = Faults()
        self.root = Path(tempfile.mkdtemp(prefix="weft-exam-"))
        self.drop = self.root / "drop"
        self.drop.mkdir()
        self._faults = faults
        self._files = BreakableFiles(self._faults)
        self._numbers = itertools.count(1)
        self._at = datetime(2026, 3, 1, tzinfo=UTC)
        self._held: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._section = self.section()
        for each in self._section.exports.values():
            for folder in filter(None, (each.folder, each.taken_to)):
                Path(folder).mkdir(parents=True, exist_ok=True)

    def section(self) -> Section:
        raise TypeError("a world of a folder says what is read and written")

    def config(self) -> dict[str, Any]:
        return {"folder": str(self.drop), "batch_rows": 7, "timeout_s": 20}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        later = datetime.now(UTC) + timedelta(days=1)
        settings = parse_config(kind, {**self.config(), **changes})
        return kind(settings, files=self._files, clock=lambda: later, chunk=64, section=self._section)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return int(self._faults.calls)

    @property
    def changes(self) -> int:
        return self._files.changes

    def without_rights(self) -> None:
        self._files.denied = True

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    # -- reading ------------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        rows = [self._made(self._form(stream), next(self._numbers)) for _ in range(n)]
        if self._form(stream).mode == "snapshot":
            self._whole(stream, rows)
            return
        for start in range(0, n, _ROWS_A_FILE):
            self._drop(stream, rows[start : start + _ROWS_A_FILE], same_time=same_time)

    def touch(self, stream: str) -> None:
        rows = self._rows(stream)
        changed = self._made(self._form(stream), next(self._numbers))
        for column in self._key_columns(stream):
            changed[column] = rows[0][column]
        if self._form(stream).mode == "snapshot":
            self._whole(stream, [changed, *rows[1:]], anew=True)
        else:
            self._drop(stream, [changed])

    def late(self, stream: str) -> None:
        self._drop(stream, [self._made(self._form(stream), next(self._numbers))], before=timedelta(minutes=2))

    def remove(self, stream: str) -> None:
        form, rows = self._form(stream), self._rows(stream)
        if form.mode == "snapshot":
            self._whole(stream, rows[:-1], anew=True)
        else:
            assert form.deleted is not None
            flag = form.deleted.equals
            self._drop(
                stream, [{**rows[-1], form.deleted.path: flag[0] if isinstance(flag, list) else flag, _DELETED: 1}]
            )

    def spoil(self, stream: str) -> None:
        name = next(iter(self._held[stream]))
        row = self._held[stream][name][10]
        row |= {**dict.fromkeys(self._key_columns(stream), ""), _SPOILT: 1}
        self._write(stream, name, keep_time=True)

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        form = self._form(stream)
        found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        files = list(self._held.get(stream, {}).items())
        for _, rows in files[-1:] if form.mode == "snapshot" else sorted(files, key=lambda each: self._time(each[0])):
            for row in rows:
                if row.get(_SPOILT):
                    continue
                key = tuple(self._read_value(form, name, row) for name in form.key)
                if row.get(_DELETED):
                    found.pop(key, None)
                else:
                    names = [name for name in form.fields if name not in form.key]
                    found[key] = {name: self._read_value(form, name, row) for name in names}
        return found

    def _read_value(self, form: FileStream, name: str, row: Mapping[str, Any]) -> Any:
        """What a row's text must become."""
        value, kind = row[form.column_of(name)], form.fields.get(name, Field()).type
        if value == "" or value is None:
            return None
        if kind in ("number", "int"):
            return Decimal(str(value)) if kind == "number" else int(value)
        if kind == "bool":
            return str(value).lower() in ("true", "1", "yes")
        if kind == "datetime":
            return datetime.fromisoformat(str(value))
        return str(value)

    def _form(self, stream: str) -> FileStream:
        return self._section.streams[stream]

    def _key_columns(self, stream: str) -> list[str]:
        form = self._form(stream)
        return [form.column_of(name) for name in form.key]

    def _rows(self, stream: str) -> list[dict[str, Any]]:
        files = self._held[stream]
        if self._form(stream).mode == "snapshot":
            return files[list(files)[-1]]
        latest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for rows in files.values():
            latest |= {tuple(row[column] for column in self._key_columns(stream)): row for row in rows}
        return [row for row in latest.values() if not row.get(_DELETED)]

    def _made(self, form: FileStream, number: int) -> dict[str, Any]:
        """A row like the samples, with a key and values of its own."""
        samples = form.samples or ({},)
        row = dict(samples[number % len(samples)])
        for name in [*form.key, *form.fields]:
            column, kind = form.column_of(name), form.fields.get(name, Field()).type
            row[column] = self._value(kind, number, row.get(column), key=name in form.key)
        if form.deleted is not None:
            row[form.deleted.path] = "0" if str(form.deleted.equals) != "0" else "1"
        return row

    def _value(self, kind: str, number: int, sample: Any, *, key: bool) -> Any:
        if kind == "number":
            return str(Decimal(number) + Decimal("0.25"))
        if kind == "int":
            return str(number)
        if kind in ("datetime", "date"):
            at = datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(minutes=number)
            return at.isoformat() if kind == "datetime" else (at + timedelta(days=number)).date().isoformat()
        if kind == "bool":
            return ("false", "true")[number % 2]
        return f"{sample or '值'}-{number}" if key or sample is None else str(sample)

    def _drop(
        self, stream: str, rows: list[dict[str, Any]], *, same_time: bool = False, before: timedelta = timedelta(0)
    ) -> None:
        if not same_time and not before:
            self._at += timedelta(minutes=10)
        name = self._form(stream).files.replace("*", f"{next(self._numbers):05}").replace("?", "x")
        self._held.setdefault(stream, {})[name] = [dict(row) for row in rows]
        self._write(stream, name, at=self._at - before)

    def _whole(self, stream: str, rows: list[dict[str, Any]], *, anew: bool = False) -> None:
        there = [] if anew or not self._held.get(stream) else self._rows(stream)
        self._drop(stream, [*there, *rows])

    def _write(self, stream: str, name: str, *, at: datetime | None = None, keep_time: bool = False) -> None:
        form, path = self._form(stream), self.drop / name
        kept = path.stat().st_mtime_ns if keep_time else 0
        rows = self._held[stream][name]
        columns = form.columns or tuple(dict.fromkeys(c for row in rows for c in row if c not in (_DELETED, _SPOILT)))
        table: list[Sequence[Any]] = [()] * max(0, form.header_row - 1)
        table += [columns] * (form.header_rows if form.header_row else 0)
        table += [[row.get(column, "") for column in columns] for row in rows]
        path.write_bytes(self._bytes(form, name, table))
        nanoseconds = kept or int((at or self._at).timestamp() * 1_000_000) * 1000
        os.utime(path, ns=(nanoseconds, nanoseconds))
        if self._section.complete.by == "marker":
            (self.drop / (name + self._section.complete.marker)).touch()

    def _bytes(self, form: FileStream, name: str, table: Sequence[Sequence[Any]]) -> bytes:
        if name.lower().endswith(EXCEL_SUFFIXES):
            sheet = form.sheet if form.sheet and not form.sheet.isdecimal() else "Sheet1"
            return workbook({sheet: [[None if cell == "" else cell for cell in row] for row in table]})
        delimiter = "," if form.delimiter == "auto" else DELIMITERS.get(form.delimiter, form.delimiter)
        return csv_text(table, delimiter).encode(form.codec or "utf-8")

    def _time(self, name: str) -> int:
        return (self.drop / name).stat().st_mtime_ns

    # -- writing ------------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        return [self._command(name, form) for name, form in self._section.exports.items()]

    def _command(self, op: str, form: Export) -> Command:
        number = next(self._numbers)
        values = {name: self._body_value(field, number) for name, field in form.fields.items()}
        key = {name: values.pop(name, f"K-{number}") for name in form.key}
        return Command(f"c-{number}", op, key, values)

    def _body_value(self, field: Field, number: int) -> Any:
        made = {"number": Decimal(number), "int": number, "bool": True, "date": "2026-11-22"}
        if field.type == "datetime":
            return datetime(2026, 11, 22, 8, tzinfo=UTC).isoformat()
        return made.get(field.type, f"值 {number}")

    def refusals(self) -> Sequence[Command]:
        refused = []
        for name, form in self._section.exports.items():
            if not form.append:
                command = self._command(name, form)
                there = form.file.replace("{command}", mark_of(command)).replace("{date}", self._today(form))
                Path(form.folder, there).write_bytes(b"somebody else's\r\n")
                refused.append(command)
        return refused

    def _today(self, form: Export) -> str:
        return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")

    def effects(self, command: Command) -> int:
        folder = Path(self._section.exports[command.op].folder)
        mark = mark_of(command).encode()
        return sum(path.read_bytes().count(mark) for path in folder.iterdir() if not path.name.startswith("."))
