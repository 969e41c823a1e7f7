"""The records of the stand-in organization: what Salesforce itself sets, checks and refuses when one is written."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.salesforce.sandbox_schema import Column, SObject, schema

Row = dict[str, Any]
SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class ApiError(Exception):
    """A refusal as Salesforce words it."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.fields = status, code, message, fields

    @property
    def body(self) -> list[Row]:
        return [{"message": self.message, "errorCode": self.code, "fields": list(self.fields)}]


def long_id(short: str) -> str:
    """An Id of 18 characters, whose last three tell the case of the first 15."""
    ends = "".join(
        SUFFIX[sum(1 << place for place, sign in enumerate(short[start : start + 5]) if sign.isupper())]
        for start in (0, 5, 10)
    )
    return short + ends


def stamp(at: datetime) -> str:
    """A moment as the REST API writes it: whole seconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


class State:
    """The records. `clock` gives the organization's time; `changes` counts what API users have written."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.objects: dict[str, SObject] = schema()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in self.objects}
        self.changes = 0
        self.case_tracking = True
        """Whether the history of Case.Status is kept (Setup > Case > Set History Tracking)."""
        self._numbers = dict.fromkeys(self.objects, 0)
        self.person: str | None = None
        self.organization = self.put("Organization", Name="Weft 示例公司", OrganizationType="Enterprise Edition",
                                     InstanceName="CS99", IsSandbox=True)["Id"]  # fmt: skip
        self.person = self.put("User", Name="李娜", Username="li.na@example.test", IsActive=True)["Id"]
        self.hub = self.put("User", Name="Weft Hub", Username="weft@example.test", IsActive=True)["Id"]
        for label, closed in (("New", False), ("Working", False), ("Escalated", False), ("Closed", True)):
            self.put("CaseStatus", MasterLabel=label, ApiName=label, IsClosed=closed, IsDefault=label == "New")

    # -- people's own doing: no rights are checked --------------------------------------------------------------------

    def put(self, name: str, at: datetime | None = None, **values: Any) -> Row:
        """A new record as if made in the organization, at a time of one's own choice."""
        with self.lock:
            return self._insert(self.objects[name], values, stamp(at or self.clock()), None)

    def change(self, name: str, identity: str, at: datetime | None = None, **values: Any) -> Row:
        """A change as a person makes it in the pages."""
        with self.lock:
            row = self.tables[name][identity]
            self._update(self.objects[name], row, values, stamp(at or self.clock()), None)
            return row

    def remove(self, name: str, identity: str, at: datetime | None = None) -> None:
        """Into the recycle bin."""
        with self.lock:
            now = stamp(at or self.clock())
            self.tables[name][identity] |= {"IsDeleted": True, "SystemModstamp": now, "LastModifiedDate": now}

    # -- the API user's doing -----------------------------------------------------------------------------------------

    def create(self, name: str, values: Mapping[str, Any]) -> Row:
        of = self.object(name)
        if not of.createable:
            raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {name}")
        self._check(of, values, None)
        row = self._insert(of, values, stamp(self.clock()), self.hub)
        self.changes += 1
        return row

    def update(self, name: str, row: Row, values: Mapping[str, Any]) -> None:
        of = self.object(name)
        if not of.updateable:
            raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        self._check(of, values, row)
        self._update(of, row, values, stamp(self.clock()), self.hub)
        self.changes += 1

    def delete(self, name: str, identity: str) -> None:
        row = self.row(name, identity)
        if not self.object(name).deletable:
            raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        self.remove(name, row["Id"])
        self.changes += 1

    def object(self, name: str) -> SObject:
        """Raises ApiError for an object that does not exist or is not for the user to see."""
        found = next((of for key, of in self.objects.items() if key.lower() == name.lower()), None)
        if found is None or not found.readable:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    def row(self, name: str, identity: str) -> Row:
        of = self.object(name)
        if not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", identity):
            raise ApiError(
                404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + identity
            )
        found = self.tables[of.name].get(long_id(identity[:15]))
        if found is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if found["IsDeleted"]:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        return found

    def by_external_id(self, name: str, column: str, value: str) -> list[Row]:
        of = self.object(name)
        key = next((c for c in of.columns.values() if c.name.lower() == column.lower()), None)
        if key is None or not key.external_id or key.hidden:
            text = f"Provided external ID field does not exist or is not accessible: {column}"
            raise ApiError(404, "NOT_FOUND", text)
        rows = self.tables[of.name].values()
        return [r for r in rows if not r["IsDeleted"] and str(r.get(key.name) or "").lower() == value.lower()]

    # -- what Salesforce checks ---------------------------------------------------------------------------------------

    def _check(self, of: SObject, values: Mapping[str, Any], row: Row | None) -> None:
        for name, value in values.items():
            column = of.columns.get(name)
            if column is None or column.hidden:
                text = f"No such column '{name}' on sobject of type {of.name}"
                raise ApiError(400, "INVALID_FIELD", text)
            if column.system or column.read_only:
                text = (
                    f"Unable to create/update fields: {name}. Please check the security settings of this field and verify "
                    "that it is read/write for your profile or permission set."
                )
                raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, (name,))
            self._check_value(of, column, value, row)
        if row is None:
            missing = [c.name for c in of.columns.values() if c.required and values.get(c.name) in (None, "")]
            if missing:
                raise ApiError(
                    400,
                    "REQUIRED_FIELD_MISSING",
                    f"Required fields are missing: [{', '.join(missing)}]",
                    tuple(missing),
                )

    def _check_value(self, of: SObject, column: Column, value: Any, row: Row | None) -> None:
        if value is None or value == "":
            return
        name = column.name
        wrong = {
            "boolean": not isinstance(value, bool),
            "double": isinstance(value, bool) or not _is_number(value),
        }.get(column.type, isinstance(value, (dict, list)))
        if wrong:
            raise ApiError(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {column.type} from {value!r}")
        if isinstance(value, str) and column.type in ("string", "textarea", "phone") and len(value) > column.length:
            text = f"{column.label or name}: data value too large: {value[:40]} (max length={column.length})"
            raise ApiError(400, "STRING_TOO_LONG", text, (name,))
        if column.restricted and value not in column.values:
            text = f"{name}: bad value for restricted picklist field: {value}"
            raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, (name,))
        if column.to and long_id(str(value)[:15]) not in {i for target in column.to for i in self.tables[target]}:
            code = "INVALID_CROSS_REFERENCE_KEY" if len(str(value)) in (15, 18) else "MALFORMED_ID"
            raise ApiError(400, code, f"{name}: id value of incorrect type: {value}", (name,))
        if column.unique:
            other = next((r for r in self.tables[of.name].values() if r is not row and r.get(name) == value), None)
            if other is not None and not other["IsDeleted"]:
                text = f"duplicate value found: {name} duplicates value on record with id: {other['Id'][:15]}"
                raise ApiError(400, "DUPLICATE_VALUE", text)

    # -- what Salesforce sets -----------------------------------------------------------------------------------------

    def _insert(self, of: SObject, values: Mapping[str, Any], now: str, user: str | None) -> Row:
        self._numbers[of.name] += 1
        identity = long_id(f"{of.prefix}WF{self._numbers[of.name]:010d}")
        row: Row = {name: False if c.type == "boolean" else None for name, c in of.columns.items()}
        row |= {"Id": identity, "IsDeleted": False, "CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
        row |= dict.fromkeys({"CreatedById", "LastModifiedById", "OwnerId"} & of.columns.keys(), user or self.person)
        row |= {name: self._kept(of.columns[name], value) for name, value in values.items()}
        self._derive(of, row, {}, now)
        self.tables[of.name][identity] = row
        return row

    def _update(self, of: SObject, row: Row, values: Mapping[str, Any], now: str, user: str | None) -> None:
        before = dict(row)
        row |= {name: self._kept(of.columns[name], value) for name, value in values.items()}
        row |= {"LastModifiedDate": now, "SystemModstamp": now, "LastModifiedById": user or self.person}
        self._derive(of, row, before, now)

    def _kept(self, column: Column, value: Any) -> Any:
        if value == "":
            return None
        if column.to and value is not None:
            return long_id(str(value)[:15])
        if column.type == "double" and value is not None:
            return Decimal(str(value))
        return value.strip() if isinstance(value, str) else value

    def _derive(self, of: SObject, row: Row, before: Mapping[str, Any], now: str) -> None:
        if of.name == "Contact":
            western = str(row["LastName"]).isascii()
            names = [row["FirstName"], row["LastName"]] if western else [row["LastName"], row["FirstName"]]
            row["Name"] = (" " if western else "").join(part for part in names if part)
        elif of.name == "Case":
            self._derive_case(row, before, now)
        elif of.name in ("Task", "Event"):
            row["AccountId"] = row["AccountId"] or self._account_of(row)
            if of.name == "Task":
                row["Status"] = row["Status"] or "Not Started"
                row["IsClosed"] = row["Status"] == "Completed"
                if row["IsClosed"] and not row["CompletedDateTime"]:
                    row["CompletedDateTime"] = now

    def _derive_case(self, row: Row, before: Mapping[str, Any], now: str) -> None:
        row["Status"] = row["Status"] or "New"
        row["CaseNumber"] = row["CaseNumber"] or f"{self._numbers['Case']:08d}"
        row["IsClosed"] = row["Status"] == "Closed"
        row["ClosedDate"] = (row["ClosedDate"] or now) if row["IsClosed"] else None
        if before and before["Status"] != row["Status"] and self.case_tracking:
            self.put("CaseHistory", datetime.fromisoformat(now), CaseId=row["Id"], Field="Status",
                     OldValue=before["Status"], NewValue=row["Status"])  # fmt: skip

    def _account_of(self, row: Row) -> Any:
        what, who = str(row["WhatId"] or ""), str(row["WhoId"] or "")
        if what in self.tables["Account"]:
            return what
        parent = self.tables["Case"].get(what) or self.tables["Contact"].get(who) or {}
        return parent.get("AccountId")


def _is_number(value: Any) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value)))
