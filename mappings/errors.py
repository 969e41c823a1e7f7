"""What can go wrong in the mapping language, grouped by what must happen next.

WeftMappingError
├── MappingError         a person must change the text; nothing of it was taken
│   ├── LibraryError     the same, of the files of a package
│   └── ExpressionError  the same, of one expression
└── EvaluationError      this record cannot be computed; the mapping's `on_error` decides what becomes of it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a text: where (`path` such as `fields.due.expr`; line and column count from 1) and what to write
    instead."""

    message: str
    path: str = ""
    line: int = 1
    column: int = 1
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"line {self.line}, column {self.column}: {where}{self.message}{hint}"


class WeftMappingError(Exception):
    """The mapping language refused."""


class MappingError(WeftMappingError):
    """The mapping was refused as a whole; `problems` lists every fault found."""

    def __init__(self, problems: Iterable[Problem], origin: str = "") -> None:
        self.problems = tuple(problems)
        self.origin = origin
        name = f"{origin}: " if origin else ""
        super().__init__("\n".join(f"{name}{problem}" for problem in self.problems))

    def __reduce__(self) -> tuple[type[MappingError], tuple[tuple[Problem, ...], str]]:
        return type(self), (self.problems, self.origin)


class LibraryError(MappingError):
    """Mappings of a package were refused; `errors` has one error per file, `problems` those of all."""

    def __init__(self, errors: Iterable[MappingError]) -> None:
        self.errors = tuple(errors)
        super().__init__([problem for error in self.errors for problem in error.problems])
        self.args = ("\n".join(map(str, self.errors)),)

    def __reduce__(self) -> tuple[type[LibraryError], tuple[tuple[MappingError, ...]]]:  # type: ignore[override]
        return type(self), (self.errors,)


class ExpressionError(MappingError):
    """The expression was refused; `problems` lists every fault found, with line and column inside its text."""


class EvaluationError(WeftMappingError):
    """The value cannot be computed from this record."""

    def __init__(self, message: str = "the value cannot be computed from this record") -> None:
        self.message = message
        super().__init__(message)

    def __reduce__(self) -> tuple[type[EvaluationError], tuple[str]]:
        return type(self), (self.message,)
