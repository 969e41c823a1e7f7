"""The field graph, read off the expressions."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mappings import EvaluationError, compile_expression, format_path, load_mapping
from tests.unit.mappings.grammar import Grammar, record

IDENTITY, TRANSFORMATION, AGGREGATION = ("DIRECT", "IDENTITY"), ("DIRECT", "TRANSFORMATION"), ("DIRECT", "AGGREGATION")
CONDITIONAL = ("INDIRECT", "CONDITIONAL")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", {("a", *IDENTITY)}),
        ("labels.x", {("labels.x", *IDENTITY)}),
        ("lower(a)", {("a", *TRANSFORMATION)}),
        ("a + b.c", {("a", *TRANSFORMATION), ("b.c", *TRANSFORMATION)}),
        ("a if b == 1 else c", {("a", *IDENTITY), ("b", *CONDITIONAL), ("c", *IDENTITY)}),
        ("lower(a if b == 1 else 'x')", {("a", *TRANSFORMATION), ("b", *CONDITIONAL)}),
        ("'x' if a == b and not c else 'y'", {("a", *CONDITIONAL), ("b", *CONDITIONAL), ("c", *CONDITIONAL)}),
        ("first(a, b)", {("a", *IDENTITY), ("a", *CONDITIONAL), ("b", *IDENTITY)}),
        ("default(a, 'x')", {("a", *IDENTITY), ("a", *CONDITIONAL)}),
        ("a == 1 and b == 2", {("a", *TRANSFORMATION), ("b", *TRANSFORMATION)}),
        ("a is None", {("a", *TRANSFORMATION)}),
        ("sum([a, b])", {("a", *AGGREGATION), ("b", *AGGREGATION)}),
        ("round(mean(a), 2)", {("a", *AGGREGATION)}),
        ("join([lower(a), b], '-')", {("a", *AGGREGATION), ("b", *AGGREGATION)}),
        ("sum([a if b > 1 else 0])", {("a", *AGGREGATION), ("b", *CONDITIONAL)}),
        ("lookup(a, {'x': 'y'})", {("a", *TRANSFORMATION)}),
        ("get(a, b)", {("a", *TRANSFORMATION), ("b", *TRANSFORMATION)}),
        ("'constant'", set()),
        ("json(row)", {("row", *TRANSFORMATION)}),
    ],
)
def test_edges_say_how_a_path_reaches_the_value(text: str, expected: set[tuple[str, str, str]]) -> None:
    assert {(format_path(path), kind, subtype) for path, kind, subtype in compile_expression(text).edges()} == expected


def test_a_mapping_has_the_edges_of_its_fields_and_its_filter_once() -> None:
    mapping = load_mapping(
        """
mapping: m
from: {connector: c, stream: s}
to: Customer
where: kind == 'customer' and default(active, True)
let: {shown: "first(nick, name)"}
fields:
  id: id
  name: upper(shown)
  short_name: shown
  phone: mask(phone)
  email: first(mask(mail), digest(mail), mail)
  contact: {call: "mappings.functions.notes:clean", reads: [memo.text, remark]}
tests: [{in: {kind: other}, skipped: true}]
"""
    )
    assert {tuple(edge) for edge in mapping.edges} == {
        ("id", ("id",), *IDENTITY, False),
        ("name", ("nick",), *TRANSFORMATION, False),
        ("name", ("nick",), *CONDITIONAL, False),
        ("name", ("name",), *TRANSFORMATION, False),
        ("short_name", ("nick",), *IDENTITY, False),
        ("short_name", ("nick",), *CONDITIONAL, False),
        ("short_name", ("name",), *IDENTITY, False),
        ("phone", ("phone",), *TRANSFORMATION, True),
        ("email", ("mail",), *TRANSFORMATION, True),
        ("email", ("mail",), *CONDITIONAL, True),
        ("email", ("mail",), *IDENTITY, False),
        ("contact", ("memo", "text"), *TRANSFORMATION, False),
        ("contact", ("remark",), *TRANSFORMATION, False),
        ("*", ("kind",), "INDIRECT", "FILTER", False),
        ("*", ("active",), "INDIRECT", "FILTER", False),
    }
    assert ("phone",) in mapping.reads
    assert ("kind",) in mapping.reads


@pytest.mark.parametrize("text", ["concat(mask(a), lower(a))", "concat(lower(a), mask(a))"])
def test_a_value_masked_on_one_way_only_is_not_masked(text: str) -> None:
    dependencies = compile_expression(text).dependencies()
    assert [(path, how.subtype, masked) for path, how, masked in dependencies] == [(("a",), "TRANSFORMATION", False)]
    ((_, _, masked),) = compile_expression("concat(mask(a), digest(a))").dependencies()
    assert masked is True


def test_what_is_not_in_the_graph_cannot_change_the_value() -> None:
    source = random.Random(20261122)
    grammar = Grammar(source)
    for _ in range(400):
        expression = compile_expression(grammar.expression())
        before, other = record(source), record(source)
        roots = {path[0] for path in expression.reads}
        after: dict[str, Any] = {**other, **{k: v for k, v in before.items() if k in roots}}
        after = {k: v for k, v in after.items() if k not in roots or k in before}
        assert _outcome(expression, before) == _outcome(expression, after), expression.text
        assert {path for path, _, _ in expression.edges()} == set(expression.reads)


def _outcome(expression: Any, given: dict[str, Any]) -> str:
    try:
        return repr(expression.evaluate(given))
    except EvaluationError as error:
        return f"failed: {error}"


def test_edges_of_many_names_that_use_one_another_are_found_quickly() -> None:
    names = "".join(f"  n{i}: n{i - 1} + n{i - 1}\n" if i else "  n0: a\n" for i in range(50))
    text = (
        f"mapping: m\nfrom: {{connector: c, stream: s}}\nto: Reading\nlet:\n{names}fields:\n  device: d\n  metric: d\n"
    )
    mapping = load_mapping(text + "  at: d\n  value: n49\ntests: [{in: {}, dead: device}]")
    assert [tuple(e) for e in mapping.edges if e.target_field == "value"] == [("value", ("a",), *TRANSFORMATION, False)]
