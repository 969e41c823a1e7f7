"""The functions of the language: their documents are true, and their edges are as people expect."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import EvaluationError, ExpressionError, compile_expression, document
from mappings.builtin.units import UNITS
from mappings.registry import FUNCTIONS, function
from mappings.values import Kind


def value(text: str, **record: Any) -> Any:
    return compile_expression(text).evaluate(record)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_example_of_a_function_is_true(name: str) -> None:
    assert FUNCTIONS[name].examples
    for example in FUNCTIONS[name].examples:
        assert value(example) is True, example


def test_the_page_documents_exactly_the_registry_and_the_records() -> None:
    page = Path(document.PAGE).read_text("utf-8")
    assert document.written(page) == page, "run python -m mappings.document"
    for name in FUNCTIONS:
        assert f"**`{name}(" in page


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_null_in_null_out_for_every_function(name: str) -> None:
    known = FUNCTIONS[name]
    if known.parameters[0].sees_null:
        return
    assert known.checked(*[None] * len(known.parameters)) is (False if known.predicate else None)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_wrong_kind_of_argument_is_an_evaluation_error_and_nothing_else(name: str) -> None:
    known = FUNCTIONS[name]
    junk: list[Any] = [
        True,
        5,
        Decimal("-1E+900"),
        0.5,
        "",
        "x" * 300,
        [],
        [[]],
        {"a": {}},
        date.max,
        datetime.max.replace(tzinfo=UTC),
    ]
    count = len([p for p in known.parameters if not p.variadic]) or 1
    for thing in junk:
        for other in junk:
            try:
                given_ = [thing, *[other] * (count - 1)][:count]
                known.checked(*[{} if known.parameter(i).table else v for i, v in enumerate(given_)])
            except (EvaluationError, ArithmeticError):
                continue


def test_a_function_without_a_true_example_cannot_be_registered() -> None:
    with pytest.raises(ValueError, match="needs a docstring with an example"):

        @function()
        def undocumented(value: str) -> str:
            """No example."""
            return value


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered twice"):

        @function("lower")
        def again(value: str) -> str:
            """The text.

            lower('a') == 'a'
            """
            return value


# -- text -----------------------------------------------------------------------------------------------------------


def test_concat_writes_numbers_and_times_plainly() -> None:
    assert value("concat('#', a, ' ', b, ' ', c)", a=5, b=Decimal("1E+3"), c=True) == "#5 1000 true"
    with pytest.raises(EvaluationError, match="use join"):
        value("concat('x', a)", a=["y"])


def test_lengths_count_characters_and_bytes_apart() -> None:
    assert value("truncate(x, 3)", x="设备报警了") == "设备…"
    assert value("truncate_bytes(x, 8)", x="设备报警") == "设备"
    assert value("truncate_bytes(x, 100)", x="é") == "é"
    assert value("truncate(x, 0)", x="abc") == ""


def test_booleans_are_read_from_the_words_systems_use() -> None:
    for word in ("TRUE", " yes ", "Y", "1", 1, True, "是"):
        assert value("bool(x)", x=word) is True
    for word in ("false", "N", 0, "0", False, "否"):
        assert value("bool(x)", x=word) is False
    others: list[Any] = ["maybe", 2, "", [], {}]
    for other in others:
        with pytest.raises(EvaluationError, match="neither true nor false"):
            value("bool(x)", x=other)


# -- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", " ", "1,000", "12 kg", "0x10", "nan", "Infinity", "1_000", "٣", "1e", "--1", "1e9999", "1" * 200]
)
def test_num_refuses_what_is_not_written_as_a_number(text: str) -> None:
    with pytest.raises(EvaluationError, match="number"):
        value("num(x)", x=text)
    assert value("is_number(x)", x=text) is False


def test_num_keeps_every_digit() -> None:
    assert str(value("num(x)", x=" 2.5000 ")) == "2.5000"
    assert value("num(x)", x="-.5") == Decimal("-0.5")
    assert value("num(x)", x=0.1) == Decimal("0.1")


def test_int_refuses_fractions_and_what_is_too_long() -> None:
    assert value("int(x)", x="5.00") == 5
    for thing in ("5.5", 5.5, "1e40", "1e900", True, "x"):
        with pytest.raises(EvaluationError):
            value("int(x)", x=thing)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.integers(0, 4))
def test_round_goes_half_away_from_zero(number: Decimal, digits: int) -> None:
    rounded = value(f"round(x, {digits})", x=number)
    step = Decimal(1).scaleb(-digits)
    assert abs(rounded - number) <= step / 2
    assert rounded % step == 0
    if abs(rounded - number) == step / 2:
        assert abs(rounded) > abs(number)
    assert value("round(x, n)", x=number, n=digits) == rounded


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T08:00:00Z", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("2026-11-22 08:00:00+08:00", datetime(2026, 11, 22, 0, tzinfo=UTC)),
        ("2026-11-22T08:00:00.123456789Z", datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_iso_times_are_read_as_monitoring_systems_write_them(text: str, moment: datetime) -> None:
    assert value("datetime(x)", x=text) == moment


def test_a_time_without_zone_needs_one() -> None:
    with pytest.raises(EvaluationError, match="has no zone: say datetime"):
        value("datetime(x)", x="2026-11-22 08:00:00")
    assert value("datetime(x, zone='Asia/Shanghai')", x="2026-11-22 08:00:00") == datetime(2026, 11, 22, tzinfo=UTC)
    assert value("datetime(x, zone='-05:00')", x="2026-11-22") == datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert value("datetime(x, zone='UTC')", x=date(2026, 11, 22)) == datetime(2026, 11, 22, tzinfo=UTC)


def test_formats_mean_the_same_everywhere() -> None:
    text = "datetime(x, '%d %b %Y %I:%M %p %z')"
    assert value(text, x="22 nov 2026 12:05 AM +0800") == datetime(2026, 11, 21, 16, 5, tzinfo=UTC)
    assert value("date(x, '%y%m%d')", x="261122") == date(2026, 11, 22)
    for wrong in ("31 feb 2026 12:05 AM +0800", "22 foo 2026 12:05 AM +0800", "22 nov 2026", ""):
        with pytest.raises(EvaluationError, match=r"is not written as|is no time"):
            value(text, x=wrong)


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_written_time_is_read_back_as_the_same_moment(moment: datetime) -> None:
    layout = "'%Y-%m-%d %H:%M:%S.%f %z'"
    assert value(f"datetime(format_time(x, {layout}, 'Asia/Shanghai'), {layout})", x=moment) == moment
    assert value("epoch(to_epoch(x))", x=moment) == moment
    assert value("datetime(text(x))", x=moment) == moment


def test_times_outside_the_calendar_are_refused() -> None:
    for text in ("epoch(x)", "shift(d, x, 'd')", "epoch_ms(x)"):
        for number in (10**18, Decimal("1E+900"), -(10**18)):
            with pytest.raises(EvaluationError, match=r"outside the calendar|beyond"):
                value(text, x=number, d=datetime(2026, 1, 1, tzinfo=UTC))


# -- units ----------------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.decimals(-(10**6), 10**6, places=3))
def test_a_unit_converts_there_and_back(source: str, target: str, number: Decimal) -> None:
    text = f"convert(convert(x, '{source}', '{target}'), '{target}', '{source}')"
    if UNITS[source].dimension != UNITS[target].dimension:
        with pytest.raises(ExpressionError, match="cannot be"):
            compile_expression(text)
        return
    back = value(text, x=number)
    assert abs(back - number) < Decimal("1e-15")
    assert value("convert(x, s, t)", x=number, s=source, t=target) == value(
        f"convert(x, '{source}', '{target}')", x=number
    )


@pytest.mark.parametrize(
    ("number", "source", "target", "expected"),
    [
        ("100", "C", "F", "212"),
        ("0", "K", "C", "-273.15"),
        ("1", "h", "s", "3600"),
        ("1", "GiB", "MiB", "1024"),
        ("3000", "rpm", "Hz", "50"),
    ],
)
def test_well_known_conversions(number: str, source: str, target: str, expected: str) -> None:
    assert value(f"convert(num('{number}'), '{source}', '{target}')") == Decimal(expected)


# -- hosts, privacy, choices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("web-1:9100", "web-1", 9100),
        ("10.0.0.1:80", "10.0.0.1", 80),
        ("[2001:db8::1]:9100", "2001:db8::1", 9100),
        ("2001:db8::1", "2001:db8::1", None),
        ("http://u:p@web-1:8080/metrics?x=1", "web-1", 8080),
        ("web-1:http", "web-1", None),
        ("web-1", "web-1", None),
    ],
)
def test_the_host_is_found_without_its_port(text: str, host: str, port: int | None) -> None:
    assert value("host_of(x)", x=text) == host
    assert value("port_of(x)", x=text) == port


def test_a_digest_tells_its_parts_apart() -> None:
    assert value("digest('ab', 'c')") != value("digest('a', 'bc')")
    assert value("digest(1)") != value("digest('1')")
    assert value("digest({'a': 1, 'b': 2})") == value("digest({'b': 2, 'a': 1})")


def test_a_lookup_that_finds_nothing_says_so() -> None:
    with pytest.raises(EvaluationError, match="the table has no text 'RNB': did you mean 'RMB'"):
        value("lookup(x, {'RMB': 'CNY'})", x="RNB")
    assert value("lookup(x, {'1': 'one'})", x=1) == "one"


# -- patterns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a|b)*a(a|b){30}c", "ab" * 4_000),
        ("(.+)x$", "y" * 8_000),
        ("a*a*a*a*a*b", "a" * 8_000),
        (r"(x+x+)y", "x" * 8_000),
    ],
)
def test_no_text_makes_a_pattern_slow(pattern: str, text: str) -> None:
    started = time.process_time()
    assert value(f"matches(x, '{pattern}')", x=text) is False
    assert value(f"extract(x, '{pattern}')", x=text) is None
    assert time.process_time() - started < 5


def test_a_text_too_long_to_be_searched_is_refused() -> None:
    with pytest.raises(EvaluationError, match="8192 characters"):
        value("matches(x, 'a')", x="a" * 8_193)


def test_kinds_are_declared() -> None:
    assert FUNCTIONS["lower"].returns is Kind.TEXT
    assert {name for name, known in FUNCTIONS.items() if known.masking} == {"mask", "digest"}
