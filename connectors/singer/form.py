"""What a tap is and which of its streams are read. The same in a connection's settings and in a manifest of kind
`singer`."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from connectors.contract import Stream
from connectors.manifest import Name, Part, RecordForm
from connectors.manifest.shapes import Zone


class TapStream(RecordForm):
    """One stream of the tap. Fields that are not declared have the types of the tap's own schema."""

    tap_stream: str = Field("", description="its tap_stream_id in the tap's catalog; default: the stream's own name")
    replication: Literal["incremental", "full_table"] = Field(
        "incremental",
        description="incremental: what is new since the tap's state. full_table: all of it at every run",
    )
    replication_key: str = Field(
        "", description="of an incremental stream: the field the tap goes by, if it asks for one"
    )
    select: tuple[str, ...] = Field((), description="only these fields of the tap's; default: all")
    deleted_field: str = Field(
        "", description="the field that holds something where the record was deleted, e.g. _sdc_deleted_at"
    )
    absent_is_deleted: bool = Field(True, description="of a full table: what is no longer there was deleted")

    @model_validator(mode="after")
    def _consistent(self) -> TapStream:
        if self.replication == "full_table" and (self.deleted_field or self.deleted or self.replication_key):
            raise ValueError("replication_key, deleted and deleted_field belong to an incremental stream")
        if self.deleted_field and self.deleted:
            raise ValueError("give deleted or deleted_field, not both")
        return self

    def stream(self, name: str) -> Stream:
        """As the contract describes it."""
        schema = self.schema_
        for field in filter(None, (self.deleted_field, self.deleted.path if self.deleted else "")):
            schema["properties"].setdefault(field, {})
        if self.replication == "full_table":
            gone: Literal["absence", "never"] = "absence" if self.absent_is_deleted else "never"
            return Stream(name=name, key=self.key, schema_=schema, mode="snapshot", deletes=gone)
        told = self.deleted is not None or bool(self.deleted_field)
        return Stream(name=name, key=self.key, schema_=schema, deletes="tombstone" if told else "never")


class TapSection(Part):
    """The program, what it is told, and within which bounds it runs."""

    command: tuple[str, ...] = Field(
        min_length=1, description="the tap's program and its own arguments, e.g. [/opt/taps/bin/tap-postgres]; no shell"
    )
    settings: dict[str, Any] = Field({}, description="the tap's config file, without what is secret")
    streams: dict[Name, TapStream] = Field(min_length=1, description="what is read: stream: its key and fields")
    catalog: dict[str, Any] | None = Field(
        None, description="the tap's catalog; default: the tap is asked (--discover)"
    )
    catalog_option: Literal["--catalog", "--properties"] = Field(
        "--catalog", description="old taps take their catalog as --properties"
    )
    environment: tuple[str, ...] = Field(
        (), description="variables of the hub's environment that the tap may see, beside PATH, HOME, LANG and TZ"
    )
    system: str = Field(
        "", description="what the tap reads, for lineage, e.g. postgres://db:5432; default: singer://TAP"
    )
    zone: Zone = Field("UTC", description="IANA zone of times without one")
    silence_s: float = Field(300, gt=0, le=86_400, description="a tap that says nothing for so long is ended")
    max_line_bytes: int = Field(16 << 20, ge=1024, le=1 << 30, description="a longer message is unusable")
    refusals: tuple[str, ...] = Field(
        (
            r"\b40[13]\b",
            r"(?i)unauthori[sz]ed|forbidden|access denied|login failed|authentication (error|failed)",
            r"(?i)invalid[ _](grant|token|credentials|api[ _]?key)",
            r'(?i)role "[^"]*" does not exist',
        ),
        description="patterns: a failed tap whose last words match one was refused its credentials",
    )

    @field_validator("system")
    @classmethod
    def _address(cls, system: str) -> str:
        if system and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/@\s]+\S*", system):
            raise ValueError("write it as scheme://host, without a user")
        return system

    @field_validator("refusals")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for each in patterns:
            try:
                re.compile(each)
            except re.error as error:
                raise ValueError(f"{each!r} is no regular expression: {error}") from None
        return patterns
