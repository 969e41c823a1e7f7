"""The exam's World of any manifest that asks a system: the kind's own sandbox, filled with variations of its samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

import httpx

from connectors.conformance.faults import Faults, FaultyTransport
from connectors.conformance.world import ALL_KINDS, Break, Kind, Known
from connectors.contract import Ask, Command, Connector
from connectors.errors import FieldProblem
from connectors.manifest.errors import BadManifest
from connectors.manifest.forms import ListForm
from connectors.manifest.inputs import sample_of
from connectors.manifest.matching import put
from connectors.manifest.shapes import Field as FieldForm
from connectors.manifest.shapes import write_moment
from connectors.manifest.stand_in import UNKNOWN, Effect
from connectors.manifest.templates import as_text
from connectors.settings import parse_config

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Row:
    """A row as the system holds it, and what the connector must make of it."""

    raw: dict[str, Any]
    key: tuple[Any, ...]
    expected: dict[str, Any]


class Rows:
    """Makes rows of one stream by varying its first sample."""

    def __init__(self, name: str, form: ListForm) -> None:
        if not form.samples:
            raise BadManifest(
                [FieldProblem(f"streams.{name}.samples", "there is none", "write one record as it comes")]
            )
        self.name = name
        self.form = form
        self.rows: list[Row] = []
        self._payload = self._choose()
        self.moment = EPOCH + timedelta(days=30)
        self.count = 0
        self.step = max(timedelta(minutes=20), form.lookback * 3)

    def make(self, at: datetime) -> Row:
        """A new row that was last changed then."""
        self.count += 1
        form, number = self.form, self.count
        raw: dict[str, Any] = dict(form.samples[0])
        told: dict[str, Any] = {}
        for place, name in enumerate(form.key):
            if place == 0:
                raw, told[name] = self._write(raw, name, self._varied(name, raw))
            else:
                told[name] = form.shape.value(name, raw)
        row = Row(raw, tuple(told[name] for name in form.key), {})
        self.move(row, at, Decimal(number) + Decimal("0.25"))
        self.rows.append(row)
        return row

    def move(self, row: Row, at: datetime, number: Decimal) -> None:
        """The row has another value, and was changed then."""
        if self.form.cursor:
            row.raw, row.expected[self.form.cursor] = self._write(row.raw, self.form.cursor, self._cursor(at))
        if self._payload:
            value = number if self._type(self._payload) == "number" else int(number)
            kind = self._type(self._payload)
            row.raw, row.expected[self._payload] = self._write(
                row.raw, self._payload, f"value {number}" if kind in ("text", "any") else value
            )

    def later(self) -> datetime:
        self.moment += self.step
        return self.moment

    def _choose(self) -> str:
        """A field beside the key whose value can be told from others."""
        form = self.form
        taken = {*form.key, form.cursor, form.deleted.path.split(".")[0] if form.deleted else ""}
        for kinds in (("number", "int"), ("text", "any")):
            for name in {**form.fields, **form.samples[0]}:
                if (
                    name not in taken
                    and self._type(name) in kinds
                    and not isinstance(form.samples[0].get(name), dict | list)
                ):
                    return name
        if not form.cursor:
            problem = FieldProblem(f"streams.{self.name}.fields", "there is no field beside the key", "declare one")
            raise BadManifest([problem])
        return ""

    def _type(self, name: str) -> str:
        field = self.form.fields.get(name)
        return field.type if field else "any"

    def _cursor(self, at: datetime) -> Any:
        kind = self._type(self.form.cursor)
        if kind == "datetime":
            return at
        micros = int((at - EPOCH) / timedelta(seconds=1))
        return micros if kind == "int" else f"{micros:012}"

    def _varied(self, name: str, raw: Mapping[str, Any]) -> Any:
        match self._type(name):
            case "int":
                return 100_000 + self.count
            case "number":
                return Decimal(100_000 + self.count)
            case "datetime":
                return EPOCH + timedelta(hours=self.count)
            case "date":
                return (EPOCH + timedelta(days=self.count)).date().isoformat()
        return f"{as_text(self.form.shape.value(name, raw))}-{self.count:04}"

    def _write(self, raw: dict[str, Any], name: str, value: Any) -> tuple[dict[str, Any], Any]:
        """The row with a field's value as the system writes it, and the value as it must be read."""
        field = self.form.fields.get(name, FieldForm(type="any"))
        written = value
        if isinstance(value, datetime):
            zone = ZoneInfo(field.zone or self.form.zone or "UTC")
            written = write_moment(value, field.format, zone)
        return (put(raw, field.path, written) if field.path else {**raw, name: written}), value


class StandIn(Protocol):
    """What a World needs of its kind's sandbox."""

    rows: dict[str, list[dict[str, Any]]]
    effects: list[Effect]
    lacks_rights: bool

    @property
    def changes(self) -> int: ...
    def handle(self, request: httpx.Request) -> httpx.Response: ...
    def writes(self, request: httpx.Request) -> bool: ...


class AskedWorld:
    """Base of the Worlds of kinds that ask; each kind says which sandbox stands in for its systems."""

    sandbox_type: ClassVar[Callable[..., StandIn]]

    connector_type: ClassVar[type[Connector]]
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    one_answer: ClassVar[frozenset[str]]
    """Streams whose records all come in one answer."""

    def __init__(self) -> None:
        told: Any = self.connector_type
        self.manifest: Any = told.manifest
        self.sandbox = type(self).sandbox_type(self.connector_type, self.config())
        self._faults = Faults()
        self._transport = FaultyTransport(httpx.MockTransport(self.sandbox.handle), self._faults, self.sandbox.writes)
        self._tables = {name: Rows(name, form) for name, form in self.manifest.streams.items()}
        self._numbers = itertools.count(1)
        self._made: list[Any] = []

    def config(self) -> dict[str, Any]:
        return {name: sample_of(name, each) for name, each in self.manifest.inputs().items()}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        made = kind(parse_config(kind, {**self.config(), **changes}), transport=self._transport)
        self._made.append(made)
        return made

    def break_next(self, how: Break) -> None:
        """Where a stream comes in one answer there is but one call to break."""
        self._faults.add(replace(how, after=0) if self.one_answer else how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.sandbox.changes

    def close(self) -> None:
        for connector in self._made:
            connector.close()

    # -- reading --------------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        table = self._tables[stream]
        for number in range(n):
            table.make(EPOCH if same_time else EPOCH + timedelta(hours=number) / 2)
        self._show(stream)

    def touch(self, stream: str) -> None:
        table = self._tables[stream]
        at = table.later()
        table.move(table.rows[0], at, Decimal(next(self._numbers)) + Decimal("1000.5"))
        self._show(stream)

    def late(self, stream: str) -> None:
        table = self._tables[stream]
        table.make(table.moment - table.form.lookback / 2)
        self._show(stream)

    def remove(self, stream: str) -> None:
        table = self._tables[stream]
        row = table.rows.pop()
        self._show(stream)
        deleted = table.form.deleted
        if deleted is not None:
            told = deleted.equals[0] if isinstance(deleted.equals, list | tuple) else deleted.equals
            table.move(row, table.later(), Decimal(1))
            self.sandbox.rows[stream].append(put(row.raw, deleted.path, told))

    def spoil(self, stream: str) -> None:
        table = self._tables[stream]
        row, name = table.rows.pop(10), table.form.key[0]
        field = table.form.fields.get(name)
        self._show(stream)
        self.sandbox.rows[stream].append(put(row.raw, field.path if field and field.path else name, None))

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        return {row.key: dict(row.expected) for row in self._tables[stream].rows}

    def _show(self, stream: str) -> None:
        self.sandbox.rows[stream] = [row.raw for row in self._tables[stream].rows]

    # -- asking and writing -----------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        return [
            Known(Ask(name, sample.inputs, 5), sample.values)
            for name, form in self.manifest.questions.items()
            for sample in form.samples
        ]

    def unknown(self) -> Sequence[Ask]:
        nowhere = ("nowhere-1", "a/../b ?", "没有")
        return [
            Ask(name, dict.fromkeys(form.needs, each), 5)
            for name, form in self.manifest.questions.items()
            for each in nowhere
        ]

    def commands(self) -> Sequence[Command]:
        return [self._command(op) for op in self.manifest.operations]

    def refusals(self) -> Sequence[Command]:
        return [
            Command(f"none-{next(self._numbers)}", op, dict.fromkeys(form.key, UNKNOWN), form.sample.body)
            for op, form in self.manifest.operations.items()
            if "{key." in str(form.request.model_dump())
        ]

    def effects(self, command: Command) -> int:
        told = {f"key.{name}": as_text(value) for name, value in command.key.items()}
        told |= {"command.id": command.id, "command.idempotency_key": command.idempotency_key}
        return sum(
            effect.op == command.op
            and all(as_text(effect.found[name]) == value for name, value in told.items() if name in effect.found)
            for effect in self.sandbox.effects
        )

    def _command(self, op: str) -> Command:
        form, number = self.manifest.operations[op], next(self._numbers)
        key = dict(form.sample.key)
        first = form.key[0]
        key[first] = int(key[first]) + number if isinstance(key[first], int) else f"{key[first]}-{number}"
        return Command(f"c-{number}", op, key, form.sample.body)


class WithRights(AskedWorld):
    """Of a system that tells which rights the account has."""

    def without_rights(self) -> None:
        self.sandbox.lacks_rights = True


def one_answer(streams: Mapping[str, ListForm]) -> frozenset[str]:
    """The streams whose records all come in one answer."""
    return frozenset(name for name, form in streams.items() if form.paging.kind == "none")
