"""Raw records as a run sees them: which object, and is it what the hub holds already?"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import lineage
from connectors.contract import DELETED, Stream
from connectors.errors import BadRecord
from connectors.table import Table
from gateway.sync.pages import Page, Plain, Refused, Row

KEY_LENGTH = 400
_SEED = 16


class Reader:
    """Makes rows of the records of one stream. `mapping`: version of the mapping that understands them."""

    def __init__(self, dataset: str, stream: Stream, mapping: str) -> None:
        self._dataset, self._stream, self._names = dataset, stream.name, stream.key
        seed = blake2b(mapping.encode(), digest_size=_SEED).digest()
        self._hash = blake2b(digest_size=8, person=seed)
        """Begun with the mapping; a copy of it costs less than a new one."""

    def page(self, records: Sequence[Mapping[str, Any]]) -> Page:
        """The rows of a page of records, in their order."""
        together = _texts(records) if len(records) else None
        if together is None:
            return self._one_by_one(records)
        try:
            keys = self._keys(together.parts) or [self.key(record) for record in records]
            objects = lineage.object_prefixes(self._dataset, keys)
        except (BadRecord, lineage.UnstorableValue):
            return self._one_by_one(records)
        contents = _numbers(self._contents(together.lines))
        plain = Plain(together.columns, _numbers(objects), contents, keys, objects, together.lines)
        return Page(plain=plain, records=records, parts=together.parts)

    def _keys(self, parts: Mapping[str, lineage.Column]) -> list[str] | None:
        """The keys of a page by columns; None where a part of a key is more than text, a whole number or nothing."""
        columns: list[Sequence[str]] = []
        for name in self._names:
            part = parts.get(name)
            if part is None or len(part.kinds) > 1:
                return None
            (kind,) = part.kinds
            column = part.values if kind is str else part.texts if kind is int else None
            if kind is type(None):
                column = [""] * len(part.values)
            if column is None or (len(self._names) > 1 and not {"/", "\\"}.isdisjoint("".join(column))):
                return None
            columns.append(column)
        keys = list(map("/".join, zip(*columns, strict=True)))
        return keys if keys and max(map(len, keys)) <= KEY_LENGTH and "\0" not in "".join(keys) else None

    def _contents(self, texts: Iterable[bytes]) -> list[bytes]:
        found = []
        for text in texts:
            content = self._hash.copy()
            content.update(text)
            found.append(content.digest())
        return found

    def _one_by_one(self, records: Sequence[Mapping[str, Any]]) -> Page:
        rows: list[Row] = []
        refused: list[Refused] = []
        for record in records:
            try:
                rows.append(self.row(record))
            except BadRecord as bad:
                refused.append((bad, record))
        return Page(rows, refused)

    def row(self, record: Mapping[str, Any], told: str = "") -> Row:
        """`told`: the key by which the sender names it, for a stream whose key is not known. Raises BadRecord for a record
        that has no key, or holds what no record may."""
        key = self.key(record) if self._names else told
        try:
            of = self.object(key)
            if record.get(DELETED) is True:
                return Row(object_id(of), key, of, record, b"", None, 0, deleted=True)
            text = lineage.raw_text(record)
        except lineage.UnstorableValue as error:
            raise BadRecord(str(error), hint="let the connector leave it out, or give it as text") from error
        return Row(
            object_id(of), key, of, record, text, lineage.columns_of([record]), object_id(*self._contents([text]))
        )

    def object(self, key: str) -> bytes:
        return lineage.object_prefix(self._dataset, key)

    def key(self, record: Mapping[str, Any]) -> str:
        """The object's name in its source. Raises BadRecord."""
        try:
            parts = [value if (value := record[name]).__class__ is str else _part(name, value) for name in self._names]
        except KeyError as error:
            raise BadRecord(f"there is no {error.args[0]!r}, which is part of the key of {self._stream!r}") from error
        key = "/".join(parts)
        if len(parts) > 1 and (key.count("/") >= len(parts) or "\\" in key):
            key = "/".join(map(_escaped, parts))
        if len(key) > KEY_LENGTH or "\0" in key:
            raise BadRecord(f"its key is longer than {KEY_LENGTH} characters, or has a NUL in it")
        return key


def _texts(records: Sequence[Mapping[str, Any]]) -> lineage.Texts | None:
    """The texts of plain records of one shape; None where they are not, or one may be told to be deleted."""
    if isinstance(records, Table):
        return None if DELETED in records.names else lineage.texts_of(records.names, records.columns)
    return None if DELETED in records[0] else lineage.raw_texts(records)


def object_id(of: bytes) -> int:
    """The number under which an object is held."""
    return int.from_bytes(of, "little", signed=True)


def _numbers(hashes: Iterable[bytes]) -> list[int]:
    """`object_id` of many."""
    numbers = array("q", b"".join(hashes))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def whole_id(dataset: str, *names: str) -> int:
    """The number of what several records are parts of."""
    return object_id(lineage.object_prefix(f"{dataset}#whole", "/".join(map(_escaped, names))))


def _part(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple):
        raise BadRecord(f"{name!r} is part of the key and must be one value, not {type(value).__name__}")
    return str(value)


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("/", "\\/") if "/" in part or "\\" in part else part
