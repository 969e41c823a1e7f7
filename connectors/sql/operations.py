"""Operations: their statements in one transaction, together with a note of the command, so that it happens once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.errors import BadRecord, ConfigProblem
from connectors.manifest import Field
from connectors.manifest.shapes import convert, schema_of
from connectors.odbc import Constraint, MissingObject
from connectors.sql.client import Database, Line
from connectors.sql.form import COMMAND, SqlOperation
from connectors.sql.statements import parse

DDL = "CREATE TABLE {table} (command VARCHAR(32) NOT NULL PRIMARY KEY, operation VARCHAR(63) NOT NULL)"


class _NotDone(Exception):
    """The last statement changed another number of rows than it should; everything is rolled back."""


def operation(name: str, form: SqlOperation) -> Operation:
    """As the contract describes it: the body holds what the key does not."""
    whole = schema_of(form.fields, (), ())["properties"]
    properties = {
        field: {**schema, "description": schema.get("description") or f"the value :{field}"}
        for field, schema in whole.items()
        if field not in form.key
    }
    required = [field for field, each in form.fields.items() if each.required and field not in form.key]
    schema = {"type": "object", "properties": properties, "required": required}
    return Operation(name=name, title=form.title, title_zh=form.title_zh, body_schema=schema)


class Writer:
    """Carries out the commands of one operation. `ledger`: the table that notes them."""

    def __init__(self, database: Database, form: SqlOperation, ledger: str, zone: str) -> None:
        self._database = database
        self._form = form
        self._ledger = ledger
        self._zone = ZoneInfo(zone)

    def write(self, command: Command) -> Receipt:
        """Once, whatever becomes of the answer. Raises BadRecord for values that do not fit."""
        values = self._values(command)
        with self._database.writing() as line:
            try:
                with line.transaction():
                    if not self._noted(line, command):
                        return Receipt(command.id, Outcome.duplicate, external_id=_object(command))
                    self._carry_out(line, values)
            except _NotDone as reason:
                return Receipt(command.id, Outcome.rejected, reason=str(reason))
            except Constraint as refusal:
                return self._refused(line, command, refusal)
        return Receipt(command.id, Outcome.applied, external_id=_object(command))

    def confirm(self, command: Command) -> Receipt | None:
        """Whether the command was carried out."""
        self._values(command)
        with self._database.reading() as line:
            return self._done(line, command)

    def _noted(self, line: Line, command: Command) -> bool:
        """Note the command before it is carried out, in the same transaction. False: it was carried out before."""
        if self._form.confirm:
            return self._done(line, command) is None
        note = parse(f"INSERT INTO {self._ledger} (command, operation) VALUES (:command, :operation)")  # noqa: S608
        line.run(note, {"command": command.idempotency_key, "operation": command.op})
        return True

    def _carry_out(self, line: Line, values: Mapping[str, Any]) -> None:
        changed = 0
        for text in self._form.statements:
            statement = parse(text)
            changed = line.run(statement, {name: values[name] for name in statement.names})
        if self._form.rows is not None and changed != self._form.rows:
            raise _NotDone(f"it would have changed {changed} rows instead of {self._form.rows}; nothing was done")

    def _refused(self, line: Line, command: Command, refusal: Constraint) -> Receipt:
        """The database refuses the values; or the command was carried out before, and its note is there already."""
        if refusal.duplicate and (receipt := self._done(line, command)) is not None:
            return Receipt(command.id, Outcome.duplicate, external_id=receipt.external_id)
        return Receipt(command.id, Outcome.rejected, reason=str(refusal))

    def _done(self, line: Line, command: Command) -> Receipt | None:
        if self._form.confirm:
            statement = parse(self._form.confirm)
            values = {**self._values(command), COMMAND: command.idempotency_key}
            _, rows = line.rows(statement, {name: values[name] for name in statement.names})
        else:
            statement = parse(f"SELECT command FROM {self._ledger} WHERE command = :command")  # noqa: S608 - a checked name
            try:
                _, rows = line.rows(statement, {"command": command.idempotency_key})
            except MissingObject as error:
                raise ConfigProblem(str(error), hint=DDL.format(table=self._ledger)) from error
        return Receipt(command.id, Outcome.applied, external_id=_object(command)) if rows else None

    def _values(self, command: Command) -> dict[str, Any]:
        given = {**command.body, **command.key}
        missing = [name for name in self._form.key if command.key.get(name) in (None, "")]
        missing += [n for n, each in self._form.fields.items() if each.required and given.get(n) in (None, "")]
        if missing:
            raise BadRecord(f"{missing[0]} is missing", record=given)
        unknown = given.keys() - self._form.fields.keys() - set(self._form.key)
        if unknown:
            raise BadRecord(f"the operation has no value {min(unknown)}", record=given)
        values = {name: self._value(name, given) for name in (*self._form.key, *self._form.fields)}
        return {**values, COMMAND: command.idempotency_key}

    def _value(self, name: str, given: Mapping[str, Any]) -> Any:
        field = self._form.fields.get(name, Field(type="any"))
        try:
            value = convert(given.get(name), field.model_copy(update={"format": "iso"}), self._zone)
        except (BadRecord, ValueError, OverflowError) as error:
            raise BadRecord(f"{name}: {error}", record=dict(given)) from None
        if isinstance(value, Mapping | list | tuple):
            raise BadRecord(f"{name}: a statement takes single values, not {type(value).__name__}", record=dict(given))
        return value


def _object(command: Command) -> str:
    return " ".join(str(value) for value in command.key.values())
