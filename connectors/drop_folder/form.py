"""What the files in a folder hold: streams out of them and files made for others. The same in a connection's settings
and in a manifest of kind `csv`."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.contract import Stream
from connectors.manifest import Fields, Name, Part, RecordForm
from connectors.manifest.paths import steps
from connectors.manifest.shapes import known_zone

EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_CODECS = {"auto": "", "utf-8": "utf-8", "gbk": "gb18030", "gb18030": "gb18030", "utf-16": "utf-16"}
_PLACES = re.compile(r"\{(\w*)\}")


class FileStream(RecordForm):
    """One kind of file. Every data row is a record."""

    files: str = Field(description="which files of the folder, e.g. orders-*.csv; * and ? as usual", min_length=1)
    mode: Literal["incremental", "snapshot"] = Field(
        "incremental",
        description="incremental: every file once, the oldest first. snapshot: the newest file alone is the whole "
        "truth, and what it lacks was deleted",
    )
    encoding: Literal["auto", "utf-8", "gbk", "gb18030", "utf-16"] = Field(
        "auto", description="auto: UTF-8 where the whole file is valid UTF-8, else GB18030 (of which GBK is a part)"
    )
    delimiter: Literal["auto", ",", ";", "tab", "|"] = Field("auto", description="what separates the columns")
    quote: Literal['"', "'", "none"] = Field('"', description="what encloses a text that holds the delimiter")
    header_row: int = Field(1, ge=0, le=1000, description="the row with the names of the columns; 0: there is none")
    header_rows: int = Field(
        1, ge=1, le=5, description="how many rows the names take: those of a merged cell and below it are joined by _"
    )
    columns: tuple[str, ...] = Field((), description="the names of the columns where there is no header row")
    sheet: str = Field("", description="of a workbook: the sheet's name, or its number from 1; default: the first")
    fill_merged: bool = Field(False, description="a merged cell's value stands in every row it covers")
    decimal_comma: bool = Field(False, description="numbers in texts read 1.234,5 instead of 1,234.5")
    nulls: tuple[str, ...] = Field((), description="texts that mean nothing is known, beside the empty one")
    missing_columns: Literal["refuse", "null"] = Field(
        "refuse", description="refuse: a file without a declared column is not read"
    )
    short_rows: Literal["refuse", "pad"] = Field(
        "refuse", description="refuse: a row with fewer cells than there are columns is unusable"
    )
    origin_fields: bool = Field(False, description="every record tells its file and row in _file and _row")

    @field_validator("files")
    @classmethod
    def _one_folder(cls, pattern: str) -> str:
        if "/" in pattern or "\\" in pattern or pattern.startswith("."):
            raise ValueError("a pattern for names in the folder itself, such as orders-*.csv")
        return pattern

    @model_validator(mode="after")
    def _consistent(self) -> FileStream:
        if (self.header_row == 0) != bool(self.columns):
            raise ValueError("`columns` belong to files without a header row (header_row: 0), which need them")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a name stands twice in `columns`")
        if self.mode == "snapshot" and self.deleted is not None:
            raise ValueError("`deleted` belongs to mode incremental; in a snapshot what is absent was deleted")
        return self

    @property
    def codec(self) -> str:
        """The codec's name, empty where the file tells."""
        return _CODECS[self.encoding]

    def takes(self, name: str) -> bool:
        """Whether a file of this name is one of the stream's."""
        return fnmatchcase(name.lower(), self.files.lower())

    def column_of(self, field: str) -> str:
        """The column a declared field is read from."""
        form = self.fields.get(field)
        return str(steps(form.path)[0]) if form is not None and form.path else field

    def stream(self, name: str) -> Stream:
        """As the contract describes it."""
        schema = self.schema_
        if self.deleted is not None:
            schema["properties"].setdefault(str(steps(self.deleted.path)[0]), {"type": ["string", "null"]})
        if self.origin_fields:
            schema["properties"] |= {"_file": {"type": "string"}, "_row": {"type": "integer"}}
        deletes: Literal["absence", "tombstone", "never"] = "tombstone" if self.deleted is not None else "never"
        return Stream(
            name=name,
            key=self.key,
            schema_=schema,
            mode=self.mode,
            deletes="absence" if self.mode == "snapshot" else deletes,
        )


class Export(Part):
    """Files made for another system: one operation of the connection."""

    title: str = Field(min_length=1, description="what it does, for people")
    title_zh: str = Field(min_length=1, description="the same in Chinese")
    folder: str = Field(description="the folder to write to, by its whole path", min_length=1)
    file: str = Field(
        description="the file's name; {command} is the command's own mark of 16 letters, {date} is today", min_length=1
    )
    append: bool = Field(False, description="add a row to one file that grows, instead of a new file for each command")
    key: tuple[str, ...] = Field(min_length=1, description="the fields of the command's key")
    fields: Fields = Field(min_length=1, description="the columns in their order, each with its type")
    mark_column: str = Field("weft_command", description="the column that holds the command's own mark")
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = Field(
        "utf-8-sig", description="utf-8-sig is what Excel opens rightly"
    )
    delimiter: Literal[",", ";", "tab", "|"] = Field(",", description="what separates the columns")
    guard_formulas: bool = Field(True, description="put ' before a text that a spreadsheet would take for a formula")
    zone: str = Field("", description="IANA zone in which times are written; default: UTC")
    taken_to: str = Field("", description="the folder into which the receiver moves what it has read")
    receiver_deletes: bool = Field(
        False, description="the receiver deletes what it has read: then a lost answer needs a person"
    )

    @field_validator("key", mode="before")
    @classmethod
    def _key(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        return known_zone(zone)

    @field_validator("folder", "taken_to")
    @classmethod
    def _whole_path(cls, path: str) -> str:
        if path and not path.startswith(("/", "\\\\")) and not re.match(r"[A-Za-z]:[\\/]", path):
            raise ValueError("give the whole path, such as /data/out")
        return path

    @model_validator(mode="after")
    def _consistent(self) -> Export:
        if re.search(r"[/\\\x00]", self.file) or self.file.startswith("."):
            raise ValueError("`file` is a name without a folder, such as order-{command}.csv")
        unknown = [place for place in _PLACES.findall(self.file) if place not in ("command", "date")]
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} is unknown in `file`; there are {{command}} and {{date}}")
        if not self.append and "{command}" not in self.file:
            raise ValueError("`file` needs {command}, so that every command has a file of its own (or set append)")
        if self.append and (self.taken_to or self.receiver_deletes):
            raise ValueError("a file that grows stays where it is: no taken_to, no receiver_deletes")
        if self.mark_column in self.fields:
            raise ValueError(f"{self.mark_column!r} is the column of the command's mark; choose another mark_column")
        return self


class Complete(Part):
    """When a file is complete and may be taken."""

    by: Literal["rest", "rename", "marker"] = Field(
        "rest",
        description="rest: unchanged for rest_s seconds. rename: whoever writes gives the name at the end. marker: an "
        "empty file beside it, orders.csv.done, says so",
    )
    rest_s: float = Field(10, ge=0, le=86_400, description="by rest: for so many seconds")
    marker: str = Field(".done", min_length=1, max_length=40, description="by marker: what is put behind the name")

    @field_validator("marker")
    @classmethod
    def _suffix(cls, marker: str) -> str:
        if "/" in marker or "\\" in marker:
            raise ValueError("an ending such as .done")
        return marker


class Section(Part):
    """What a connection to a folder reads and writes, and within which bounds."""

    streams: dict[Name, FileStream] = Field({}, description="what is read: stream: its files, key and fields")
    exports: dict[Name, Export] = Field({}, description="what is written: operation: its folder, file name and fields")
    complete: Complete = Field(Complete(), description="when a file is complete and may be taken")
    zone: str = Field("UTC", description="IANA zone of times without one")
    archive_to: str = Field("", description="a folder on the same disk; files that were read whole are moved there")
    max_bad_rows: int = Field(
        1000, ge=1, le=100_000, description="a file with more unusable rows is not read to its end"
    )
    max_row_bytes: int = Field(1 << 20, ge=1024, le=1 << 26, description="a longer row is unusable")
    max_workbook_bytes: int = Field(64 << 20, ge=1024, description="a larger workbook is refused")
    workbook_memory_mb: int = Field(1024, ge=256, le=65_536, description="what reading one workbook may take")

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        return known_zone(zone) or "UTC"

    @model_validator(mode="after")
    def _something(self) -> Section:
        if not self.streams and not self.exports:
            raise ValueError("nothing is read and nothing written: give `streams` or `exports`")
        return self
