"""How records, id lists and field sets are written down: losslessly, small, and fast.

A record is plain JSON text wherever JSON can say it: a `Decimal` is a number with a point or an exponent, and every
such number is read back as `Decimal` (a record holds no floats). What JSON can't say (aware datetimes, dates, huge
integers, half characters) makes the text start with byte 0x01, and such values are single-key maps
`{"$datetime": ...}` in it; a map of the source that looks like one is then written as `{"$map": ...}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from lineage.errors import Damaged, UnstorableValue

_TAGGED = b"\x01"
_TAGS = frozenset({"$datetime", "$date", "$number", "$text", "$map", "$erased"})
_DEEPEST = 200
_INT64 = 1 << 63
_MAX_BITS = 8192  # Python itself refuses to read integers of more than 4,300 digits


class Gone:
    """Stands where a value was erased. `token` is the same for equal values, when a secret was given; else empty."""

    __slots__ = ("token",)

    def __init__(self, token: str = "") -> None:
        self.token = token

    def __repr__(self) -> str:
        return f"<erased {self.token}>" if self.token else "<erased>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gone) and other.token == self.token

    def __hash__(self) -> int:
        return hash((Gone, self.token))


def encode(value: Any) -> bytes:
    """JSON of a record or fact. Raises UnstorableValue, which names the path."""
    try:
        return orjson.dumps(value, default=_decimal, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        return _TAGGED + orjson.dumps(_tag(value, ""), default=_decimal)


def decode(text: bytes | str) -> Any:
    """The inverse of `encode`. Raises Damaged."""
    if isinstance(text, str):
        text = text.encode()
    try:
        if text[:1] == _TAGGED:
            return _untag(json.loads(text[1:], parse_float=Decimal))
        return json.loads(text, parse_float=Decimal)
    except (ValueError, TypeError, LookupError, AttributeError, InvalidOperation, RecursionError) as problem:
        raise Damaged(f"not the JSON of a record: {problem}") from problem


def _number(value: Decimal) -> str | None:
    """A literal with a point or an exponent, which reads back as the very same Decimal; None for NaN and infinities."""
    if not value.is_finite():
        return None
    text = str(value)
    return text if "." in text or "E" in text else text + "E+0"


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal) and (text := _number(value)):
        return orjson.Fragment(text.encode())
    raise TypeError


def _tag(value: Any, path: str, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise UnstorableValue(path, value, f"maps and lists may be nested {_DEEPEST} deep")
    match value:
        case None | bool():
            return value
        case str():
            if value.isascii() or _is_text(value):
                return value
            return {"$text": value.encode("utf-8", "surrogatepass").hex()}
        case int():
            if -_INT64 <= value < _INT64:
                return value
            if value.bit_length() > _MAX_BITS:
                raise UnstorableValue(path, value)
            return {"$number": str(value)}
        case Decimal():
            return value if value.is_finite() else {"$number": str(value)}
        case datetime() if value.tzinfo is not None:
            return {"$datetime": value.isoformat()}
        case date() if not isinstance(value, datetime):
            return {"$date": value.isoformat()}
        case Gone():
            return {"$erased": value.token}
        case Mapping():
            return _tag_map(value, path, depth + 1)
        case list() | tuple():
            return [_tag(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
        case float():
            return value
    raise UnstorableValue(path, value)


def _tag_map(value: Mapping[Any, Any], path: str, depth: int) -> Any:
    items = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise UnstorableValue(path, key)
        items.append((_tag(key, path), _tag(item, f"{path}.{key}" if path else key, depth)))
    plain = all(isinstance(key, str) for key, _ in items)
    if plain and not (len(items) == 1 and items[0][0] in _TAGS):
        return dict(items)
    return {"$map": [list(item) for item in items]}


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        return {key: _untag(item) for key, item in value.items()}
    ((tag, inner),) = value.items()
    match tag:
        case "$datetime":
            return datetime.fromisoformat(inner)
        case "$date":
            return date.fromisoformat(inner)
        case "$number":
            return int(inner) if inner.lstrip("-").isdigit() else Decimal(inner)
        case "$text":
            return bytes.fromhex(inner).decode("utf-8", "surrogatepass")
        case "$map":
            return {_untag(key): _untag(item) for key, item in inner}
        case "$erased":
            return Gone(inner)
    return {tag: _untag(inner)}


# -- id lists: varints, seven bits a byte, low bits first (SQLite; PostgreSQL has arrays) -----------------------------


def pack_ids(ids: Iterable[int]) -> bytes:
    """Positive integers as varints, in their order."""
    out = bytearray()
    for value in ids:
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
    return bytes(out)


def unpack_ids(packed: bytes) -> list[int]:
    """The inverse of `pack_ids`."""
    ids, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            ids.append(value)
            value = shift = 0
    return ids


# -- field sets: a little-endian bitmap over the ids of field names ---------------------------------------------------


def pack_bits(bits: Iterable[int]) -> bytes:
    """The bitmap with these bits set; bit n is bit n % 8 of byte n // 8, as PostgreSQL's get_bit counts."""
    number = 0
    for bit in bits:
        number |= 1 << bit
    return number.to_bytes((number.bit_length() + 7) // 8, "little")


def unpack_bits(packed: bytes) -> list[int]:
    """The bits that are set, rising."""
    number = int.from_bytes(packed, "little")
    bits = []
    while number:
        low = number & -number
        bits.append(low.bit_length() - 1)
        number ^= low
    return bits
