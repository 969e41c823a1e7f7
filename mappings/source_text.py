"""The text of an expression: its bounds, Python's own tree of it, and where in the text each part stands."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

from mappings.errors import Problem

MAX_CHARACTERS = 2_000
MAX_NODES = 200
MAX_PROBLEMS = 20

_SLIPS = {
    "&&": "write and",
    "||": "write or",
    "!": "write not",
    "?": "write a if condition else b",
    "=": "a comparison is written ==",
}


TRIES = 20


def _parsed(line: str) -> ast.expr:
    """Python's tree of a line. CPython 3.11 counts the depth of a tree for all threads together (gh-106905): two that
    read at the same time may upset each other's count, which says nothing about the line; it is read again."""
    for _ in range(TRIES - 1):
        try:
            return ast.parse(line, mode="eval").body
        except SystemError:
            continue
    return ast.parse(line, mode="eval").body


class _Unreadable(Exception):
    def __init__(self, message: str, offset: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.offset, self.hint = message, offset, hint


class SourceText:
    """An expression as it was written. `problems` are noted with line and column, both from 1."""

    def __init__(self, text: str) -> None:
        self.original = text
        self.text = text.strip()
        self.lead = len(text) - len(text.lstrip())
        self.problems: list[Problem] = []
        self.one_line = ""
        self.encoded = b""

    def parse(self) -> ast.expr | None:
        """Python's tree of the text, or None with a problem noted."""
        try:
            return self._read()
        except _Unreadable as refusal:
            self._note(refusal.message, refusal.offset, refusal.hint)
            return None

    def _read(self) -> ast.expr:
        if not self.text:
            raise _Unreadable("the expression is empty", hint="for no value write None")
        if len(self.text) > MAX_CHARACTERS:
            said = f"the expression has {len(self.text)} characters, at most {MAX_CHARACTERS} are read"
            raise _Unreadable(said, hint="split it with `let:`")
        self.one_line = " ".join(self.text.splitlines()) if "\n" in self.text else self.text
        if len(self.one_line) != len(self.text):
            raise _Unreadable("only plain line breaks may stand in an expression")
        if "#" in self.text and self._has_comment():
            raise _Unreadable("a comment cannot stand in an expression", hint="write it beside, as one of YAML")
        try:
            tree = self._python_tree()
        except SyntaxError as error:
            raise self._unreadable(error) from error
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            reason = error or "it is nested too deeply"
            raise _Unreadable(f"the expression cannot be read: {reason}") from error
        self.encoded = self.one_line.encode()
        if sum(1 for n in ast.walk(tree) if isinstance(n, ast.expr)) > 2 * MAX_NODES:
            raise _Unreadable(f"the expression has more than {MAX_NODES} parts", hint="split it with `let:`")
        return tree

    def _python_tree(self) -> ast.expr:
        if "\\" not in self.one_line:
            return _parsed(self.one_line)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # '\d' in a pattern is meant
            return _parsed(self.one_line)

    def _has_comment(self) -> bool:
        line = io.StringIO(self.one_line).readline
        try:
            return any(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(line))
        except (tokenize.TokenError, SyntaxError):
            return False  # ast.parse says what is wrong

    def _unreadable(self, error: SyntaxError) -> _Unreadable:
        offset = min(max((error.offset or 1) - 1, 0), len(self.text))
        near = self.one_line[max(offset - 1, 0) : offset + 2]
        hint = next((say for sign, say in _SLIPS.items() if sign in near), "")
        if self.one_line[:offset].rstrip().endswith("."):
            hint = "a key that is a word of the language goes in brackets: labels['class']"
        message = (error.msg or "invalid syntax").replace(" or ':='", "").split(" (<unknown>")[0]
        return _Unreadable(message, offset, hint)

    def _note(self, message: str, offset: int, hint: str) -> None:
        line, column = self._position(offset)
        self.problems.append(Problem(message, line=line, column=column, hint=hint))

    def refuse(self, at: ast.expr, message: str, hint: str = "") -> None:
        """Note a problem with a part."""
        if len(self.problems) < MAX_PROBLEMS:
            self._note(message, self._offset(at.col_offset), hint)

    def place(self, at: ast.expr) -> tuple[str, int, int]:
        """A part's text, line and column."""
        start, end = self._offset(at.col_offset), self._offset(at.end_col_offset or at.col_offset)
        return self.one_line[start:end], *self._position(start)

    def between(self, first: ast.expr, last: ast.expr) -> str:
        """The text from one part to the end of another."""
        return self.one_line[self._offset(first.col_offset) : self._offset(last.end_col_offset or last.col_offset)]

    def breaks_line(self, at: ast.expr) -> bool:
        """Whether the part was written over the end of a line."""
        return "\n" in self.text[self._offset(at.col_offset) : self._offset(at.end_col_offset or at.col_offset)]

    def _position(self, offset: int) -> tuple[int, int]:
        before = self.original[: self.lead + offset]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def _offset(self, column: int) -> int:
        """From Python's columns, which count bytes, to characters."""
        return len(self.encoded[:column].decode(errors="replace"))
