"""The field graph of an expression, read off its tree: which path reaches the value, and how.

A path that is the value itself is DIRECT/IDENTITY, also through `a if c else b`, `first` and intermediate names. One
that is computed with is DIRECT/TRANSFORMATION, one that goes into a whole of many DIRECT/AGGREGATION. What only
decides (the test of an `if`, the values `first` passes over) is INDIRECT/CONDITIONAL.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from mappings.tree import Call, Choice, LetRead, Node, Path, Read, children

EVERY_FIELD = "*"
"""The target of FILTER edges: a mapping's `where` decides about the record as a whole."""


class Dependency(enum.Enum):
    """How a path reaches a value, in OpenLineage's words."""

    IDENTITY = ("DIRECT", "IDENTITY")
    TRANSFORMATION = ("DIRECT", "TRANSFORMATION")
    AGGREGATION = ("DIRECT", "AGGREGATION")
    CONDITIONAL = ("INDIRECT", "CONDITIONAL")
    FILTER = ("INDIRECT", "FILTER")

    @property
    def type(self) -> str:
        return self.value[0]

    @property
    def subtype(self) -> str:
        return self.value[1]


class Edge(NamedTuple):
    """One edge of the field graph. `masking`: the source's value cannot be read off the target's."""

    target_field: str
    source_path: Path
    type: str
    subtype: str
    masking: bool = False


_STRENGTH = {Dependency.IDENTITY: 0, Dependency.TRANSFORMATION: 1, Dependency.AGGREGATION: 2}


def dependencies(node: Node, start: Dependency = Dependency.IDENTITY) -> list[tuple[Path, Dependency, bool]]:
    """Every (path, how, masked) of an expression, each pair once; masked only if every such way is."""
    found: dict[tuple[Path, Dependency], bool] = {}
    seen: set[tuple[str, Dependency, bool]] = set()
    _collect(node, start, False, found, seen)
    return [(path, how, masked) for (path, how), masked in found.items()]


def _collect(
    node: Node,
    how: Dependency,
    masked: bool,
    found: dict[tuple[Path, Dependency], bool],
    seen: set[tuple[str, Dependency, bool]],
) -> None:
    match node:
        case Read():
            found[node.path, how] = found.get((node.path, how), True) and masked
            return
        case LetRead():
            if (node.name, how, masked) not in seen:
                seen.add((node.name, how, masked))
                _collect(node.target, how, masked, found, seen)
            return
        case Choice():
            _collect(node.test, _stronger(how, Dependency.CONDITIONAL), masked, found, seen)
            _collect(node.then, how, masked, found, seen)
            _collect(node.otherwise, how, masked, found, seen)
            return
        case Call() if node.function.lazy:
            for index, argument in enumerate(node.arguments):
                _collect(argument, how, masked, found, seen)
                if index + 1 < len(node.arguments):
                    _collect(argument, _stronger(how, Dependency.CONDITIONAL), masked, found, seen)
            return
        case Call():
            inner = Dependency.AGGREGATION if node.function.aggregate else Dependency.TRANSFORMATION
            masked = masked or node.function.masking
        case _:
            inner = Dependency.TRANSFORMATION
    for child in children(node):
        _collect(child, _stronger(how, inner), masked, found, seen)


def _stronger(outer: Dependency, inner: Dependency) -> Dependency:
    """What `inner` becomes inside `outer`: what only decides stays so, and a whole of many stays one."""
    if outer in (Dependency.CONDITIONAL, Dependency.FILTER) or inner is Dependency.CONDITIONAL:
        return outer if outer is Dependency.FILTER else Dependency.CONDITIONAL
    return max(outer, inner, key=lambda d: _STRENGTH[d])
