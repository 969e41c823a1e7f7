"""What can be wrong with a manifest.

ValueError
└── BadManifest    a person must mend the file; every problem with its path and what to write instead
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.errors import FieldProblem

__all__ = ["BadManifest"]


class BadManifest(ValueError):
    """The manifest cannot be used."""

    def __init__(self, problems: Sequence[FieldProblem], origin: str = "") -> None:
        lines = [f"{p.path or '(whole)'}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems]
        super().__init__((f"{origin}: " if origin else "") + "; ".join(lines))
        self.problems = tuple(problems)
        self.origin = origin

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.problems, self.origin))
