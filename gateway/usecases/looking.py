"""The schema graph as one asker may look at it: systems, search, views, and the same as OpenLineage."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

import core_tickets
import lineage
from gateway.config.hub import HUB, Hub
from gateway.errors import NotFound
from gateway.rights import Eyes
from gateway.usecases import tracing
from lineage import Node, views
from mappings.suggestions import among

if TYPE_CHECKING:
    from lineage.openlineage import DatasetName

WEFT = "weft"
"""The system that canonical records, tickets, rules and figures belong to."""


class System(NamedTuple):
    """A connection with its datasets, or the hub itself. `connector` is empty for the hub, and for a system that bridges
    write to without a connection of their own."""

    id: str
    title: str
    title_zh: str
    connector: str
    datasets: tuple[views.Dataset, ...]


def system_of(dataset: str) -> str:
    """The connection a dataset belongs to; the hub for its own."""
    system, slash, _ = dataset.partition("/")
    return system if slash and system != HUB else WEFT


def titled(hub: Hub, system: str) -> tuple[str, str, str]:
    """What a system is called, in English and Chinese, and its connector."""
    live = hub.connections.get(system)
    connector = live.spec.connector if live is not None else system
    kind = hub.catalogue.good.get(connector)
    if kind is not None:
        return kind.title, kind.title_zh, connector
    return ("Weft", "Weft", "") if system == WEFT else (system, system, "")


def only(eyes: Eyes, systems: Collection[str] = (), types: Collection[str] = ()) -> views.Filter:
    """A filter for who asks: fields of tickets and kinds of data that they may not see are not there."""
    wanted = frozenset(systems)

    def may_see(node: Node) -> bool:
        if eyes.asker.unlimited or node.path is None:
            return True
        sight = eyes.anywhere
        if node.dataset == tracing.TICKET:
            return bool(sight.of(node.field))
        kind = eyes.rights.data.of_path(node.field)
        return kind is None or bool(sight.data(kind))

    def in_systems(node: Node) -> bool:
        return not wanted or system_of(node.dataset) in wanted

    return views.Filter(in_systems, frozenset(types), may_see)


def graph(hub: Hub) -> lineage.FieldGraph:
    """The field graph in force."""
    return tracing.graph_of(hub)


def systems(hub: Hub, eyes: Eyes) -> list[System]:
    """Every system of the graph, the hub first, then by id."""
    by_system: dict[str, list[views.Dataset]] = {}
    for dataset in views.datasets(tracing.graph_of(hub), only=only(eyes)):
        by_system.setdefault(system_of(dataset.name), []).append(dataset)
    return [System(name, *titled(hub, name), tuple(by_system[name]))
            for name in sorted(by_system, key=lambda name: (name != WEFT, name))]  # fmt: skip


def view(
    hub: Hub, eyes: Eyes, start: Node, *, depth: int, openings: Collection[views.Opening], systems: Collection[str],
    types: Collection[str], at_once: int,
) -> views.View:  # fmt: skip
    """Raises NotFound with the nearest name for a dataset or field that is not there, or not to be seen."""
    graph, wanted = tracing.graph_of(hub), only(eyes, systems, types)
    if not wanted.may_see(start):
        raise NotFound(f"You may not see {start.dataset} {start.field}.")
    known = {node.dataset for node in graph.index.nodes}
    if start.dataset not in known:
        raise NotFound(f"The field graph has no dataset {start.dataset!r}; {among(start.dataset, sorted(known))}.")
    if start not in graph.index.numbers and not graph.index.along(start, "upstream"):
        fields = sorted(node.field for node in graph.nodes(start.dataset) if wanted.may_see(node))
        raise NotFound(f"{start.dataset} has no field {start.field!r}; {among(start.field, fields)}.")
    seen = [opening for opening in openings if wanted.may_see(opening.node)]
    return views.view(graph, start, depth=depth, openings=seen, only=wanted, at_once=at_once)


def naming(hub: Hub) -> Any:
    """How OpenLineage calls the datasets of this configuration."""
    from lineage.openlineage import DatasetName  # its client is 12 MB that a hub nobody asks does not need

    def name(dataset: str) -> DatasetName:
        system, slash, stream = dataset.partition("/")
        live = hub.connections.get(system)
        if live is not None:
            return DatasetName(live.namespace, stream)
        return DatasetName(f"weft://{system}", stream) if slash else DatasetName("weft://hub", dataset)

    return name


def events_of_view(hub: Hub, shown: views.View, at: int) -> list[dict[str, Any]]:
    """The edges of a view as OpenLineage JobEvents."""
    from lineage import exchange

    return exchange.job_events(shown.edges, at, naming(hub), namespace=WEFT)


def events_of_value(conn: Connection, hub: Hub, number: int, field: str) -> list[dict[str, Any]]:
    """The chain of a ticket's value as OpenLineage events. Raises lineage.NoOrigin."""
    from lineage import exchange
    from lineage.plans import load_plan

    origin = tracing.drill(conn, number, field)
    return exchange.value_events(origin, lambda p: load_plan(conn, p), tracing.TICKET, naming(hub), namespace=WEFT)


def fields_of(conn: Connection, number: int) -> list[tuple[str, Any]]:
    """The fields of a ticket and its snapshot that hold something and have an origin, with their values."""
    core_tickets.get(conn, number)
    recorded = lineage.recorded_fields(conn, number)
    held = {**tracing.read_values(conn, [number]).get(number, {}), **tracing.snapshot_values(conn, number)}
    return [(name, value) for name, value in held.items() if name in recorded and value not in (None, "", {}, [])]


def systems_in(hub: Hub, origin: lineage.Origin) -> dict[str, dict[str, str]]:
    """What the systems that an origin speaks of are called."""
    names: set[str] = set()

    def walk(each: lineage.Origin) -> None:
        names.update(source.system for source in each.sources)
        for fact in each.facts:
            if fact.source is not None:
                names.add(fact.source.system)
            if fact.xref is not None:
                names.add(fact.xref[1])
            if fact.derived is not None:
                walk(fact.derived)

    walk(origin)
    keys = ("title", "title_zh", "connector")
    return {name: dict(zip(keys, titled(hub, name), strict=True)) for name in sorted(names)}
