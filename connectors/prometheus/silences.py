"""Silences of Alertmanager that we made: how they carry our command and ticket, and how they are found again.

Alertmanager has no idempotency key, so each silence carries a mark in its comment, `[weft TICKET KEY]`, KEY being the
command's idempotency key. A silence counts as ours when its author is ours and its comment ends in such marks. Changing
matchers or the start makes Alertmanager expire the old silence and create another; a longer end keeps its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.contract import Command, Operation
from connectors.errors import ConfigProblem
from connectors.prometheus.config import PrometheusConfig

_TICKET = re.compile(r"[\w.:-]{1,80}", re.ASCII)
_MARK = re.compile(r"\[weft ([\w.:-]{1,80}) ([0-9a-f]{32})\]", re.ASCII)
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST = timedelta(days=366)
_MINUTES = {"type": "integer", "minimum": 1, "maximum": 527_040, "title": "Minutes"}
_UNTIL = {"type": "string", "format": "date-time", "title": "Until, instead of minutes"}
_TICKET_ID = {"type": "string", "maxLength": 80, "title": "Ticket"}
_COMMENT = {"type": "string", "maxLength": 1000, "title": "Comment"}

OPERATIONS = (
    Operation(
        name="silence",
        title="Silence the alert",
        title_zh="静默告警",
        body_schema={
            "type": "object",
            "required": ["ticket"],
            "properties": {"ticket": _TICKET_ID, "minutes": _MINUTES, "until": _UNTIL, "comment": _COMMENT},
            "additionalProperties": False,
        },
    ),
    Operation(
        name="extend_silence",
        title="Silence for longer",
        title_zh="延长静默",
        body_schema={
            "type": "object",
            "properties": {"minutes": _MINUTES, "until": _UNTIL},
            "additionalProperties": False,
        },
    ),
    Operation(
        name="expire_silence",
        title="End the silence",
        title_zh="结束静默",
        body_schema={"type": "object", "properties": {}, "additionalProperties": False},
    ),
)


class Unfit(Exception):
    """A command that cannot be carried out as it is; the text says which field and what to write instead."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence of Alertmanager that carries our marks."""

    id: str
    state: str
    matchers: tuple[tuple[str, str], ...]
    starts_at: str
    ends_at: datetime
    comment: str
    raw_matchers: Sequence[Mapping[str, Any]]

    @property
    def tickets(self) -> frozenset[str]:
        return frozenset(ticket for ticket, _ in _MARK.findall(self.comment))

    @property
    def lasts(self) -> bool:
        return self.state in ("active", "pending")

    def carries(self, command: Command) -> bool:
        """Whether this very command made or changed it."""
        return any(key == command.idempotency_key for _, key in _MARK.findall(self.comment))


def ours(listing: Any, config: PrometheusConfig) -> list[Silence]:
    """Our silences in the answer of `GET /api/v2/silences`, in any state; others' are left out."""
    found = []
    for item in listing if isinstance(listing, list) else []:
        if isinstance(item, dict) and item.get("createdBy") == config.created_by:
            comment = item.get("comment")
            if isinstance(comment, str) and _MARK.search(comment):
                found.append(_silence(item, comment))
    return found


def named_by(key: Mapping[str, Any], silences: Iterable[Silence]) -> list[Silence]:
    """Those that a command's key names: `{silence_id: …}`, or `{ticket: …}` for all of a ticket. Raises Unfit."""
    silence_id, ticket = key.get("silence_id"), key.get("ticket")
    if silence_id is not None:
        if not isinstance(silence_id, str) or not _UUID.fullmatch(silence_id):
            raise Unfit(
                "key.silence_id: expected the id Alertmanager gave, such as d4fe000f-d8ce-4c83-8c91-b757349febf1"
            )
        return [s for s in silences if s.id == silence_id]
    name = _ticket(ticket, "key.ticket")
    return [s for s in silences if name in s.tickets]


def matchers_of(command: Command, config: PrometheusConfig) -> tuple[tuple[str, str], ...]:
    """The labels a silence shall match, sorted. Raises Unfit."""
    labels = command.key.get("labels")
    if not isinstance(labels, Mapping) or not labels:
        raise Unfit("key.labels: expected the labels of the alert, as {alertname: …, instance: …}")
    for name, value in labels.items():
        if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
            raise Unfit(f"key.labels: {name!r} is no label name: letters, digits and _")
        if not isinstance(value, str):
            raise Unfit(f"key.labels.{name}: expected text")
    chosen = {name: value for name, value in labels.items() if value and name in (config.silence_labels or labels)}
    if not chosen:
        wanted = ", ".join(config.silence_labels) or "any with a value"
        raise Unfit(f"key.labels: the alert has none of the labels that a silence shall match ({wanted})")
    return tuple(sorted(chosen.items()))


def new_silence(command: Command, config: PrometheusConfig, now: datetime) -> dict[str, Any]:
    """The body that creates a silence. Its start lies in the past, which Alertmanager takes as its own now: so our
    clocks need not agree. Raises Unfit."""
    ticket = _ticket(command.body.get("ticket"), "body.ticket")
    text = command.body.get("comment") or ""
    if not isinstance(text, str) or len(text) > 1000:
        raise Unfit("body.comment: expected text of at most 1000 characters")
    text = _MARK.sub("", text).strip()
    return {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in matchers_of(command, config)
        ],
        "startsAt": _rfc3339(now - timedelta(hours=1)),
        "endsAt": _rfc3339(end_of(command, config, now)),
        "createdBy": config.created_by,
        "comment": " ".join(filter(None, [f"{ticket}:" if text else ticket, text, _mark(ticket, command)])),
    }


def longer(silence: Silence, command: Command, config: PrometheusConfig, now: datetime) -> dict[str, Any]:
    """The body that makes a silence end at the time of a command, and carry its mark as well. Raises Unfit."""
    ticket = command.body.get("ticket") or next(iter(sorted(silence.tickets)))
    return {
        "id": silence.id,
        "matchers": list(silence.raw_matchers),
        "startsAt": silence.starts_at,
        "endsAt": _rfc3339(end_of(command, config, now)),
        "createdBy": config.created_by,
        "comment": f"{silence.comment} {_mark(str(ticket), command)}",
    }


def end_of(command: Command, config: PrometheusConfig, now: datetime) -> datetime:
    """When the silence of a command ends: `until`, else `minutes` from now, else the settings' time. Raises Unfit."""
    until, minutes = command.body.get("until"), command.body.get("minutes")
    if until is not None:
        end = _time(until)
    elif minutes is None:
        end = now + timedelta(minutes=config.silence_minutes)
    elif isinstance(minutes, bool) or not isinstance(minutes, int | Decimal) or not 1 <= minutes <= 527_040:
        raise Unfit("body.minutes: expected a number from 1 to 527040 (366 days)")
    else:
        end = now + timedelta(minutes=int(minutes))
    if not now < end <= now + _LONGEST:
        raise Unfit(f"body.until: {_rfc3339(end)} must lie ahead, by 366 days at most")
    return end


def _time(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Unfit("body.until: expected a time with a zone, such as 2026-11-22T18:00:00+08:00")
    return value


def _ticket(value: Any, path: str) -> str:
    if not isinstance(value, str) or not _TICKET.fullmatch(value):
        raise Unfit(f"{path}: expected a ticket's id such as TKT-2026-000001")
    return value


def _mark(ticket: str, command: Command) -> str:
    return f"[weft {ticket} {command.idempotency_key}]"


def _silence(item: Mapping[str, Any], comment: str) -> Silence:
    try:
        return _read(item, comment)
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigProblem(
            f"silence {item.get('id')!r} cannot be read: {error}", hint="is it Alertmanager?"
        ) from error


def _read(item: Mapping[str, Any], comment: str) -> Silence:
    matchers = item.get("matchers") or []
    plain = all(m.get("isEqual", True) and not m.get("isRegex") for m in matchers)
    status = item.get("status")
    return Silence(
        id=str(item.get("id", "")),
        state=str(status.get("state", "")) if isinstance(status, dict) else "",
        matchers=tuple(sorted((str(m.get("name")), str(m.get("value"))) for m in matchers)) if plain else (),
        starts_at=str(item.get("startsAt", "")),
        ends_at=datetime.fromisoformat(str(item.get("endsAt"))),
        comment=comment,
        raw_matchers=matchers,
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
