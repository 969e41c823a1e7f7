"""Global ids: a bigint inside, `CUST-2026-008921` to people, and no look-up between the two.

A gid is `kind * 10^13 + year * 10^9 + sequence`. Six digits of the sequence are a minimum, not a cap, so gids sort by
number, never by their text. Below kind 900 a gid is exact in JavaScript (< 2^53).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from id_registry.errors import BadGlobalId, BadTime, UnknownKind

__all__ = ["KINDS", "LAST_SEQUENCE", "Kind", "format_id", "kind_named", "kind_of", "make_gid", "parse_id", "year_of"]


class Kind(NamedTuple):
    """A kind of thing: its number (1 to 899, inside the gid) and its prefix (in the human id)."""

    number: int
    prefix: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "customer": Kind(1, "CUST"),
        "ticket": Kind(2, "TKT"),
        "device": Kind(3, "DEV"),
        "product": Kind(4, "PROD"),
        "supplier": Kind(5, "SUP"),
        "person": Kind(6, "PER"),
        "site": Kind(7, "SITE"),
        "article": Kind(8, "ART"),
        "order": Kind(9, "ORD"),
        "purchase_order": Kind(10, "PO"),
        "work_order": Kind(11, "WO"),
        "batch": Kind(12, "BAT"),
        "material": Kind(13, "MAT"),
        "contract": Kind(14, "CON"),
        "opportunity": Kind(15, "OPP"),
        "invoice": Kind(16, "INV"),
        "delivery": Kind(17, "DLV"),
        "project": Kind(18, "PRJ"),
        "organization": Kind(19, "ORG"),
        "asset": Kind(20, "AST"),
    }
)
"""Kind name -> (number, prefix). A number or prefix, once given out, is never given to another kind."""

LAST_SEQUENCE = 999_999_999
_KIND_STEP = 10**13
_YEAR_STEP = 10**9
_BY_NUMBER = {kind.number: name for name, kind in KINDS.items()}
_BY_PREFIX = {kind.prefix: name for name, kind in KINDS.items()}
_HUMAN = re.compile(r"([A-Z]+)-([0-9]{4})-([0-9]{6,9})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = "PREFIX-YEAR-NUMBER, as in CUST-2026-008921"


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises UnknownKind."""
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        near = difflib.get_close_matches(str(name), KINDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(KINDS)}"
        raise UnknownKind(f"no kind of thing is called {name!r}; {hint}", value=name, path="kind", hint=hint)
    return kind


def make_gid(kind: str, year: int, sequence: int) -> int:
    """The gid of these parts. Raises UnknownKind, BadGlobalId."""
    number = kind_named(kind).number
    if not (1970 <= year <= 9999 and 1 <= sequence <= LAST_SEQUENCE):
        raise BadGlobalId(f"no id has year {year} and number {sequence}", value=(year, sequence), hint=_SHAPE)
    return number * _KIND_STEP + year * _YEAR_STEP + sequence


def _split(gid: int) -> tuple[str, int, int]:
    if isinstance(gid, bool) or not isinstance(gid, int):
        hint = "a gid is an integer; parse_id() reads the human form"
        raise BadGlobalId(f"{gid!r} is no gid: {hint}", value=gid, hint=hint)
    number, rest = divmod(gid, _KIND_STEP)
    year, sequence = divmod(rest, _YEAR_STEP)
    name = _BY_NUMBER.get(number)
    if name is None or year < 1970 or sequence < 1:
        raise BadGlobalId(
            f"{gid} is no gid: a gid is kind * 10^13 + year * 10^9 + number", value=gid, hint="12026000008921, for one"
        )
    return name, year, sequence


def format_id(gid: int) -> str:
    """The human form: `CUST-2026-008921`. Raises BadGlobalId for a number that is no gid."""
    name, year, sequence = _split(gid)
    return f"{KINDS[name].prefix}-{year}-{sequence:06d}"


def kind_of(gid: int) -> str:
    """The kind's name, `customer`. Raises BadGlobalId for a number that is no gid."""
    return _split(gid)[0]


def parse_id(text: str) -> int:
    """The gid of a human id, exactly as `format_id` writes it. Raises BadGlobalId with the right form."""

    def refuse(what: str, hint: str = _SHAPE) -> BadGlobalId:
        return BadGlobalId(f"{text!r} is no global id: {what}; it should look like {hint}", value=text, hint=hint)

    if not isinstance(text, str):
        raise refuse("it is not text")
    found = _HUMAN.fullmatch(text)
    if found is None:
        again = _HUMAN.fullmatch(text.strip().upper())
        raise refuse("its shape is wrong", again.group() if again and again[1] in _BY_PREFIX else _SHAPE)
    prefix, year, digits = found[1], int(found[2]), found[3]
    name = _BY_PREFIX.get(prefix)
    if name is None:
        near = difflib.get_close_matches(prefix, _BY_PREFIX, 1)
        known = f"one of {', '.join(_BY_PREFIX)}"
        raise refuse(f"no kind has the prefix {prefix}", f"{near[0]}-{found[2]}-{digits}" if near else known)
    if year < 1970:
        raise refuse(f"there are no ids of the year {found[2]}")
    sequence = int(digits)
    if sequence < 1:
        raise refuse("numbers begin at 000001", f"{prefix}-{year}-000001")
    if len(digits) > 6 and digits[0] == "0":
        raise refuse("a number is padded with zeros to six digits only", f"{prefix}-{year}-{sequence:06d}")
    return make_gid(name, year, sequence)


def year_of(now: int) -> int:
    """The UTC year of a time in microseconds since 1970. Raises BadTime."""
    try:
        year = (_EPOCH + timedelta(microseconds=now)).year
    except (OverflowError, TypeError) as e:
        raise BadTime(f"{now!r} is no time in microseconds since 1970 UTC", value=now, path="now") from e
    if year < 1970:
        raise BadTime(f"{now} lies before 1970", value=now, path="now")
    return year
