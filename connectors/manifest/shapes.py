"""The fields of a stream or an answer: what the system sends, as exact typed values; and their JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, field_validator
from pydantic import Field as Described

from connectors.contract import DELETED, Record
from connectors.errors import BadRecord
from connectors.exact import exact_number, load_json
from connectors.manifest.inputs import Part
from connectors.manifest.paths import Path, at

FieldType = Literal["text", "number", "int", "bool", "datetime", "date", "list", "map", "any"]
_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "int": {"type": ["integer", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "list": {"type": ["array", "null"]},
    "map": {"type": ["object", "null"]},
    "any": {},
}
_YES = frozenset({"true", "1", "y", "yes", "t", "是"})
_NO = frozenset({"false", "0", "n", "no", "f", "否"})
_DOTNET = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_ODD = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""Without these escapes JSON holds neither NUL characters nor halves of surrogate pairs."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Field(Part):
    """One field of a record. Short form in YAML: its type."""

    type: FieldType = Described("text", description="what its value is")
    path: Path = Described("", description="where it is in the system's record; default: under its own name")
    format: str = Described(
        "iso", description="of a datetime: iso, unix, unix_ms, or a pattern such as %Y-%m-%d %H:%M:%S"
    )
    zone: str = Described("", description="of a datetime without a zone: its IANA zone; default: the stream's")
    required: bool = Described(False, description="a record without it is a dead letter")
    description: str = Described("", description="what it means, for people")
    unit: str = Described("", description="what a number counts or measures")

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        return known_zone(zone)


def known_zone(zone: str) -> str:
    """The zone, or ValueError."""
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {zone!r}; write one such as Asia/Shanghai or UTC") from None
    return zone


Zone = Annotated[str, AfterValidator(lambda zone: known_zone(zone) or "UTC")]
"""A time zone by its IANA name; empty is UTC."""


class Condition(Part):
    """Holds when the value at `path` equals `equals`, or one of a list of values."""

    path: Path = Described(description="where the value is")
    equals: Any = Described(description="the value, or a list of values")

    def holds(self, value: Any) -> bool:
        wanted = self.equals if isinstance(self.equals, list | tuple) else [self.equals]
        found = at(value, self.path)
        return any(type(found) is type(each) and found == each for each in wanted) or any(
            _is_number(found) and _is_number(each) and found == each for each in wanted
        )


class Shape:
    """Typed records out of what a system sends. Fields that are not declared pass through as they are."""

    def __init__(
        self, fields: Mapping[str, Field], key: Sequence[str] = (), *, zone: str = "", deleted: Condition | None = None
    ) -> None:
        self._fields = dict(fields)
        self._key = tuple(key)
        self._zones = {name: ZoneInfo(each.zone or zone or "UTC") for name, each in fields.items()}
        self._deleted = deleted

    def record(self, raw: Any) -> Record:
        """The record, or a tombstone. Raises BadRecord, naming the field."""
        if not isinstance(raw, Mapping):
            raise BadRecord(f"a record is {_kind(raw)}, expected an object", record=raw)
        if self._deleted is not None and self._deleted.holds(raw):
            return {name: self.value(name, raw) for name in self._key} | {DELETED: True}
        record = {str(name): value for name, value in raw.items() if name != DELETED}
        for name in self._fields:
            record[name] = self.value(name, raw)
        for name in self._key:
            if record.get(name) is None or record[name] == "":
                raise BadRecord(f"{name} is missing, and it is part of the record's key", record=raw)
        return record

    def partial(self, raw: Mapping[str, Any]) -> Record:
        """A record of which only some fields are there, as tests write it. Raises BadRecord."""
        record = dict(raw)
        for name, field in self._fields.items():
            if at(raw, field.path) is not None if field.path else name in raw:
                record[name] = self.value(name, raw)
        return record

    def value(self, name: str, raw: Mapping[str, Any]) -> Any:
        """One field's value. Raises BadRecord."""
        field = self._fields.get(name)
        if field is None:
            return raw.get(name)
        found = at(raw, field.path) if field.path else raw.get(name)
        try:
            value = convert(found, field, self._zones[name])
        except (BadRecord, ValueError, OverflowError) as error:
            raise BadRecord(f"{name}: {error}", record=raw) from None
        if value is None and (field.required or name in self._key):
            raise BadRecord(f"{name} is missing", record=raw)
        return value

    def sorted_out(self, rows: Iterable[Any]) -> tuple[list[Record], list[BadRecord]]:
        """The good records of a page, and the others with their reasons."""
        good: list[Record] = []
        bad: list[BadRecord] = []
        for row in rows:
            try:
                good.append(self.record(row))
            except BadRecord as reason:
                bad.append(reason)
        return good, bad


def convert(value: Any, field: Field, zone: ZoneInfo) -> Any:
    """A value as its field declares it; "" counts as null but in texts. Raises BadRecord or ValueError."""
    if value is None or (value == "" and field.type not in ("text", "any")):
        return None
    match field.type:
        case "text":
            return _text(value)
        case "number":
            return exact_number(value.strip() if isinstance(value, str) else value)
        case "int":
            number = exact_number(value.strip() if isinstance(value, str) else value)
            if number != number.to_integral_value():
                raise BadRecord(f"{value!r} is no whole number")
            return int(number)
        case "bool":
            return _bool(value)
        case "datetime":
            return moment(value, field.format, zone)
        case "date":
            return _date(value)
        case "list" | "map":
            wanted: tuple[type, ...] = (list, tuple) if field.type == "list" else (Mapping,)
            if not isinstance(value, wanted):
                raise BadRecord(f"{_kind(value)}, expected a {field.type}")
            return value
    return value


def moment(value: Any, format: str, zone: ZoneInfo) -> datetime:
    """A time in UTC. Raises ValueError or OverflowError."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    if format in ("unix", "unix_ms"):
        number = exact_number(value)
        return _EPOCH + timedelta(microseconds=int(number * (1_000_000 if format == "unix" else 1_000)))
    if not isinstance(value, str):
        raise ValueError(f"{_kind(value)}, expected a time")
    text = value.strip()
    if dotnet := _DOTNET.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(dotnet[1]))
    try:
        found = datetime.fromisoformat(text) if format == "iso" else datetime.strptime(text, format)  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time of format {format}") from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def write_moment(value: datetime, format: str, zone: ZoneInfo) -> str | int:
    """A time as a system wants to read it."""
    if format in ("unix", "unix_ms"):
        micros = (value - _EPOCH) // timedelta(microseconds=1)
        return micros // (1_000_000 if format == "unix" else 1_000)
    local = value.astimezone(zone)
    if format == "iso":
        return local.isoformat().replace("+00:00", "Z")
    return local.strftime(format)


def schema_of(fields: Mapping[str, Field], key: Sequence[str], samples: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """JSON Schema of the records: declared fields, and what the samples hold beside them."""
    properties: dict[str, Any] = {}
    for sample in samples:
        for name, value in sample.items():
            properties.setdefault(str(name), _inferred(value))
    for name, field in fields.items():
        more = {"description": field.description + (f" [{field.unit}]" if field.unit else "")}
        properties[name] = {**_SCHEMAS[field.type], **(more if more["description"] else {})}
    for name in key:
        properties.setdefault(name, dict(_SCHEMAS["text"]))
    return {"type": "object", "required": list(key), "properties": properties}


def infer_fields(samples: Iterable[Mapping[str, Any]]) -> dict[str, FieldType]:
    """The types of a sample's fields, for a scaffold: a text that is a time with a zone is a datetime."""
    found: dict[str, FieldType] = {}
    for sample in samples:
        for name, value in sample.items():
            kind = _type_of(value)
            if kind is not None and found.setdefault(str(name), kind) != kind:
                found[str(name)] = "number" if {found[str(name)], kind} == {"int", "number"} else "any"
    return found


def _type_of(value: Any) -> FieldType | None:
    if isinstance(value, str):
        try:
            return "datetime" if datetime.fromisoformat(value).tzinfo else "text"
        except ValueError:
            return "text"
    kinds: tuple[tuple[Any, FieldType], ...] = (
        (bool, "bool"), (int, "int"), (Decimal, "number"), (list, "list"), (Mapping, "map"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), None)


def _inferred(value: Any) -> dict[str, Any]:
    kind = _type_of(value)
    return dict(_SCHEMAS["text" if kind == "datetime" else kind or "any"])


def read_json(text: str) -> Any:
    """JSON, exact and storable. Raises BadRecord."""
    value = load_json(text)
    return storable(value) if _ODD.search(text) else value


def storable(value: Any) -> Any:
    """JSON without what databases refuse: NUL characters and halves of surrogate pairs become U+FFFD."""
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\0", "\ufffd") if "\0" in value else value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    raise BadRecord(f"{_kind(value)}, expected text")


def _bool(value: Any) -> bool:
    told = str(value).strip().lower() if isinstance(value, str | int) else ""
    if told in _YES or told in _NO:
        return told in _YES
    raise BadRecord(f"{value!r} is neither true nor false")


def _date(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_kind(value)}, expected a date such as 2026-11-22")
    try:
        return datetime.fromisoformat(value.strip()).date().isoformat()
    except ValueError:
        raise ValueError(f"{value[:40]!r} is no date such as 2026-11-22") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
