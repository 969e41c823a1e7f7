"""Text in the form in which it is compared: one width, one case, simplified characters, nothing invisible, never long.

Every function takes any text, NUL and right-to-left marks included, and answers text both databases can hold.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

__all__ = ["LONGEST", "is_han", "letters", "plain", "simplified"]

LONGEST = 256
"""Characters of a value that are looked at."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_SPACES = re.compile(r"\s+")


def plain(text: str) -> str:
    """One width, one case, single blanks, simplified characters; control, format, private and lone surrogate ones left out."""
    return _plain(text[: 4 * LONGEST])


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not folded.isascii():
        folded = "".join(c for c in folded if c in "\t\n\r" or unicodedata.category(c)[0] != "C")
    else:
        folded = "".join(c for c in folded if c >= " " or c in "\t\n\r")
    folded = _SPACES.sub(" ", folded).strip()[:LONGEST].strip()
    return simplified(folded) if _HAN.search(folded) else folded


def simplified(text: str) -> str:
    """Traditional characters as simplified ones (騰訊 → 腾讯)."""
    return str(_converter().convert(text))


@cache
def _converter() -> Any:
    import opencc  # its tables load when the first Chinese name is compared

    return opencc.OpenCC("t2s")


def is_han(text: str) -> bool:
    """Whether a Chinese character is in it."""
    return _HAN.search(text) is not None


def letters(text: str) -> str:
    """Letters and digits alone, in one piece; what accents and marks there are, left out."""
    parted = unicodedata.normalize("NFD", text)
    return "".join(c for c in parted if unicodedata.category(c)[0] in "LN")
