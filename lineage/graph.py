"""The schema graph: which field of which dataset is made from which, held in memory.

A node is a (dataset, path) pair, never a text to be taken apart. Paths nest: who reads `labels` depends on
`labels.instance`, and who reads `labels.instance` depends on whatever set `labels`; so a walk that reaches a node also
follows the edges of the nodes above and below it in the same dataset, but not those of its siblings.

What decides about records as a whole (a mapping's `where`, a bridge's `when`) is one edge to the dataset itself
(`path` None), not one to each field; and records that exist because others do make the dataset an input of the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lineage.walk import Direction, GraphEdge, Index, Node, Subgraph, Walk, parse_field
from mappings import EVERY_FIELD, Expression, Path
from mappings import Mapping as FieldMapping


@dataclass
class FieldGraph:
    """Add everything first, then ask; an addition makes the next question rebuild the index (20 ms for 20,000 edges).
    Reading is safe from many threads, adding is not."""

    _nodes: dict[Node, None] = field(default_factory=dict)
    _edges: dict[tuple[Node, Node, str, str, str], GraphEdge] = field(default_factory=dict)
    _index: Index | None = None

    def __len__(self) -> int:
        return len(self._edges)

    def add(
        self,
        mapping: FieldMapping,
        source: str,
        target: str,
        *,
        roots: Mapping[str, str] | None = None,
        prefix: str = "",
    ) -> None:
        """Add a mapping from one dataset to another. `roots`: first path parts that stand for other datasets
        (`{"ids": "registry", "hub": "hub"}`); `prefix` as in `plan`."""
        for name in mapping.fields:
            self._know(Node(target, parse_field(prefix + name)))
        for edge in mapping.edges:
            whole = edge.target_field == EVERY_FIELD
            self.connect(
                _resolve(edge.source_path, source, roots or {}),
                Node(target, None if whole else parse_field(prefix + edge.target_field)),
                edge.type,
                edge.subtype,
                masking=edge.masking,
                via=mapping.name,
            )

    def add_rule(
        self,
        rule: str,
        target: str,
        values: Mapping[str, Expression],
        *,
        roots: Mapping[str, str],
        when: Iterable[Expression] = (),
    ) -> None:
        """Add a rule or a bridge: the expressions that make the target's fields, and those that decide whether it acts.
        `roots` says which dataset each first path part stands for (`{"ticket": "Ticket", "alert": "Alert"}`)."""
        for name, expression in values.items():
            for path, how, masking in expression.dependencies():
                source = _resolve(path, rule, roots)
                self.connect(source, Node(target, parse_field(name)), how.type, how.subtype, masking=masking, via=rule)
        for expression in when:
            for path in expression.reads:
                self.connect(_resolve(path, rule, roots), Node(target, None), "INDIRECT", "FILTER", via=rule)

    def connect(
        self, source: Node, target: Node, type: str, subtype: str, *, masking: bool = False, via: str = ""
    ) -> None:
        """Add one edge; a second time it masks only if both do."""
        key = (source, target, type, subtype, via)
        known = self._edges.get(key)
        self._edges[key] = GraphEdge(*key[:4], masking and (known is None or known.masking), via)
        self._know(source)
        self._know(target)

    def _know(self, node: Node) -> None:
        self._nodes[node] = None
        self._nodes[Node(node.dataset, None)] = None
        self._index = None

    def nodes(self, dataset: str | None = None) -> list[Node]:
        """All fields, or those of one dataset, in the order they were added."""
        return [n for n in self._nodes if n.path is not None and dataset in (None, n.dataset)]

    def upstream(self, node: Node, depth: int | None = 1, *, limit: int = 100_000) -> Subgraph:
        """What the node is made from, up to `depth` edges away (None: all the way), at most `limit` edges."""
        return self._walk(node, "upstream", depth, limit)

    def downstream(self, node: Node, depth: int | None = 1, *, limit: int = 100_000) -> Subgraph:
        """What is made from the node, up to `depth` edges away (None: all the way), at most `limit` edges."""
        return self._walk(node, "downstream", depth, limit)

    @property
    def index(self) -> Index:
        """The graph by numbers, as it is now."""
        index = self._index
        if index is None:
            index = self._index = Index.of(self._nodes, self._edges.values())
        return index

    def _walk(self, start: Node, direction: Direction, depth: int | None, limit: int) -> Subgraph:
        return Walk(self.index, direction, limit).run(start, depth)


def _resolve(path: Path, dataset: str, roots: Mapping[str, str]) -> Node:
    if path and isinstance(path[0], str) and path[0] in roots:
        return Node(roots[path[0]], path[1:])
    return Node(dataset, path)
