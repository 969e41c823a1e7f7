"""The schema graph answers what depends on what, without a silent gap and without one edge too many."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import FieldGraph, GraphEdge, Node, Subgraph
from lineage.walk import parse_field
from mappings import compile_expression, format_path
from tests.unit.lineage.samples import ALERT, INCIDENT


@pytest.fixture
def graph() -> FieldGraph:
    """Raw alert -> Alert -> Ticket -> what a bridge writes to Zabbix."""
    graph = FieldGraph()
    graph.add(ALERT, "am:main/alert", "Alert")
    graph.add(INCIDENT, "Alert", "Ticket", roots={"ids": "registry", "hub": "hub"})
    graph.add_rule(
        "zabbix-close",
        "zbx/problem",
        {
            "message": compile_expression("concat('Weft ', ticket.title)"),
            "eventid": compile_expression("alert.episode"),
        },
        roots={"ticket": "Ticket", "alert": "Alert"},
        when=[compile_expression("ticket.priority == 'P1'")],
    )
    return graph


def fields(found: Subgraph) -> set[tuple[str, str]]:
    return {(node.dataset, node.field) for node in found.nodes}


def test_upstream_one_step_is_what_the_formula_reads(graph: FieldGraph) -> None:
    found = graph.upstream(Node.of("Ticket", "title"))
    assert {(e.source.dataset, e.source.field, e.subtype) for e in found.edges if e.target.field == "title"} == {
        ("Alert", "title", "TRANSFORMATION"),
        ("registry", "device", "TRANSFORMATION"),
    }


def test_upstream_all_the_way_reaches_the_source_fields(graph: FieldGraph) -> None:
    found = fields(graph.upstream(Node.of("Ticket", "title"), None))
    assert {("am:main/alert", "annotations.summary"), ("registry", "device")} <= found
    assert ("am:main/alert", "annotations.value") not in found


def test_a_condition_is_an_indirect_edge(graph: FieldGraph) -> None:
    edges = graph.upstream(Node.of("Ticket", "priority")).edges
    assert (
        GraphEdge(
            Node.of("Alert", "severity"), Node.of("Ticket", "priority"), "INDIRECT", "CONDITIONAL", False, "incident"
        )
        in edges
    )


def test_a_filter_is_one_edge_to_the_dataset_not_one_to_each_field(graph: FieldGraph) -> None:
    found = graph.downstream(Node.of("am:main/alert", "status"), 1)
    filters = [e for e in found.edges if e.subtype == "FILTER"]
    assert [(e.target.dataset, e.target.field) for e in filters] == [("Alert", "*")]


def test_what_filters_a_source_reaches_everything_made_from_it(graph: FieldGraph) -> None:
    found = fields(graph.downstream(Node.of("am:main/alert", "status"), None))
    assert {("Alert", "*"), ("Ticket", "*"), ("zbx/problem", "*")} <= found


def test_every_field_depends_on_what_filters_its_dataset(graph: FieldGraph) -> None:
    found = fields(graph.upstream(Node.of("Ticket", "kind"), None))
    assert {
        ("Ticket", "*"),
        ("Alert", "severity"),
        ("am:main/alert", "labels.severity"),
        ("am:main/alert", "status"),
    } <= found


def test_a_part_of_a_map_that_is_passed_on_whole_has_consumers(graph: FieldGraph) -> None:
    found = graph.downstream(Node.of("am:main/alert", "labels.site"), None)
    assert {("Alert", "labels"), ("Ticket", "site")} <= fields(found)
    assert found.edges[0][2:4] == ("INDIRECT", "PART")


def test_a_map_has_the_consumers_of_its_parts_but_a_part_not_those_of_its_siblings(graph: FieldGraph) -> None:
    assert ("Alert", "severity") in fields(graph.downstream(Node.of("am:main/alert", "labels")))
    found = graph.downstream(Node.of("am:main/alert", "labels.severity"))
    assert ("Alert", "severity") in fields(found)
    assert ("Alert", "device") not in fields(found)


def test_a_rule_links_tickets_to_what_it_writes(graph: FieldGraph) -> None:
    found = graph.downstream(Node.of("Ticket", "title"))
    assert [(e.target.dataset, e.target.field, e.via) for e in found.edges] == [
        ("zbx/problem", "message", "zabbix-close")
    ]
    assert ("zbx/problem", "*") in fields(graph.downstream(Node.of("Ticket", "priority")))


def test_masking_is_said_on_the_edge(graph: FieldGraph) -> None:
    edges = graph.upstream(Node.of("Ticket", "customer")).edges
    assert [e.masking for e in edges if e.target.field == "customer"] == [True]


def test_names_with_colons_and_dots_are_never_taken_apart(graph: FieldGraph) -> None:
    odd = FieldGraph()
    odd.connect(Node("postgres://h:5432", ("a:b", "c.d")), Node("x:y", ("z",)), "DIRECT", "IDENTITY")
    found = odd.upstream(Node("x:y", ("z",)))
    assert found.edges[0].source == Node("postgres://h:5432", ("a:b", "c.d"))


@pytest.mark.parametrize(
    "text", ["labels.instance", "alerts[0].status", "row['a:b']['c.d']", "row", "FMaterialId.FNumber"]
)
def test_fields_are_read_as_they_are_written(text: str) -> None:
    assert format_path(parse_field(text)) == text


@given(
    st.lists(st.text(min_size=1) | st.integers(0, 99), min_size=1, max_size=4).filter(lambda p: isinstance(p[0], str))
)
def test_a_written_path_reads_back(path: list[str | int]) -> None:
    assert parse_field(format_path(tuple(path))) == tuple(path) or path == ["row"]


def test_a_name_that_is_no_expression_is_one_name() -> None:
    assert parse_field("no-such thing!") == ("no-such thing!",)


def test_an_unknown_field_has_no_edges(graph: FieldGraph) -> None:
    found = graph.downstream(Node.of("Ticket", "no_such"), None)
    assert (found.nodes, found.edges, found.truncated) == ([], [], False)


def test_depth_one_says_how_much_more_there_is(graph: FieldGraph) -> None:
    found = graph.downstream(Node.of("am:main/alert", "annotations.phone"), 1)
    assert {n.field for n in found.nodes} == {"annotations.phone", "description", "customer"}
    assert {n.field: (c.shown, c.total) for n, c in found.counts.items()} == {"description": (0, 1), "customer": (0, 1)}
    assert not found.truncated


def test_a_limit_cuts_and_says_so() -> None:
    graph = FieldGraph()
    for number in range(12):
        graph.connect(Node("a", ("x",)), Node("b", (f"f{number}",)), "DIRECT", "IDENTITY")
    found = graph.downstream(Node("a", ("x",)), None, limit=3)
    assert found.truncated
    assert len(found.edges) == 3
    assert found.counts[Node("a", ("x",))] == (3, 12)


def test_adding_the_same_mapping_twice_changes_nothing(graph: FieldGraph) -> None:
    before = len(graph)
    graph.add(ALERT, "am:main/alert", "Alert")
    assert len(graph) == before


def test_a_prefix_puts_fields_below_it() -> None:
    graph = FieldGraph()
    graph.add(ALERT, "raw", "Ticket", prefix="context.alert.")
    assert Node("Ticket", ("context", "alert", "title")) in graph.nodes("Ticket")


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(1, 60))
def test_the_closure_is_that_of_a_plain_search(seed: int, datasets: int, edges: int) -> None:
    r = random.Random(seed)
    graph, plain = FieldGraph(), set()
    for _ in range(edges):
        low = r.randrange(datasets - 1)
        a = Node(f"d{low}", (f"f{r.randrange(6)}",))
        b = Node(f"d{r.randrange(low + 1, datasets)}", (f"f{r.randrange(6)}",))
        graph.connect(a, b, "DIRECT", "IDENTITY")
        plain.add((a, b))
    start = r.choice(sorted(plain))[0]
    reached = {start}
    while more := {b for a, b in plain if a in reached} - reached:
        reached |= more
    found = graph.downstream(start, None)
    assert set(found.nodes) == reached
    assert {(e.source, e.target) for e in found.edges} == {(a, b) for a, b in plain if a in reached}
    assert found.depths == sorted(found.depths)
    for end in reached:
        assert start in graph.upstream(end, None).nodes
