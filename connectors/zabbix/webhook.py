"""The messages that Zabbix sends: checking, understanding and taking them apart. Pure: no network, no clock.

The body is a flat JSON object of texts, made by `webhook.js` from the parameters below.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import orjson

from connectors.contract import Delivery, Event
from connectors.errors import AuthProblem, BadRecord
from connectors.exact import load_json
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.records import (
    SEVERITY_NAMES,
    STREAM,
    amount,
    command_of,
    event_url,
    moment,
    tags_and_labels,
)

SIGNATURE = "x-weft-signature"

PARAMETERS: Mapping[str, str] = {
    "event_source": "{EVENT.SOURCE}",
    "event_object": "{EVENT.OBJECT}",
    "event_id": "{EVENT.ID}",
    "event_value": "{EVENT.VALUE}",
    "event_update_status": "{EVENT.UPDATE.STATUS}",
    "event_name": "{EVENT.NAME}",
    "event_nseverity": "{EVENT.NSEVERITY}",
    "event_severity": "{EVENT.SEVERITY}",
    "event_date": "{EVENT.DATE}",
    "event_time": "{EVENT.TIME}",
    "event_timestamp": "{EVENT.TIMESTAMP}",
    "event_opdata": "{EVENT.OPDATA}",
    "event_tags": "{EVENT.TAGSJSON}",
    "event_ack_status": "{EVENT.ACK.STATUS}",
    "event_recovery_id": "{EVENT.RECOVERY.ID}",
    "event_recovery_date": "{EVENT.RECOVERY.DATE}",
    "event_recovery_time": "{EVENT.RECOVERY.TIME}",
    "event_recovery_timestamp": "{EVENT.RECOVERY.TIMESTAMP}",
    "event_update_date": "{EVENT.UPDATE.DATE}",
    "event_update_time": "{EVENT.UPDATE.TIME}",
    "event_update_timestamp": "{EVENT.UPDATE.TIMESTAMP}",
    "event_update_action": "{EVENT.UPDATE.ACTION}",
    "event_update_message": "{EVENT.UPDATE.MESSAGE}",
    "user_fullname": "{USER.FULLNAME}",
    "trigger_id": "{TRIGGER.ID}",
    "trigger_description": "{TRIGGER.DESCRIPTION}",
    "trigger_url": "{TRIGGER.URL}",
    "host_id": "{HOST.ID}",
    "host": "{HOST.HOST}",
    "host_name": "{HOST.NAME}",
    "host_ip": "{HOST.IP}",
    "item_id": "{ITEM.ID}",
    "item_key": "{ITEM.KEY}",
    "item_name": "{ITEM.NAME}",
    "item_value": "{ITEM.VALUE}",
}
"""Field of the message -> Zabbix macro. A macro that does not apply stays in the message as it is."""


def events(delivery: Delivery, config: ZabbixConfig) -> list[Event]:
    """The one event of a message; none for Zabbix's own test message, whose macros are all unresolved.

    Raises AuthProblem when the token or signature is missing or wrong, BadRecord for what is no message of ours.
    """
    if not delivery.verified:
        verify(delivery, config)
    body = load_json(delivery.body)
    if not isinstance(body, dict):
        raise BadRecord("The message is no JSON object.", record=body)
    fields = resolved(body)
    if str(body.get("event_id")) == PARAMETERS["event_id"]:
        return []
    record = to_record(fields, config, body)
    return [Event(id=message_id(record, fields), stream=STREAM, record=record, key=record["event_id"])]


def verify(delivery: Delivery, config: ZabbixConfig) -> None:
    """Raises AuthProblem unless the message carries our token or is signed with our secret."""
    if config.webhook_secret is not None:
        good = signature(delivery.body, config.webhook_secret.get_secret_value())
        if not hmac.compare_digest(good.encode(), delivery.headers.get(SIGNATURE, "").encode()):
            raise AuthProblem(
                f"The message's {SIGNATURE} header is missing or wrong.",
                hint="Is the media type's parameter `secret` the connection's `webhook_secret`? Install it again.",
            )
    elif config.webhook_token is not None:
        good = f"Bearer {config.webhook_token.get_secret_value()}"
        if not hmac.compare_digest(good.encode(), delivery.headers.get("authorization", "").encode()):
            raise AuthProblem(
                "The message's bearer token is missing or wrong.",
                hint="Is the media type's parameter `token` the connection's `webhook_token`? Install it again.",
            )
    else:
        raise AuthProblem("The connection takes no messages: neither `webhook_token` nor `webhook_secret` is set.")


def signature(body: bytes, secret: str) -> str:
    """The value of the signature header, as webhook.js makes it."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def resolved(body: Mapping[str, Any]) -> dict[str, str | None]:
    """The known fields; a macro that Zabbix left as it is, or knew no value for, is null, and so is an empty text."""
    fields: dict[str, str | None] = {}
    for name, macro in PARAMETERS.items():
        value = body.get(name)
        text = value if isinstance(value, str) else None if value is None else str(value)
        fields[name] = None if text in (None, "", macro, "*UNKNOWN*") else text
    return fields


def to_record(fields: Mapping[str, str | None], config: ZabbixConfig, body: Mapping[str, Any]) -> dict[str, Any]:
    """The record of stream `problem` (see records.SCHEMA). Raises BadRecord with the field that is missing or wrong."""
    if fields["event_source"] not in (None, "0"):
        raise BadRecord(
            f"event_source: {fields['event_source']} is no trigger event; send only those (action for triggers).",
            record=dict(body),
        )
    event_id, trigger_id = _id(fields, "event_id", body), _id(fields, "trigger_id", body)
    kind = _kind(fields, body)
    severity = fields["event_nseverity"] or "0"
    if severity not in ("0", "1", "2", "3", "4", "5"):
        raise BadRecord(f"event_nseverity: {severity!r} is none of 0 to 5.", record=dict(body))
    tags, labels, left_message_id = tags_and_labels(_tags(fields["event_tags"], body))
    value, unit = amount(fields["item_value"])
    zone = config.zone
    started_at = _time(fields, "event", zone, body)
    return {
        "event_id": event_id,
        "kind": kind,
        "trigger_id": trigger_id,
        "host_id": fields["host_id"],
        "host": fields["host"],
        "host_name": fields["host_name"],
        "host_ip": fields["host_ip"],
        "name": fields["event_name"] or "",
        "severity": severity,
        "severity_name": SEVERITY_NAMES[int(severity)],
        "opdata": fields["event_opdata"],
        "description": fields["trigger_description"],
        "acknowledged": fields["event_ack_status"] == "Yes",
        "suppressed": None,
        "started_at": started_at,
        "ended_at": _time(fields, "event_recovery", zone, body),
        "recovery_event_id": fields["event_recovery_id"],
        "tags": tags,
        "labels": labels,
        "item_id": fields["item_id"],
        "item_key": fields["item_key"],
        "item_name": fields["item_name"],
        "item_value": fields["item_value"],
        "value": value,
        "unit": unit,
        "url": event_url(config.url, trigger_id, event_id),
        "trigger_url": fields["trigger_url"],
        "update": _update(fields, zone, body) if kind == "update" else None,
        "message_id": left_message_id,
    }


def message_id(record: Mapping[str, Any], fields: Mapping[str, str | None]) -> str:
    """The id of a message: the same for a repeat, another for the next one of the same problem."""
    event_id, kind = record["event_id"], record["kind"]
    if kind == "problem":
        return f"{event_id}:problem"
    if kind == "recovery":
        return f"{event_id}:recovery:{record['recovery_event_id'] or ''}"
    of_update = {k: v for k, v in fields.items() if k.startswith(("event_update_", "user_"))}
    of_update |= {k: fields[k] for k in ("event_nseverity", "event_ack_status", "event_value")}
    digest = hashlib.sha256(orjson.dumps(of_update, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
    return f"{event_id}:update:{digest}"


def _kind(fields: Mapping[str, str | None], body: Mapping[str, Any]) -> str:
    """An update tells so itself; one that closes has the value 0 already, like the recovery that comes beside it."""
    if fields["event_update_status"] == "1":
        return "update"
    kinds = {"1": "problem", "0": "recovery"}
    value = fields["event_value"]
    if value not in kinds:
        raise BadRecord(f"event_value: {value!r} is neither 1 (problem) nor 0 (recovery).", record=dict(body))
    return kinds[value]


def _id(fields: Mapping[str, str | None], name: str, body: Mapping[str, Any]) -> str:
    value = fields[name]
    if value is None or not (value.isascii() and value.isdecimal()) or len(value) > 20:
        raise BadRecord(
            f"{name}: {value!r} is no id of Zabbix; map the parameter to {PARAMETERS[name]}.", record=dict(body)
        )
    return value


def _tags(text: str | None, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        tags = load_json(text) if text else []
    except BadRecord as e:
        raise BadRecord(f"event_tags: {e}.", record=dict(body)) from e
    if not isinstance(tags, list) or not all(isinstance(t, dict) for t in tags):
        raise BadRecord("event_tags: no list of tags; map the parameter to {EVENT.TAGSJSON}.", record=dict(body))
    return tags


def _update(fields: Mapping[str, str | None], zone: tzinfo, body: Mapping[str, Any]) -> dict[str, Any]:
    actor = fields["user_fullname"]
    return {
        "action": fields["event_update_action"],
        "message": fields["event_update_message"],
        "actor": None if actor is not None and actor.startswith("Inaccessible user") else actor,
        "at": _time(fields, "event_update", zone, body),
        "command_id": command_of(fields["event_update_message"]),
    }


def _time(fields: Mapping[str, str | None], prefix: str, zone: tzinfo, body: Mapping[str, Any]) -> datetime | None:
    """The time of one of the message's three moments: by its timestamp (7.x), else by date and time in the zone."""
    timestamp, day, clock = (fields[f"{prefix}_{part}"] for part in ("timestamp", "date", "time"))
    try:
        if timestamp is not None:
            return moment(timestamp)
        if day is None or clock is None:
            return None
        local = datetime.strptime(f"{day} {clock}", "%Y.%m.%d %H:%M:%S").replace(tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as e:
        raise BadRecord(f"{prefix}_date, {prefix}_time: {day!r} {clock!r} is no time: {e}.", record=dict(body)) from e
