"""Phones, mail addresses and postal addresses in the form in which they are compared."""

from __future__ import annotations

import re
from functools import lru_cache

from id_registry.matching.regions import region_at_start
from id_registry.matching.text import is_han, letters, plain

__all__ = ["address", "email", "phone"]

_MOBILE = re.compile(r"(?:\+?86|0086)?0?(1[3-9]\d{9})")
_LANDLINE = re.compile(r"(?:\+?86|0086)?(0?(?:10|2\d|[3-9]\d{2}))(\d{7,8})")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#).*$")
_EMAIL = re.compile(r"[^\s@,;<>()]{1,64}@[^\s@,;<>()]{1,190}\.[^\s@.,;<>()]{2,24}")
_PARTS = re.compile(r"(?<=[区县镇乡村路街道巷弄号栋幢座楼层室园])")


@lru_cache(maxsize=4096)
def phone(value: str) -> str:
    """A phone number: +86 and eleven digits for a mobile, area code and number for a landline, else its digits; empty for what is
    none, such as 000000."""
    text = _EXTENSION.sub("", plain(value))
    first = re.split(r"[/;,、|]", text)[0]
    digits = re.sub(r"[^\d+]", "", first)
    bare = digits.replace("+", "")
    if len(bare) < 7 or len(bare) > 15 or len(set(bare)) < 3 or bare in "01234567890123456789":
        return ""
    if found := _MOBILE.fullmatch(digits):
        return f"+86{found[1]}"
    if len(bare) == 10 and bare.startswith(("400", "800")):
        return bare
    if (found := _LANDLINE.fullmatch(digits)) and len(bare) >= 9:
        return f"0{found[1].removeprefix('0')}{found[2]}"
    return digits if digits.startswith("+") else bare


@lru_cache(maxsize=4096)
def email(value: str) -> str:
    """A mail address; empty for what is none."""
    text = plain(value)
    return text if _EMAIL.fullmatch(text) else ""


@lru_cache(maxsize=4096)
def address(value: str) -> tuple[str, str]:
    """Region (from its largest part) and the rest of an address as words: (上海, 浦东新区 张江路 88号)."""
    text = plain(value)
    if not is_han(text):
        return "", " ".join(sorted(word for word in map(letters, re.split(r"[\s,.\-/]+", text)) if word))
    bare = letters(text.replace(" ", ""))
    region, rest = region_at_start(bare.removeprefix("中国"))
    return region, " ".join(_PARTS.split(rest)).strip()
