"""The record of stream `problem`: what a message of the webhook and a row of the API both become.

One record is one state of one problem. Field by field: see `SCHEMA`; `kind` says why it was made: `problem` (it is
open), `update` (somebody acknowledged, commented, changed the severity, closed), `recovery` (it is over)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, unquote

from connectors.exact import MAX_EXPONENT

STREAM = "problem"
TAG = "weft_message"
"""The tag under which the webhook leaves the hub's message id on the event; it is no label of the problem."""

SEVERITY_NAMES = ("Not classified", "Information", "Warning", "Average", "High", "Disaster")

_TEXT = {"type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["event_id", "kind", "trigger_id", "name"],
    "properties": {
        "event_id": {"type": "string", "description": "the PROBLEM event: one occurrence"},
        "kind": {"enum": ["problem", "update", "recovery"]},
        "trigger_id": {"type": "string", "description": "the trigger: the series of occurrences"},
        "host_id": _TEXT,
        "host": _TEXT | {"description": "technical name of the host of the trigger's first item"},
        "host_name": _TEXT | {"description": "visible name"},
        "host_ip": _TEXT,
        "name": {"type": "string"},
        "severity": {"enum": ["0", "1", "2", "3", "4", "5"]},
        "severity_name": _TEXT,
        "opdata": _TEXT,
        "description": _TEXT | {"description": "the trigger's description"},
        "acknowledged": {"type": "boolean"},
        "suppressed": {"type": ["boolean", "null"], "description": "under maintenance; webhooks do not tell"},
        "started_at": _TIME,
        "ended_at": _TIME,
        "recovery_event_id": _TEXT,
        "tags": {"type": "array", "items": {"type": "object"}},
        "labels": {"type": "object", "description": "the tags as a map; values of a repeated tag joined by ', '"},
        "item_id": _TEXT,
        "item_key": _TEXT,
        "item_name": _TEXT,
        "item_value": _TEXT | {"description": "as Zabbix shows it, with its unit; webhooks only"},
        "value": {"type": ["number", "null"], "description": "the number in item_value"},
        "unit": _TEXT,
        "url": {"type": "string", "description": "the event in the front end"},
        "trigger_url": _TEXT,
        "update": {
            "type": ["object", "null"],
            "properties": {
                "action": _TEXT,
                "message": _TEXT,
                "actor": _TEXT,
                "at": _TIME,
                "command_id": _TEXT | {"description": "the hub's own command that made this update"},
            },
        },
        "message_id": _TEXT | {"description": "the hub's message id left on the event by the webhook"},
    },
}

_MARKER = re.compile(r"\[weft:([^\[\]\s]{1,600})\]")
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([^\d\s().,:;+-][^\s()]*)?\s*$")


def marker(command_id: str) -> str:
    """What the hub writes at the end of each of its messages, so that it finds its own work again."""
    return f"[weft:{quote(command_id, safe=':')}]"


def command_of(message: str | None) -> str | None:
    """The id of the hub's command that wrote a message, None for one of a person."""
    found = _MARKER.findall(message or "")
    return unquote(found[-1]) if found else None  # the last: a person may have quoted another


def moment(epoch: object) -> datetime | None:
    """Seconds since 1970 as the API gives them (a string; "0" for never)."""
    seconds = int(str(epoch or "0"))
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None


def amount(text: str | None) -> tuple[Decimal | None, str | None]:
    """Number and unit of a value as Zabbix shows it: "95 C", "97.66 KB". Anything else ("Down (2)", "3h 5m") is no
    number."""
    found = _NUMBER.match(text or "")
    if found is None:
        return None, None
    try:
        number = Decimal(found[1])
    except InvalidOperation:  # an exponent of more digits than Decimal knows
        return None, None
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        return None, None
    return number, found[2]


def tags_and_labels(tags: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, str]], dict[str, str], str | None]:
    """The tags sorted, the same as a map, and the hub's message id if one is among them."""
    pairs = sorted((str(t.get("tag", "")), str(t.get("value", ""))) for t in tags)
    message_id = next((value for tag, value in pairs if tag == TAG), None)
    pairs = [p for p in pairs if p[0] != TAG]
    labels: dict[str, str] = {}
    for tag, value in pairs:
        labels[tag] = f"{labels[tag]}, {value}" if labels.get(tag) else value
    return [{"tag": tag, "value": value} for tag, value in pairs], labels, message_id


def event_url(front_end: str, trigger_id: str, event_id: str) -> str:
    """The page of an event in the front end, the same in all versions."""
    return f"{front_end}/tr_events.php?triggerid={trigger_id}&eventid={event_id}"


def first_item(trigger: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item that a trigger's expression names first: the one Zabbix means by {ITEM.KEY} and {HOST.NAME}."""
    item_of = {str(f["functionid"]): str(f["itemid"]) for f in trigger.get("functions", ())}
    items = {str(i["itemid"]): i for i in trigger.get("items", ())}
    for function_id in re.findall(r"\{(\d+)\}", str(trigger.get("expression", ""))):
        item = items.get(item_of.get(function_id, ""))
        if item is not None:
            return dict(item)
    return next(iter(items.values()), {})


def _without_macros(text: object) -> str | None:
    """A URL of the API, which does not resolve the macros in it as a message does; None rather than half a URL."""
    return str(text) if text and "{" not in str(text) else None


def from_api(
    event: Mapping[str, Any], trigger: Mapping[str, Any], ended_at: datetime | None, front_end: str
) -> dict[str, Any]:
    """The record of a PROBLEM event of event.get, with its trigger of trigger.get ({} when that is gone)."""
    event_id, trigger_id = str(event["eventid"]), str(event["objectid"])
    item = first_item(trigger)
    hosts = {str(h["hostid"]): h for h in (*event.get("hosts", ()), *trigger.get("hosts", ()))}
    host = hosts.get(str(item.get("hostid", "")), next(iter(hosts.values()), {}))
    recovery_id = str(event.get("r_eventid") or "0")
    tags, labels, message_id = tags_and_labels(event.get("tags", ()))
    severity = int(event.get("severity") or 0)
    return {
        "event_id": event_id,
        "kind": "problem" if recovery_id == "0" else "recovery",
        "trigger_id": trigger_id,
        "host_id": host.get("hostid"),
        "host": host.get("host"),
        "host_name": host.get("name"),
        "host_ip": None,
        "name": event.get("name") or "",
        "severity": str(severity),
        "severity_name": SEVERITY_NAMES[severity],
        "opdata": event.get("opdata") or None,
        "description": trigger.get("comments") or None,
        "acknowledged": str(event.get("acknowledged")) == "1",
        "suppressed": str(event.get("suppressed")) == "1",
        "started_at": moment(event.get("clock")),
        "ended_at": ended_at,
        "recovery_event_id": None if recovery_id == "0" else recovery_id,
        "tags": tags,
        "labels": labels,
        "item_id": item.get("itemid"),
        "item_key": item.get("key_"),
        "item_name": item.get("name"),
        "item_value": None,
        "value": None,
        "unit": None,
        "url": event_url(front_end, trigger_id, event_id),
        "trigger_url": _without_macros(trigger.get("url")),
        "update": None,
        "message_id": message_id,
    }
