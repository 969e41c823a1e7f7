"""Sparkplug B: topics, payloads to readings, commands to payloads (Eclipse Sparkplug specification 3.0). Pure.

Data names its metrics by numbers that an earlier birth message defined. `connectors.mqtt.edges` remembers births and
gives each data message what it needs as headers, so that reading it needs no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from connectors.errors import BadRecord
from connectors.mqtt.config import SPARKPLUG, Fixed
from connectors.mqtt.payloads import Reading, Told, presence, set_time
from connectors.mqtt.sparkplug_payload import DOUBLE, FLOAT, decode, instant_of, value_of
from connectors.mqtt.values import MAX_NAME, clean, name

KNOWN: Final = "weft-sparkplug-known"
"""Header: what earlier births told of this message's metrics, JSON {key: [name, datatype, unit]}."""
DEVICES: Final = "weft-sparkplug-devices"
"""Header of a node's death: its devices, JSON list."""
VOID: Final = "weft-sparkplug-void"
"""Header: why this message tells nothing (a death of an older session, data before a birth that was asked for)."""

_KINDS = frozenset({"NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD"})
_CONTROL = ("Node Control/", "Device Control/")
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
            set_time(reading, instant_of(milliseconds), arrived, self._tolerance)
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
