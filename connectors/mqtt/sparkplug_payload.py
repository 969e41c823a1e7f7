"""Sparkplug B payloads: bytes to metrics and values, and commands to bytes. Pure."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from connectors.errors import BadRecord
from connectors.mqtt.sparkplug_pb2 import DESCRIPTOR
from connectors.mqtt.values import EPOCH, MAX_TEXT, clean, number

Payload: Any = GetMessageClass(DESCRIPTOR.message_types_by_name["Payload"])
"""The message class of sparkplug.proto, whose attributes no type checker knows."""


REBIRTH = "Node Control/Rebirth"
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
_UNSIGNED = {5: 8, 6: 16, 7: 32, 8: 64}
FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME = 9, 10, 11, 12, 13
INT32, INT64 = 3, 4
DATATYPES = {
    **{"Int8": 1, "Int16": 2, "Int32": 3, "Int64": 4, "UInt8": 5, "UInt16": 6, "UInt32": 7, "UInt64": 8},
    **{"Float": 9, "Double": 10, "Boolean": 11, "String": 12, "DateTime": 13, "Text": 14, "UUID": 15},
}
_ARRAYS = {22: "b", 23: "h", 24: "i", 25: "q", 26: "B", 27: "H", 28: "I", 29: "Q", 30: "f", 31: "d", 34: "Q"}
_BOOLEAN_ARRAY, _STRING_ARRAY = 32, 33


def decode(body: bytes) -> Any:
    """:raises BadRecord: it is no Sparkplug payload."""
    try:
        return Payload.FromString(body)
    except DecodeError as e:
        raise BadRecord(f"the payload is no Sparkplug B message ({e})", hint="is it JSON? Set another `format`") from e


def value_of(metric: Any, datatype: int, called: str) -> tuple[Decimal | None, str | None]:
    """A metric's value as (number, text); neither when it is null. :raises BadRecord: it can't be decoded."""
    field = metric.WhichOneof("value")
    if field is None or metric.is_null:
        return None, None
    value = getattr(metric, field)
    if field in ("int_value", "long_value"):
        if datatype == DATETIME:
            return None, instant_of(value).isoformat()
        if bits := _SIGNED.get(datatype):
            value &= (1 << bits) - 1
            if value >> (bits - 1):
                value -= 1 << bits
        return Decimal(value), None
    if field in ("float_value", "double_value"):
        return _real(value, single=field == "float_value")
    if field == "boolean_value":
        return Decimal(value), None
    if field == "string_value":
        return None, clean(value, called) if len(value) <= MAX_TEXT else f"text of {len(value)} characters"
    if field == "bytes_value":
        return None, _bytes(value, datatype)
    if field == "dataset_value":
        rows = [[_json_value(e) for e in row.elements] for row in value.rows]
        text = orjson.dumps({"columns": list(value.columns), "rows": rows}, default=str).decode()
        return None, text if len(text) <= MAX_TEXT else f"data set of {len(rows)} rows"
    return None, "template definition"


def _real(value: Any, *, single: bool) -> tuple[Decimal | None, str | None]:
    """The shortest decimal that is this binary number, as its sender wrote it; no number: as text."""
    text = repr(value)
    if value != value or not -1e60 < value < 1e60:  # some gateways send the largest number for "none"
        return None, text
    if single:
        for digits in range(6, 10):
            short = Decimal(f"{value:.{digits}g}")
            if struct.pack("<f", short) == struct.pack("<f", value):
                return number(short, "value"), None
    return number(Decimal(text), "value"), None


def _bytes(value: bytes, datatype: int) -> str:
    """Arrays as JSON, other bytes as base64, either in short when it is long. :raises BadRecord: a damaged array."""
    items: list[Any] | None = None
    try:
        if datatype in _ARRAYS:
            code = _ARRAYS[datatype]
            items = list(struct.unpack(f"<{len(value) // struct.calcsize(code)}{code}", value))
        elif datatype == _BOOLEAN_ARRAY:
            (count,) = struct.unpack_from("<I", value)
            items = [bool(value[4 + i // 8] >> (7 - i % 8) & 1) for i in range(count)]
        elif datatype == _STRING_ARRAY:
            items = [part.decode() for part in value.removesuffix(b"\x00").split(b"\x00")]
    except (struct.error, IndexError, UnicodeDecodeError) as e:
        raise BadRecord(f"an array of Sparkplug data type {datatype} is damaged ({e})") from e
    text = base64.b64encode(value).decode() if items is None else orjson.dumps(items).decode()
    if len(text) <= MAX_TEXT:
        return clean(text, "value")
    return f"{len(value)} bytes" if items is None else f"list of {len(items)} values"


def _json_value(element: Any) -> Any:
    field = element.WhichOneof("value")
    return None if field is None else getattr(element, field)


def instant_of(milliseconds: int) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as e:
        raise BadRecord(f"timestamp: {milliseconds} is no time in milliseconds since 1970") from e


# -- writing -----------------------------------------------------------------------------------------------------------


def command(metrics: Mapping[str, Any], at: datetime) -> bytes:
    """The payload of an NCMD or DCMD. A value is a flag, number or text, or {"value": …, "datatype": "Int32"}.

    :raises BadRecord: a value fits no data type.
    """
    payload = Payload(timestamp=milliseconds_of(at))
    for called, given in metrics.items():
        value, datatype = given, None
        if isinstance(given, Mapping):
            value, datatype = given.get("value"), given.get("datatype")
            if datatype not in DATATYPES:
                raise BadRecord(f"{called}: {datatype!r} is no data type", hint=f"one of {', '.join(DATATYPES)}")
        try:
            _set(payload.metrics.add(name=called, timestamp=payload.timestamp), value, DATATYPES.get(datatype or ""))
        except (ValueError, TypeError) as e:
            raise BadRecord(f"{called}: {str(value)[:60]!r} fits no data type") from e
    return bytes(payload.SerializeToString())


def rebirth(at: datetime) -> bytes:
    """The payload of an NCMD that asks an edge node to introduce itself anew."""
    return command({REBIRTH: True}, at)


def milliseconds_of(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def _set(metric: Any, value: Any, datatype: int | None) -> None:
    if datatype is None:
        datatype = (
            BOOLEAN
            if isinstance(value, bool)
            else INT64
            if isinstance(value, int)
            else STRING
            if isinstance(value, str)
            else DOUBLE
        )
    metric.datatype = datatype
    if value is None:
        metric.is_null = True
    elif bits := _SIGNED.get(datatype) or _UNSIGNED.get(datatype):
        lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if datatype in _SIGNED else (0, (1 << bits) - 1)
        if isinstance(value, bool) or value != int(value) or not lowest <= value <= highest:
            raise ValueError
        setattr(metric, "long_value" if bits == 64 else "int_value", int(value) & ((1 << max(bits, 32)) - 1))
    elif datatype in (FLOAT, DOUBLE):
        if isinstance(value, (bool, str)):
            raise TypeError
        setattr(metric, "float_value" if datatype == FLOAT else "double_value", value)
    elif datatype == BOOLEAN:
        if not isinstance(value, bool):
            raise TypeError
        metric.boolean_value = value
    elif datatype == DATETIME:
        metric.long_value = milliseconds_of(value) if isinstance(value, datetime) else int(value)
    else:
        if not isinstance(value, str):
            raise TypeError
        metric.string_value = value
