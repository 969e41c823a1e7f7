"""Bulk API 2.0 of the stand-in: query jobs, and ingest jobs that insert, update, upsert or delete. Jobs end at once."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass, field
from typing import Any

from connectors.salesforce.sandbox_http import Answer, Request, as_json
from connectors.salesforce.sandbox_query import Engine
from connectors.salesforce.sandbox_schema import SObject
from connectors.salesforce.sandbox_soql import parse
from connectors.salesforce.sandbox_state import ApiError, Row, State

_DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}


@dataclass(slots=True)
class Job:
    about: Row
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    done: list[list[str]] = field(default_factory=list)
    failed: list[list[str]] = field(default_factory=list)
    data: str = ""


class Bulk:
    """Answers requests behind /services/data/vNN.0/jobs/."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Job] = {}

    def answer(self, request: Request, path: list[str]) -> Answer:
        """Raises ApiError."""
        match (request.method, path):
            case ("POST", ["query" | "ingest" as kind]):
                return as_json(self._create(kind, request.json))
            case ("GET", [_, identity]):
                return as_json(self._job(identity).about)
            case ("PATCH", [kind, identity]):
                return as_json(self._advance(self._job(identity), str(request.json.get("state"))))
            case ("DELETE", [_, identity]):
                self._job(identity)
                del self._jobs[identity]
                return Answer(204)
            case ("PUT", ["ingest", identity, "batches"]):
                self._job(identity).data = request.body.decode()
                return Answer(201)
            case ("GET", ["query", identity, "results"]):
                return self._results(self._job(identity), request)
            case ("GET", ["ingest", identity, which]):
                return self._outcome(self._job(identity), which)
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _job(self, identity: str) -> Job:
        if identity not in self._jobs:
            raise ApiError(404, "INVALIDJOB", f"Invalid job id: {identity}")
        return self._jobs[identity]

    def _create(self, kind: str, given: Row) -> Row:
        identity = f"750WF{next(self._numbers):010d}AAA"
        job = self._jobs[identity] = Job(
            {"id": identity, "state": "Open", "numberRecordsProcessed": 0, "numberRecordsFailed": 0} | given
        )
        if kind == "query":
            query = parse(str(given.get("query")))
            records = Engine(self._state).run(query, deleted=given.get("operation") == "queryAll")
            job.header = list(query.columns)
            job.rows = [[_cell(_at(record, column)) for column in query.columns] for record in records]
            job.about |= {"object": query.source, "state": "JobComplete", "numberRecordsProcessed": len(records)}
        return job.about

    def _advance(self, job: Job, state: str) -> Row:
        job.about["state"] = state
        if state == "UploadComplete":
            self._ingest(job)
            job.about |= {
                "state": "JobComplete",
                "numberRecordsProcessed": len(job.rows),
                "numberRecordsFailed": len(job.failed),
            }
        return job.about

    def _ingest(self, job: Job) -> None:
        of = self._state.object(str(job.about["object"]))
        lines = csv.reader(io.StringIO(job.data), delimiter=_DELIMITERS[job.about.get("columnDelimiter", "COMMA")])
        job.header, *job.rows = list(lines) or [[]]
        for row in job.rows:
            given = dict(zip(job.header, row, strict=True))
            try:
                identity, made = self._one(job, of, given)
                job.done.append([identity, "true" if made else "false", *row])
            except ApiError as error:
                job.failed.append(["", f"{error.code}:{error.message}:{','.join(error.fields) or '--'}", *row])

    def _one(self, job: Job, of: SObject, given: dict[str, str]) -> tuple[str, bool]:
        values = {name: _typed(of, name, text) for name, text in given.items() if name != "Id" and text != ""}
        operation = job.about["operation"]
        if operation == "insert":
            return str(self._state.create(of.name, values)["Id"]), True
        if operation == "upsert":
            key = str(job.about["externalIdFieldName"])
            found = self._state.by_external_id(of.name, key, given[key])
            if not found:
                return str(self._state.create(of.name, values)["Id"]), True
            self._state.update(of.name, found[0], values)
            return str(found[0]["Id"]), False
        row = self._state.row(of.name, given["Id"])
        if operation == "update":
            self._state.update(of.name, row, values)
        else:
            self._state.delete(of.name, row["Id"])
        return str(row["Id"]), False

    def _results(self, job: Job, request: Request) -> Answer:
        start = int(request.query.get("locator", "0"))
        end = start + int(request.query.get("maxRecords", "50000"))
        more = str(end) if end < len(job.rows) else "null"
        page = job.rows[start:end]
        headers = {"sforce-locator": more, "sforce-numberofrecords": str(len(page))}
        return _table([job.header, *page], job, headers)

    def _outcome(self, job: Job, which: str) -> Answer:
        tables = {
            "successfulResults": [["sf__Id", "sf__Created", *job.header], *job.done],
            "failedResults": [["sf__Id", "sf__Error", *job.header], *job.failed],
            "unprocessedrecords": [job.header],
            "unprocessedRecords": [job.header],
        }
        if which not in tables:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return _table(tables[which], job, {})


def _table(rows: list[list[str]], job: Job, headers: dict[str, str]) -> Answer:
    text = io.StringIO()
    end = "\r\n" if job.about.get("lineEnding") == "CRLF" else "\n"
    delimiter = _DELIMITERS[job.about.get("columnDelimiter", "COMMA")]
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return Answer(200, text.getvalue().encode(), {"content-type": "text/csv; charset=UTF-8", **headers})


def _at(record: Row, column: str) -> Any:
    value: Any = record
    for step in column.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _typed(of: SObject, name: str, text: str) -> Any:
    """A cell as the column's type; #N/A is null."""
    if text == "#N/A":
        return None
    column = of.columns.get(name)
    return text == "true" if column is not None and column.type == "boolean" else text
