"""SQL texts: taken apart far enough to tell one statement from two, a value's place from a colon in a text.

A value's place is `:name`. Values never become part of a text: each driver gets them apart, in its own style.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TOKENS = re.compile(
    r"""
    (?P<text>'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<name>"(?:[^"]|"")*"|`[^`]*`|\[[^\[\]]*\])
  | (?P<rest>--[^\n]*)
  | (?P<comment>/\*.*?\*/)
  | (?P<cast>::)
  | :(?P<place>[A-Za-z_]\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<end>;)
  | (?P<mark>\?)
  | (?P<open>['"`]|/\*)
    """,
    re.VERBOSE | re.DOTALL,
)
_NEVER = frozenset(
    {"DROP", "ALTER", "CREATE", "TRUNCATE", "GRANT", "REVOKE", "VACUUM", "ATTACH", "DETACH", "PRAGMA"}
    | {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT"}
)
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CALL", "EXEC", "EXECUTE"})
_CHANGES = _NEVER | _WRITES | {"UPSERT", "INTO", "LOCK", "COPY", "DO"}
_NAME = re.compile(
    r"""(?:"[^"]+"|`[^`]+`|\[[^\[\]]+\]|[^\W\d][\w$#]*)(?:\.(?:"[^"]+"|`[^`]+`|\[[^\[\]]+\]|[^\W\d][\w$#]*)){0,3}"""
)
_FUNCTIONS = ("REPLACE",)
"""Words that change something as statements, and nothing as functions."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `pieces`: its text, cut at the places of values, whose names stand between."""

    pieces: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.places)

    def render(self, style: str, values: Mapping[str, Any]) -> tuple[str, Any]:
        """Its text and parameters for a driver of this paramstyle (PEP 249). No values, no parameters."""
        if not self.places:
            return self.pieces[0], ()
        pieces = [piece.replace("%", "%%") for piece in self.pieces] if "format" in style else list(self.pieces)
        marks = [_mark(style, name, number) for number, name in enumerate(self.places, 1)]
        text = pieces[0] + "".join(mark + piece for mark, piece in zip(marks, pieces[1:], strict=True))
        if style in ("pyformat", "named"):
            return text, {name: values[name] for name in self.places}
        return text, tuple(values[name] for name in self.places)


def _mark(style: str, name: str, number: int) -> str:
    marks = {"qmark": "?", "format": "%s", "pyformat": f"%({name})s", "named": f":{name}"}
    return marks.get(style, f":{number}" if style == "numeric" else f"${number}")


def select(text: str) -> str:
    """A single SELECT that changes nothing, without a semicolon. Raises ValueError with what is wrong."""
    _checked(text, reads=True)
    return _bare(text)


def change(text: str) -> str:
    """A single statement that changes rows. Raises ValueError with what is wrong."""
    _checked(text, reads=False)
    return _bare(text)


def name(text: str) -> str:
    """A table's name, such as orders, dbo.Orders or "Order Lines". Raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(f'{text!r} is no name of a table; write orders, dbo.Orders or "Order Lines"')
    return text


def parse(text: str) -> Statement:
    """A statement that was checked, with the places of its values."""
    pieces, places, done = [], [], 0
    for token in _TOKENS.finditer(text):
        if token["place"]:
            pieces.append(text[done : token.start()])
            places.append(token["place"])
            done = token.end()
    return Statement((*pieces, text[done:]), tuple(places))


def _bare(text: str) -> str:
    """Without semicolon, and without -- comments: what we put behind it must not become a part of one."""
    kept, done = [], 0
    for token in _TOKENS.finditer(text):
        if token.lastgroup in ("rest", "end"):
            kept.append(text[done : token.start()])
            done = token.end()
    return " ".join((*kept, text[done:])).strip()


def _checked(text: str, *, reads: bool) -> None:
    words: list[str] = []
    ended = False
    for token in _TOKENS.finditer(text):
        kind = token.lastgroup
        if kind in ("rest", "comment"):
            continue
        if kind == "open":
            raise ValueError(f"what begins at {text[token.start() : token.start() + 20]!r} has no end")
        if ended:
            raise ValueError("more than one statement; write one")
        if kind == "mark":
            raise ValueError("a value's place is written :name, not ?")
        ended = kind == "end"
        if kind == "word" and not _is_no_keyword(text, token):
            words.append(token[0].upper())
    _check_words(words, reads=reads)


def _is_no_keyword(text: str, token: re.Match[str]) -> bool:
    """A column behind its table's name, or a function that is called like a statement."""
    behind_dot = text[: token.start()].rstrip()[-1:] == "."
    return behind_dot or (token[0].upper() in _FUNCTIONS and text[token.end() :].lstrip()[:1] == "(")


def _check_words(words: list[str], *, reads: bool) -> None:
    first = words[0] if words else ""
    if reads:
        if first not in ("SELECT", "WITH"):
            raise ValueError(f"begins with {first or 'nothing'}; write a SELECT")
        bad = next((word for word in words if word in _CHANGES), None)
        if bad:
            raise ValueError(
                f"{bad} changes something; a column of that name needs its table or quotes: t.{bad.lower()}"
            )
        return
    if first not in {*_WRITES, "WITH"}:
        raise ValueError(f"begins with {first or 'nothing'}; write INSERT, UPDATE, DELETE, MERGE, CALL or EXEC")
    bad = next((word for word in words if word in _NEVER), None)
    if bad:
        raise ValueError(f"{bad} does not belong into an operation; the hub itself begins and commits")
