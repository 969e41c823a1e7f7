"""What a record type is: its fields, each with kind, unit, meaning and whether it must have a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mappings.values import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, unit (empty: none, or in a field beside it), what it means, and whether it must have a
    value. `choices`: the only texts allowed. `precision` and `scale` as in SQL's decimal(18,4)."""

    name: str
    kind: Kind
    doc: str = ""
    required: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()
    precision: int | None = None
    scale: int | None = None

    @property
    def type(self) -> str:
        """As written under `type:` in a mapping."""
        return f"decimal({self.precision},{self.scale})" if self.precision is not None else str(self.kind)


@dataclass(frozen=True, slots=True)
class RecordType:
    """A canonical record: its fields in order, and those that identify one."""

    name: str
    doc: str
    key: tuple[str, ...]
    fields: Mapping[str, Field]

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, field in self.fields.items() if field.required)


def text(name: str, doc: str, *, required: bool = False, choices: tuple[str, ...] = ()) -> Field:
    """A text field."""
    return Field(name, Kind.TEXT, doc, required, choices=choices)


def number(name: str, doc: str, unit: str = "", *, required: bool = False) -> Field:
    """A number field."""
    return Field(name, Kind.NUMBER, doc, required, unit)


def whole(name: str, doc: str) -> Field:
    """A field of whole numbers."""
    return Field(name, Kind.INT, doc)


def moment(name: str, doc: str, *, required: bool = False) -> Field:
    """A field for a moment, in UTC."""
    return Field(name, Kind.DATETIME, doc, required)


def flag(name: str, doc: str) -> Field:
    """A field that is true or false."""
    return Field(name, Kind.BOOL, doc)


def pairs(name: str, doc: str) -> Field:
    """A field of names and values."""
    return Field(name, Kind.MAP, doc)
