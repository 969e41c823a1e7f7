"""The messages of the stand-in Zabbix: actions, recipients, macros, and what webhook.js makes of a media type's
parameters.

As in the real one: a message goes out only where an enabled action, a user with media and a media type are installed;
the author of an update is left out; a macro that does not apply stays as it is; times are in the zone of the
recipient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connectors.zabbix.sandbox_state import SEVERITY_NAMES, Row, State
from connectors.zabbix.webhook import signature

_OWN = ("url", "token", "secret", "http_proxy")
_OPERATIONS = {"problem": "operations", "update": "update_operations", "recovery": "recovery_operations"}


@dataclass(frozen=True)
class Message:
    """One HTTP request that a webhook makes."""

    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    event_id: str = ""
    takes_tags: bool = False
    """The answer's message id becomes a tag of the event."""


def messages(state: State, kind: str, event: Row, entry: Row | None) -> Iterator[Message]:
    """The requests due because of something that happened to a problem."""
    author = entry["userid"] if entry else None
    for action in list(state.tables["action"].values()):
        if str(action.get("status", "0")) != "0" or not _applies(state, action, event):
            continue
        if event["suppressed"] == "1" and str(action.get("pause_suppressed", "1")) == "1" and kind != "update":
            continue
        for operation in action.get(_OPERATIONS[kind], ()):
            for user_id in (str(u["userid"]) for u in operation.get("opmessage_usr", ())):
                if user_id != author and user_id in state.tables["user"]:
                    yield from _to_user(state, operation, state.tables["user"][user_id], kind, event, entry)


def _applies(state: State, action: Row, event: Row) -> bool:
    groups, wanted = state.host_of(state.tables["trigger"][event["objectid"]])["groups"], set()
    for condition in action.get("filter", {}).get("conditions", ()):
        if str(condition["conditiontype"]) == "4" and int(event["severity"]) < int(condition["value"]):
            return False
        if str(condition["conditiontype"]) == "0":
            wanted.add(str(condition["value"]))
    return not wanted or bool(wanted & set(groups))


def _to_user(state: State, operation: Row, user: Row, kind: str, event: Row, entry: Row | None) -> Iterator[Message]:
    for media in user.get("medias", ()):
        media_type = state.tables["mediatype"].get(str(media["mediatypeid"]))
        chosen = str(operation.get("opmessage", {}).get("mediatypeid", "0"))
        if media_type is None or chosen not in ("0", str(media["mediatypeid"])):
            continue
        macros = _macros(state, kind, event, entry, ZoneInfo(_zone_of(user)))
        params = {p["name"]: macros.get(p["value"], p["value"]) for p in media_type["parameters"]}
        body = json.dumps({k: v for k, v in params.items() if k not in _OWN}, separators=(",", ":")).encode()
        headers = {"content-type": "application/json"}
        if params.get("token"):
            headers["authorization"] = f"Bearer {params['token']}"
        if params.get("secret"):
            headers["x-weft-signature"] = signature(body, params["secret"])
        first = kind == "problem" and str(media_type.get("process_tags", "0")) == "1"
        yield Message(params["url"], body, headers, event["eventid"], first)


def _zone_of(user: Row) -> str:
    zone = str(user.get("timezone", "default"))
    return "Asia/Shanghai" if zone in ("default", "system") else zone


def _macros(state: State, kind: str, event: Row, entry: Row | None, zone: ZoneInfo) -> dict[str, str]:
    """What each macro becomes; those that do not apply are missing."""
    trigger = state.tables["trigger"][event["objectid"]]
    item, host = state.tables["item"][trigger["itemid"]], state.host_of(trigger)
    found = {
        "{EVENT.SOURCE}": "0",
        "{EVENT.OBJECT}": "0",
        "{EVENT.ID}": event["eventid"],
        "{EVENT.VALUE}": "1" if event["r_eventid"] == "0" else "0",
        "{EVENT.UPDATE.STATUS}": "1" if kind == "update" else "0",
        "{EVENT.NAME}": event["name"],
        "{EVENT.NSEVERITY}": event["severity"],
        "{EVENT.SEVERITY}": SEVERITY_NAMES[int(event["severity"])],
        "{EVENT.OPDATA}": event["opdata"],
        "{EVENT.TAGSJSON}": json.dumps(event["tags"], separators=(",", ":")),
        "{EVENT.ACK.STATUS}": "Yes" if event["acknowledged"] == "1" else "No",
        "{TRIGGER.ID}": trigger["triggerid"],
        "{TRIGGER.DESCRIPTION}": trigger["comments"],
        "{TRIGGER.URL}": trigger["url"],
        "{HOST.ID}": host["hostid"],
        "{HOST.HOST}": host["host"],
        "{HOST.NAME}": host["name"],
        "{HOST.IP}": next((i["ip"] for i in host["interfaces"]), "*UNKNOWN*"),
        "{ITEM.ID}": item["itemid"],
        "{ITEM.KEY}": item["key_"],
        "{ITEM.NAME}": item["name"],
        "{ITEM.VALUE}": state.shown_value(item["itemid"]),
    }
    found |= _time(state, "EVENT", event["clock"], zone)
    if event["r_eventid"] != "0":
        found["{EVENT.RECOVERY.ID}"] = event["r_eventid"]
        found |= _time(state, "EVENT.RECOVERY", state.tables["event"][event["r_eventid"]]["clock"], zone)
    if entry is not None:
        found["{EVENT.UPDATE.ACTION}"] = _in_words(int(entry["action"]))
        found["{EVENT.UPDATE.MESSAGE}"] = entry["message"]
        found["{USER.FULLNAME}"] = "Inaccessible user"
        found |= _time(state, "EVENT.UPDATE", entry["clock"], zone)
    return found


def _time(state: State, prefix: str, clock: str, zone: ZoneInfo) -> dict[str, str]:
    at = datetime.fromtimestamp(int(clock), UTC).astimezone(zone)
    found = {f"{{{prefix}.DATE}}": at.strftime("%Y.%m.%d"), f"{{{prefix}.TIME}}": at.strftime("%H:%M:%S")}
    if state.major_minor >= (7, 0):
        found[f"{{{prefix}.TIMESTAMP}}"] = clock
    return found


def _in_words(action: int) -> str:
    names = {2: "acknowledged", 16: "unacknowledged", 4: "commented", 8: "changed severity", 1: "closed"}
    names |= {32: "suppressed", 64: "unsuppressed"}
    done = [word for bit, word in names.items() if action & bit]
    return " and ".join([", ".join(done[:-1]), done[-1]]) if len(done) > 1 else "".join(done)
