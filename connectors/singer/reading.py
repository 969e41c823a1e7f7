"""One run of a tap over one stream: its messages become batches, and its states cursors.

A STATE speaks for every record before it, and for nothing else. So a batch has a cursor only where it ends at a STATE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract import DELETED, Batch, Cursor, Record
from connectors.errors import BadRecord, ConfigProblem, Transient
from connectors.exact import load_json
from connectors.manifest import Field, Shape
from connectors.manifest.paths import steps
from connectors.singer.catalog import names_of
from connectors.singer.client import Running
from connectors.singer.form import TapStream

HARD_ROWS = 2000
"""A batch is never larger, also of a tap that says no STATE for long."""


def state_in(cursor: Cursor) -> Mapping[str, Any] | None:
    """The tap's state of a cursor. Raises ConfigProblem for a cursor of something else."""
    if cursor is None:
        return None
    if isinstance(cursor, dict) and isinstance(cursor.get("state"), dict):
        return cursor["state"]  # type: ignore[return-value]
    raise ConfigProblem(f"{str(cursor)[:200]!r} is no cursor of this stream")


class TapReader:
    """Turns the messages of one run into batches. `entry`: the stream in the tap's catalog."""

    def __init__(self, form: TapStream, entry: Mapping[str, Any], zone: str, batch_rows: int, cursor: Cursor) -> None:
        self._form = form
        self._names = names_of(entry)
        self._zone = form.zone or zone
        self._batch_rows = batch_rows
        self._whole = form.replication == "full_table"
        self._known_version = cursor.get("version") if isinstance(cursor, dict) else None
        self._version: Any = None
        self._versions: set[Any] = set()
        self._shape: Shape | None = None
        self._records: list[Record] = []
        self._bad: list[BadRecord] = []
        self._safe: tuple[int, int, Cursor] | None = None

    def batches(self, run: Running) -> Iterator[Batch]:
        """Until the tap ends. What was safe is given out before an error is raised."""
        try:
            for line in run.lines():
                self._take(line)
                if self._enough():
                    yield self._batch()
        except (Transient, ConfigProblem):
            if self._safe is not None:
                yield self._batch()
            raise
        while self._records or self._bad or self._safe is not None:
            yield self._batch()

    def _enough(self) -> bool:
        if self._safe is not None and self._safe[0] + self._safe[1] >= self._batch_rows:
            return True
        return len(self._records) + len(self._bad) >= (self._batch_rows if self._whole else HARD_ROWS)

    def _batch(self) -> Batch:
        """What a STATE has spoken for, with it as the cursor; without one, all there is."""
        records, bad, cursor = self._safe or (len(self._records), len(self._bad), None)
        batch = Batch(self._records[:records], None if self._whole else cursor, self._bad[:bad])
        del self._records[:records]
        del self._bad[:bad]
        self._safe = None
        return batch

    # -- messages -----------------------------------------------------------------------------------------------------

    def _take(self, line: bytes | BadRecord) -> None:
        try:
            if isinstance(line, BadRecord):
                raise line
            message = load_json(line)
            if not isinstance(message, dict) or not isinstance(message.get("type"), str):
                raise BadRecord("no message of a tap", record=message)
        except BadRecord as reason:
            self._bad.append(reason)
            return
        kind = message["type"]
        if kind == "STATE":
            self._state(message.get("value"))
        elif message.get("stream") not in self._names:
            return  # of a parent stream, which the tap needs to read ours
        elif kind == "RECORD":
            self._record(message)
        elif kind == "SCHEMA":
            self._schema(message)
        elif kind == "ACTIVATE_VERSION":
            self._activate(message.get("version"))
        elif kind == "BATCH":
            raise ConfigProblem(
                "the tap writes its records to files (BATCH)", hint="take batch_config out of the tap's settings"
            )

    def _state(self, value: Any) -> None:
        if isinstance(value, dict):
            cursor: Cursor = {"state": value, "version": self._version or self._known_version}
            self._safe = (len(self._records), len(self._bad), cursor)

    def _schema(self, message: Mapping[str, Any]) -> None:
        schema, key = message.get("schema"), message.get("key_properties")
        if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
            raise ConfigProblem(f"the tap's schema of {message.get('stream')!r} has no properties")
        if isinstance(key, list) and key and set(key) != set(self._form.key):
            raise ConfigProblem(
                f"the tap's key of this stream is {', '.join(map(str, key))}", hint="set the stream's `key` to it"
            )
        lacking = [name for name in self._form.key if name not in schema["properties"]]
        if lacking:
            there = ", ".join(schema["properties"])
            raise ConfigProblem(
                f"the tap's stream has no field {lacking[0]!r}, which is in the key", hint=f"it has: {there}"
            )
        properties = self._chosen(schema["properties"])
        typed = {name: field for name, each in properties.items() if (field := _field(each)) is not None}
        fields = {**typed, **self._form.fields}
        self._shape = Shape(fields, self._form.key, zone=self._zone, deleted=self._form.deleted)

    def _record(self, message: Mapping[str, Any]) -> None:
        record = message.get("record")
        try:
            if self._shape is None:
                raise BadRecord("a record came before the stream's schema", record=record)
            found = self._shape.record(self._chosen(record))
            if self._form.deleted_field and found.get(self._form.deleted_field) is not None:
                found = {name: found[name] for name in self._form.key} | {DELETED: True}
            self._records.append(found)
            self._versions.add(message.get("version"))
        except BadRecord as reason:
            self._bad.append(reason)

    def _chosen(self, fields: Any) -> Any:
        """Of the fields those that were chosen: not every tap does as its catalog says."""
        if not self._form.select or not isinstance(fields, dict):
            return fields
        wanted = {*self._form.select, *self._form.key, self._form.deleted_field}
        wanted |= {str(step) for step in steps(self._form.deleted.path)[:1]} if self._form.deleted else set()
        return {name: value for name, value in fields.items() if name in wanted}

    def _activate(self, version: Any) -> None:
        """From now on only records of this version are there."""
        self._version = version
        if self._whole:
            if self._versions - {version, None}:
                raise Transient("the tap began its table anew in the middle of a run; the next run reads all of it")
        elif self._known_version not in (None, version):
            self._bad.append(
                BadRecord(
                    "the tap has replaced the whole table; what was deleted there does not show in this stream",
                    record={"type": "ACTIVATE_VERSION", "version": version},
                    hint="set replication: full_table, or read the stream from its beginning",
                )
            )
            self._known_version = version


def _field(schema: Any) -> Field | None:
    """The type of a property, where its JSON alone does not give the value exactly; None: as it is."""
    branches = [schema, *schema.get("anyOf", ())] if isinstance(schema, dict) else []
    kinds: set[str] = set()
    for each in branches:
        told = each.get("type") if isinstance(each, dict) else None
        kinds |= {told} if isinstance(told, str) else set(told or ())
    formats = {each.get("format") for each in branches if isinstance(each, dict)}
    kinds -= {"null"}
    if "date-time" in formats and "string" in kinds:
        return Field(type="datetime")
    if "singer.decimal" in formats or kinds in ({"number"}, {"number", "integer"}):
        return Field(type="number")
    if kinds == {"integer"}:
        return Field(type="int")
    return None
