"""Replay of one field, and the reasons of a condition."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mappings import MappingError, compile_expression, load_mapping
from tests.unit.mappings.grammar import Grammar, record


def mapping(fields: str, rest: str = "") -> Any:
    indented = "".join(f"  {line}\n" for line in fields.strip().splitlines())
    return load_mapping(
        "mapping: m\nfrom: {connector: c, stream: s}\nto: {dataset: own, key: [id]}\n"
        f"fields:\n  id: \"'1'\"\n{indented}{rest}\ntests: [{{in: {{}}, out: {{id: '1'}}}}]\n"
    )


def test_a_trace_shows_every_step_with_its_inputs_and_result() -> None:
    rule = mapping("health: {expr: 'round(0.3 * vib + 0.5 * temp, 1)', type: number}")
    trace = rule.trace("health", {"vib": 1, "temp": Decimal("61.5")})
    assert trace.expression == "round(0.3 * vib + 0.5 * temp, 1)"
    assert trace.value == Decimal("31.1")
    shown = [(s.text, s.operation, s.result) for s in trace.steps]
    assert shown == [
        ("vib", "read", 1),
        ("0.3 * vib", "*", Decimal("0.3")),
        ("temp", "read", Decimal("61.5")),
        ("0.5 * temp", "*", Decimal("30.75")),
        ("0.3 * vib + 0.5 * temp", "+", Decimal("31.05")),
        ("round(0.3 * vib + 0.5 * temp, 1)", "round", Decimal("31.1")),
    ]
    assert trace.steps[1].inputs == (("0.3", Decimal("0.3")), ("vib", 1))
    assert trace.steps[0].path == ("vib",)
    assert (trace.steps[2].line, trace.steps[2].column) == (1, 25)


def test_a_trace_shows_only_what_was_looked_at() -> None:
    rule = mapping('x: "first(a, lower(b)) if c == 1 or d == 2 else 1 / 0"')
    trace = rule.trace("x", {"a": "A", "c": 1})
    assert [s.text for s in trace.steps] == [
        "c",
        "c == 1",
        "c == 1 or d == 2",
        "a",
        "first(a, lower(b))",
        "first(a, lower(b)) if c == 1 or d == 2 else 1 / 0",
    ]


def test_a_trace_follows_intermediate_names() -> None:
    rule = mapping("x: concat(host, '!')", "let: {host: lower(h)}")
    trace = rule.trace("x", {"h": "WEB"})
    assert [(s.text, s.operation, s.result) for s in trace.steps] == [
        ("h", "read", "WEB"),
        ("lower(h)", "lower", "web"),
        ("host", "let", "web"),
        ("concat(host, '!')", "concat", "web!"),
    ]


def test_a_trace_of_a_failure_ends_where_it_failed() -> None:
    rule = mapping("x: {expr: 'num(a) + 1', type: number, on_error: {default: 9}}")
    trace = rule.trace("x", {"a": "n/a"})
    assert trace.value == 9
    assert trace.error is not None
    assert trace.error.expression == "num(a)"
    assert trace.steps[-1].error == "text 'n/a' is not written as a number"


def test_only_fields_of_the_mapping_can_be_traced() -> None:
    with pytest.raises(KeyError):
        mapping("x: a").trace("y", {})


TYPES = {
    "text": ["text"],
    "number": ["number", "int", "decimal(12,3)"],
    "bool": ["bool"],
    "list": ["list"],
    "any": ["any"],
}
POLICIES = ["", "", ", on_error: dead_letter", ", on_error: null"]


def _random_mapping(source: random.Random) -> Any:
    grammar = Grammar(source)
    lets = {"host": grammar.expression("text"), "total": grammar.expression("number"), "again": "[total, host]"}
    forms = []
    for number in range(5):
        kind = source.choice(list(TYPES))
        text = grammar.expression(kind).replace("gone", source.choice(["gone", "host", "total", "again"]))
        forms.append(
            f"f{number}: {{expr: {_quoted(text)}, type: '{source.choice(TYPES[kind])}'{source.choice(POLICIES)}}}"
        )
    rest = "let:\n" + "".join(f"  {name}: {_quoted(text)}\n" for name, text in lets.items())
    where = f"where: {_quoted(grammar.expression('bool'))}\n" if source.random() < 0.3 else ""
    return mapping("\n".join(forms), rest + where)


def test_a_trace_ends_in_the_value_that_run_gives() -> None:
    source = random.Random(7)
    compared = dead = noted = refused = 0
    for _ in range(400):
        try:
            rule = _random_mapping(source)
        except MappingError:
            refused += 1
            continue
        for _ in range(4):
            given = record(source)
            result = rule.run(given)
            if result.dead is not None:
                dead += 1
                assert result.dead.field == "where" or rule.trace(result.dead.field, given).error == result.dead
            reasons = {error.field: error for error in result.errors}
            noted += len(reasons)
            for name, value in result.values.items():
                trace = rule.trace(name, given)
                assert type(trace.value) is type(value)
                assert repr(trace.value) == repr(value) or trace.value == value, rule.text
                assert trace.error == reasons.get(name)
                compared += 1
    assert refused < 100
    assert min(compared, dead, noted) > 200


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# -- reasons --------------------------------------------------------------------------------------------------------


def test_an_explanation_tells_every_comparison_and_the_values_it_saw() -> None:
    condition = compile_expression(
        "severity == 'critical' and (site == 'A' or not (value > 90)) and labels.team in ['ops']"
    )
    reasons = condition.explain({"severity": "major", "site": "B", "value": 95, "labels": {"team": "ops"}})
    assert reasons.value is False
    assert [(p.text, p.result, p.values, p.decided) for p in reasons.parts] == [
        ("severity == 'critical'", False, {"severity": "major"}, True),
        ("site == 'A'", False, {"site": "B"}, False),
        ("value > 90", True, {"value": 95}, False),
        ("labels.team in ['ops']", True, {"labels.team": "ops"}, False),
    ]


def test_an_explanation_reads_like_a_sentence() -> None:
    reasons = compile_expression("value > 90 or labels.team == 'ops'").explain({"value": 95, "labels": {}})
    assert [str(part) for part in reasons.parts] == [
        "value > 90 is true: value = int 95",
        "labels.team == 'ops' is false: labels.team = null (not needed)",
    ]


def test_an_explanation_names_what_could_not_be_computed() -> None:
    reasons = compile_expression("acknowledged or value > 90").explain({"value": "95"})
    assert reasons.value is None
    assert "got null" in str(reasons.error)
    acknowledged, value = reasons.parts
    assert acknowledged.result is None
    assert "null" in str(acknowledged.error)
    assert "cannot be ordered" in str(value.error)


def test_the_where_of_a_mapping_explains_itself() -> None:
    rule = mapping("x: a", "where: a > 5 and b is None")
    reasons = rule.explain({"a": 3})
    assert [(p.text, p.result) for p in reasons.parts] == [("a > 5", False), ("b is None", True)]
    assert rule.matches({"a": 6}) is True
    assert mapping("x: a").explain({}) is None


def test_the_explained_value_is_the_evaluated_one() -> None:
    source = random.Random(11)
    grammar = Grammar(source)
    for _ in range(300):
        condition = compile_expression(grammar.expression("bool"))
        given = record(source)
        reasons = condition.explain(given)
        if reasons.error is None:
            assert condition.evaluate(given) == reasons.value


def test_times_are_shown_as_times() -> None:
    rule = mapping("x: datetime(a)")
    assert rule.trace("x", {"a": "2026-11-22T08:00:00Z"}).value == datetime(2026, 11, 22, 8, tzinfo=UTC)
