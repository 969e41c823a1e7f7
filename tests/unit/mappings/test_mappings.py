"""What a mapping does with a record."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from mappings import Mapping, MappingError, load_mapping


def mapping(fields: str, rest: str = "", to: str = "Reading") -> Mapping:
    """A mapping with these fields, beside the required ones of a Reading."""
    required = "  device: d\n  metric: m\n  at: t\n" if to == "Reading" else ""
    indented = "".join(f"  {line}\n" for line in fields.strip().splitlines())
    return load_mapping(
        f"mapping: m\nfrom: {{connector: c, stream: s}}\nto: {to}\nfields:\n{required}{indented}{rest}\n"
        "tests:\n  - in: {d: x}\n    dead: metric\n"
    )


GOOD: dict[str, Any] = {"d": "pump-1", "m": "temperature", "t": datetime(2026, 11, 22, tzinfo=UTC)}


def test_a_record_becomes_a_canonical_record() -> None:
    result = mapping("value: num(v)\nunit: u").run({**GOOD, "v": "81.5", "other": 1})
    assert result.values == {
        "device": "pump-1",
        "metric": "temperature",
        "at": GOOD["t"],
        "value": Decimal("81.5"),
        "unit": None,
    }
    assert (result.errors, result.dead, result.matched) == ((), None, True)


def test_a_record_that_where_does_not_want_is_left_alone() -> None:
    rule = mapping("value: v", "where: status != 'ignored'")
    assert rule.run({**GOOD, "status": "ignored"}).matched is False
    assert rule.run({**GOOD, "status": "ignored"}).values == {}
    assert rule.run({**GOOD, "status": "firing"}).matched is True
    assert rule.run(GOOD).matched is False  # a comparison with null is false


def test_a_where_that_fails_makes_a_dead_letter_and_no_silent_loss() -> None:
    result = mapping("value: v", "where: v > 5 and flag").run({**GOOD, "v": 6})
    assert result.dead is not None
    assert result.dead.field == "where"
    assert "got null" in result.dead.message
    assert (result.dead.expression, result.dead.column) == ("flag", 11)


def test_an_optional_field_that_fails_becomes_null_and_is_noted() -> None:
    result = mapping("value: num(v) + 1\nunit: u").run({**GOOD, "v": "n/a", "u": "C"})
    assert result.values["value"] is None
    assert result.values["unit"] == "C"
    assert result.dead is None
    (error,) = result.errors
    assert (error.field, error.expression, error.line, error.column) == ("value", "num(v)", 1, 1)
    assert error.message == "text 'n/a' is not written as a number"


def test_on_error_says_what_becomes_of_a_failure() -> None:
    fields = "value: {expr: num(v), on_error: {default: -1}}\nseq: {expr: int(s), on_error: null}"
    result = mapping(fields).run({**GOOD, "v": "x", "s": "y"})
    assert result.values["value"] == Decimal(-1)
    assert result.values["seq"] is None
    assert [e.field for e in result.errors] == ["value", "seq"]
    dead = mapping("value: {expr: num(v), on_error: dead_letter}").run({**GOOD, "v": "x"})
    assert dead.dead is not None
    assert str(dead.dead) == "value: text 'x' is not written as a number (in num(v), line 1, column 1)"


def test_a_required_field_without_value_makes_a_dead_letter() -> None:
    result = mapping("value: v").run({**GOOD, "m": None})
    assert result.dead is not None
    assert result.dead.field == "metric"
    assert result.dead.message == "'metric' must have a value, got null"
    assert result.values == {}


def test_a_default_also_fills_a_required_field_that_is_null() -> None:
    text = "mapping: m\nfrom: {connector: c, stream: s}\nto: Device\nfields:\n  id: id\n"
    text += "  name: {expr: name, on_error: {default: '?'}}\ntests: [{in: {id: 1}, out: {name: '?'}}]"
    assert load_mapping(text).check() == []


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("unit", 5, "5"),
        ("unit", Decimal("1E+2"), "100"),
        ("unit", True, "true"),
        ("unit", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        ("value", 5, Decimal(5)),
        ("value", 0.1, Decimal("0.1")),
        ("seq", Decimal("7.00"), 7),
        ("labels", {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_value_becomes_what_its_field_asks_for(field: str, given: Any, expected: Any) -> None:
    value = mapping(f"{field}: v").run({**GOOD, "v": given}).values[field]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("value", "5", "convert it with num()"),
        ("value", True, "number is needed, got bool"),
        ("value", Decimal("NaN"), "not a finite number"),
        ("value", Decimal("Infinity"), "not a finite number"),
        ("value", Decimal("1E+5000"), "beyond"),
        ("seq", Decimal("7.5"), "not whole"),
        ("unit", [1], "has no text of its own"),
        ("unit", "x" * 70_000, "shorten it with truncate()"),
        ("labels", {"a": "x" * 70_000}, "more than 65536"),
        ("labels", [1], "map is needed, got a list"),
        ("quality", "ok", "none of good, bad, stale, held"),
        ("at", "2026-01-01", "convert it with datetime()"),
        ("at", datetime(2026, 1, 1), "has no zone"),  # noqa: DTZ001
        ("value", object(), "not known here"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(field: str, given: Any, said: str) -> None:
    form = "value: v" if field == "at" else f"{field}: v"
    result = mapping(form).run({**GOOD, "t" if field == "at" else "v": given})
    errors = [result.dead] if result.dead else result.errors
    assert [e.field for e in errors] == [field]
    assert said in errors[0].message


def test_decimals_are_rounded_to_their_scale_and_bounded_by_their_precision() -> None:
    rule = mapping('value: {expr: v, type: "decimal(6,2)"}')
    assert str(rule.run({**GOOD, "v": Decimal("2.345")}).values["value"]) == "2.35"
    assert str(rule.run({**GOOD, "v": 5}).values["value"]) == "5.00"
    assert str(rule.run({**GOOD, "v": Decimal("9999.994")}).values["value"]) == "9999.99"
    for large in (Decimal("9999.995"), 10**5, Decimal("1E+30")):
        (error,) = rule.run({**GOOD, "v": large}).errors
        assert "does not fit into decimal(6,2)" in error.message


def test_intermediate_names_are_computed_once_and_fail_where_they_are_used() -> None:
    rule = mapping(
        "value: {expr: total, on_error: {default: 0}}\nunit: first(u, text(total))\nseq: int(twice)\ntext: x",
        "let:\n  total: num(v)\n  twice: total * 2\n  unused: 1 / 0",
    )
    assert rule.run({**GOOD, "v": "4", "x": "y"}).values["seq"] == 8
    assert rule.source.count("F") >= 1
    result = rule.run({**GOOD, "v": "n/a", "u": "C", "x": "y"})
    assert result.values["value"] == 0
    assert result.values["unit"] == "C"
    assert result.values["text"] == "y"
    assert [e.field for e in result.errors] == ["value", "seq"]
    assert {e.expression for e in result.errors} == {"num(v)"}


def test_names_that_build_on_one_another_are_bounded_in_depth_size_and_time() -> None:
    def chain(text: str, count: int) -> str:
        steps = "".join(f'  n{i}: "{text.replace("X", f"n{i - 1}")}"\n' for i in range(1, count))
        return f"let:\n  n0: v\n{steps}"

    with pytest.raises(MappingError, match="the names build on one another too deeply"):
        mapping("value: n60", chain("X + X", 61))
    for text in ("concat(X, X)", "[X, X]", "merge({'a': X, 'b': X}, {})", "X * X"):
        for use in ("kind(n29 == n28)", "json(n29)"):
            rule = mapping(f'text: "{use}"', chain(text, 30))
            for given in ({**GOOD, "v": "x"}, {**GOOD, "v": Decimal(7)}):
                started = time.process_time()
                rule.run(given)
                assert time.process_time() - started < 2


def test_an_intermediate_name_hides_a_field_and_row_still_reaches_it() -> None:
    rule = mapping("value: v\nunit: row.v", "let:\n  v: num(row.v)")
    assert rule.run({**GOOD, "v": "4"}).values["value"] == 4
    assert rule.run({**GOOD, "v": "4"}).values["unit"] == "4"


def test_any_kind_of_mapping_is_a_record() -> None:
    result = mapping("unit: labels.u\nlabels: labels").run(
        MappingProxyType({**GOOD, "labels": MappingProxyType({"u": "C"})})
    )
    assert result.values["unit"] == "C"
    assert type(result.values["labels"]) is dict


def test_a_record_is_never_changed() -> None:
    record = {**GOOD, "labels": {"a": 1}, "v": "x"}
    before = {**record, "labels": dict(record["labels"])}
    mapping("labels: \"merge(labels, {'b': 2})\"\nvalue: num(v)").run(record)
    assert record == before


def test_a_rule_template_is_a_mapping_over_a_canonical_record() -> None:
    template = load_mapping(
        """
mapping: alert_ticket
from: {record: Alert}
to: Ticket
where: status == 'firing' and severity in ['critical', 'major']
tables: {priority: {critical: P0, major: P1}}
fields:
  kind: "'incident'"
  priority: {expr: "lookup(severity, priority)", on_error: {default: P2}}
  title: concat('[', upper(severity), '] ', first(title, rule), ' / ', first(device_name, ids.device))
  device: ids.device
  customer: ids.customer
  fingerprint: digest(key)
tests:
  - in: {status: firing, severity: critical, title: Disk full, key: k, ids: {device: DEV-2026-000001}}
    out: {priority: P0, title: "[CRITICAL] Disk full / DEV-2026-000001", device: DEV-2026-000001, customer: null}
  - in: {status: resolved, severity: critical}
    skipped: true
"""
    )
    assert template.check() == []
    assert (template.connector, template.stream) == ("hub", "Alert")


# -- a mapping's own tests ------------------------------------------------------------------------------------------


def with_tests(tests: str) -> Mapping:
    head = "mapping: m\nfrom: {connector: c, stream: s}\nto: Device\nwhere: default(ok, True)\nfields:\n  id: id\n"
    head += "  name: name\n  warranty_until: datetime(w)\n  labels: labels\n"
    return load_mapping(head + "tests:\n" + tests)


def test_a_failing_test_says_what_came_out_instead() -> None:
    (failure,) = with_tests(
        "  - name: first\n    in: {id: 1, name: a, w: soon}\n    out: {warranty_until: 2026-01-01}"
    ).check()
    assert (failure.test, failure.field, failure.line) == ("first", "warranty_until", 11)
    assert (
        "warranty_until is None, expected '2026-01-01'; it failed: warranty_until: text 'soon' is not"
        in failure.message
    )


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ("  - in: {id: 1}\n    out: {id: 1}", "the record died of name"),
        ("  - in: {id: 1, name: a}\n    out: {id: 1}", "id is '1', expected 1"),
        ("  - in: {id: 1, name: a}\n    dead: name", "the record did not die"),
        ("  - in: {id: 1}\n    dead: something else", "expected 'something else'"),
        ("  - in: {id: 1, name: a}\n    skipped: true", "the record was taken"),
        ("  - in: {id: 1, name: a, ok: false}\n    out: {id: '1'}", "was skipped by `where`"),
        (
            "  - in: {id: 1, name: a, w: 2026-01-01T00:00:00Z}\n    out: {warranty_until: 2026-01-01}",
            "expected '2026-01-01'",
        ),
    ],
)
def test_every_way_to_fail_a_test_is_reported(tests: str, said: str) -> None:
    (failure,) = with_tests(tests).check()
    assert said in failure.message


def test_tests_that_hold_are_silent() -> None:
    assert (
        with_tests(
            "  - in: {id: 1, name: a, w: 2026-01-01T08:00:00+08:00, labels: {a: 1.50, b: [x]}}\n"
            "    out: {id: '1', warranty_until: 2026-01-01T00:00:00Z, labels: {a: '1.5', b: [x]}}\n"
            "  - in: {id: 1}\n    dead: must have a value\n"
            "  - in: {ok: false}\n    skipped: true\n"
        ).check()
        == []
    )
