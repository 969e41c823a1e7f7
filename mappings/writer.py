"""The lines of one generated Python function, and the reading of the record at its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mappings import operators
from mappings.errors import EvaluationError
from mappings.tree import Path
from mappings.values import CONTEXT, short_enough

FAILURES = (EvaluationError, ArithmeticError)
"""What a computation may raise because of the record at hand. Anything else is a bug."""


class Failed:
    """An intermediate name that could not be computed; whoever reads it fails with the same error."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Writer:
    """Source lines of one function, and the objects they name."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.depth = 1
        self.count = 0
        self.reads: dict[Path, str] = {}
        self.lets: dict[str, str] = {}
        self.names: dict[str, Any] = {
            "Decimal": Decimal,
            "datetime": datetime,
            "date": date,
            "UTC": UTC,
            "short_enough": short_enough,
            "Failed": Failed,
            "FAILURES": FAILURES,
            "_add": CONTEXT.add,
            "_subtract": CONTEXT.subtract,
            "_multiply": CONTEXT.multiply,
            "_divide": CONTEXT.divide,
            "_minus": CONTEXT.minus,
            "step": operators.step,
            "truth": operators.truth,
            "negate": operators.negate,
            **{call.__name__: call for call in operators.ARITHMETIC.values()},
            **{call.__name__: call for call in operators.COMPARISONS.values()},
        }

    def line(self, text: str) -> None:
        self.lines.append((self.depth, text))

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def branch(self, source: Callable[[], str]) -> tuple[list[tuple[int, str]], str]:
        """The statements that a part needs, one block deeper than here, and the expression after them."""
        outer, self.lines = self.lines, []
        self.depth += 1
        text = source()
        self.depth -= 1
        inner, self.lines = self.lines, outer
        return inner, text

    def fresh(self, prefix: str = "t") -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def constant(self, value: Any, prefix: str = "K") -> str:
        name = self.fresh(prefix)
        self.names[name] = value
        return name

    def build(self, name: str, parameters: str) -> tuple[Callable[..., Any], str]:
        """The function of these lines, and its source."""
        source = (
            "\n".join([f"def {name}({parameters}):", *("    " * depth + text for depth, text in self.lines)]) + "\n"
        )
        exec(compile(source, f"<mapping {name}>", "exec"), self.names)  # noqa: S102  (only what is written here)
        return self.names[name], source

    # -- reading the record -----------------------------------------------------------------------------------------

    def read_all(self, paths: Iterable[Path], record: str = "record") -> None:
        """Read each path into a variable of its own; what two paths share is read once."""
        wanted = [path for path in paths if path not in self.reads]
        self.reads.setdefault((), record)
        self._read_below((), sorted({p[:n] for p in wanted for n in range(1, len(p) + 1)}, key=str), top=True)

    def _read_below(self, base: Path, prefixes: list[Path], top: bool = False) -> None:
        found = [p for p in prefixes if len(p) == len(base) + 1 and p[: len(base)] == base]
        new = [p for p in found if p not in self.reads]
        for path in new:
            self.reads[path] = self.fresh("p")
        source = self.reads[base]
        if top:
            for path in new:
                self.line(f"{self.reads[path]} = {source}.get({path[-1]!r})")
        elif new:
            self._read_parts(source, new)
        for path in found:
            self._read_below(path, prefixes)

    def _read_parts(self, source: str, paths: list[Path]) -> None:
        texts = [path for path in paths if isinstance(path[-1], str)]
        if texts:
            with self.block(f"if {source}.__class__ is dict:"):
                for path in texts:
                    self.line(f"{self.reads[path]} = {source}.get({path[-1]!r})")
            with self.block("else:"):
                for path in texts:
                    self.line(f"{self.reads[path]} = step({source}, {path[-1]!r})")
        for path in paths:
            if path not in texts:
                self.line(f"{self.reads[path]} = step({source}, {path[-1]!r})")
