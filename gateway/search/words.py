"""Text as words to search by: Chinese is segmented, everything else is split where letters and digits end."""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import cache
from typing import Any

MAX_TEXT = 20_000
"""Characters of a text that count; a log pasted into a ticket must not make it similar to everything."""

_WORD = re.compile(r"[0-9a-z\u00c0-\u024f\u3400-\u9fff]")
_IDLE_TEXT = (
    "the a an of to in on is are was were be been by at as it its and or for with from this that has have had not no "
    "的 了 和 与 或 在 是 有 被 将 已 等 及 为 对 中 个 由 请 我 你 他 她 它 这 那 一 不 也 都 就 而 但 从 到 ticket 工单"
)
_IDLE = frozenset(_IDLE_TEXT.split())


def words(text: str) -> list[str]:
    """The words of a text in their order, small, full-width forms made normal; words that carry nothing left out."""
    plain = unicodedata.normalize("NFKC", text[:MAX_TEXT]).casefold()
    return [w for w in _segmenter().lcut_for_search(plain) if w not in _IDLE and _WORD.search(w)]


@cache
def _segmenter() -> Any:
    """jieba with its own dictionary: read once, some 0.7 s, when the first text is looked at."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    made = jieba.Tokenizer()
    made.initialize()
    return made
