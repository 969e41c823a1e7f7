"""What an expression means."""

from __future__ import annotations

import decimal
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from mappings import EvaluationError, ExpressionError, compile_expression


def value(text: str, **record: Any) -> Any:
    return compile_expression(text).evaluate(record)


# -- paths ----------------------------------------------------------------------------------------------------------


def test_a_path_reads_nested_maps_and_lists() -> None:
    record = {"labels": {"instance": "web-1", "a b": 1}, "alerts": [{"status": "firing"}], "字段 名": "x", "class": "c"}
    for text, expected in {
        "labels.instance": "web-1",
        "labels['a b']": 1,
        "alerts[0].status": "firing",
        "alerts[-1]['status']": "firing",
        "row['字段 名']": "x",
        "row['class']": "c",
        "row.labels.instance": "web-1",
        "row": record,
    }.items():
        assert compile_expression(text).evaluate(record) == expected


def test_a_path_that_leads_nowhere_is_null() -> None:
    for text in ("gone", "labels.gone", "labels.gone.further", "name.part", "items[5]", "items['x']", "labels[0]"):
        assert value(text, labels={"a": 1}, name="text", items=[1]) is None


def test_letters_that_python_would_change_are_not_changed() -> None:
    assert value("row['ﬁeld']", ﬁeld=1, **{"ﬁeld": 2}) == 2
    with pytest.raises(ExpressionError, match=r"plain letters.*row\['ﬁeld'\]"):
        compile_expression("ﬁeld")


# -- numbers --------------------------------------------------------------------------------------------------------


def test_fractions_are_exact() -> None:
    assert value("0.1 + 0.2") == Decimal("0.3")
    assert value("0.1 * n", n=3) == Decimal("0.3")
    assert value("x + 0.2", x=0.1) == Decimal("0.3")
    assert value("1.10") == Decimal("1.10")
    assert str(value("1.10")) == "1.10"


def test_whole_numbers_stay_whole_but_for_division() -> None:
    assert value("a * b + 1", a=6, b=7) == 43
    assert isinstance(value("a * b + 1", a=6, b=7), int)
    assert value("a / b", a=7, b=2) == Decimal("3.5")


def test_the_remainder_has_the_sign_of_its_right_side_for_every_kind_of_number() -> None:
    assert value("a % b", a=-7, b=3) == 2
    assert value("a % b", a=Decimal("-7.5"), b=2) == Decimal("0.5")
    assert value("a % b", a=Decimal("7.5"), b=Decimal("-2")) == Decimal("-0.5")


def test_results_have_at_most_34_digits_and_a_half_goes_away_from_zero() -> None:
    assert value("1 / 3") == Decimal("0." + "3" * 34)
    assert value("2 / 3") == Decimal("0." + "6" * 33 + "7")
    with pytest.raises(EvaluationError, match="34 digits"):
        value("a * a", a=10**20)
    with pytest.raises(EvaluationError, match="largest number"):
        value("a * a", a=Decimal("1E+600"))


def test_the_callers_decimal_context_changes_nothing() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        context.rounding = decimal.ROUND_DOWN
        assert value("a * b", a=Decimal("1.23456"), b=Decimal("2.5")) == Decimal("3.086400")
        assert value("round(x, 4)", x=Decimal("123.45675")) == Decimal("123.4568")
        assert value("2 / 3") == Decimal("0." + "6" * 33 + "7")


@pytest.mark.parametrize("text", ["a / 0", "a % 0", "a / (b - b)", "0.5 / 0"])
def test_division_by_zero_is_an_error_of_the_record(text: str) -> None:
    with pytest.raises(EvaluationError, match="division by zero"):
        value(text, a=Decimal(1), b=Decimal(2))


def test_a_text_is_never_repeated_or_added() -> None:
    for text in ("a * 3", "3 * a", "a * b", "a + 'x'", "a + a", "a % 2", "-a", "a - 1", "a / 2"):
        with pytest.raises((EvaluationError, ExpressionError), match=r"num\(\)|concat\(\)"):
            value(text, a="ab", b=9999999999)


def test_lists_and_booleans_are_no_numbers() -> None:
    for text in ("a * 3", "a + a", "a + 1", "1.5 * a"):
        for thing in ([1], {"x": 1}, True):
            with pytest.raises(EvaluationError, match="is no number"):
                value(text, a=thing)


# -- null -----------------------------------------------------------------------------------------------------------


def test_null_in_null_out() -> None:
    for text in ("x + 1", "0.5 * x", "-x", "x % 2", "lower(x)", "concat('a', x)", "num(x)", "date(x)", "round(x, 1)"):
        assert value(text) is None


def test_a_comparison_with_null_is_false() -> None:
    for text in (
        "x == 1",
        "x != 1",
        "x == 'a'",
        "x != 'a'",
        "x != True",
        "x < 1",
        "x >= 1",
        "x in ['a']",
        "x not in ['a']",
    ):
        assert value(text) is False
    for text in ("'a' in x", "'a' not in x", "x == y", "x != y", "contains(x, 'a')", "matches(x, 'a')", "1 < x < 3"):
        assert value(text) is False


def test_null_is_asked_for_with_is() -> None:
    assert value("x is None") is True
    assert value("x is not None", x=0) is True
    assert value("0 is None") is False


# -- comparisons and conditions -------------------------------------------------------------------------------------


def test_kinds_never_mix_in_a_comparison() -> None:
    assert value("x == 5", x="5") is False
    assert value("x == 1", x=True) is False
    assert value("x == True", x=1) is False
    assert value("x == '5'", x=5) is False
    assert value("x in [1, 2]", x=True) is False
    assert value("x == y", x=[1, {"a": True}], y=[1, {"a": 1}]) is False


def test_numbers_are_equal_by_value() -> None:
    assert value("x == 2", x=Decimal("2.0")) is True
    assert value("x == 0.1", x=0.1) is True
    assert value("x == y", x=[Decimal("1.0")], y=[1]) is True
    assert value("x in [0.5, 2]", x=Decimal("2.00")) is True


def test_only_what_has_an_order_is_ordered() -> None:
    assert value("a < b", a="abc", b="abd") is True
    assert value("a < b", a=datetime(2026, 1, 1, tzinfo=UTC), b=datetime(2026, 1, 2, tzinfo=UTC)) is True
    assert value("a <= b", a=date(2026, 1, 1), b=date(2026, 1, 1)) is True
    for a, b in ((1, "1"), (True, False), ([1], [2]), (date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))):
        with pytest.raises(EvaluationError, match="cannot be ordered"):
            value("a < b", a=a, b=b)


def test_moments_in_different_zones_are_the_same_moment() -> None:
    shanghai = datetime(2026, 11, 22, 8, tzinfo=timezone(timedelta(hours=8)))
    assert value("a == b", a=shanghai, b=datetime(2026, 11, 22, tzinfo=UTC)) is True


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(EvaluationError, match="has no zone"):
        value("text(a)", a=datetime(2026, 11, 22))  # noqa: DTZ001


def test_conditions_take_only_booleans() -> None:
    for text in ("'a' if x else 'b'", "x and True", "x or False", "not x"):
        things: list[Any] = [0, 1, "", "true", [], None, Decimal(0)]
        for thing in things:
            with pytest.raises(EvaluationError, match="a condition is true or false"):
                value(text, x=thing)
        assert value(text, x=True) is not None


def test_what_is_decided_is_not_looked_at_further() -> None:
    assert value("x is None or x > 5") is True
    assert value("x is not None and 1 / x > 5", x=None) is False
    assert value("'none' if n == 0 else 1 / n", n=0) == "none"
    assert value("first(a, 1 / 0)", a=1) == 1


def test_in_looks_into_texts_lists_and_maps() -> None:
    assert value("'a' in x", x="cat") is True
    assert value("x in y", x=2, y=[1, Decimal("2.0")]) is True
    assert value("'k' in x", x={"k": None}) is True
    assert value("x not in ['a', 'b']", x="c") is True
    with pytest.raises(EvaluationError, match="only a text"):
        value("x in y", x=1, y="123")
    with pytest.raises(EvaluationError, match="nothing can be 'in'"):
        value("'a' in y", y=5)


# -- functions ------------------------------------------------------------------------------------------------------


def test_arguments_may_be_named() -> None:
    text = "datetime(x, zone='Asia/Shanghai', format='%d.%m.%Y')"
    assert value(text, x="22.11.2026") == datetime(2026, 11, 21, 16, tzinfo=UTC)


def test_otherwise_stands_for_a_failure_and_not_for_null() -> None:
    assert value("num(x, otherwise=0)", x="n/a") == 0
    assert value("num(x, otherwise=0)") is None
    assert value("num(x, otherwise=None)", x="n/a") is None


def test_a_computed_map_or_list_has_parts() -> None:
    assert value("split(x, '/')[1]", x="a/b") == "b"
    assert value("parse_json(x).a[0].b", x='{"a": [{"b": 1}]}') == 1
    assert value("get(x, 'k').deep", x={}) is None


def test_results_are_bounded_in_size() -> None:
    long = "x" * 60_000
    for text in ("concat(a, a)", "replace(a, 'x', 'yy')", "join([a, a])", "json([a, a])", "pad_left(a, 70000)"):
        with pytest.raises(EvaluationError, match=r"65536|characters"):
            value(text, a=long)


def test_deep_values_are_refused_where_they_must_be_walked() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    for text in ("a == b", "a in b", "json(a)", "digest(a)"):
        with pytest.raises(EvaluationError, match="nested deeper"):
            value(text, a=deep, b=deep)


# -- compiling ------------------------------------------------------------------------------------------------------


def test_what_an_expression_reads_is_known() -> None:
    expression = compile_expression("first(labels.device, row['a b']) if status == 'firing' else alerts[0].x")
    assert expression.reads == (("labels", "device"), ("a b",), ("status",), ("alerts", 0, "x"))
    assert expression.functions == {"first": 1}


def test_names_can_be_limited_to_what_there_is() -> None:
    assert compile_expression("alert.severity == 'critical'", {"alert", "ticket"}).evaluate({"alert": {}}) is False
    with pytest.raises(ExpressionError, match=r"there is no 'alart' here.*did you mean 'alert'"):
        compile_expression("alart.severity == 'critical'", {"alert", "ticket"})


def test_the_kind_of_the_value_can_be_asked_for() -> None:
    condition = compile_expression("flag", returns="bool")
    assert condition.evaluate({"flag": True}) is True
    with pytest.raises(EvaluationError, match="true or false, got null"):
        condition.evaluate({})
    with pytest.raises(ExpressionError, match="bool is needed here, this is text"):
        compile_expression("lower(x)", returns="bool")
    with pytest.raises(EvaluationError, match="number is needed, got text"):
        compile_expression("x", returns="number").evaluate({"x": "1"})
    with pytest.raises(ValueError, match="no kind of value is called 'boolean'"):
        compile_expression("x", returns="boolean")


def test_an_expression_survives_pickling() -> None:
    expression = compile_expression("lookup(x, t) == 'b'", {"x"}, "bool", {"t": {"a": "b"}})
    assert pickle.loads(pickle.dumps(expression)).evaluate({"x": "a"}) is True


def test_the_record_is_not_changed() -> None:
    record = {"labels": {"a": 1}, "items": [3, 1]}
    compile_expression("merge(labels, {'b': 2}, {'c': items})").evaluate(record)
    assert record == {"labels": {"a": 1}, "items": [3, 1]}


def test_an_expression_over_several_lines_is_one_expression() -> None:
    assert value("first(a,\n      'b')\n") == "b"
    with pytest.raises(ExpressionError, match="goes over the end of a line"):
        compile_expression("concat('a\nb', c)")
