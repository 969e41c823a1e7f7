"""Keeps the literal secrets of one connection out of every text that leaves it."""

from __future__ import annotations

import base64
import json
import re
import traceback
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "••••••"
_SHORT = 4
"""A secret shorter than this is masked only where it stands alone: else it would blank out ordinary words."""


class Scrubber:
    """Masks secrets in texts and errors: as they are, URL-encoded, JSON- or `repr`-escaped, and in base64 (basic
    authentication with one of `users`). Cheap to keep for the life of a connection, safe from any thread."""

    __slots__ = ("_pattern",)

    def __init__(self, secrets: Iterable[str], users: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret, tuple(users))}
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_as_pattern, ordered))) if ordered else None

    def __repr__(self) -> str:
        return "Scrubber(…)"

    def text(self, text: str) -> str:
        """The text with every secret masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def value(self, value: Any) -> Any:
        """A JSON-like value with every secret inside its texts masked; other objects are left as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            text = value.decode("utf-8", "replace")
            return self.text(text).encode() if self.leaks(text) else value
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.value(item) for item in value)
        return value

    def trace(self, error: BaseException) -> str:
        """The masked traceback of an error and all its causes."""
        return self.text("".join(traceback.format_exception(error)))

    def causes(self, error: BaseException) -> list[str]:
        """One masked line for each error behind this one."""
        lines: list[str] = []
        here = error.__cause__ or error.__context__
        while here is not None and len(lines) < 8:
            lines.append(self.text(f"caused by {type(here).__module__}.{type(here).__qualname__}: {here}"))
            here = here.__cause__ or here.__context__
        return lines

    def leaks(self, text: str) -> bool:
        """Whether a secret can be read in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None


def _forms(secret: str, users: tuple[str, ...]) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    if len(secret) >= _SHORT:
        yield _base64(secret)
    for user in users:
        yield _base64(f"{user}:{secret}")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


def _as_pattern(form: str) -> str:
    literal = re.escape(form)
    return literal if len(form) >= _SHORT else rf"(?<!\w){literal}(?!\w)"
