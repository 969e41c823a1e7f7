"""A manifest: one YAML file that makes a connector. What all kinds share is here; each kind adds its own sections.

connector: scm_scorecards
kind: rest
title: Supplier scorecards
title_zh: 供应商评分
config: {url: {type: url, description: ...}, api_key: {type: secret, description: ...}}
streams: ...            # of the kind
mappings: {scorecard: {to: Supplier, fields: {...}, tests: [...]}}
rules: [], bridges: [], context: []
docs: {credentials: ..., rights: ..., limits: ...}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from connectors.contract import Policy, Stream
from connectors.manifest.inputs import SECRET_NAME, Input, Part
from connectors.manifest.shapes import Condition, Shape, known_zone, schema_of
from connectors.manifest.shapes import Field as FieldForm

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
_SPAN = re.compile(r"(\d{1,9})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(value: Any) -> timedelta:
    """A duration as people write it: `45s`, `10m`, `2h`, `1d`. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a duration such as 45s, 10m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _field(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


Span = Annotated[timedelta, BeforeValidator(span)]
Fields = dict[str, Annotated[FieldForm, BeforeValidator(_field)]]


class Limits(Part):
    """Bounds of every connection; the runtime keeps them."""

    timeout_s: float = Field(20, gt=0, le=300)
    rate_per_s: float = Field(10, gt=0)
    attempts: int = Field(5, ge=1, le=20)
    batch_rows: int = Field(2000, ge=1, le=20_000)
    max_delivery_bytes: int = Field(1 << 20, ge=1)

    @property
    def policy(self) -> Policy:
        return Policy(**self.model_dump())


class Docs(Part):
    """What an integrator must know that the rest of the manifest does not say."""

    credentials: str = Field("", description="where the credentials come from")
    rights: str = Field("", description="what the account must be allowed to do")
    limits: str = Field("", description="what this connection cannot do")
    troubleshooting: str = Field("", description="what to do when it fails")


class RecordForm(Part):
    """What the records of a stream look like, whatever they are read from."""

    title: str = Field("", description="what people call it")
    key: tuple[str, ...] = Field(min_length=1, description="the fields that identify a record")
    fields: Fields = Field({}, description="field: type; what is not declared passes through as it is")
    zone: str = Field("", description="IANA zone of times without one")
    deleted: Condition | None = Field(None, description="when it holds, the record tells that it was deleted")
    samples: tuple[dict[str, Any], ...] = Field((), description="records as the system sends them")

    @field_validator("key", mode="before")
    @classmethod
    def _key(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        return known_zone(zone)

    @property
    def shape(self) -> Shape:
        return Shape(self.fields, self.key, zone=self.zone, deleted=self.deleted)

    @property
    def schema_(self) -> dict[str, Any]:
        """JSON Schema of the records."""
        return schema_of(self.fields, self.key, [] if self.fields and not self.samples else self.samples)


class StreamForm(RecordForm):
    """A stream that asks for records by a cursor. With `cursor` it is incremental, without it is a snapshot."""

    cursor: str = Field("", description="the field that grows with every change: a datetime, an int or a text")
    lookback: Span = Field(timedelta(0), description="read again so far behind the cursor, for rows committed late")
    absent_is_deleted: bool = Field(False, description="of a snapshot: what is no longer there was deleted")

    @model_validator(mode="after")
    def _consistent(self) -> StreamForm:
        if self.cursor:
            kind = self.fields[self.cursor].type if self.cursor in self.fields else None
            if kind not in ("datetime", "int", "text"):
                raise ValueError(f"declare the cursor under fields: {{{self.cursor}: datetime}} (or int, or text)")
            if self.lookback and kind != "datetime":
                raise ValueError("lookback needs a cursor of type datetime")
            if self.absent_is_deleted:
                raise ValueError("absent_is_deleted belongs to a snapshot: a stream without cursor")
        elif self.deleted is not None:
            raise ValueError("deleted belongs to a stream with a cursor; a snapshot has absent_is_deleted")
        elif self.lookback:
            raise ValueError("lookback belongs to a stream with a cursor")
        return self

    def stream(self, name: str) -> Stream:
        """As the contract describes it."""
        return Stream(
            name=name,
            key=self.key,
            schema_=self.schema_,
            mode="incremental" if self.cursor else "snapshot",
            deletes="tombstone" if self.deleted else "absence" if self.absent_is_deleted else "never",
            lookback=self.lookback,
        )


class Manifest(Part):
    """What every kind has."""

    connector: Name = Field(description="its name, as connections write it")
    kind: str
    title: str = Field(min_length=1)
    title_zh: str = Field(min_length=1)
    description: str = ""
    config: dict[Name, Input] = {}
    policy: Limits = Limits()
    mappings: dict[str, dict[str, Any]] = Field({}, description="stream: a mapping without `mapping` and `from`")
    rules: tuple[dict[str, Any], ...] = ()
    bridges: tuple[dict[str, Any], ...] = ()
    context: tuple[dict[str, Any], ...] = ()
    docs: Docs = Docs()

    @field_validator("title_zh")
    @classmethod
    def _chinese(cls, title: str) -> str:
        if not re.search(r"[\u4e00-\u9fff]", title):
            raise ValueError("write the title in Chinese too")
        return title

    @model_validator(mode="after")
    def _secrets(self) -> Manifest:
        open_ = [name for name, each in self.config.items() if SECRET_NAME.search(name) and each.type != "secret"]
        if open_:
            raise ValueError(f"config.{open_[0]} is named like a secret: give it `type: secret`")
        return self

    def standard_inputs(self) -> Mapping[str, Input]:
        """The settings every connection of this kind has; the manifest's `config` may describe them anew."""
        return {}

    def inputs(self) -> dict[str, Input]:
        """All settings, the kind's own first."""
        return {**self.standard_inputs(), **self.config}

    def record_forms(self) -> Mapping[str, RecordForm]:
        """The records of every stream; their names are those that `mappings` may use."""
        streams: Mapping[str, RecordForm] = getattr(self, "streams", {})
        return {name: form for name, form in streams.items() if isinstance(form, RecordForm)}

    def mapped_streams(self) -> frozenset[str]:
        """The names that `mappings` may use."""
        return frozenset(self.record_forms())
