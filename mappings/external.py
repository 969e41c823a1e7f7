"""The way out: a Python function for a field that no expression can make.

It gets a dict of exactly the fields it declares under `reads`, nested as in the record, null where there is nothing, so
that the field graph stays true. It must be pure, and live in a package that the installation allows.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from typing import Any

from mappings.errors import EvaluationError
from mappings.tree import External, Path, Read
from mappings.values import Kind, kind_of, size

ALLOWED = ("mappings.functions",)
"""Packages whose functions any mapping may call."""
_REFUSALS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


def external(name: str, function: Callable[[dict[str, Any]], Any], reads: tuple[Read, ...], line: int) -> External:
    """The node for a call of this function over these reads."""
    paths = [read.path for read in reads]

    def invoke(*values: Any) -> Any:
        record = project(paths, values)
        try:
            result = function(record)
        except _REFUSALS as error:
            raise EvaluationError(f"{name} failed: {type(error).__name__}: {error}") from error
        kind_of(result)
        size(result)
        return result

    return External(name, line, 1, Kind.ANY, True, name, invoke, reads)


def project(
    paths: Collection[Path], values: Collection[Any], new: Callable[[str], dict[str, Any]] | None = None
) -> Any:
    """A record that holds these values at these paths, and nothing else; `new` makes its dicts, from their path."""
    make = new or (lambda _prefix: {})
    record = make("")
    for path, value in zip(paths, values, strict=True):
        inner: Any = record
        for depth, key in enumerate(path[:-1]):
            if not dict.__contains__(inner, key):
                inner[str(key)] = make(".".join(map(str, path[: depth + 1])) + ".")
            inner = dict.__getitem__(inner, key)
        inner[str(path[-1])] = value
    return record


def find_function(name: str, allowed: Collection[str]) -> Callable[[dict[str, Any]], Any]:
    """The function `package.module:function`. Raises ValueError with what is wrong."""
    module_name, _, function_name = name.partition(":")
    if not function_name or not all(part.isidentifier() for part in [*module_name.split("."), function_name]):
        raise ValueError(f"{name!r} is not of the form package.module:function")
    if not any(module_name == prefix or module_name.startswith(prefix + ".") for prefix in allowed):
        raise ValueError(f"functions of {module_name!r} may not be called; allowed are {', '.join(allowed)}")
    if function_name.startswith("_"):
        raise ValueError(f"{function_name!r} is private to its module")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ValueError(f"{module_name!r} cannot be imported: {error}") from error
    found = module.__dict__.get(function_name)
    if not callable(found) or isinstance(found, type) or getattr(found, "__module__", None) != module_name:
        raise ValueError(f"{module_name!r} has no function {function_name!r} of its own")
    return found  # type: ignore[no-any-return]


class RecordingDict(dict[str, Any]):
    """A dict that notes every key asked of it that it does not have."""

    def __init__(self, missed: list[str], prefix: str) -> None:
        super().__init__()
        self._missed, self._prefix = missed, prefix

    def _note(self, key: object) -> None:
        if not dict.__contains__(self, key):
            self._missed.append(f"{self._prefix}{key}")

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)


def undeclared_reads(
    function: Callable[[dict[str, Any]], Any], reads: tuple[Read, ...], values: Collection[Any]
) -> list[str]:
    """What the function asks for beyond its declaration, given these values."""
    missed: list[str] = []
    record = project([read.path for read in reads], values, lambda prefix: RecordingDict(missed, prefix))
    try:
        function(record)
    except _REFUSALS:
        return missed  # what it was asked for before it failed still counts
    return missed
