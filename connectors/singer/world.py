"""The exam's world of a tap: the sandbox's tap on a system whose rows are made of the streams' own samples."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from connectors.contract import Connector
from connectors.manifest import Field
from connectors.settings import parse_config
from connectors.singer.form import TapSection, TapStream
from connectors.singer.sandbox import TAP, Sandbox, Table

if TYPE_CHECKING:  # the exam needs pytest, which a hub at work does not have
    from connectors.conformance.world import Break, Kind

_PADDING = 1000
"""So that a page fills the pipe and the tap cannot run far ahead."""
_GONE, _SPOILT = "_gone_in_the_exam", "_spoilt_in_the_exam"
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "number": {"type": ["null", "number", "string"], "format": "singer.decimal"},
    "int": {"type": ["null", "integer"]},
    "bool": {"type": ["null", "boolean"]},
    "datetime": {"type": ["null", "string"], "format": "date-time"},
    "date": {"type": ["null", "string"], "format": "date"},
}


class TapWorld:
    """Base of the worlds: `section()` says which streams there are. `faults`: what breaks; default: the exam's own."""

    connector_type: ClassVar[type[Connector]]
    breaks: ClassVar[frozenset[Kind]] = frozenset({"transient", "rate", "auth", "cut", "timeout", "junk"})

    def __init__(self, faults: Any = None, port: int = 0) -> None:
        if faults is None:
            from connectors.conformance.faults import Faults

            faults = Faults()
        self._faults = faults
        self.sandbox = Sandbox(self._faults.take, port)
        self._numbers = itertools.count(1)
        self._at = datetime(2026, 3, 1, tzinfo=UTC)
        self._section = self.section()
        for name, form in self._section.streams.items():
            self.sandbox.tables[form.tap_stream or name] = Table(self._schema(form), form.key)

    def section(self) -> TapSection:
        raise TypeError("a world of a tap says which streams there are")

    def tap_settings(self) -> dict[str, Any]:
        """What the sandbox's tap is told beside the connection's own settings."""
        return {"url": self.sandbox.url, "page_size": 7, "padding": _PADDING}

    def config(self) -> dict[str, Any]:
        raise TypeError("a world of a tap says how it is configured")

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        settings = parse_config(kind, {**self.config(), **changes})
        return kind(settings, command=TAP, tap_settings=self.tap_settings(), pipe_bytes=4096)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return int(self._faults.calls)

    @property
    def changes(self) -> int:
        return 0

    def close(self) -> None:
        self.sandbox.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        for _ in range(n):
            if not same_time:
                self._at += timedelta(hours=1)
            self._put(stream, next(self._numbers))

    def touch(self, stream: str) -> None:
        self._at += timedelta(hours=1)
        first = min(self._rows(stream).values(), key=lambda row: str(row["_key"]))
        self._put(stream, next(self._numbers), like=first)

    def late(self, stream: str) -> None:
        self._put(stream, next(self._numbers), at=self._at - timedelta(minutes=2))

    def remove(self, stream: str) -> None:
        form, rows = self._form(stream), self._rows(stream)
        key = max(rows)
        if form.replication == "full_table":
            del rows[key]
            return
        self._at += timedelta(hours=1)
        gone: dict[str, Any] = {_GONE: True}
        if form.deleted is not None:
            flag = form.deleted.equals
            gone[form.deleted.path] = flag[0] if isinstance(flag, list) else flag
        else:
            gone[form.deleted_field] = self._at.isoformat()
        self._table(stream).put({**rows[key], **gone}, self._at)

    def spoil(self, stream: str) -> None:
        row = self._rows(stream)[sorted(self._rows(stream))[10]]
        row[_SPOILT] = True
        for name in self._form(stream).key:
            row[name] = None

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        form = self._form(stream)
        return {
            tuple(self._read_value(form, name, row) for name in form.key): {
                name: self._read_value(form, name, row) for name in form.fields if name not in form.key
            }
            for row in self._rows(stream).values()
            if not row.get(_GONE) and not row.get(_SPOILT)
        }

    def _read_value(self, form: TapStream, name: str, row: Mapping[str, Any]) -> Any:
        value, kind = row.get(form.fields[name].path or name if name in form.fields else name), self._kind(form, name)
        if kind == "datetime":
            return datetime.fromisoformat(str(value))
        return Decimal(str(value)) if kind == "number" else value

    def _put(
        self, stream: str, number: int, *, like: Mapping[str, Any] | None = None, at: datetime | None = None
    ) -> None:
        form = self._form(stream)
        samples = form.samples or ({},)
        row = dict(samples[number % len(samples)])
        for name in [*form.key, *form.fields]:
            place = form.fields[name].path or name if name in form.fields else name
            row[place] = self._value(self._kind(form, name), number, row.get(place), key=name in form.key)
            if like is not None and name in form.key:
                row[place] = like[place]
        if form.deleted is not None:
            row[form.deleted.path] = None
        self._table(stream).put(row, at or self._at)

    def _value(self, kind: str, number: int, sample: Any, *, key: bool) -> Any:
        at = self._at + timedelta(seconds=number)
        made = {"number": Decimal(number) + Decimal("0.25"), "int": number, "bool": number % 2 == 1}
        if kind in made:
            return made[kind]
        if kind in ("datetime", "date"):
            return at.isoformat() if kind == "datetime" else (at + timedelta(days=number)).date().isoformat()
        return f"{sample or '值'}-{number:05}" if key or sample is None else sample

    def _schema(self, form: TapStream) -> dict[str, Any]:
        names = {*form.key, *form.fields, *(name for sample in form.samples for name in sample)}
        names |= {form.deleted_field} - {""}
        places = {form.fields[n].path or n if n in form.fields else n: _KINDS.get(self._kind(form, n)) for n in names}
        if form.deleted is not None:
            places.setdefault(form.deleted.path, None)
        return {"type": "object", "properties": {n: each or {"type": ["null", "string"]} for n, each in places.items()}}

    def _kind(self, form: TapStream, name: str) -> str:
        return form.fields.get(name, Field()).type

    def _form(self, stream: str) -> TapStream:
        return self._section.streams[stream]

    def _table(self, stream: str) -> Table:
        return self.sandbox.tables[self._form(stream).tap_stream or stream]

    def _rows(self, stream: str) -> dict[str, dict[str, Any]]:
        return self._table(stream).rows
