"""A view shows a few fields of the graph, says of each how many neighbours there are, and never all of it."""

from __future__ import annotations

import time

import pytest

from lineage import FieldGraph, Node, views
from lineage.views import Filter, Opening, view
from tests.unit.lineage.large import EDGES, FIELDS, large_graph

TITLE = Node.of("Ticket", "title")


@pytest.fixture
def fan() -> FieldGraph:
    """`Ticket.title` is read by 30 fields of three systems, and made of one, of which a condition decides too."""
    graph = FieldGraph()
    graph.connect(Node.of("crm/case", "subject"), TITLE, "DIRECT", "IDENTITY", via="case")
    graph.connect(Node.of("crm/case", "status"), TITLE, "INDIRECT", "CONDITIONAL", via="case")
    for n in range(30):
        graph.connect(TITLE, Node.of(f"s{n % 3}/out", f"f{n}"), "DIRECT", "IDENTITY", via=f"bridge-{n}")
    graph.connect(Node.of("s0/out", "f0"), Node.of("late/end", "x"), "DIRECT", "IDENTITY", via="last")
    return graph


@pytest.fixture(scope="module")
def large() -> FieldGraph:
    return large_graph()


def test_a_view_shows_twelve_of_thirty_and_says_so(fan: FieldGraph) -> None:
    shown = view(fan, TITLE)
    title = shown.nodes[0]
    assert (title.node, title.downstream, title.upstream) == (TITLE, (12, 30), (2, 2))
    assert len(shown.edges) == 14


def test_opening_shows_more_of_one_side(fan: FieldGraph) -> None:
    shown = view(
        fan, TITLE, openings=[Opening(TITLE, "downstream", 30), Opening(Node.of("s0/out", "f0"), "downstream")]
    )
    assert shown.nodes[0].downstream == (30, 30)
    assert Node.of("late/end", "x") in [n.node for n in shown.nodes]
    assert next(n.depth for n in shown.nodes if n.node.dataset == "late/end") == 2


def test_an_opening_of_what_is_not_in_view_shows_nothing(fan: FieldGraph) -> None:
    shown = view(fan, TITLE, depth=0, openings=[Opening(Node.of("s0/out", "f0"), "downstream")])
    assert [n.node for n in shown.nodes] == [TITLE]


def test_what_a_value_is_made_of_comes_before_what_decides_about_it(fan: FieldGraph) -> None:
    shown = view(fan, TITLE, at_once=1)
    assert [n.node.field for n in shown.nodes if n.node.dataset == "crm/case"] == ["subject"]
    assert shown.nodes[0].upstream == (1, 2)


def test_filters_by_system_and_kind_of_edge_count_only_what_they_take(fan: FieldGraph) -> None:
    only = Filter(wanted=lambda node: node.dataset != "s1/out", types=frozenset({"DIRECT"}))
    shown = view(fan, TITLE, only=only, at_once=100)
    assert shown.nodes[0].downstream == (20, 20)
    assert shown.nodes[0].upstream == (1, 1)
    assert not any(edge.type == "INDIRECT" or edge.target.dataset == "s1/out" for edge in shown.edges)


def test_what_may_not_be_seen_is_not_there_and_counted(fan: FieldGraph) -> None:
    shown = view(fan, TITLE, only=Filter(may_see=lambda node: node.field != "subject"))
    assert not any("subject" in (e.source.field, e.target.field) for e in shown.edges)
    assert shown.nodes[0].upstream == (1, 1)
    assert shown.withheld == 1


def test_edges_between_shown_fields_are_all_shown(fan: FieldGraph) -> None:
    fan.connect(Node.of("crm/case", "subject"), Node.of("s0/out", "f0"), "DIRECT", "IDENTITY", via="aside")
    edges = view(fan, TITLE).edges
    assert ("crm/case", "s0/out") in {(e.source.dataset, e.target.dataset) for e in edges}


def test_parts_of_a_field_bring_their_own_neighbours() -> None:
    graph = FieldGraph()
    graph.connect(Node.of("Alert", "labels.host"), Node.of("Ticket", "device"), "DIRECT", "IDENTITY", via="m")
    shown = view(graph, Node.of("Alert", "labels"))
    assert [n.node.field for n in shown.nodes] == ["labels", "labels.host", "device"]


def test_a_dataset_shows_its_fields_to_open(fan: FieldGraph) -> None:
    shown = view(fan, Node("s0/out", None))
    assert [n.node.field for n in shown.nodes][:3] == ["*", "f0", "f3"]


def test_search_finds_whole_names_first(fan: FieldGraph) -> None:
    fan.connect(TITLE, Node.of("s0/out", "subtitle_old"), "DIRECT", "IDENTITY")
    found = views.search(fan, "title")
    assert [n.field for n in found.nodes] == ["title", "subtitle_old"]
    assert views.search(fan, "s0 f3").nodes[0] == Node.of("s0/out", "f3")
    assert (len(views.search(fan, "out", limit=5).nodes), views.search(fan, "out", limit=5).total) == (5, 31)


def test_a_graph_of_6000_fields_and_20000_edges_is_looked_at_in_milliseconds(large: FieldGraph) -> None:
    assert (len(large.nodes()), len(large)) == (FIELDS, EDGES)
    busiest = max(large.nodes(), key=lambda n: len(large.index.sides["downstream"].own[large.index.numbers[n]]))
    opened = [Opening(busiest, "downstream", 100)]
    shown = view(large, busiest, depth=2, openings=opened)
    assert 100 < len(shown.nodes) <= views.MOST_NODES
    for look in (
        lambda: view(large, busiest),
        lambda: view(large, busiest, depth=2, openings=opened),
        lambda: views.search(large, "field_7"),
        lambda: views.datasets(large),
    ):
        best = min(_seconds(look) for _ in range(5))
        assert best < 0.05, f"{best * 1000:.0f} ms"


def _seconds(what: object) -> float:
    assert callable(what)
    begun = time.thread_time()
    what()
    return time.thread_time() - begun
