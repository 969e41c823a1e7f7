"""Phone numbers and e-mail addresses in free text, however they are spelled. Pure.

Text is first read as its plain form, character by character, so that a place in one is a place in the other: digits of
every script and width and the Chinese ones are 0 to 9, every dash is -, every blank a space, and what is not seen at all
(zero-width marks) counts as a separator.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

__all__ = ["LOOKS", "mask_text", "spots"]

_CHINESE = dict(zip("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "001234567891123456789", strict=True))
_DASHES = "-‐‑‒–—―−﹣－ー~～"
_SAME = {
    **_CHINESE,
    **dict.fromkeys(_DASHES, "-"),
    "＋": "+",
    "＠": "@",
    "﹫": "@",
    "．": ".",
    "。": ".",
    "（": "(",
    "）": ")",
}
_UNSEEN = "\u200b"

_GAP = r"(?:[\s\-.()/_\\,:·•|*#" + _UNSEEN + r"]|%[0-9A-Fa-f]{2}|&nbsp;){0,3}"
_MOBILE = _GAP.join(["1", "[3-9]", *[r"\d"] * 9])
_CODE = rf"(?:(?:(?:\+|00){_GAP}8{_GAP}6|8{_GAP}6|\({_GAP}\+?{_GAP}8{_GAP}6{_GAP}\)|0){_GAP})?"
_EXTENSION = r"(?:[\s\-转,x#]{1,3}\d{1,6})?"
_LINE = (
    rf"0(?:10|2\d|[3-9]\d\d)\d{{7,8}}|0\d{{2,3}}[\s\-()/_{_UNSEEN}]{{1,3}}\d{{3,4}}[\s\-{_UNSEEN}]?\d{{4}}{_EXTENSION}"
)
_SERVICE = rf"[48]00{_GAP}\d{{3}}{_GAP}\d{{4}}|[48]00{_GAP}\d{{4}}{_GAP}\d{{3}}"
_FOREIGN = rf"\+{_GAP}[1-9]\d{{0,2}}(?:{_GAP}\d){{6,12}}"
_BEFORE = r"(?:(?<!\d)|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
PHONE = re.compile(rf"{_BEFORE}(?:{_CODE}{_MOBILE}|{_LINE}|{_SERVICE}|{_FOREIGN})(?!\d)")
EMAIL = re.compile(
    r"[\w.+\-%]{1,64}\s?@\s?[A-Za-z0-9\u4e00-\u9fff\-]{1,63}(?:\s?\.\s?[A-Za-z0-9\u4e00-\u9fff\-]{1,63}){1,6}"
)
_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_WHOLE_MOBILE = re.compile(r"(?:0086|86|0)?(1[3-9]\d)\d{8}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d")


@lru_cache(maxsize=8192)
def _plain_character(c: str) -> str:
    if c in _SAME:
        return _SAME[c]
    kind = unicodedata.category(c)
    if kind == "Cf" or c in "\u034f\ufe0f\u20e3":
        return _UNSEEN
    if kind in ("Nd", "No"):
        value = unicodedata.digit(c, -1)
        return str(value) if value >= 0 else c
    if kind in ("Zs", "Pd"):
        return " " if kind == "Zs" else "-"
    narrow = unicodedata.normalize("NFKC", c)
    return narrow if len(narrow) == 1 else c


def plain(text: str) -> str:
    """The text with every character in its plain form; as long as before."""
    return text if text.isascii() else "".join(map(_plain_character, text))


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for found in PHONE.finditer(text):
        said = found[0]
        around = text[max(0, found.start() - 4) : found.end() + 4]
        if _QUAD.fullmatch(said.strip()) or (_MOMENT.search(around) and not _long_run(said)):
            continue  # an IP address; a date with its time
        yield found.span()


def _long_run(said: str) -> bool:
    return re.search(r"\d{7}", said) is not None


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for found in EMAIL.finditer(text):
        yield found.span()


LOOKS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {"phone": _phones, "email": _emails}
"""What can be recognised by how it looks: spans within text in its plain form."""


def spots(text: str, look: str) -> list[tuple[int, int]]:
    """Where such things stand in a text, in order."""
    if look == "phone" and len(text) < 7:
        return []
    return list(LOOKS[look](plain(text)))


def _mask_phone(text: str) -> str:
    said = "".join(c for c in plain(text) if c.isdigit())
    foreign = "+" in plain(text) and not said.startswith("86")
    mobile = None if foreign else _WHOLE_MOBILE.fullmatch(said)
    return (mobile[1] if mobile else "") + "****" + (said[-4:] if len(said) >= 7 else "")


def _mask_email(text: str) -> str:
    name, _, domain = plain(text).partition("@")
    return f"{name.strip()[:1]}***@{domain.strip()}"


def mask_value(text: str, look: str | None) -> str:
    """A value of which only so much is told that who knows it knows it again: 138****1234, z***@example.com, 张***."""
    if look == "phone":
        return _mask_phone(text)
    if look == "email" and "@" in plain(text):
        return _mask_email(text)
    return f"{text[:1]}***" if len(text) > 1 else "***"


def mask_text(text: str, look: str, put: Callable[[str], str]) -> str:
    """The text with each such thing in it replaced by what `put` makes of it."""
    made, end = [], 0
    for start, stop in spots(text, look):
        made += [text[end:start], put(text[start:stop])]
        end = stop
    return "".join([*made, text[end:]]) if made else text
