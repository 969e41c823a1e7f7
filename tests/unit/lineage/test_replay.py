"""Replaying a plan gives what running it gave, and shows how."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lineage import Gone, Withheld, run_plan
from lineage.composition import plan_edges
from lineage.plans import make_plan
from lineage.replay import Replayed, nest, replay
from mappings import MappingError, load_mapping
from tests.unit.lineage.samples import ALERT, INCIDENT, USAGE, alert

PLAN = make_plan((ALERT, INCIDENT))
FACTS = {"ids.device": "DEV-2026-000001", "hub.now": datetime(2026, 11, 22, tzinfo=UTC), "hub.threshold": 80}


def field(name: str, record: Any = None, **options: Any) -> Replayed:
    return replay(PLAN, name, alert() if record is None else record, FACTS, **options)


@pytest.mark.parametrize("number", range(1, 60, 7))
def test_every_field_replays_to_what_it_was(number: int) -> None:
    values = run_plan(PLAN, alert(number), FACTS)
    assert values["title"] == f"Press {number} is {60 + number % 50} degrees on DEV-2026-000001"
    for name, value in values.items():
        assert field(name, alert(number)).value == value


def test_the_traces_go_from_the_outcome_back_to_the_source() -> None:
    traces = field("priority").traces
    assert [(t.stage, t.mapping, t.field) for t in traces] == [
        (1, "incident", "priority"),
        (0, "alertmanager", "severity"),
    ]
    assert [(s.operation, s.result) for s in traces[1].steps] == [("read", "critical"), ("lookup", "critical")]


def test_source_paths_and_facts_that_were_read_are_named() -> None:
    title = field("title")
    assert title.reads == ((("annotations", "summary"), "Press 1 is 61 degrees"),)
    assert title.facts == ("ids.device",)


def test_a_fact_never_hides_a_field() -> None:
    facts = FACTS | {"title": "another", "status": "closed"}
    assert replay(PLAN, "title", alert(), facts).value == run_plan(PLAN, alert(), FACTS)["title"]
    assert run_plan(PLAN, alert(), facts)["title"] == run_plan(PLAN, alert(), FACTS)["title"]


def test_a_field_that_is_a_fact_has_its_value() -> None:
    assert replay(PLAN, "status", alert(), {"status": "pending"}).value == "pending"


def test_without_stages_a_field_is_the_sources_own() -> None:
    answered = make_plan((), "context.cpu.")
    record = {"mean": {"value": Decimal("0.93")}}
    found = replay(answered, "context.cpu.mean.value", record, {})
    assert (found.value, found.reads) == (Decimal("0.93"), ((("mean", "value"), Decimal("0.93")),))


def test_one_stage_behind_a_prefix() -> None:
    section = make_plan((USAGE,), "context.cpu.")
    record = {"metric": {"instance": "a"}, "value": "0.5", "at": "2026-11-22T10:00:00Z"}
    assert run_plan(section, record, {})["context.cpu.value"] == 50
    assert replay(section, "context.cpu.value", record, {}).value == 50


def test_a_single_stage_sees_the_facts_below_its_record() -> None:
    plan = make_plan((INCIDENT,))
    record = {"title": "Hot", "severity": "critical"}
    assert run_plan(plan, record, FACTS)["title"] == "Hot on DEV-2026-000001"
    assert replay(plan, "title", record, FACTS).facts == ("ids.device",)


def test_without_a_source_the_facts_are_the_record() -> None:
    plan = make_plan((INCIDENT,))
    facts = {"severity": "critical", "title": "Hot", "ids.device": "DEV-1"}
    assert run_plan(plan, None, facts)["title"] == "Hot on DEV-1"
    assert replay(plan, "title", None, facts).value == "Hot on DEV-1"


def test_a_record_that_is_not_for_the_mapping_gives_nothing() -> None:
    assert run_plan(PLAN, alert(status="ignored"), FACTS) == {}


def test_a_failure_that_became_null_is_told() -> None:
    record = alert(annotations={"value": "warm", "summary": "x", "phone": "1"})
    trace = field("group", record).traces[-1]
    assert (trace.field, trace.value) == ("value", None)
    assert "warm" in (trace.error or "")


def shown(replayed: Replayed) -> str:
    return repr((replayed.traces, replayed.reads))


def test_a_masked_value_is_not_shown_on_the_way() -> None:
    found = field("description")
    assert found.value == "Call *******0001"
    assert "13800000001" not in shown(found)
    assert found.reads == ((("annotations", "phone"), Withheld.MASKED),)
    assert "*******0001" in shown(found)


def test_what_a_later_stage_masks_is_not_shown_in_an_earlier_one() -> None:
    found = field("customer")
    assert found.value == "*********01"
    assert "13800000001" not in shown(found)


def test_whoever_is_allowed_sees_it() -> None:
    assert "13800000001" in shown(field("customer", show_masked=True))


def test_an_error_text_does_not_give_a_masked_value_away() -> None:
    mapping = load_mapping("""
mapping: m
from: {connector: c, stream: s}
to: Ticket
fields:
  kind: "'x'"
  priority: "'P1'"
  title: "'t'"
  description: {expr: "mask(text(num(phone)))", on_error: null}
tests: [{in: {}, out: {kind: x}}]
""")
    found = replay(make_plan((mapping,)), "description", {"phone": "geheim-4711"}, {})
    assert found.traces[0].error == "failed on a masked value"
    assert "geheim" not in shown(found)


def test_a_field_made_from_an_erased_part_is_erased() -> None:
    record = alert() | {"annotations": {"summary": Gone("t1"), "value": "70"}}
    assert field("title", record).erased
    assert field("title", record).value == Gone()
    assert field("priority", record).value == "P1"


def test_nothing_of_an_erased_record_is_shown_but_what_never_came_from_it() -> None:
    assert field("title", Gone()).erased
    assert field("kind", Gone()).value == "incident"
    assert field("device", Gone()).value == "DEV-2026-000001"


def test_dotted_facts_nest() -> None:
    assert nest({"ids.device": 1, "ids.customer": 2, "x": 3, "x.y": 4}) == {
        "ids": {"device": 1, "customer": 2},
        "x": {"y": 4},
    }


EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b.c", "b", "d[0]", "'x'", "1", "2.5", "None", "True", "missing.path"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(
            lambda t: f"(num({t[0]}) {t[1]} num({t[2]}))"
        ),
        st.tuples(inner, inner).map(lambda t: f"first({t[0]}, {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} == {t[2]} else {t[2]})"),
        inner.map(lambda t: f"concat('<', {t})"),
        inner.map(lambda t: f"mask(text({t}))"),
        inner.map(lambda t: f"json({t})"),
    ),
    max_leaves=6,
)
VALUES = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "7", "x", "1.5"]) | st.just(Decimal("0.5"))
)
RECORDS = st.fixed_dictionaries(
    {}, optional={"a": VALUES, "b": VALUES | st.fixed_dictionaries({"c": VALUES}), "d": st.lists(VALUES, max_size=2)}
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, RECORDS)
def test_replay_is_run_for_any_formula_and_record(first: str, second: str, record: dict[str, Any]) -> None:
    def mapping(name: str, to: str, required: str, formula: str) -> Any:
        quoted = formula.replace('"', "'")
        return f"""
mapping: {name}
from: {{connector: c, stream: s}}
to: {to}
fields:
{required}
  description: {{expr: "text({quoted})", on_error: null}}
tests: [{{in: {{}}, out: {{}}}}]
"""

    second = second.replace("b.c", "description").replace("d[0]", "facts.x")
    try:
        one = load_mapping(mapping("one", "Alert", "  key: \"'k'\"\n  episode: \"'e'\"\n  status: \"'firing'\"", first))
        two = load_mapping(mapping("two", "Ticket", "  kind: \"'k'\"\n  priority: \"'P1'\"\n  title: \"'t'\"", second))
    except MappingError:
        reject()  # refused beforehand: it never runs
    facts = {"facts.x": 4, "a": "fact"}
    plan = make_plan((one, two))
    expected = run_plan(plan, record, facts)
    for name, value in expected.items():
        assert replay(plan, name, record, facts).value == value


def test_the_edges_of_a_plan_join_its_stages() -> None:
    edges = {(e.field, e.path, e.how.name, e.masking, e.from_facts) for e in plan_edges(PLAN)}
    assert ("priority", ("labels", "severity"), "CONDITIONAL", False, False) in edges
    assert ("site", ("labels", "site"), "IDENTITY", False, False) in edges
    assert ("device", ("ids", "device"), "IDENTITY", False, True) in edges
    assert ("customer", ("annotations", "phone"), "TRANSFORMATION", True, False) in edges
    assert ("*", ("status",), "FILTER", False, False) in edges
    assert ("*", ("labels", "severity"), "FILTER", False, False) in edges
    assert not [e for e in edges if e[0] == "kind"]
