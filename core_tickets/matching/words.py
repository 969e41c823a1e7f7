"""Words in texts, Chinese and English, however they are spelled: never by case, nor by full or half width.

Two texts are the same when their normal forms are (Unicode NFKC, casefolded, runs of white space made one). Latin words
are found as words, not within others; Chinese ones anywhere. Traditional and simplified characters are different
characters: write both.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

_CJK = 0x2E80
"""From here on characters are written without spaces between words."""


def normalised(text: str) -> str:
    """The normal form in which texts are compared."""
    if text.isascii():
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


@lru_cache(8192)
def normal_forms(texts: frozenset[str]) -> frozenset[str]:
    """The normal forms of a few names, such as the skills of a person; remembered."""
    return frozenset(map(normalised, texts))


def squeezed(text: str) -> str:
    """The normal form without anything but letters and digits: what two spellings of one id have in common."""
    return "".join(c for c in normalised(text) if c.isalnum())


def near(a: str, b: str) -> bool:
    """Are these two spellings of one thing: the same but for case, width, separators, or zeros before a number?"""
    (x, numbers), (y, others) = _shape(a), _shape(b)
    return bool(x) and a != b and (x == y or numbers == others != ())


@lru_cache(8192)
def _shape(text: str) -> tuple[str, tuple[str, ...]]:
    return squeezed(text), _numbers(text)


def _numbers(text: str) -> tuple[str, ...]:
    """The parts of an id, numbers without zeros before them; nothing for a text without a number."""
    parts: list[str] = []
    digit = False
    for c in normalised(text):
        if not c.isalnum():
            digit = False
            parts.append("")
        elif parts and parts[-1] and c.isdigit() == digit:
            parts[-1] += c
        else:
            parts.append(c)
            digit = c.isdigit()
    found = tuple(p.lstrip("0") or "0" if p.isdigit() else p for p in parts if p)
    return found if any(p.isdigit() for p in found) else ()


def _latin(c: str) -> bool:
    return c.isalnum() and ord(c) < _CJK


@dataclass(frozen=True, slots=True)
class Word:
    """A word or phrase to look for. `leak*` finds every word that begins so."""

    written: str
    text: str = field(init=False)
    """Its normal form; empty: nothing of it is left, so it is never found."""
    prefix: bool = field(init=False)

    def __post_init__(self) -> None:
        text = normalised(self.written)
        object.__setattr__(self, "prefix", text.endswith("*"))
        text = text.rstrip("*").rstrip()
        object.__setattr__(self, "text", text if any(c.isalnum() for c in text) else "")

    def within(self, text: str) -> bool:
        """Is it in this text, which is in its normal form?"""
        word = self.text
        if not word or word not in text:
            return False
        left, right = _latin(word[0]), _latin(word[-1]) and not self.prefix
        if not left and not right:
            return True
        place = text.find(word)
        while place >= 0:
            end = place + len(word)
            if not (left and place and _latin(text[place - 1])) and not (
                right and end < len(text) and _latin(text[end])
            ):
                return True
            place = text.find(word, place + 1)
        return False
