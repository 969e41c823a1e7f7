"""Pages of records as they were read. Where they are plain and of one shape they stay columns, and a row is made only of
what is looked at one by one: what changed, what rules ask for, what is odd."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lineage
from connectors.errors import BadRecord

Refused = tuple[BadRecord, Any]
"""A record that makes no row, and why."""


class Row:
    """One record that was read. `id` and `content` are 64 bits: of the object's name, and of what is said of it and by
    which mapping it is understood. The rest is filled in on its way: what the mapping makes of it (`values`, kept only
    where a rule or a golden record wants them) and how that is held, its thing, the whole it is a part of, its landing.
    """

    __slots__ = ("columns", "content", "deleted", "gid", "held", "id", "key", "landing", "object", "record", "text", "values",
                 "whole")  # fmt: skip

    def __init__(
        self, id: int, key: str, object: bytes, record: Mapping[str, Any] | None, text: bytes,
        columns: lineage.Columns | None, content: int, deleted: bool = False,
    ) -> None:  # fmt: skip
        self.id, self.key, self.object, self.record, self.text = id, key, object, record, text
        self.columns, self.content, self.deleted = columns, content, deleted
        self.values: Mapping[str, Any] | None = None
        self.held = b""
        self.gid: int | None = None
        self.whole: int | None = None
        self.landing = 0

    @property
    def raw(self) -> Mapping[str, Any]:
        """The record as it was read."""
        return self.record if self.record is not None else lineage.record_of(self.text, self.columns)


@dataclass(slots=True)
class Plain:
    """Rows that are plain and of one shape, by columns; the same places in every list are one row. `columns` is what their
    texts leave unsaid."""

    columns: lineage.Columns
    ids: list[int]
    contents: list[int]
    keys: list[str]
    objects: list[bytes]
    texts: list[bytes]

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, place: int, record: Mapping[str, Any] | None = None) -> Row:
        return Row(self.ids[place], self.keys[place], self.objects[place], record, self.texts[place], self.columns,
                   self.contents[place])  # fmt: skip


@dataclass(slots=True)
class Page:
    """Records that were read together: their rows, in order, and those that make none. `plain`: the same by columns, where
    they are so; `records` and `parts` are then theirs."""

    rows_read: Sequence[Row] = ()
    refused: Sequence[Refused] = ()
    plain: Plain | None = None
    records: Sequence[Mapping[str, Any]] = ()
    parts: Mapping[str, lineage.Column] | None = None

    def __len__(self) -> int:
        return len(self.rows_read) if self.plain is None else len(self.plain)

    @property
    def ids(self) -> Sequence[int]:
        return [row.id for row in self.rows_read] if self.plain is None else self.plain.ids

    @property
    def there(self) -> Sequence[int]:
        """The ids of those that were not told to be deleted."""
        return [row.id for row in self.rows_read if not row.deleted] if self.plain is None else self.plain.ids

    def rows(self, places: Iterable[int] | None = None) -> list[Row]:
        """The rows, or those at these places of a plain page."""
        if self.plain is None:
            return list(self.rows_read)
        records, row = self.records, self.plain.row
        return [row(place, records[place]) for place in (range(len(self.plain)) if places is None else places)]


class Load:
    """Plain rows that nobody has yet, with what is to be held of each. `looked`: the values of those at which a rule will
    look, by place; `landings`: once they are landed."""

    __slots__ = ("held", "landings", "looked", "plain")

    def __init__(self, plain: Plain, held: list[bytes], looked: dict[int, Mapping[str, Any]]) -> None:
        self.plain, self.held, self.looked = plain, held, looked
        self.landings: Sequence[int] = ()

    def take(self, plain: Plain, held: Sequence[bytes], looked: Mapping[int, Mapping[str, Any]]) -> bool:
        """Add the rows of another page; False where their texts leave something else unsaid."""
        mine = self.plain
        if mine.columns != plain.columns:
            return False
        start = len(mine)
        self.looked |= {start + place: values for place, values in looked.items()}
        mine.ids += plain.ids
        mine.contents += plain.contents
        mine.keys += plain.keys
        mine.objects += plain.objects
        mine.texts += plain.texts
        self.held += held
        return True

    def rows(self, places: Iterable[int] | None = None) -> list[Row]:
        """The rows, or those at these places, one by one."""
        made = []
        for place in range(len(self.plain)) if places is None else places:
            row = self.plain.row(place)
            row.held, row.values = self.held[place], self.looked.get(place)
            row.landing = self.landings[place] if self.landings else 0
            made.append(row)
        return made
