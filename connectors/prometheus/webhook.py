"""Alertmanager's two faces of an alert, the webhook (version 4) and `GET /api/v2/alerts`, as one and the same record.

The webhook tells times with the sender's precision and zone, the API cuts them to milliseconds: both become UTC with
milliseconds here, so that an alert pushed and an alert read have the same `startsAt`. While it fires it has no end
(the webhook says year 1, the API a guess in the future): `endsAt` is null.
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from connectors.contract import Event
from connectors.errors import BadRecord

STREAM = "alert"

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_MAYBE_TEXT = {"type": ["string", "null"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["fingerprint", "status", "startsAt", "labels", "annotations"],
    "properties": {
        "fingerprint": {"type": "string", "description": "16 hex digits of the labels: names the alert"},
        "status": {"enum": ["firing", "resolved"]},
        "startsAt": {"type": "string", "format": "date-time", "description": "UTC, milliseconds: names the occurrence"},
        "endsAt": {"type": ["string", "null"], "format": "date-time", "description": "null while firing"},
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "generatorURL": {"type": "string", "description": "the expression's graph in Prometheus"},
        "state": {"enum": ["active", "suppressed", "unprocessed"]},
        "silencedBy": {"type": "array", "items": {"type": "string"}},
        "inhibitedBy": {"type": "array", "items": {"type": "string"}},
        "receivers": {"type": "array", "items": {"type": "string"}},
        "externalURL": {"type": "string", "description": "address of the Alertmanager"},
        "groupKey": {**_MAYBE_TEXT, "description": "of the notification; null when read"},
        "groupLabels": _TEXTS,
        "commonLabels": _TEXTS,
        "commonAnnotations": _TEXTS,
        "truncatedAlerts": {"type": "integer"},
        "problem": {"type": "string", "description": "why this alert cannot be used; then `raw` holds it as it came"},
        "raw": {},
    },
}

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_KINDS = {str: "text", dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}


class _Unusable(Exception):
    """Why one alert cannot be used; the path is relative to the alert."""


def parse_delivery(body: bytes) -> list[Event]:
    """One event per alert of a webhook's body. An alert of the wrong shape is an event too, whose record has `problem`
    and `raw` instead of a fingerprint, so that it alone ends in the dead letters.

    :raises BadRecord: when nothing of the delivery can be used, naming the field.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"the body is no JSON: {error}", hint="send Alertmanager's webhook_configs here") from None
    if type(message) is not dict:
        raise BadRecord(f"the body is {_kind(message)}, expected an object")
    alerts = message.get("alerts")
    version = message.get("version")
    if version != "4":
        raise BadRecord(
            f"version: expected '4', got {version!r}", hint="Alertmanager's webhook is meant, no other tool's"
        )
    if type(alerts) is not list or not alerts:
        raise BadRecord(f"alerts: expected a list of at least one alert, got {_kind(alerts)}")
    group = _group(message)
    unclean = b"\\u0000" in body
    if unclean:
        group = plain(group)
    return [_event(alert, place, group, unclean) for place, alert in enumerate(alerts)]


def record_of_api_alert(alert: Any, external_url: str) -> dict[str, Any]:
    """The record of one item of `GET /api/v2/alerts`, equal to the webhook's in all that both know.

    :raises BadRecord: naming the field.
    """
    try:
        if type(alert) is not dict:
            raise _Unusable(f"expected an object, got {_kind(alert)}")
        state = alert.get("status")
        if type(state) is not dict:
            raise _Unusable(f".status: expected an object, got {_kind(state)}")
        record = _alert({**alert, "status": "firing", "endsAt": None})
        record["state"] = _one_of(state.get("state"), ("active", "suppressed", "unprocessed"), ".status.state")
        record["silencedBy"] = _texts(state.get("silencedBy") or [], ".status.silencedBy")
        record["inhibitedBy"] = _texts(state.get("inhibitedBy") or [], ".status.inhibitedBy")
        receivers = alert.get("receivers") or []
        if type(receivers) is not list or not all(type(r) is dict for r in receivers):
            raise _Unusable(f".receivers: expected a list of objects, got {_kind(receivers)}")
        record["receivers"] = _texts([r.get("name") for r in receivers], ".receivers.name")
    except _Unusable as why:
        raise BadRecord(f"alert{why}", record=plain(alert)) from None
    record["externalURL"] = external_url
    record["groupKey"] = None
    record["groupLabels"] = record["commonLabels"] = record["commonAnnotations"] = {}
    record["truncatedAlerts"] = 0
    return record


def moment(text: str) -> str:
    """An RFC 3339 time as UTC with milliseconds, cut as Alertmanager's API cuts them. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a time such as 2026-11-22T08:00:00Z, got {text[:40]!r}")
    base, fraction, zone = match.groups()
    when = datetime.fromisoformat(base if zone == "Z" else base + zone)
    if zone != "Z":
        base = when.astimezone(UTC).isoformat()[:19]
    return f"{base}.{fraction[:3]:0<3}Z" if fraction else f"{base}.000Z"


def plain(value: Any) -> Any:
    """JSON as a record may hold it: no floats, and no NUL characters, which databases refuse."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, str):
        return value.replace("\0", "�")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    return value


def _group(message: Mapping[str, Any]) -> dict[str, Any]:
    """What all alerts of a delivery share."""
    try:
        truncated = message.get("truncatedAlerts", 0)
        if type(truncated) is not int:
            raise _Unusable(f"truncatedAlerts: expected a whole number, got {_kind(truncated)}")
        return {
            "receivers": [_text(message.get("receiver", ""), "receiver")],
            "externalURL": _text(message.get("externalURL", ""), "externalURL"),
            "groupKey": _text(message.get("groupKey", ""), "groupKey"),
            "groupLabels": _text_map(message.get("groupLabels"), "groupLabels"),
            "commonLabels": _text_map(message.get("commonLabels"), "commonLabels"),
            "commonAnnotations": _text_map(message.get("commonAnnotations"), "commonAnnotations"),
            "truncatedAlerts": truncated,
        }
    except _Unusable as why:
        raise BadRecord(str(why)) from None


def _event(alert: Any, place: int, group: dict[str, Any], unclean: bool) -> Event:
    try:
        if type(alert) is not dict:
            raise _Unusable(f": expected an object, got {_kind(alert)}")
        record = _alert(alert)
        if unclean and plain(record) != record:
            raise _Unusable(": holds a NUL character (\\u0000)")
    except _Unusable as why:
        raw = plain(alert)
        digest = hashlib.blake2b(orjson.dumps(alert), digest_size=16).hexdigest()
        return Event(id=digest, stream=STREAM, record={"problem": f"alerts[{place}]{why}", "raw": raw, **group})
    fingerprint = record["fingerprint"]
    said = f"{fingerprint}\n{record['startsAt']}\n{record['endsAt'] or ''}"
    record["state"] = "active"
    record["silencedBy"] = record["inhibitedBy"] = []
    record.update(group)
    return Event(
        id=hashlib.blake2b(said.encode(), digest_size=16).hexdigest(), stream=STREAM, record=record, key=fingerprint
    )


def _alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one alert, checked."""
    fingerprint = _text(alert.get("fingerprint"), ".fingerprint")
    if not fingerprint:
        raise _Unusable(".fingerprint: must not be empty")
    status = _one_of(alert.get("status"), ("firing", "resolved"), ".status")
    labels = _text_map(alert.get("labels"), ".labels")
    if not labels:
        raise _Unusable(".labels: must not be empty")
    return {
        "fingerprint": fingerprint,
        "status": status,
        "startsAt": _moment(alert.get("startsAt"), ".startsAt"),
        "endsAt": _moment(alert.get("endsAt"), ".endsAt") if status == "resolved" else None,
        "labels": labels,
        "annotations": _text_map(alert.get("annotations"), ".annotations"),
        "generatorURL": _text(alert.get("generatorURL", ""), ".generatorURL"),
    }


def _moment(value: Any, path: str) -> str:
    if type(value) is not str:
        raise _Unusable(f"{path}: expected a time, got {_kind(value)}")
    try:
        return moment(value)
    except (ValueError, OverflowError) as error:
        raise _Unusable(f"{path}: {error}") from None


def _text(value: Any, path: str) -> str:
    if type(value) is not str:
        raise _Unusable(f"{path}: expected text, got {_kind(value)}")
    return value


def _one_of(value: Any, allowed: tuple[str, ...], path: str) -> str:
    if value not in allowed:
        raise _Unusable(f"{path}: expected {' or '.join(allowed)}, got {value if type(value) is str else _kind(value)}")
    return str(value)


def _text_map(value: Any, path: str) -> dict[str, str]:
    if value is None:
        return {}
    if type(value) is not dict:
        raise _Unusable(f"{path}: expected an object, got {_kind(value)}")
    for name, item in value.items():
        if type(item) is not str:
            raise _Unusable(f"{path}.{name}: expected text, got {_kind(item)}")
    return value


def _texts(value: Any, path: str) -> list[str]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise _Unusable(f"{path}: expected a list of texts, got {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return "nothing" if value is None else "an empty list" if value == [] else _KINDS[type(value)]
