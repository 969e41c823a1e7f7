"""Changing a problem in Zabbix: one `event.acknowledge` each, whose message ends in the command's marker.

The marker is what makes a command safe to repeat: `write` looks for it first (then it is a duplicate), and `confirm`
finds by it whether a call without an answer took effect. Closing is asynchronous: Zabbix accepts it now and its task
manager closes some seconds later; the echoes tell when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.contract import Command, Echo, Operation, Outcome, Receipt
from connectors.zabbix.client import Refused, ZabbixClient
from connectors.zabbix.config import SEVERITIES
from connectors.zabbix.records import STREAM, command_of, marker

CLOSE, ACKNOWLEDGE, MESSAGE, SEVERITY, UNACKNOWLEDGE, SUPPRESS, UNSUPPRESS = 1, 2, 4, 8, 16, 32, 64
"""Bits of event.acknowledge's `action`."""
LONGEST = 2048
"""Characters that Zabbix keeps of a message."""
NO_MANUAL_CLOSE = (
    "Its trigger does not allow manual closing; it closes when the value is good again. "
    "(Configuration of the trigger: 'Allow manual close'.)"
)
GONE = "Zabbix knows no such problem any more, or the hub's account may not see it."
NO_WRITE = "The hub's account has no write permission for the host (user group > Host permissions: Read-write)."

_MESSAGE = {"message": {"type": "string", "description": "Text for the problem's history"}}
_BODY: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": dict(_MESSAGE)}


def _body(required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return _BODY | {"properties": _MESSAGE | more, "required": list(required)}


OPERATIONS = (
    Operation(name="acknowledge", title="Acknowledge", title_zh="确认问题", body_schema=_body()),
    Operation(name="unacknowledge", title="Withdraw acknowledgement", title_zh="撤销确认", body_schema=_body()),
    Operation(name="message", title="Add a message", title_zh="添加备注", body_schema=_body(("message",))),
    Operation(
        name="severity",
        title="Change severity",
        title_zh="更改严重性",
        body_schema=_body(
            ("severity",), severity={"enum": [*SEVERITIES, *range(6)], "description": "Its name or number"}
        ),
    ),
    Operation(name="close_problem", title="Close problem", title_zh="关闭问题", body_schema=_body()),
    Operation(
        name="close_or_acknowledge",
        title="Close problem, or acknowledge it where closing is not allowed",
        title_zh="关闭问题（不允许手动关闭时改为确认）",
        body_schema=_body(),
    ),
    Operation(
        name="suppress",
        title="Suppress",
        title_zh="抑制问题",
        body_schema=_body(until={"type": ["string", "null"], "format": "date-time", "description": "null: for ever"}),
    ),
    Operation(name="unsuppress", title="Stop suppressing", title_zh="取消抑制", body_schema=_body()),
)
_CLOSING = ("close_problem", "close_or_acknowledge")
BITS: Mapping[str, int] = {
    "acknowledge": ACKNOWLEDGE,
    "unacknowledge": UNACKNOWLEDGE,
    "message": 0,
    "severity": SEVERITY,
    "close_problem": CLOSE,
    "close_or_acknowledge": CLOSE,
    "suppress": SUPPRESS,
    "unsuppress": UNSUPPRESS,
}
"""Operation -> its bit of event.acknowledge; each call has the bit MESSAGE beside it, for the marker."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A PROBLEM event as far as writing needs it."""

    event_id: str
    acknowledged: bool
    severity: int
    closed: bool
    closing: bool
    manual_close: bool
    commands: frozenset[str]
    """Ids of the hub's commands whose marker is in its history."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Problem:
        history = event.get("acknowledges") or []
        trigger = event.get("relatedObject") or {}
        return cls(
            event_id=str(event["eventid"]),
            acknowledged=str(event["acknowledged"]) == "1",
            severity=int(event["severity"]),
            closed=str(event.get("r_eventid") or "0") != "0",
            closing=any(int(a["action"]) & CLOSE for a in history),
            manual_close=str(trigger.get("manual_close")) == "1" if isinstance(trigger, dict) else False,
            commands=frozenset(c for a in history if (c := command_of(a.get("message"))) is not None),
        )


class _Rejected(Exception):
    """A command that can't be carried out, for good; the message is the reason."""


def write(client: ZabbixClient, command: Command) -> Receipt:
    """Carries out one command. Raises the client's errors; what Zabbix refuses for good is a rejected receipt."""
    event_id = str(command.key.get("eventid") or "")
    try:
        call = _call(client, command, event_id)
        problem = _problem(client, event_id)
        if problem is None:
            raise _Rejected(GONE)
        if command.id in problem.commands:
            return _receipt(command, problem, Outcome.duplicate, closes=problem.closing)
        if _is_so_already(command, problem):
            return Receipt(command.id, Outcome.duplicate, external_id=event_id)
        closes = _carry_out(client, command, call, problem)
    except _Rejected as e:
        return Receipt(command.id, Outcome.rejected, external_id=event_id, reason=str(e))
    except Refused as e:
        return Receipt(command.id, Outcome.rejected, external_id=event_id, reason=_in_words(e.reason))
    return _receipt(command, problem, Outcome.applied, closes=closes)


def confirm(client: ZabbixClient, command: Command) -> Receipt | None:
    """A receipt if Zabbix has the command's marker in the problem's history, else None: it did not happen."""
    problem = _problem(client, str(command.key.get("eventid") or ""))
    if problem is None or command.id not in problem.commands:
        return None
    return _receipt(command, problem, Outcome.applied, closes=problem.closing)


def probe(client: ZabbixClient, key: Mapping[str, Any]) -> dict[str, str]:
    """What can be done to a problem now: operation -> "" or the reason why not."""
    event_id = str(key.get("eventid") or "")
    problem = _problem(client, event_id)
    if problem is None:
        return dict.fromkeys(BITS, GONE)
    rights = missing_rights(client)
    reasons = {op: rights.get(bit, "") or rights.get(MESSAGE, "") for op, bit in BITS.items()}
    reasons["unacknowledge"] = reasons["acknowledge"]
    if not _may_write(client, event_id):
        reasons |= {op: reasons[op] or NO_WRITE for op in ("close_problem", "severity")}
    if not problem.manual_close:
        reasons["close_problem"] = NO_MANUAL_CLOSE
    reasons["close_or_acknowledge"] = reasons["close_problem"] and reasons["acknowledge"]
    if problem.closed or problem.closing:
        reasons |= dict.fromkeys(_CLOSING, "It is closed already." if problem.closed else "It is being closed.")
    if not client.version().can_suppress:
        reasons |= dict.fromkeys(("suppress", "unsuppress"), _too_old(client))
    return reasons


def missing_rights(client: ZabbixClient) -> dict[int, str]:
    """What the account's role does not allow: bit of `action` -> the reason. Changes nothing: the event asked for can't
    exist, and Zabbix looks at the role first."""
    fields: dict[int, dict[str, Any]] = {
        CLOSE: {},
        ACKNOWLEDGE: {},
        MESSAGE: {"message": "-"},
        SEVERITY: {"severity": 1},
    }
    if client.version().can_suppress:
        fields |= {SUPPRESS: {"suppress_until": 0}}
    missing: dict[int, str] = {}
    for bit, more in fields.items():
        try:
            client.call("event.acknowledge", {"eventids": [str(2**63 - 1)], "action": bit, **more})
        except Refused as e:
            reason = e.reason.lower()
            if "no permissions to" in reason and "referred object" not in reason:
                missing[bit] = _in_words(e.reason)
    return missing


# -- one command ---------------------------------------------------------------------------------------------------


def _call(client: ZabbixClient, command: Command, event_id: str) -> dict[str, Any]:
    """The parameters of event.acknowledge, with the message still to be taken as a whole."""
    if command.op not in BITS:
        raise _Rejected(f"There is no operation {command.op!r}; there are {', '.join(BITS)}.")
    if not _is_id(event_id):
        raise _Rejected(f"key.eventid: {event_id!r} is no event id of Zabbix.")
    body = command.body
    if command.op in ("suppress", "unsuppress") and not client.version().can_suppress:
        raise _Rejected(_too_old(client))
    if command.op == "message" and not str(body.get("message") or "").strip():
        raise _Rejected("body.message: is missing; there is nothing to write.")
    call: dict[str, Any] = {
        "eventids": [event_id],
        "action": BITS[command.op] | MESSAGE,
        "message": message_text(body.get("message"), command.id),
    }
    if command.op == "severity":
        call["severity"] = _severity(body)
    if command.op == "suppress":
        call["suppress_until"] = _until(body.get("until"))
    return call


def _carry_out(client: ZabbixClient, command: Command, call: dict[str, Any], problem: Problem) -> bool:
    """The one effect; whether it closes the problem."""
    if command.op not in _CLOSING:
        client.call("event.acknowledge", call, write=True)
        return False
    gentle = command.op == "close_or_acknowledge"
    if problem.manual_close:
        try:
            client.call("event.acknowledge", call, write=True)
        except Refused:  # nothing has happened: Zabbix takes a call whole or not at all
            if not gentle:
                raise
        else:
            return True
    elif not gentle:
        raise _Rejected(NO_MANUAL_CLOSE)
    client.call("event.acknowledge", call | {"action": ACKNOWLEDGE | MESSAGE}, write=True)
    return False


def _is_so_already(command: Command, problem: Problem) -> bool:
    """The problem is as the command wants it, and there is no text of a person to leave in its history."""
    if command.op in _CLOSING:
        return problem.closed or problem.closing
    if str(command.body.get("message") or "").strip():
        return False
    if command.op == "severity":
        return problem.severity == _severity(command.body)
    wanted = {"acknowledge": True, "unacknowledge": False}.get(command.op)
    return wanted is not None and problem.acknowledged is wanted


def _receipt(command: Command, problem: Problem, outcome: Outcome, *, closes: bool) -> Receipt:
    """A receipt with the messages the webhook will bring because of the command: an UPDATE, and for a close the
    RECOVERY too, in either order."""
    expected = [Echo(STREAM, problem.event_id, {"kind": "update", "update.command_id": command.id})]
    values: dict[str, Any] = {}
    if command.op in _CLOSING:
        did = "close_problem" if closes else "acknowledge"
        values = {"did": did, "closed": problem.closed}
        if closes:
            expected.append(Echo(STREAM, problem.event_id, {"kind": "recovery"}))
        elif not problem.manual_close:
            values["reason"] = NO_MANUAL_CLOSE
    return Receipt(command.id, outcome, external_id=problem.event_id, echoes=tuple(expected), values=values)


def message_text(text: object, command_id: str) -> str:
    """The message with the command's marker at its end, cut to what Zabbix keeps."""
    end = marker(command_id)
    said = str(text or "").strip()
    room = LONGEST - len(end) - 1
    if len(said) > room:
        said = said[: room - 1] + "…"
    return f"{said} {end}" if said else end


def _severity(body: Mapping[str, Any]) -> int:
    given = body.get("severity")
    if isinstance(given, str) and given.lower() in SEVERITIES:
        return SEVERITIES.index(given.lower())
    if str(given) in ("0", "1", "2", "3", "4", "5"):
        return int(str(given))
    raise _Rejected(f"body.severity: {given!r} is none of 0 to 5 or {', '.join(SEVERITIES)}.")


def _until(given: object) -> int:
    """Seconds since 1970, 0 for ever."""
    if given is None:
        return 0
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError as e:
        raise _Rejected(f"body.until: {given!r} is no time such as 2026-11-22T08:00:00+08:00.") from e
    if moment.tzinfo is None:
        raise _Rejected(f"body.until: {given!r} has no zone; write e.g. 2026-11-22T08:00:00+08:00.")
    return int(moment.timestamp())


# -- what Zabbix is asked ------------------------------------------------------------------------------------------


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def _problem(client: ZabbixClient, event_id: str) -> Problem | None:
    if not _is_id(event_id):
        return None
    query = {
        "eventids": [event_id],
        "value": [1],
        "output": ["eventid", "acknowledged", "severity", "r_eventid"],
        "selectRelatedObject": ["triggerid", "manual_close"],
        client.version().acknowledges: ["message", "action"],
    }
    found = client.call("event.get", query)
    return Problem.of(found[0]) if found else None


def _may_write(client: ZabbixClient, event_id: str) -> bool:
    query = {"eventids": [event_id], "value": [1], "output": ["eventid"], "editable": True}
    return bool(client.call("event.get", query))


def _too_old(client: ZabbixClient) -> str:
    return f"Zabbix {client.version().text} can't suppress a single problem; 6.2 and later can."


def _in_words(reason: str) -> str:
    """Zabbix's refusal with what to do about it."""
    said = reason.lower()
    if "does not allow manual closing" in said:
        return NO_MANUAL_CLOSE
    if "referred object" in said:
        return f"{GONE} Or: {NO_WRITE[0].lower()}{NO_WRITE[1:]}"
    for words, right in _ROLE_RIGHTS.items():
        if words in said:
            return f"The role of the hub's account lacks '{right}' (Users > User roles > Access to actions)."
    return f"Zabbix refuses: {reason}"


_ROLE_RIGHTS = {
    "close problems": "Close problems",
    "unacknowledge problems": "Acknowledge problems",
    "acknowledge problems": "Acknowledge problems",
    "add problem comments": "Add problem comments",
    "change problem severity": "Change severity",
    "suppress problems": "Suppress problems",
}
