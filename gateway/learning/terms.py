"""A ticket's text as terms that can be compared: Chinese is segmented, English cut to its stems, and words of both that
mean one thing are one term. Everything needed is installed with the hub; nothing is fetched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from math import log
from typing import Any, NamedTuple

from gateway.config import yaml12
from gateway.search.words import words

MAX_BODY = 2_000
"""Characters of a description that count; what a machine appends to it says little about the trouble."""
MOST = 40
"""Terms of a text that count, the heaviest first."""
TITLE = 3.0
_POLITE_TEXT = (
    "about after again also and any but can could do does hello hi me my need our please she so thank thanks there they we "
    "what when which will would you your 谢谢 您好 你好 麻烦 请问 帮忙 我们 你们 他们 需要 反映 反馈 发现 出现 进行 已经 目前 "
    "现在 情况 问题 处理"
)
_POLITE = frozenset(_POLITE_TEXT.split())
_HAS_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[\d.]+")


class Term(NamedTuple):
    """How much a term weighs in its text, and the word it stood for there."""

    weight: float
    word: str


def terms(title: str, body: str = "", names: Collection[str] = ()) -> dict[str, Term]:
    """The terms of a text, the heaviest first. `names`: what things are called, such as hosts and devices: a word with a
    digit that occurs there tells which thing, not which trouble, and is left out, as plain numbers are."""
    own = {word for name in names for word in words(name) if _HAS_DIGIT.search(word)}
    counts: dict[str, tuple[float, str]] = {}
    for text, weight in ((title, TITLE), (body[:MAX_BODY], 1.0)):
        for term, word in _terms(text):
            if word not in own:
                count, first = counts.get(term, (0.0, word))
                counts[term] = count + weight, first
    made = {term: Term(round(1 + log(count), 4), word) for term, (count, word) in counts.items()}
    return dict(sorted(made.items(), key=lambda item: (-item[1].weight, item[0]))[:MOST])


def numbers(text: str) -> frozenset[str]:
    """The words of a text that hold a digit: numbers, sizes, codes. Where they differ, the texts speak of two things."""
    return frozenset(word for word in words(text) if _HAS_DIGIT.search(word))


def alike(a: Mapping[str, Any] | Collection[str], b: Mapping[str, Any] | Collection[str]) -> float:
    """The share of terms two texts have in common, 0 to 1 (Dice)."""
    whole = len(a) + len(b)
    return 2 * len(set(a) & set(b)) / whole if whole else 0.0


def _terms(text: str) -> Iterator[tuple[str, str]]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    end = 0
    for found in _glossary().finditer(plain):
        yield from _others(plain[end : found.start()])
        yield f"={found.lastgroup}", found.group()
        end = found.end()
    yield from _others(plain[end:])


def _others(text: str) -> Iterator[tuple[str, str]]:
    for word in words(text):
        if len(word) > 1 and word not in _POLITE and not _NUMBER.fullmatch(word):
            yield _stem(word), word


@cache
def _glossary() -> re.Pattern[str]:
    """One pattern of all concepts; a Latin expression fits only whole words."""
    told: dict[str, dict[str, str]] = yaml12.load(
        files("gateway.learning").joinpath("glossary.yaml").read_text("utf-8")
    )
    parts = []
    for concept, ways in told.items():
        latin = rf"(?<![a-z0-9])(?:{ways['en']})(?![a-z0-9])"
        parts.append(f"(?P<{concept}>{latin}|{ways['zh']})")
    return re.compile("|".join(parts))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    if not word.isascii() or _HAS_DIGIT.search(word):
        return word
    return str((_stemmer().analyze(word) or [word])[0])


@cache
def _stemmer() -> Any:
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer("english")).build()
