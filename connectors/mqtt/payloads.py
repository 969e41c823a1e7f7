"""What a plain MQTT message tells: topic and payload to readings. Pure; raises BadRecord and nothing else.

A reading is a dict with `device`, `metric`, `at`, `topic` and, where known, `value` (Decimal) or `text`, `unit`,
`quality`, `seq`, `site`, `customer`, `device_name`, `labels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from connectors.errors import BadRecord
from connectors.mqtt.config import TopicSettings
from connectors.mqtt.values import (
    MAX_NAME,
    OLDEST,
    clean,
    counter,
    instant,
    json_of,
    name,
    number_of,
    quality_of,
    scalar,
    text_of,
)

Reading: TypeAlias = dict[str, Any]
Mark: TypeAlias = Literal["id", "time", "counter", ""]
"""By what a message can be told from all others of its topic."""

MAX_READINGS = 2000
MAX_DEPTH = 8
MEANT = frozenset({"device", "device_name", "site", "customer", "metric"})
"""Names in a topic that mean something; all others become labels."""
_NAMING = ("device", "device_name", "site", "customer", "unit")
_ROLES = (*_NAMING, "at", "seq", "quality", "id", "metric", "value", "values")
_ABOUT = frozenset(_ROLES) - {"metric", "value", "values"}
"""Roles of fields that describe readings and are none themselves."""
_BESIDE_PAYLOAD = frozenset({"device", "device_name", "site", "customer", "at", "seq"})
"""Roles that also matter for an object that is kept whole."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one message told. `mark`: what identifies it; `id`: the sender's own, when `mark` says so."""

    readings: list[Reading]
    mark: Mark = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Levels:
    """What the levels of one topic say. `prefix` goes before the names of several metrics."""

    base: Mapping[str, Any]
    names: frozenset[str]
    prefix: str


@dataclass(slots=True)
class _Around:
    """What is known of a reading before its own fields are read."""

    base: Mapping[str, Any]
    from_topic: frozenset[str]
    arrived: datetime
    prefix: str


class PlainReader:
    """Reads the messages of one kind of topic. Safe from any thread."""

    def __init__(self, settings: TopicSettings, clock_tolerance_s: int) -> None:
        self._settings = settings
        self._zone = settings.zone
        self._tolerance = timedelta(seconds=clock_tolerance_s)
        fixed = settings.fixed
        self._fixed = {key: getattr(fixed, key) for key in type(fixed).model_fields if getattr(fixed, key)}
        places = [(path, role, rank) for role in _ROLES for rank, path in enumerate(getattr(settings, role))]
        self._role_of = {path: (role, rank) for path, role, rank in reversed(places) if "." not in path}
        self._dotted = [(path, role, rank) for path, role, rank in places if "." in path]
        self._read = {
            "json": self._json, "number": self._number, "text": self._text, "presence": self._presence,
            "record": self._record,
        }[settings.format]  # fmt: skip

    def levels(self, topic: str, names: Mapping[str, str]) -> Levels:
        """What a topic of this kind says about all its messages. `names`: what its levels mean. :raises BadRecord:"""
        base: Reading = {**self._fixed, "topic": topic}
        labels = {}
        for key, value in names.items():
            if len(value) > MAX_NAME:
                raise BadRecord(f"{key}: a name has at most {MAX_NAME} characters, the one in the topic {len(value)}")
            if key in MEANT:
                base[key] = value
            else:
                labels[key] = value
        if labels:
            base["labels"] = labels
        return Levels(base, frozenset(names), f"{names['metric']}." if "metric" in names else "")

    def read(self, levels: Levels, body: bytes, arrived: datetime) -> Told:
        """:raises BadRecord:"""
        return self._read(_Around(levels.base, levels.names, arrived, levels.prefix), body)

    # -- formats other than JSON --------------------------------------------------------------------------------------

    def _number(self, around: _Around, body: bytes) -> Told:
        value = number_of(text_of(body), around.base["metric"])
        return Told([{**around.base, "value": value, "at": around.arrived}])

    def _text(self, around: _Around, body: bytes) -> Told:
        text = clean(text_of(body), around.base["metric"])
        return Told([{**around.base, "text": text, "at": around.arrived}])

    def _presence(self, around: _Around, body: bytes) -> Told:
        said = text_of(body).strip().lower()
        if said in self._settings.online:
            return Told([presence(around.base, online=True, at=around.arrived)])
        if said in self._settings.offline:
            return Told([presence(around.base, online=False, at=around.arrived)])
        known = ", ".join((*self._settings.online, *self._settings.offline))
        raise BadRecord(
            f"{said[:60]!r} says neither that the device is there nor that it is gone", hint=f"known: {known}"
        )

    # -- JSON ---------------------------------------------------------------------------------------------------------

    def _record(self, around: _Around, body: bytes) -> Told:
        """The object as it is, under `payload`, beside what topic and settings tell of it."""
        data = json_of(body)
        if not isinstance(data, dict):
            raise BadRecord(f"the payload is {str(data)[:60]!r}, not an object")
        roles = self._roles(data)
        record = self._described({r: v for r, v in roles.items() if r in _BESIDE_PAYLOAD}, around)
        if "device" not in record:
            fields = " or ".join(self._settings.device)
            raise BadRecord("nothing tells the device", hint=f"{{device}} in the topic's template, or a field {fields}")
        at = record.get("at")
        record["payload"] = data
        if at is None:
            record["at"] = around.arrived
        else:
            set_time(record, at, around.arrived, self._tolerance)
        if "id" in roles:
            return Told([record], "id", name(roles["id"], self._settings.id[0]))
        return Told([record], "time" if "at" in roles else "counter" if "seq" in roles else "")

    def _json(self, around: _Around, body: bytes) -> Told:
        data = json_of(body)
        readings: list[Reading] = []
        mark: Mark = ""
        own_id = ""
        if isinstance(data, dict):
            mark, own_id = self._object(data, around, readings, 0)
        elif isinstance(data, list):
            marks = {found for found, _ in self._items(data, around, readings, 0)}
            mark = "" if "" in marks or not marks else "counter" if "counter" in marks else "time"
        elif "metric" in around.base and data is not None:
            self._add(dict(around.base), around.base["metric"], data, around, readings)
        else:
            hint = "send an object, or put {metric} into the topic's template"
            raise BadRecord(f"the payload is only {str(data)[:60]!r}: of what is it the value?", hint=hint)
        if not readings:
            raise BadRecord(
                "the payload holds no reading", hint='e.g. {"temperature": 21.5} or {"metric": …, "value": …}'
            )
        return Told(readings, mark, own_id)

    def _items(self, items: list[Any], around: _Around, readings: list[Reading], depth: int) -> list[tuple[Mark, str]]:
        for place, item in enumerate(items):
            if not isinstance(item, dict):
                raise BadRecord(f"item {place} of the list is {str(item)[:40]!r}, not an object")
        return [self._object(item, around, readings, depth + 1) for item in items]

    def _object(self, data: dict[str, Any], around: _Around, readings: list[Reading], depth: int) -> tuple[Mark, str]:
        """Adds what an object tells; returns by what it can be told from others."""
        roles = self._roles(data)
        base = self._described(roles, around)
        metric = base.get("metric")
        if "metric" not in around.from_topic and "metric" in roles:
            metric = roles["metric"]
        if "value" in roles and metric is not None:
            if len(data) > len(roles):
                extra = {key: str(v) for key, v in data.items() if key not in self._role_of and _is_label(v)}
                if extra:
                    base["labels"] = {**base.get("labels", {}), **extra}
            self._add(base, metric, roles["value"], around, readings)
        else:
            inner = _Around(base, around.from_topic, around.arrived, around.prefix)
            several = roles.get("values")
            if isinstance(several, list):
                self._items(several, inner, readings, depth)
            elif isinstance(several, dict):
                self._metrics(several, inner, around.prefix, readings, depth + 1)
            else:
                self._metrics(data, inner, around.prefix, readings, depth, skip=_ABOUT)
        if "id" in roles:
            return "id", name(roles["id"], self._settings.id[0])
        return ("time" if "at" in roles else "counter" if "seq" in roles else ""), ""

    def _metrics(
        self,
        data: dict[str, Any],
        around: _Around,
        prefix: str,
        readings: list[Reading],
        depth: int,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        """Every field is a metric, an inner object's with a dotted name; but for fields of a role in `skip`."""
        if depth > MAX_DEPTH:
            raise BadRecord("the payload is nested too deeply")
        for key, value in data.items():
            if skip and key in self._role_of and self._role_of[key][0] in skip:
                continue
            if not isinstance(value, dict):
                self._add(dict(around.base), prefix + key, value, around, readings)
                continue
            roles = self._roles(value)
            if "value" in roles:
                self._add(self._described(roles, around), prefix + key, roles["value"], around, readings)
            else:
                self._metrics(value, around, f"{prefix}{key}.", readings, depth + 1)

    def _roles(self, data: dict[str, Any]) -> dict[str, Any]:
        """The fields that have a role: role → value. Null counts for `value` only."""
        found: dict[str, Any] = {}
        ranks: dict[str, int] = {}
        for key, value in data.items():
            if key in self._role_of:
                role, rank = self._role_of[key]
                if (value is not None or role == "value") and rank < ranks.get(role, 99):
                    found[role], ranks[role] = value, rank
        for path, role, rank in self._dotted:
            value = _at(data, path)
            if value is not None and rank < ranks.get(role, 99):
                found[role], ranks[role] = value, rank
        return found

    def _described(self, roles: dict[str, Any], around: _Around) -> Reading:
        """What an object says about its readings, over what is known from outside it."""
        base = dict(around.base)
        for role, value in roles.items():
            if role in around.from_topic:
                continue
            if role == "at":
                base["at"] = instant(value, self._settings.at[0], self._zone)
            elif role == "seq":
                base["seq"] = counter(value, self._settings.seq[0])
            elif role == "quality":
                base["quality"] = quality_of(value)
            elif role in _NAMING:
                base[role] = name(value, role)
        return base

    def _add(self, reading: Reading, metric: Any, value: Any, around: _Around, readings: list[Reading]) -> None:
        """Completes a reading, which is given away."""
        if len(readings) >= MAX_READINGS:
            raise BadRecord(f"the payload holds more than {MAX_READINGS} readings")
        if "device" not in reading:
            fields = " or ".join(self._settings.device)
            raise BadRecord("nothing tells the device", hint=f"{{device}} in the topic's template, or a field {fields}")
        reading["metric"] = called = name(metric, "metric")
        number, text = scalar(value, called)
        if number is not None:
            reading["value"] = number
        elif text is not None:
            reading["text"] = text
        else:
            reading["quality"] = "bad"
        at = reading.get("at")
        if at is None:
            reading["at"] = around.arrived
        else:
            set_time(reading, at, around.arrived, self._tolerance)
        readings.append(reading)


def set_time(reading: Reading, at: datetime, arrived: datetime, tolerance: timedelta) -> None:
    """When it was measured. A clock that was never set, or runs ahead, would make a reading older or newer than all
    that follow: then the time of arrival counts, and the label `device_time` tells what the device said."""
    if OLDEST <= at <= arrived + tolerance:
        reading["at"] = at
    else:
        reading["at"] = arrived
        reading["labels"] = {**reading.get("labels", {}), "device_time": at.isoformat()}


def presence(base: Mapping[str, Any], *, online: bool, at: datetime) -> Reading:
    """The reading of a device that comes or goes: metric `online`, 1 and good, or 0 and stale."""
    return {
        **base,
        "metric": "online",
        "value": Decimal(online),
        "at": at,
        "quality": "good" if online else "stale",
    }


def _at(data: Any, path: str) -> Any:
    for step in path.split("."):
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _is_label(value: Any) -> bool:
    return isinstance(value, (str, int, Decimal)) and len(str(value)) <= MAX_NAME
