"""What is read from a database, asked of it and written to it. The same in a connection's settings and in a manifest of
kind `sql`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from connectors.contract import Stream
from connectors.manifest import Fields, Name, Part, StreamForm
from connectors.manifest.paths import steps
from connectors.manifest.shapes import Zone
from connectors.sql import statements

LEDGER = "weft_commands"
COMMAND = "command"
"""The name under which every statement of an operation gets the command's own mark."""


class SqlStream(StreamForm):
    """Rows of a table, or of a SELECT. With `cursor` what was changed since; without, all of them at every run."""

    table: str = Field("", description="the table or view, e.g. orders or dbo.Orders")
    select: str = Field("", description="instead of a table: one SELECT, without ORDER BY")
    null_cursor: Literal["read", "skip"] = Field(
        "read", description="rows without a cursor value: read at every run, or never"
    )
    page_rows: int = Field(1000, ge=1, le=2000, description="rows asked for at a time")

    @field_validator("table")
    @classmethod
    def _table(cls, table: str) -> str:
        return statements.name(table) if table else ""

    @field_validator("select")
    @classmethod
    def _select(cls, text: str) -> str:
        if not text:
            return ""
        found = statements.select(text)
        if names := statements.parse(found).names:
            raise ValueError(f"a stream's SELECT has no values: take out :{min(names)}")
        return found

    @model_validator(mode="after")
    def _one_source(self) -> SqlStream:
        if bool(self.table) == bool(self.select):
            raise ValueError("give `table` or `select`")
        return self

    @property
    def source(self) -> str:
        """As it stands behind FROM."""
        return self.table or f"({self.select})"

    def column_of(self, field: str) -> str:
        """The column that a declared field is read from."""
        form = self.fields.get(field)
        return str(steps(form.path)[0]) if form is not None and form.path else field

    def stream(self, name: str) -> Stream:
        found = super().stream(name)
        if self.deleted is not None:
            found.schema_["properties"].setdefault(str(steps(self.deleted.path)[0]), {})
        return found


class SqlQuestion(Part):
    """A SELECT with values, whose first row is the answer."""

    title: str = Field(min_length=1, description="what it tells, for people")
    title_zh: str = Field(min_length=1, description="the same in Chinese")
    needs: tuple[str, ...] = Field(min_length=1, description="its inputs, each in the SELECT as :name")
    select: str = Field(description="one SELECT; its first row is the answer")
    fields: Fields = Field({}, description="column: type; what is not declared passes through as it is")
    as_of: str = Field("", description="the column that says as of when it is true; default: now")
    link: str = Field("", description="where a person can look: https://… with {input} and {column} in it")
    record: str = Field("", description="the canonical record whose shape the answer has, if any")
    sample: dict[str, Any] = Field({}, description="inputs for the exam")
    answer: dict[str, Any] = Field({}, description="what the exam expects for them")

    @field_validator("select")
    @classmethod
    def _select(cls, text: str) -> str:
        return statements.select(text)

    @model_validator(mode="after")
    def _whole(self) -> SqlQuestion:
        _same(statements.parse(self.select).names, self.needs, "needs")
        return self


class SqlOperation(Part):
    """Statements with values, carried out in one transaction, once for each command."""

    title: str = Field(min_length=1, description="what it does, for people")
    title_zh: str = Field(min_length=1, description="the same in Chinese")
    key: tuple[str, ...] = Field(min_length=1, description="the values that name the object")
    fields: Fields = Field({}, description="the other values, each with its type")
    statements: tuple[str, ...] = Field(
        min_length=1, max_length=20, description="INSERT, UPDATE … with :name; :command is the command's own mark"
    )
    rows: int | None = Field(
        1, ge=0, description="how many rows the last statement must change; else nothing is done. null: any"
    )
    confirm: str = Field(
        "", description=f"a SELECT that gives a row when the command with :command was done; default: {LEDGER} keeps it"
    )
    sample: dict[str, Any] = Field({}, description="key and values for the exam")

    @field_validator("key", mode="before")
    @classmethod
    def _key(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("statements")
    @classmethod
    def _statements(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(statements.change(text) for text in texts)

    @field_validator("confirm")
    @classmethod
    def _confirm(cls, text: str) -> str:
        return statements.select(text) if text else ""

    @model_validator(mode="after")
    def _whole(self) -> SqlOperation:
        values = {*self.key, *self.fields}
        if COMMAND in values:
            raise ValueError(f":{COMMAND} is the command's own mark; name the value otherwise")
        used = frozenset().union(*(statements.parse(each).names for each in self.statements))
        _same(used - {COMMAND}, values, "key and fields")
        if self.confirm and COMMAND not in statements.parse(self.confirm).names:
            raise ValueError(f"confirm must ask for :{COMMAND}")
        if self.confirm and COMMAND not in used:
            raise ValueError(f"confirm can only find :{COMMAND} where a statement writes it")
        return self


class SqlSection(Part):
    """All of it."""

    streams: dict[Name, SqlStream] = Field({}, description="what is read")
    questions: dict[Name, SqlQuestion] = Field({}, description="what is asked while a ticket is open")
    operations: dict[Name, SqlOperation] = Field({}, description="what can be changed")
    zone: Zone = Field("UTC", description="IANA zone of the database's times without one")
    ledger: str = Field(LEDGER, description="the table that keeps which commands were done; see README")

    @field_validator("ledger")
    @classmethod
    def _table(cls, table: str) -> str:
        return statements.name(table)

    @model_validator(mode="after")
    def _something(self) -> SqlSection:
        if not (self.streams or self.questions or self.operations):
            raise ValueError("nothing is read, asked or written: give `streams`, `questions` or `operations`")
        return self


def _same(used: frozenset[str], declared: Any, where: str) -> None:
    if unknown := used - set(declared):
        raise ValueError(f":{min(unknown)} is not among {where}")
    if unused := set(declared) - used:
        raise ValueError(f"no statement uses :{min(unused)}")
