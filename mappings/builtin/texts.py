"""Text."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any

from mappings.errors import EvaluationError
from mappings.registry import function, prepared
from mappings.values import MAX_TEXT, as_text, describe, kind_of, short_enough

_NO_DIGIT = bytes(set(range(128)) - set(b"0123456789"))
_SPACE = re.compile(r"\s+")


@function(inline=lambda *values: f"short_enough({' + '.join(values)})")
def concat(value: Any, *values: Any) -> str:
    """The values one after the other, as text. Null if one of them is null: use `join` to leave nulls out.

    concat(1, '/', 'b') == '1/b'
    concat('a', missing) is None
    """
    texts = [v if v.__class__ is str else as_text(v) for v in (value, *values)]
    if sum(map(len, texts)) > MAX_TEXT:
        raise EvaluationError(f"concat() would make more than {MAX_TEXT} characters: shorten a part with truncate()")
    return "".join(texts)


@function()
def text(value: Any) -> str:
    """The value as text: numbers in plain digits, booleans as true and false, times as RFC 3339 in UTC.

    text(1.50) == '1.50'
    text(datetime('2026-11-22T08:00:00+08:00')) == '2026-11-22T00:00:00Z'
    """
    return as_text(value)


@function(inline=lambda value: f"{value}.lower()")
def lower(value: str) -> str:
    """The text in lower case.

    lower('ABC') == 'abc'
    """
    return value.lower()


@function(inline=lambda value: f"{value}.upper()")
def upper(value: str) -> str:
    """The text in upper case.

    upper('abc') == 'ABC'
    """
    return value.upper()


@function()
def strip(value: str, characters: str | None = None) -> str:
    """The text without white space, or without any of the given characters, at both ends.

    strip('  a b ') == 'a b'
    strip('[web-1]', '[]') == 'web-1'
    """
    return value.strip(characters)


@function()
def squeeze(value: str) -> str:
    """The text with every run of white space as one space, and none at its ends.

    squeeze(' a   b ') == 'a b'
    """
    return _SPACE.sub(" ", short_enough(value)).strip()


@function()
def nonempty(value: str) -> str | None:
    """The text, or null when there is nothing but white space in it. For sources that send '' for no value.

    nonempty('  ') is None
    first(nonempty(''), 'web-1') == 'web-1'
    """
    return value if value.strip() else None


@function()
def half_width(value: str) -> str:
    """The text with full-width letters, digits and signs as plain ones (Unicode NFKC), as typed into Chinese systems.

    half_width('ＡＢ１２') == 'AB12'
    """
    return short_enough(unicodedata.normalize("NFKC", short_enough(value)))


@function()
def replace(value: str, old: str, new: str) -> str:
    """The text with every occurrence of `old` replaced by `new`.

    replace('10,000', ',', '') == '10000'
    """
    if not old:
        raise EvaluationError("replace() cannot search for an empty text")
    if len(new) > len(old) and len(value) + value.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise EvaluationError(f"replace() would make more than {MAX_TEXT} characters")
    return short_enough(value).replace(old, new)


@function()
def digits(value: str) -> str:
    """Only the digits 0 to 9 of the text.

    digits('+86 (010) 1234-5678') == '8601012345678'
    """
    return value.encode("ascii", "ignore").translate(None, _NO_DIGIT).decode()


@function(predicate=True, inline=lambda value, part: f"({part} in {value})")
def contains(value: str, part: str) -> bool:
    """Whether `part` stands somewhere in the text. False with null. For lists and maps: `part in list`.

    contains('disk full', 'full') == True
    contains(missing, 'full') == False
    """
    return part in value


@function(predicate=True, inline=lambda value, part: f"{value}.startswith({part})")
def starts_with(value: str, part: str) -> bool:
    """Whether the text begins with `part`. False with null.

    starts_with('web-1', 'web') == True
    """
    return value.startswith(part)


@function(predicate=True, inline=lambda value, part: f"{value}.endswith({part})")
def ends_with(value: str, part: str) -> bool:
    """Whether the text ends with `part`. False with null.

    ends_with('a.csv', '.csv') == True
    """
    return value.endswith(part)


@function()
def before(value: str, separator: str) -> str:
    """The text before the first `separator`; the whole text when it does not occur.

    before('web-1:9100', ':') == 'web-1'
    """
    return value.partition(separator)[0] if separator else value


@function()
def after(value: str, separator: str) -> str | None:
    """The text after the first `separator`; null when it does not occur.

    after('team=ops=1', '=') == 'ops=1'
    after('team', '=') is None
    """
    _, found, tail = value.partition(separator) if separator else ("", "", "")
    return tail if found else None


@function()
def between(value: str, start: str, end: str) -> str | None:
    """The text between the first `start` and the next `end`; null when they do not occur.

    between('Disk /var is full', 'Disk ', ' is') == '/var'
    """
    tail = after(value, start)
    if tail is None or not end or end not in tail:
        return None
    return tail.partition(end)[0]


@function()
def truncate(value: str, length: int, ellipsis: str = "…") -> str:
    """The text cut to at most `length` characters, the ellipsis included.

    truncate('disk full on web-1', 9) == 'disk ful…'
    truncate('short', 9) == 'short'
    """
    if len(value) <= length:
        return value
    keep = max(length - len(ellipsis), 0)
    return value[:keep] + ellipsis[: max(length, 0)]


@function()
def truncate_bytes(value: str, length: int) -> str:
    """The text cut so that its UTF-8 form has at most `length` bytes; no character is torn. For systems that count
    bytes.

    truncate_bytes('设备报警', 7) == '设备'
    """
    return value.encode()[: max(length, 0)].decode(errors="ignore")


@function()
def pad_left(value: str, length: int, fill: str = "0") -> str:
    """The text filled at its left to `length` characters.

    pad_left('42', 5) == '00042'
    """
    if len(fill) != 1:
        raise EvaluationError("pad_left() fills with exactly one character")
    if length > MAX_TEXT:
        raise EvaluationError(f"pad_left() makes at most {MAX_TEXT} characters")
    return value.rjust(length, fill)


def _separator(value: str) -> str:
    if not value:
        raise EvaluationError("an empty text separates nothing")
    return value


@function()
def split(value: str, separator: Annotated[str, prepared(_separator)]) -> list[Any]:
    """The parts of the text between separators, as a list. One part: `split(x, '/')[0]`.

    split('a/b/c', '/')[1] == 'b'
    """
    return short_enough(value).split(separator)


@function(aggregate=True)
def join(values: list[Any], separator: str = "") -> str | None:
    """The values of a list as one text; nulls and empty texts are left out. Null when nothing remains.

    join(['A', None, 3], '-') == 'A-3'
    join([None], '-') is None
    """
    texts = [as_text(value) for value in values if value is not None and value != ""]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_TEXT:
        raise EvaluationError(f"join() would make more than {MAX_TEXT} characters: shorten it with truncate()")
    return separator.join(texts) if texts else None


@function(predicate=True)
def is_text(value: Any) -> bool:
    """Whether the value is text. False with null.

    is_text('5') == True
    is_text(5) == False
    """
    return isinstance(value, str)


@function()
def kind(value: Any | None) -> str:
    """The kind of the value: text, number, int, bool, datetime, date, list, map or null.

    kind('5') == 'text'
    kind(missing) == 'null'
    """
    return str(kind_of(value))


@function("bool", fallible=True)
def to_bool(value: Any) -> bool:
    """The boolean that a word, a number or a boolean stands for: true, yes, y, on, 1, 是 and false, no, n, off, 0, 否,
    in any case. Anything else fails.

    bool('Y') == True
    bool(0) == False
    """
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, (str, int, Decimal)):
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise EvaluationError(f"{describe(value)} is neither true nor false")


_TRUE = frozenset({"true", "yes", "y", "on", "1", "t", "是", 1})
_FALSE = frozenset({"false", "no", "n", "off", "0", "f", "否", 0})
