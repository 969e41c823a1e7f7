"""Names of people, Chinese and other; and the pinyin by which a candidate is found. Pinyin is never evidence: most Chinese
names share theirs with other names."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from types import MappingProxyType

from id_registry.matching.text import is_han, letters, plain

__all__ = ["person", "pinyin_key"]

_TITLES = re.compile(r"(?:先生|女士|小姐|太太|经理|主任|老师|工程师|总监|师傅)$|^(?:mr|mrs|ms|miss|dr|prof)\b\.?\s*")
_HAN_NAME = re.compile("[^\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_SURNAMES = MappingProxyType({
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "查": "zha", "区": "ou", "朴": "piao", "盖": "ge", "任": "ren",
    "华": "hua", "洗": "xian", "冼": "xian", "尉": "wei", "乐": "yue", "翟": "zhai", "繁": "po", "召": "shao", "秘": "bi",
    "折": "she", "员": "yun", "缪": "miao", "纪": "ji", "覃": "qin", "宓": "mi", "黑": "he", "句": "gou", "种": "chong",
    "燕": "yan", "牟": "mou", "晟": "cheng",
})  # fmt: skip
"""Surnames that are read otherwise than the same character elsewhere."""
_INITIALS = (
    "",
    "b",
    "p",
    "m",
    "f",
    "d",
    "t",
    "n",
    "l",
    "g",
    "k",
    "h",
    "j",
    "q",
    "x",
    "zh",
    "ch",
    "sh",
    "r",
    "z",
    "c",
    "s",
    "y",
    "w",
)
_FINALS = ("a", "o", "e", "ai", "ei", "ao", "ou", "an", "en", "ang", "eng", "ong", "i", "ia", "ie", "iao", "iu", "ian", "in",
           "iang", "ing", "iong", "u", "ua", "uo", "uai", "ui", "uan", "un", "uang", "v", "ve", "ue", "er")  # fmt: skip
_LONGEST_WORD = 24


@lru_cache(maxsize=4096)
def person(name: str) -> str:
    """A person's name as it is compared: Chinese characters in one piece, other names as their words in order of the alphabet, so
    that 'Zhang San' is 'San, Zhang'."""
    text = _TITLES.sub("", plain(name)).strip()
    if is_han(text):
        return _HAN_NAME.sub("", text)
    return " ".join(sorted(word for word in map(letters, re.split(r"[\s,.·'\-]+", text)) if word))


@lru_cache(maxsize=4096)
def pinyin_key(name: str) -> str:
    """The syllables of a name in order of the alphabet, the same for 张三, 張三, zhangsan, Zhang San and San Zhang; empty for
    what is no name."""
    text = person(name)
    if not text:
        return ""
    if is_han(text):
        import pypinyin  # half a second to load

        syllables = pypinyin.lazy_pinyin(text, v_to_u=False)
        syllables[0] = _SURNAMES.get(text[0], syllables[0])
    else:
        spoken = unicodedata.normalize("NFD", plain(name)).replace("u\u0308", "v")
        syllables = [part for word in person(spoken).split() for part in _syllables(word)]
    return " ".join(sorted(s.replace("ü", "v") for s in syllables))


@cache
def _all_syllables() -> frozenset[str]:
    return frozenset(i + f for i in _INITIALS for f in _FINALS)


def _syllables(word: str) -> list[str]:
    """A word of Latin letters as syllables of pinyin, as few as will do; the word itself where it is none."""
    if len(word) > _LONGEST_WORD:
        return [word]
    best: list[list[str] | None] = [[]]
    for end in range(1, len(word) + 1):
        found: list[str] | None = None
        for start in range(max(0, end - 6), end):
            before = best[start]
            if (
                before is not None
                and word[start:end] in _all_syllables()
                and (found is None or len(before) + 1 < len(found))
            ):
                found = [*before, word[start:end]]
        best.append(found)
    return best[-1] or [word]
