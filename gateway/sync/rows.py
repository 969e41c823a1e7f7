"""Raw records as a run sees them: which object, and is it what the hub holds already?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import lineage
from connectors.contract import DELETED, Stream
from connectors.errors import BadRecord

KEY_LENGTH = 400
_SEED = 16


@dataclass(slots=True)
class Row:
    """One record that was read. `id` and `content` are 64 bits: of the object's name, and of what is said of it and by
    which mapping it is understood."""

    id: int
    key: str
    object: bytes
    record: Mapping[str, Any]
    text: bytes
    content: int
    deleted: bool = False
    values: dict[str, Any] | None = None
    """What the mapping makes of it, and how that is written down; its thing, the whole it is a part of, its landing."""
    held: str = ""
    gid: int | None = None
    whole: int | None = None
    landing: int = 0


class Reader:
    """Makes rows of the records of one stream. `mapping`: version of the mapping that understands them."""

    def __init__(self, dataset: str, stream: Stream, mapping: str) -> None:
        self._dataset, self._stream, self._names = dataset, stream.name, stream.key
        self._seed = blake2b(mapping.encode(), digest_size=_SEED).digest()

    def row(self, record: Mapping[str, Any], told: str = "") -> Row:
        """`told`: the key by which the sender names it, for a stream whose key is not known. Raises BadRecord for a record
        that has no key, or holds what no record may."""
        key = self.key(record) if self._names else told
        if record.get(DELETED) is True:
            return Row(object_id(of := self.object(key)), key, of, record, b"", 0, deleted=True)
        try:
            text = lineage.raw_text(record)
            of = self.object(key)
        except lineage.UnstorableValue as error:
            raise BadRecord(
                str(error), record=None, hint="let the connector leave it out, or give it as text"
            ) from error
        content = int.from_bytes(blake2b(text, digest_size=8, person=self._seed).digest(), "little", signed=True)
        return Row(object_id(of), key, of, record, text, content)

    def object(self, key: str) -> bytes:
        return lineage.object_prefix(self._dataset, key)

    def key(self, record: Mapping[str, Any]) -> str:
        """The object's name in its source. Raises BadRecord."""
        try:
            parts = [value if (value := record[name]).__class__ is str else _part(name, value) for name in self._names]
        except KeyError as error:
            raise BadRecord(f"there is no {error.args[0]!r}, which is part of the key of {self._stream!r}") from error
        key = parts[0] if len(parts) == 1 else "/".join(map(_escaped, parts))
        if len(key) > KEY_LENGTH or "\0" in key:
            raise BadRecord(f"its key is longer than {KEY_LENGTH} characters, or has a NUL in it")
        return key


def object_id(of: bytes) -> int:
    """The number under which an object is held."""
    return int.from_bytes(of, "little", signed=True)


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
