"""The walk over the schema graph: breadth first, over numbers instead of nodes, each edge once."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from mappings import EVERY_FIELD, Path, format_path

Direction: TypeAlias = Literal["upstream", "downstream"]


class Node(NamedTuple):
    """A field of a dataset, by its path in the record; `path` None is the dataset: that its records exist at all."""

    dataset: str
    path: Path | None

    @property
    def field(self) -> str:
        """The field as one writes it in an expression; `*` is the dataset."""
        return EVERY_FIELD if self.path is None else format_path(self.path)

    @classmethod
    def of(cls, dataset: str, field: str) -> Node:
        """The node of a field as one writes it."""
        return cls(dataset, None if field == EVERY_FIELD else parse_field(field))


@lru_cache(maxsize=16_384)
def parse_field(text: str) -> Path:
    """`labels.instance` -> ("labels", "instance"). The inverse of `format_path`; what can't be read so is one name."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return (text,)
    parts: list[str | int] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=base, attr=name):
                parts.append(name)
                node = base
            case ast.Subscript(value=base, slice=ast.Constant(value=str() | int() as key)):
                parts.append(key)
                node = base
            case _:
                return (text,)
    if node.id != "row":
        parts.append(node.id)
    return tuple(reversed(parts))


class GraphEdge(NamedTuple):
    """`target` is made from `source` by `via` (a mapping's name, a rule's or a bridge's id). Types and subtypes are
    OpenLineage's, and INDIRECT/PART between a field and what lies above or below it in the same record."""

    source: Node
    target: Node
    type: str
    subtype: str
    masking: bool = False
    via: str = ""


class Count(NamedTuple):
    """How many of a node's edges in the direction of the walk are shown."""

    shown: int
    total: int


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of the graph by numbers: each node's own edges, and where they lead; and the nodes above and below
    it in the same record, for those that have any, with the edges that say so."""

    own: list[list[GraphEdge]]
    ends: list[list[int]]
    along: dict[int, list[tuple[int, GraphEdge]]]


@dataclass(frozen=True, slots=True)
class Index:
    """The graph by numbers."""

    nodes: list[Node]
    numbers: dict[Node, int]
    sides: dict[Direction, Side]
    datasets: list[int]
    """Of each node the number of its dataset's own node."""
    size: int

    @classmethod
    def of(cls, nodes: Iterable[Node], edges: Iterable[GraphEdge]) -> Index:
        """Index a graph; between datasets that feed one another it adds that records exist because others do."""
        nodes = list(nodes)
        numbers = {node: number for number, node in enumerate(nodes)}
        outgoing: list[list[GraphEdge]] = [[] for _ in nodes]
        incoming: list[list[GraphEdge]] = [[] for _ in nodes]
        edges = list(edges)
        fed = {(e.source.dataset, e.target.dataset): None for e in edges if e.source.dataset != e.target.dataset}
        edges += [GraphEdge(Node(source, None), Node(target, None), "INDIRECT", "FILTER") for source, target in fed]
        for edge in edges:
            outgoing[numbers[edge.source]].append(edge)
            incoming[numbers[edge.target]].append(edge)
        down = Side(outgoing, [[numbers[e.target] for e in own] for own in outgoing], {})
        up = Side(incoming, [[numbers[e.source] for e in own] for own in incoming], {})
        for number, node in enumerate(nodes):
            for above in _above(node, numbers):
                for a, b in ((number, above), (above, number)):
                    down.along.setdefault(a, []).append((b, GraphEdge(nodes[a], nodes[b], "INDIRECT", "PART")))
                    up.along.setdefault(a, []).append((b, GraphEdge(nodes[b], nodes[a], "INDIRECT", "PART")))
        datasets = [numbers[Node(node.dataset, None)] for node in nodes]
        return cls(nodes, numbers, {"downstream": down, "upstream": up}, datasets, len(edges))

    def along(self, node: Node, direction: Direction) -> list[tuple[int, GraphEdge]]:
        """What a walk reaches together with a node that nobody reads or writes by itself."""
        found: list[tuple[int, GraphEdge]] = []
        for number, other in enumerate(self.nodes):
            if other.dataset == node.dataset and other.path is not None and node.path is not None:
                shorter, longer = sorted((node.path, other.path), key=len)
                if longer[: len(shorter)] == shorter:
                    pair = (node, other) if direction == "downstream" else (other, node)
                    found.append((number, GraphEdge(*pair, "INDIRECT", "PART")))
        return found


def _above(node: Node, numbers: dict[Node, int]) -> list[int]:
    if node.path is None:
        return []
    above = (Node(node.dataset, node.path[:length]) for length in range(len(node.path)))
    return [numbers[n] for n in above if n in numbers]


@dataclass(frozen=True)
class Subgraph:
    """What a walk found, spelt out on demand. `truncated`: the limit cut it short, so that more is left out than by
    depth alone."""

    start: Node
    direction: Direction
    truncated: bool
    index: Index = field(repr=False)
    levels: list[list[int]] = field(repr=False)
    parts: list[GraphEdge] = field(repr=False)
    shown: dict[int, int] = field(repr=False)

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node, from near to far."""
        return list(map(self.index.nodes.__getitem__, chain.from_iterable(self.levels)))

    @cached_property
    def depths(self) -> list[int]:
        """The distance of each node."""
        return [at for at, level in enumerate(self.levels) for _ in level]

    @cached_property
    def edges(self) -> list[GraphEdge]:
        """Every edge between the nodes that the walk followed, from near to far."""
        own = self.index.sides[self.direction].own
        followed = [own[number][: self.shown.get(number)] for level in self.levels for number in level]
        return [*self.parts, *chain.from_iterable(followed)]

    @cached_property
    def counts(self) -> dict[Node, Count]:
        """The nodes not all of whose edges are shown."""
        own, nodes = self.index.sides[self.direction].own, self.index.nodes
        return {nodes[number]: Count(count, len(own[number])) for number, count in self.shown.items()}


class Walk:
    """One walk. A node reached by an edge takes along those above and below it in its record, which take nobody along
    themselves; and upstream its dataset, on whose existence every field depends."""

    def __init__(self, index: Index, direction: Direction, limit: int) -> None:
        self._index, self._direction = index, direction
        self._side = index.sides[direction]
        self._room = limit if limit < index.size else None
        self._reached: set[int] = set()
        self._seen: set[int] = set()
        self._levels: list[list[int]] = []
        self._parts: list[GraphEdge] = []
        self._shown: dict[int, int] = {}

    def run(self, start: Node, depth: int | None) -> Subgraph:
        """Walk from a node, which need not be one that anybody reads or writes by itself."""
        number = self._index.numbers.get(start)
        if number is None:
            frontier = self._take_along(self._index.along(start, self._direction))
            dataset = self._index.numbers.get(Node(start.dataset, None))
            if dataset is not None and self._direction == "upstream":
                frontier.append(dataset)
            self._levels.append(frontier)
        else:
            frontier = self._reach({number})
        while frontier and (depth is None or len(self._levels) <= depth):
            frontier = self._reach(self._expand(frontier))
        truncated = bool(self._shown)
        own = self._side.own
        self._shown |= {number: 0 for number in frontier if own[number]}
        return Subgraph(start, self._direction, truncated, self._index, self._levels, self._parts, self._shown)

    def _reach(self, found: set[int]) -> list[int]:
        """The next level: the nodes newly reached by an edge, and those they take along."""
        new = found - self._reached
        self._reached |= new
        level = list(new - self._seen)
        self._seen |= new
        along = self._side.along
        if along:
            level += self._take_along([pair for number in along.keys() & new for pair in along[number]])
        if self._direction == "upstream":
            datasets = set(map(self._index.datasets.__getitem__, new)) - self._seen
            self._seen |= datasets
            level += datasets
        self._levels.append(level)
        return level

    def _take_along(self, pairs: list[tuple[int, GraphEdge]]) -> list[int]:
        taken = []
        for number, edge in pairs:
            if number not in self._seen and self._side.own[number]:
                self._seen.add(number)
                taken.append(number)
                self._parts.append(edge)
        return taken

    def _expand(self, frontier: list[int]) -> set[int]:
        """Where the own edges of these nodes lead, up to the limit."""
        ends = self._side.ends
        if self._room is None:
            return set(chain.from_iterable(map(ends.__getitem__, frontier)))
        found: set[int] = set()
        for number in frontier:
            taken = ends[number][: self._room]
            found.update(taken)
            self._room -= len(taken)
            if len(taken) < len(ends[number]):
                self._shown[number] = len(taken)
        return found
