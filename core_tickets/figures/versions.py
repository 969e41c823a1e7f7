"""The version of a figure: a hash of its definition, the program text of its formula included.

Comments, docstrings and layout do not count; a change of the formula, of any function of this package it calls, of the
story they read, or of a term does.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from types import CodeType
from typing import Any

import orjson

from core_tickets.figures import story
from core_tickets.figures.metric import Metric, Terms

__all__ = ["version"]

PACKAGE = __name__.rpartition(".")[0]


def version(metric: Metric, terms: Terms) -> str:
    """64 hexadecimal digits."""
    definition = {
        "name": metric.name, "unit": metric.unit, "scale": metric.scale, "adds": metric.adds, "settled": metric.settled,
        "dimensions": metric.dimensions, "terms": metric.used(terms), "formula": _formula(metric.facts),
    }  # fmt: skip
    return hashlib.sha256(orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)).hexdigest()


@cache
def _formula(function: Any) -> list[str]:
    found: dict[str, str] = {"story": _text(inspect.getsource(story))}
    waiting = [function]
    while waiting:
        each = waiting.pop()
        name = f"{each.__module__}.{each.__qualname__}"
        if name in found:
            continue
        found[name] = _text(textwrap.dedent(inspect.getsource(each)))
        if not inspect.isfunction(each):
            continue
        for used in sorted(set(_names(each.__code__))):
            value = each.__globals__.get(used)
            if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__.startswith(PACKAGE):
                waiting.append(value)
            elif isinstance(value, str | int | tuple | frozenset):
                found[f"{each.__module__}.{used}"] = repr(sorted(value) if isinstance(value, frozenset) else value)
    return [f"{name}: {found[name]}" for name in sorted(found)]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _text(source: str) -> str:
    """A program without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            told = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
            node.body = told or [ast.Pass()]
    return ast.unparse(tree)
