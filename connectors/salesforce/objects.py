"""The objects that are read, column by column, and what one row of an answer becomes.

A record has Salesforce's own names: `Name`, `Owner.Name` as `{"Owner": {"Name": ...}}`, custom columns as configured.
What the connector adds stands under `weft`: `url` (the record's page) and for cases `ticket` (the hub's number when
the hub made the case), `complaint`, `reopenings` and `reopened_at` (from the history of Status, null without one).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.contract import DELETED, Record, Stream
from connectors.errors import BadRecord
from connectors.exact import exact_number
from connectors.salesforce.config import SalesforceConfig

Kind = Literal["text", "flag", "number", "moment", "day", "any"]
HISTORY = "(SELECT CreatedDate, OldValue, NewValue FROM Histories WHERE Field = 'Status' ORDER BY CreatedDate)"

_JSON: Mapping[Kind, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "number": {"type": ["number", "null"]},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "any": {},
}
_ALWAYS: Mapping[str, Kind] = {
    "Id": "text",
    "IsDeleted": "flag",
    "CreatedDate": "moment",
    "SystemModstamp": "moment",
    "OwnerId": "text",
    "Owner.Name": "text",
}


def _texts(names: str) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), "text")


@dataclass(frozen=True, slots=True)
class Object:
    """One kind of record as this connection reads it."""

    stream: str
    name: str
    columns: Mapping[str, Kind]
    with_history: bool = False

    @property
    def selected(self) -> list[str]:
        """What is asked for: the columns, and the history as a subquery."""
        return [*self.columns, *([HISTORY] if self.with_history else [])]


def objects(config: SalesforceConfig) -> tuple[Object, ...]:
    """What is read, with the columns that the settings add."""
    extra = config.extra_columns
    own: dict[str, Kind] = {config.health_field: "number"} if config.health_field else {}
    ticket: dict[str, Kind] = {config.ticket_field: "text"} if config.ticket_field else {}
    return (
        _object(
            "accounts",
            "Account",
            _texts("Name AccountNumber Type Industry Rating Phone Website ParentId")
            | _texts("BillingStreet BillingCity BillingCountry"),
            own,
            extra.account,
        ),
        _object(
            "contacts",
            "Contact",
            _texts("AccountId Name Title Department Phone MobilePhone Email MailingCity"),
            {},
            extra.contact,
        ),
        _object(
            "cases",
            "Case",
            _texts("CaseNumber AccountId ContactId Subject Description Type Reason Status Priority Origin")
            | _texts("Account.Name Contact.Name")
            | {"IsClosed": "flag", "IsEscalated": "flag", "ClosedDate": "moment"},
            ticket,
            extra.case,
            with_history=True,
        ),
        _object(
            "tasks",
            "Task",
            _texts("AccountId WhoId WhatId Subject Description Status Priority TaskSubtype CallType Who.Name")
            | {"ActivityDate": "day", "IsClosed": "flag", "CompletedDateTime": "moment"},
            {},
            extra.task,
        ),
        _object(
            "events",
            "Event",
            _texts("AccountId WhoId WhatId Subject Description Location Who.Name")
            | {"StartDateTime": "moment", "EndDateTime": "moment", "IsAllDayEvent": "flag", "ActivityDate": "day"},
            {},
            extra.event,
        ),
    )


def _object(
    stream: str,
    name: str,
    standard: Mapping[str, Kind],
    own: Mapping[str, Kind],
    extra: Collection[str],
    *,
    with_history: bool = False,
) -> Object:
    added: dict[str, Kind] = dict.fromkeys(extra, "any")
    return Object(stream, name, {**_ALWAYS, **added, **standard, **own}, with_history)


def stream(of: Object, config: SalesforceConfig) -> Stream:
    properties: dict[str, Any] = {}
    for column, kind in of.columns.items():
        top, dot, _ = column.partition(".")
        properties[top] = {"type": ["object", "null"]} if dot else _JSON[kind]
    properties["weft"] = {"type": "object", "description": "what the connector adds"}
    schema = {"type": "object", "required": ["Id"], "properties": properties}
    return Stream(name=of.stream, key=("Id",), schema_=schema, deletes="tombstone", lookback=config.lookback)


# -- one row ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes records of rows. `closed`: the values of Case.Status that mean closed."""

    of: Object
    config: SalesforceConfig
    base: str
    closed: Collection[str] = ()

    def record(self, row: Mapping[str, Any]) -> Record:
        """Raises BadRecord naming the column that is not of its kind."""
        identity = row.get("Id")
        if not isinstance(identity, str) or not identity:
            raise BadRecord("a record without Id", record=dict(row))
        if row.get("IsDeleted") is True:
            return {"Id": identity, DELETED: True}
        record: dict[str, Any] = {}
        for column, kind in self.of.columns.items():
            try:
                _put(record, column, _value(kind, _at(row, column)))
            except BadRecord as error:
                raise BadRecord(f"{self.of.name} {identity}, {column}: {error}", record=dict(row)) from None
        record["weft"] = {"url": f"{self.base}/{identity}"}
        if self.of.name == "Case":
            record["weft"] |= self._about_case(row)
        return record

    def _about_case(self, row: Mapping[str, Any]) -> dict[str, Any]:
        changes = (row.get("Histories") or {}).get("records") or ()
        reopened = [
            moment(change.get("CreatedDate"))
            for change in changes
            if change.get("OldValue") in self.closed and change.get("NewValue") not in self.closed
        ]
        return {
            "ticket": row.get(self.config.ticket_field) or None,
            "complaint": row.get("IsEscalated") is True or row.get("Type") in self.config.complaint_types,
            "reopenings": len(reopened),
            "reopened_at": max((at for at in reopened if at is not None), default=None),
        }


def moment(value: object) -> datetime | None:
    """A time such as 2026-11-22T05:30:07.000+0000. Raises BadRecord."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadRecord(f"{value!r} is no time", record=value) from None
    if at.tzinfo is None:
        raise BadRecord(f"the time {value!r} has no zone", record=value)
    return at.astimezone(UTC)


def _value(kind: Kind, value: Any) -> Any:
    if value is None or kind == "any":
        return value
    if kind == "moment":
        return moment(value)
    if kind == "number":
        return exact_number(value)
    if kind == "flag" and not isinstance(value, bool):
        raise BadRecord(f"{value!r} is neither true nor false", record=value)
    if kind in ("text", "day") and not isinstance(value, str):
        raise BadRecord(f"{value!r} is no text", record=value)
    return value


def _at(row: Mapping[str, Any], column: str) -> Any:
    value: Any = row
    for step in column.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _put(record: dict[str, Any], column: str, value: Any) -> None:
    *path, last = column.split(".")
    for step in path:
        record = record.setdefault(step, {})
    record[last] = value
