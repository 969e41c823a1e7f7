"""What the connector asks of a MES, and how each service is asked it: operation, arguments, and where the answer lies.

A service of one's own is described by settings (`calls`), field by field on top of these tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from connectors.contract import Settings
from connectors.errors import BadRecord

CallName = Literal[
    "info",
    "equipment",
    "downtime",
    "oee",
    "work_orders",
    "inspections",
    "equipment_of",
    "downtime_of",
    "oee_of",
    "work_orders_of",
    "inspections_of_item",
    "inspections_of_batch",
    "report",
    "report_of",
]
CALL_NAMES: tuple[CallName, ...] = get_args(CallName)
STREAMS: tuple[CallName, ...] = ("equipment", "downtime", "oee", "work_orders", "inspections")
_PAGED = ("since", "until", "page", "page_size")
PLACEHOLDERS: Mapping[CallName, tuple[str, ...]] = {
    "info": (),
    **dict.fromkeys(STREAMS, _PAGED),
    "equipment_of": ("device", *_PAGED),
    "downtime_of": ("device", "begin", "end", *_PAGED),
    "oee_of": ("device", "begin", "end"),
    "work_orders_of": ("device", *_PAGED),
    "inspections_of_item": ("item", *_PAGED),
    "inspections_of_batch": ("batch", *_PAGED),
    "report": ("order", "device", "type", "priority", "description", "request"),
    "report_of": ("request",),
}
"""What may stand in the arguments of each call, as `{name}`."""
_PLACE = re.compile(r"\{(\w+)\}")
_QUOTED = re.compile(r"'([^']*\{\w+\}[^']*)'")


class CallSettings(Settings):
    """How one call is made to a service of one's own. What is left out is as in the built-in table of the style."""

    operation: str | None = Field(
        default=None, max_length=200, description="Operation of the WSDL; empty: the service can't do this."
    )
    arguments: dict[str, str] | None = Field(
        default=None, description="Argument: text with placeholders such as {since}; all of the call's arguments."
    )
    json_argument: str | None = Field(
        default=None, description="Argument that takes one JSON object, made of `json_fields`."
    )
    json_fields: dict[str, str] | None = Field(
        default=None, description="Field of that JSON object: text with placeholders."
    )
    rows: str | None = Field(default=None, description="Where in the answer the rows are (dotted path).")
    total: str | None = Field(default=None, description="Where the number of all rows that match is.")
    as_of: str | None = Field(default=None, description="Where the service's own time is.")
    fields: dict[str, str] | None = Field(
        default=None, description="Field of the connector's record: dotted path in a row; added to the built-in ones."
    )

    @field_validator("arguments", "json_fields")
    @classmethod
    def _known_places(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        known = {name for names in PLACEHOLDERS.values() for name in names}
        unknown = sorted({name for text in (value or {}).values() for name in _PLACE.findall(text)} - known)
        if unknown:
            raise ValueError(f"there is no placeholder {{{unknown[0]}}}; there are {', '.join(sorted(known))}")
        return value


_AS_BUILT_IN = CallSettings()


class Calls(Settings):
    """The calls of a service of one's own; what is left out is as in the built-in table of the style."""

    info: CallSettings = Field(default=_AS_BUILT_IN, description="Who answers: name, version, time.")
    equipment: CallSettings = Field(default=_AS_BUILT_IN, description="Machines, by change.")
    downtime: CallSettings = Field(default=_AS_BUILT_IN, description="Stops, by change.")
    oee: CallSettings = Field(default=_AS_BUILT_IN, description="OEE per machine and period, by change.")
    work_orders: CallSettings = Field(default=_AS_BUILT_IN, description="Work orders, by change.")
    inspections: CallSettings = Field(default=_AS_BUILT_IN, description="Inspections, by change.")
    equipment_of: CallSettings = Field(default=_AS_BUILT_IN, description="One machine: is it known?")
    downtime_of: CallSettings = Field(default=_AS_BUILT_IN, description="Stops of a machine within a time.")
    oee_of: CallSettings = Field(default=_AS_BUILT_IN, description="OEE of a machine for any time.")
    work_orders_of: CallSettings = Field(default=_AS_BUILT_IN, description="Work orders of a machine.")
    inspections_of_item: CallSettings = Field(default=_AS_BUILT_IN, description="Inspections of an item.")
    inspections_of_batch: CallSettings = Field(default=_AS_BUILT_IN, description="Inspections of a batch.")
    report: CallSettings = Field(default=_AS_BUILT_IN, description="Reporting maintenance.")
    report_of: CallSettings = Field(default=_AS_BUILT_IN, description="The order a report became, by its request id.")

    def of(self, name: CallName) -> CallSettings:
        found: CallSettings = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class Call:
    """One call, ready to be made."""

    operation: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    json_argument: str = ""
    json_fields: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""
    total: str = ""
    as_of: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def changed(self, given: CallSettings) -> Call:
        """This call as the settings want it."""
        told = {name: value for name in Call.__slots__ if (value := getattr(given, name)) is not None}
        if given.fields is not None:
            told["fields"] = {**self.fields, **given.fields}
        return Call(**{name: told.get(name, getattr(self, name)) for name in Call.__slots__})

    @property
    def bounded(self) -> bool:
        """The service is told up to which change it shall list, so pages of one moment can be counted."""
        return any("{until}" in text for text in self.arguments.values())

    def filled(self, values: Mapping[str, Any], form: Form) -> dict[str, Any]:
        """The arguments with these values in place of their placeholders; what has none is left out.

        :raises BadRecord: a value can't stand between quotes.
        """
        sent = {name: _fill(text, values, form) for name, text in self.arguments.items()}
        if self.json_argument:
            body = {name: _fill(text, values, form) for name, text in self.json_fields.items()}
            sent[self.json_argument] = json.dumps(body, ensure_ascii=False, default=str)
        return {name: value for name, value in sent.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Form:
    """How a service writes times: with `time_format` (of strftime) in its `zone`; empty: as the WSDL's own type."""

    zone: ZoneInfo
    time_format: str = ""

    def written(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(self.zone).strftime(self.time_format) if self.time_format else value
        return value


def at_path(value: Any, path: str) -> Any:
    """What lies under a dotted path of maps; the value itself for an empty path, null where there is nothing."""
    for step in path.split(".") if path else ():
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _fill(text: str, values: Mapping[str, Any], form: Form) -> Any:
    """A text that is one placeholder becomes the value itself; a value between quotes has its own quotes doubled."""
    if (whole := _PLACE.fullmatch(text)) is not None:
        return form.written(values.get(whole[1]))

    def plain(found: re.Match[str]) -> str:
        value = form.written(values.get(found[1]))
        return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)

    parts, at = [], 0
    for quoted in _QUOTED.finditer(text):
        inside = _PLACE.sub(lambda found: _between_quotes(plain(found)), quoted[1])
        parts += [_PLACE.sub(plain, text[at : quoted.start()]), f"'{inside}'"]
        at = quoted.end()
    return "".join([*parts, _PLACE.sub(plain, text[at:])])


def _between_quotes(text: str) -> str:
    if "\\" in text or any(ord(sign) < 32 for sign in text):
        raise BadRecord(f"{text[:60]!r} can't be asked for: it holds a backslash or a control character", record=text)
    return text.replace("'", "''")


def places_of(texts: Mapping[str, str]) -> set[str]:
    """The names of all placeholders in these texts."""
    return {name for text in texts.values() for name in _PLACE.findall(text)}
