"""Sparkplug B: topics, payloads to readings, commands to payloads (Eclipse Sparkplug specification 3.0). Pure.

Data names its metrics by numbers that an earlier birth message defined. `connectors.mqtt.edges` remembers births and
gives each data message what it needs as headers, so that reading it needs no memory.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from connectors.errors import BadRecord
from connectors.mqtt.config import SPARKPLUG, Fixed
from connectors.mqtt.payloads import Reading, Told, presence, set_time
from connectors.mqtt.sparkplug_pb2 import DESCRIPTOR
from connectors.mqtt.values import EPOCH, MAX_NAME, MAX_TEXT, clean, name, number

Payload: Any = GetMessageClass(DESCRIPTOR.message_types_by_name["Payload"])
"""The message class of sparkplug.proto, whose attributes no type checker knows."""

KNOWN: Final = "weft-sparkplug-known"
"""Header: what earlier births told of this message's metrics, JSON {key: [name, datatype, unit]}."""
DEVICES: Final = "weft-sparkplug-devices"
"""Header of a node's death: its devices, JSON list."""
VOID: Final = "weft-sparkplug-void"
"""Header: why this message tells nothing (a death of an older session, data before a birth that was asked for)."""

REBIRTH = "Node Control/Rebirth"
_KINDS = frozenset({"NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD"})
_CONTROL = ("Node Control/", "Device Control/")
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
_QUALITIES = {192: "good", 0: "bad", 500: "stale"}


class SparkplugTopic(NamedTuple):
    """`kind` is NBIRTH, DDATA …, or STATE, whose host stands in `group`. `device` is empty for the node itself."""

    kind: str
    group: str
    edge: str = ""
    device: str = ""

    @property
    def local_id(self) -> str:
        """The device as readings name it: group/edge/device, or group/edge for the node."""
        return "/".join(filter(None, (self.group, self.edge, self.device)))


class Meaning(NamedTuple):
    """What a birth told of a metric."""

    name: str
    datatype: int
    unit: str


def topic_of(topic: str) -> SparkplugTopic:
    """:raises BadRecord: it is no topic of Sparkplug B."""
    levels = topic.split("/")
    if levels[:2] == [SPARKPLUG, "STATE"] and len(levels) == 3:
        return SparkplugTopic("STATE", levels[2])
    known = levels[0] == SPARKPLUG and len(levels) in (4, 5) and levels[2] in _KINDS
    if (
        known
        and (len(levels) == 5) == (levels[2][0] == "D")
        and all(0 < len(level) <= MAX_NAME // 3 for level in levels)
    ):
        return SparkplugTopic(levels[2], levels[1], *levels[3:])
    raise BadRecord(f"{topic[:200]!r} is no topic of Sparkplug B", hint="spBv1.0/group/DDATA/edge/device")


def decode(body: bytes) -> Any:
    """:raises BadRecord: it is no Sparkplug payload."""
    try:
        return Payload.FromString(body)
    except DecodeError as e:
        raise BadRecord(f"the payload is no Sparkplug B message ({e})", hint="is it JSON? Set another `format`") from e


# -- reading ----------------------------------------------------------------------------------------------------------


class SparkplugReader:
    """Reads Sparkplug messages. Safe from any thread."""

    def __init__(self, fixed: Fixed, clock_tolerance_s: int) -> None:
        self._fixed = {key: getattr(fixed, key) for key in ("site", "customer") if getattr(fixed, key)}
        self._tolerance = timedelta(seconds=clock_tolerance_s)

    def read(self, topic: str, headers: Mapping[str, str], body: bytes, arrived: datetime) -> Told:
        """:raises BadRecord:"""
        place = topic_of(topic)
        if place.kind in ("STATE", "NCMD", "DCMD") or VOID in headers:
            return Told([])
        payload = decode(body)
        base: Reading = {
            **self._fixed,
            "topic": topic,
            "device": place.local_id,
            "device_name": place.device or place.edge,
            "labels": {"group": place.group, "edge_node": place.edge},
        }
        if place.kind.endswith("DEATH"):
            gone = orjson.loads(headers[DEVICES]) if DEVICES in headers else []
            readings = [presence(base, online=False, at=arrived)]
            for device in gone:
                local_id = place._replace(device=device).local_id
                readings.append(presence({**base, "device": local_id, "device_name": device}, online=False, at=arrived))
            return Told(readings)
        if payload.HasField("seq"):
            base["seq"] = payload.seq
        known = {key: Meaning(*m) for key, m in orjson.loads(headers[KNOWN]).items()} if KNOWN in headers else {}
        readings = [presence(base, online=True, at=arrived)] if place.kind.endswith("BIRTH") else []
        for metric in _flat(payload.metrics, "", 0):
            if reading := self._reading(metric, payload, base, known, arrived):
                readings.append(reading)
        if payload.metrics and not any("metric" in reading for reading in readings):
            raise BadRecord(
                f"the metrics of {place.local_id} are unknown: no birth message that defines them was seen",
                hint="the edge node sends one when it starts, or when asked (sparkplug_rebirth)",
            )
        return Told(readings, "time" if payload.HasField("timestamp") else "")

    def _reading(
        self, named: _Metric, payload: Any, base: Reading, known: Mapping[str, Meaning], arrived: datetime
    ) -> Reading | None:
        metric = named.metric
        meaning = known.get(key_of(named))
        called = named.name or (meaning.name if meaning else "")
        if called == "bdSeq" or called.startswith(_CONTROL):
            return None
        reading = dict(base)
        if called:
            reading["metric"] = name(called, "metric name")
        else:
            reading["problem"] = f"no birth message defined alias {metric.alias}"
        datatype = metric.datatype or (meaning.datatype if meaning else 0)
        exact, text = value_of(metric, datatype, called)
        if exact is not None:
            reading["value"] = exact
        if text is not None:
            reading["text"] = text
        unit, quality = _properties(metric)
        if unit := unit or (meaning.unit if meaning else ""):
            reading["unit"] = unit
        if metric.is_null or (exact is None and (text is None or datatype in (FLOAT, DOUBLE))):
            quality = "bad"
        if quality:
            reading["quality"] = quality
        if metric.is_historical:
            reading["labels"] = {**base["labels"], "historical": "true"}
        milliseconds = metric.timestamp or payload.timestamp
        if milliseconds:
            set_time(reading, _instant(milliseconds), arrived, self._tolerance)
        else:
            reading["at"] = arrived
        return reading


class _Metric(NamedTuple):
    name: str
    metric: Any


def _flat(metrics: Iterable[Any], prefix: str, depth: int) -> Iterator[_Metric]:
    """The metrics, and in place of each template instance the metrics inside it: template/member."""
    for metric in metrics:
        called = prefix + metric.name if metric.name else ""
        if metric.WhichOneof("value") == "template_value" and not metric.template_value.is_definition:
            if depth >= 4:
                raise BadRecord("templates are nested too deeply")
            yield from _flat(metric.template_value.metrics, f"{called or metric.alias}/", depth + 1)
        else:
            yield _Metric(called, metric)


def key_of(named: _Metric) -> str:
    """How births and data speak of the same metric: by name, else by alias."""
    return f"={named.name}" if named.name else str(named.metric.alias)


def meanings(payload: Any) -> Iterator[tuple[str, Meaning]]:
    """What a birth defines: each metric under its name and, if it has one, its alias."""
    for named in _flat(payload.metrics, "", 0):
        if not named.name:
            continue
        meaning = Meaning(clean(named.name, "metric name"), named.metric.datatype, _properties(named.metric)[0])
        yield f"={named.name}", meaning
        if named.metric.HasField("alias"):
            yield str(named.metric.alias), meaning


def needed(payload: Any) -> Iterator[str]:
    """The keys that a data message needs to be understood: unnamed metrics, and those without a data type."""
    for named in _flat(payload.metrics, "", 0):
        if not named.name or not named.metric.datatype:
            yield key_of(named)


def birth_number(payload: Any) -> int | None:
    """bdSeq, by which a node's death is known to belong to its latest birth."""
    for metric in payload.metrics:
        if metric.name == "bdSeq":
            return int(metric.long_value if metric.WhichOneof("value") == "long_value" else metric.int_value)
    return None


def value_of(metric: Any, datatype: int, called: str) -> tuple[Decimal | None, str | None]:
    """A metric's value as (number, text); neither when it is null. :raises BadRecord: it can't be decoded."""
    field = metric.WhichOneof("value")
    if field is None or metric.is_null:
        return None, None
    value = getattr(metric, field)
    if field in ("int_value", "long_value"):
        if datatype == DATETIME:
            return None, _instant(value).isoformat()
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


def _properties(metric: Any) -> tuple[str, str]:
    """Unit and quality, where a metric's properties tell them."""
    unit = quality = ""
    if metric.HasField("properties"):
        for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
            if key in ("engUnit", "Engineering Unit", "unit") and value.string_value:
                unit = clean(value.string_value, key)[:40]
            elif key == "Quality":
                quality = _QUALITIES.get(value.int_value or value.long_value, "bad")
    return unit, quality


def _instant(milliseconds: int) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as e:
        raise BadRecord(f"timestamp: {milliseconds} is no time in milliseconds since 1970") from e


# -- writing ----------------------------------------------------------------------------------------------------------


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
