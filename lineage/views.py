"""A view of the schema graph: the few fields somebody looks at, opened step by step from one of them, never all of it.

Each field of a view says how many neighbours it has on either side and how many of them are shown ("3 of 12"), so that
nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lineage.graph import FieldGraph
from lineage.walk import Count, Direction, GraphEdge, Index, Node

MOST_NODES = 400
"""A view of more is no view any more: `truncated` says that it was cut."""
AT_ONCE = 12
"""So many neighbours are shown by one opening, unless it says otherwise."""
_SUBTYPES = ("IDENTITY", "TRANSFORMATION", "AGGREGATION", "CONDITIONAL", "FILTER", "GROUP_BY")


class Opening(NamedTuple):
    """Somebody wants to see a field's neighbours on one side, at most so many."""

    node: Node
    direction: Direction
    limit: int = AT_ONCE


def _anything(_: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the graph is wanted: nodes by `wanted` (a filter by system), kinds of edges by `types` (DIRECT, INDIRECT;
    empty: all); and what may not be seen at all, by `may_see`."""

    wanted: Callable[[Node], bool] = _anything
    types: frozenset[str] = frozenset()
    may_see: Callable[[Node], bool] = _anything

    def takes(self, edge: GraphEdge, far: Node) -> bool:
        return (not self.types or edge.type in self.types) and self.wanted(far) and self.may_see(far)


class Shown(NamedTuple):
    """A node of a view: how far from the start it was found, and its neighbours on either side, shown of all."""

    node: Node
    depth: int
    upstream: Count
    downstream: Count


@dataclass(frozen=True, slots=True)
class View:
    """`edges`: all between the shown nodes that the filter takes. `withheld`: neighbours that may not be seen."""

    start: Node
    nodes: tuple[Shown, ...]
    edges: tuple[GraphEdge, ...]
    withheld: int
    truncated: bool


class Found(NamedTuple):
    """Fields that a search found, and of how many."""

    nodes: tuple[Node, ...]
    total: int


class Dataset(NamedTuple):
    """A dataset of the graph, with the number of its fields and of the edges between them and others."""

    name: str
    fields: int
    edges: int


def view(
    graph: FieldGraph,
    start: Node,
    *,
    depth: int = 1,
    openings: Sequence[Opening] = (),
    only: Filter | None = None,
    at_once: int = AT_ONCE,
) -> View:
    """The start with `depth` steps of its neighbours on both sides, then what the openings add, in their order. A start
    that is a dataset (path None) brings its fields along."""
    return _Viewer(graph.index, only or Filter(), start).run(depth, openings, at_once)


def search(
    graph: FieldGraph, text: str, *, only: Filter | None = None, limit: int = 50, dataset: str | None = None
) -> Found:
    """Fields whose dataset and name hold every word of the text, whole names first, then beginnings, then the rest."""
    only = only or Filter()
    words = text.casefold().split()
    ranked: list[tuple[int, int, str, str, Node]] = []
    for node in graph.nodes(dataset):
        name = node.field.casefold()
        whole = f"{node.dataset.casefold()} {name}"
        if all(word in whole for word in words) and only.wanted(node) and only.may_see(node):
            last = name.rpartition(".")[2]
            rank = min((_rank(word, name, last) for word in words), default=0)
            ranked.append((rank, len(name), node.dataset, name, node))
    ranked.sort(key=lambda r: r[:4])
    return Found(tuple(r[4] for r in ranked[:limit]), len(ranked))


def datasets(graph: FieldGraph, *, only: Filter | None = None) -> list[Dataset]:
    """All datasets by name, as far as they may be seen."""
    only = only or Filter()
    index = graph.index
    fields: dict[str, int] = {}
    edges: dict[str, int] = {}
    for number, node in enumerate(index.nodes):
        fields.setdefault(node.dataset, 0)
        if node.path is not None and only.may_see(node):
            fields[node.dataset] += 1
            near = (*index.sides["upstream"].own[number], *index.sides["downstream"].own[number])
            edges[node.dataset] = edges.get(node.dataset, 0) + len(near)
    return [Dataset(name, count, edges.get(name, 0)) for name, count in sorted(fields.items())]


def _rank(word: str, name: str, last: str) -> int:
    if word in (name, last):
        return 0
    return 1 if name.startswith(word) or last.startswith(word) else 2


@dataclass
class _Viewer:
    index: Index
    only: Filter
    start: Node
    depths: dict[Node, int] = field(default_factory=dict)
    truncated: bool = False

    def run(self, depth: int, openings: Iterable[Opening], at_once: int) -> View:
        self._show(self.start, 0)
        if self.start.path is None:
            self._show_fields(at_once * 2)
        frontier = [self.start]
        sides: tuple[Direction, Direction] = ("upstream", "downstream")
        for side in sides:
            near = frontier
            for step in range(1, depth + 1):
                near = [far for node in near for far in self._open(Opening(node, side, at_once), step)]
        for opening in openings:
            if opening.node in self.depths:
                self._open(opening, self.depths[opening.node] + 1)
        return self._made()

    def _show_fields(self, most: int) -> None:
        own = (n for n in self.index.nodes if n.dataset == self.start.dataset and n.path is not None)
        for count, node in enumerate(n for n in own if self.only.may_see(n)):
            if count == most:
                return
            self._show(node, 0)

    def _show(self, node: Node, depth: int) -> bool:
        """Is it new in the view."""
        if node in self.depths:
            return False
        if len(self.depths) >= MOST_NODES:
            self.truncated = True
            return False
        self.depths[node] = depth
        return True

    def _open(self, opening: Opening, depth: int) -> list[Node]:
        """Show a node's neighbours on one side, and those of what lies above and below it in its record; answers the
        new ones."""
        new = []
        for member in self._with_parts(opening.node, opening.direction):
            if member != opening.node and self._neighbours(member, opening.direction):
                self._show(member, self.depths[opening.node])
            for far in self._neighbours(member, opening.direction)[: opening.limit]:
                if self._show(far, depth):
                    new.append(far)
        return new

    def _with_parts(self, node: Node, side: Direction) -> list[Node]:
        number = self.index.numbers.get(node)
        along = self.index.along(node, side) if number is None else self.index.sides[side].along.get(number, [])
        own = self.index.sides[side].own
        parts = sorted((self.index.nodes[n] for n, _ in along if own[n]), key=_in_order)
        return [node, *(part for part in parts if self.only.may_see(part))][: AT_ONCE + 1]

    def _edges(self, node: Node, side: Direction) -> Iterator[tuple[GraphEdge, Node]]:
        number = self.index.numbers.get(node)
        if number is not None:
            for edge in self.index.sides[side].own[number]:
                yield edge, edge.source if side == "upstream" else edge.target

    def _neighbours(self, node: Node, side: Direction) -> list[Node]:
        """Each once, what the value is made of before what only decides about it."""
        best: dict[Node, tuple[int, int]] = {}
        for edge, far in self._edges(node, side):
            if self.only.takes(edge, far):
                rank = (edge.type != "DIRECT", _SUBTYPES.index(edge.subtype) if edge.subtype in _SUBTYPES else 9)
                best[far] = min(best.get(far, rank), rank)
        return sorted(best, key=lambda far: (*best[far], *_in_order(far)))

    def _made(self) -> View:
        edges: dict[GraphEdge, None] = {}
        withheld: set[Node] = set()
        shown = []
        for node, depth in self.depths.items():
            counts = []
            for side in ("upstream", "downstream"):
                near = self._neighbours(node, side)
                counts.append(Count(sum(far in self.depths for far in near), len(near)))
                withheld |= {far for _, far in self._edges(node, side) if not self.only.may_see(far)}
            for edge, far in self._edges(node, "downstream"):
                if far in self.depths and self.only.takes(edge, far):
                    edges[edge] = None
            shown.append(Shown(node, depth, *counts))
        return View(self.start, tuple(shown), tuple(edges), len(withheld), self.truncated)


def _in_order(node: Node) -> tuple[str, str]:
    return node.dataset, node.field
