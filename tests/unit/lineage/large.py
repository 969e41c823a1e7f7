"""A field graph of the size of a large company's: 6,000 fields of 150 datasets of 30 systems, 20,000 edges in layers."""

from __future__ import annotations

import random

from lineage import FieldGraph, Node

FIELDS, EDGES, SYSTEMS, DATASETS = 6_000, 20_000, 30, 150


def large_graph(seed: int = 7) -> FieldGraph:
    """Sources feed canonical records, these feed tickets and figures, these what is written out. Some fields have hundreds of
    neighbours, as identifiers do."""
    rng = random.Random(seed)
    graph = FieldGraph()
    each = FIELDS // DATASETS
    names = [f"sys{n % SYSTEMS:02d}/stream{n // SYSTEMS}" if n % 3 else f"Record{n:03d}" for n in range(DATASETS)]
    layers: list[list[Node]] = [[], [], [], []]
    for number, dataset in enumerate(names):
        layers[number * 4 // DATASETS].extend(Node(dataset, (f"field_{i}_{number}",)) for i in range(each))
    hubs = [rng.sample(layer, 8) for layer in layers]
    made: set[tuple[Node, Node]] = set()
    while len(made) < EDGES:
        layer = rng.randrange(3)
        source = rng.choice(hubs[layer]) if rng.random() < 0.1 else rng.choice(layers[layer])
        target = rng.choice(layers[layer + 1])
        if (source, target) not in made:
            made.add((source, target))
            type_, subtype = rng.choice(
                [("DIRECT", "IDENTITY"), ("DIRECT", "TRANSFORMATION"), ("INDIRECT", "CONDITIONAL")]
            )
            graph.connect(source, target, type_, subtype, via=f"mapping {target.dataset}")
    for layer_nodes in layers:
        for node in layer_nodes:
            graph._know(node)
    return graph
