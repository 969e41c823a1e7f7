"""The REST API of the stand-in: queries, records, upserts, descriptions, limits."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.salesforce.sandbox_http import Answer, Request, as_json
from connectors.salesforce.sandbox_query import Engine
from connectors.salesforce.sandbox_schema import Column, SObject
from connectors.salesforce.sandbox_soql import parse
from connectors.salesforce.sandbox_state import ApiError, Row, State, stamp

BATCH = 2000
"""Records in one answer, unless `Sforce-Query-Options: batchSize=N` says less."""


class Rest:
    """Answers requests behind /services/data/vNN.0/ of a user who has logged in."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._numbers = itertools.count(1)
        self._open: dict[str, tuple[list[Row], int]] = {}
        self.used = 0
        self.allowed = 15_000

    def forget_cursors(self) -> None:
        """As after two days, or when a user has too many: every nextRecordsUrl is void."""
        self._open.clear()

    @property
    def usage(self) -> dict[str, str]:
        return {"sforce-limit-info": f"api-usage={self.used}/{self.allowed}"}

    def answer(self, request: Request, version: str, path: list[str]) -> Answer:
        """Raises ApiError."""
        self.used += 1
        if self.used > self.allowed:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        match path:
            case ["query" | "queryAll" as verb] if request.method == "GET":
                return as_json(self._query(request, version, verb))
            case ["query" | "queryAll", locator] if request.method == "GET":
                return as_json(self._more(locator, version))
            case ["limits"]:
                left = self.allowed - self.used
                return as_json({"DailyApiRequests": {"Max": self.allowed, "Remaining": left}})
            case ["sobjects"]:
                seen = [of for of in self._state.objects.values() if of.readable]
                return as_json({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_outline(of) for of in seen]})
            case ["sobjects", name, *rest]:
                return self._record(request, version, self._state.object(name), rest)
            case []:
                return as_json(
                    {"sobjects": f"/services/data/v{version}/sobjects", "query": f"/services/data/v{version}/query"}
                )
            case _:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    # -- queries ------------------------------------------------------------------------------------------------------

    def _query(self, request: Request, version: str, verb: str) -> Row:
        if "q" not in request.query:
            raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
        query = parse(request.query["q"])
        engine = Engine(self._state, version)
        if query.counts:
            return {"totalSize": engine.count(query, deleted=verb == "queryAll"), "done": True, "records": []}
        records = engine.run(query, deleted=verb == "queryAll")
        size = BATCH
        options = request.headers.get("sforce-query-options", "").replace(" ", "").lower()
        if options.startswith("batchsize="):
            size = min(BATCH, max(1, int(options.partition("=")[2])))
        return self._page(records, 0, size, version)

    def _page(self, records: list[Row], start: int, size: int, version: str) -> Row:
        end = start + size
        page: Row = {"totalSize": len(records), "done": end >= len(records), "records": records[start:end]}
        if end < len(records):
            locator = f"01gWF{next(self._numbers):010d}AAA-{end}"
            self._open[locator] = (records, size)
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}"
        return page

    def _more(self, locator: str, version: str) -> Row:
        if locator not in self._open:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        records, size = self._open.pop(locator)
        return self._page(records, int(locator.rpartition("-")[2]), size, version)

    # -- records ------------------------------------------------------------------------------------------------------

    def _record(self, request: Request, version: str, of: SObject, rest: list[str]) -> Answer:
        state, method = self._state, request.method
        match (method, rest):
            case ("GET", ["describe"]):
                return as_json(_description(of))
            case ("GET", []):
                return as_json({"objectDescribe": _outline(of), "recentItems": []})
            case ("GET", ["deleted" | "updated" as which]):
                return as_json(self._changed(of, which, request.query))
            case ("POST", []):
                return as_json(_made(state.create(of.name, request.json)), 201)
            case ("GET", [identity]):
                return as_json(self._whole(of, state.row(of.name, identity), version))
            case ("PATCH", [identity]):
                state.update(of.name, state.row(of.name, identity), request.json)
                return Answer(204)
            case ("DELETE", [identity]):
                state.delete(of.name, identity)
                return Answer(204)
            case ("GET", [column, value]):
                return as_json(self._whole(of, self._only(of, column, value, version), version))
            case ("PATCH", [column, value]):
                return self._upsert(of, column, value, request.json, version)
        raise ApiError(
            405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are HEAD,GET,PATCH,DELETE"
        )

    def _upsert(self, of: SObject, column: str, value: str, values: Mapping[str, Any], version: str) -> Answer:
        rows = self._state.by_external_id(of.name, column, value)
        if column in values:
            raise ApiError(400, "INVALID_FIELD", f"The {column} field should not be specified in the sobject data.")
        if len(rows) > 1:
            raise _Several([f"/services/data/v{version}/sobjects/{of.name}/{row['Id']}" for row in rows])
        if rows:
            self._state.update(of.name, rows[0], values)
            return as_json(_made(rows[0]) | {"created": False})
        return as_json(_made(self._state.create(of.name, {**values, column: value})) | {"created": True}, 201)

    def _only(self, of: SObject, column: str, value: str, version: str) -> Row:
        rows = self._state.by_external_id(of.name, column, value)
        if len(rows) > 1:
            raise _Several([f"/services/data/v{version}/sobjects/{of.name}/{row['Id']}" for row in rows])
        if not rows:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return rows[0]

    def _whole(self, of: SObject, row: Row, version: str) -> Row:
        url = f"/services/data/v{version}/sobjects/{of.name}/{row['Id']}"
        seen = {name: row[name] for name, column in of.columns.items() if not column.hidden}
        return {"attributes": {"type": of.name, "url": url}, **seen}

    def _changed(self, of: SObject, which: str, given: Mapping[str, str]) -> Row:
        start, end = (datetime.fromisoformat(given[name]).astimezone(UTC) for name in ("start", "end"))
        rows = [
            r
            for r in self._state.tables[of.name].values()
            if start <= datetime.fromisoformat(r["SystemModstamp"]) <= end and r["IsDeleted"] is (which == "deleted")
        ]
        if which == "updated":
            return {"ids": [r["Id"] for r in rows], "latestDateCovered": stamp(end)}
        deleted = [{"id": r["Id"], "deletedDate": r["SystemModstamp"]} for r in rows]
        return {"deletedRecords": deleted, "latestDateCovered": stamp(end), "earliestDateAvailable": stamp(start)}


class _Several(ApiError):
    """300: an external id that several records have; the body lists them."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__(300, "MULTIPLE_CHOICES", "more than one record")
        self.urls = urls

    @property
    def body(self) -> list[Any]:
        return list(self.urls)


def _made(row: Row) -> Row:
    return {"id": row["Id"], "success": True, "errors": []}


def _outline(of: SObject) -> Row:
    flags = {"createable": of.createable, "updateable": of.updateable, "deletable": of.deletable}
    return {
        "name": of.name,
        "label": of.name,
        "keyPrefix": of.prefix,
        "queryable": of.readable,
        "custom": False,
    } | flags


def _description(of: SObject) -> Row:
    fields = [_field(of, column) for column in of.columns.values() if not column.hidden]
    children = [
        {"relationshipName": name, "childSObject": child, "field": link} for name, (child, link) in of.children.items()
    ]
    return _outline(of) | {"fields": fields, "childRelationships": children}


def _field(of: SObject, column: Column) -> Row:
    may_write = not column.system and not column.read_only
    return {
        "name": column.name,
        "label": column.label or column.name,
        "type": column.type,
        "length": column.length,
        "nillable": not column.required,
        "custom": column.name.endswith("__c"),
        "externalId": column.external_id,
        "unique": column.unique,
        "createable": may_write and of.createable,
        "updateable": may_write and of.updateable,
        "filterable": not (column.type == "textarea" and column.length > 255),
        "referenceTo": list(column.to),
        "relationshipName": column.relationship or None,
        "picklistValues": [{"value": value, "label": value, "active": True} for value in column.values],
        "restrictedPicklist": column.restricted,
    }
