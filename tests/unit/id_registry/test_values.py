"""Values of a golden record go through JSON and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from id_registry import BadObservation
from id_registry.values import decode, encode, is_blank, size

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
)
names = st.text(max_size=6) | st.sampled_from(["$decimal", "$time", "$int", "$map", "$"])
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


@given(values)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    assert decode(encode(value, "value")) == value


def test_a_decimal_keeps_its_digits() -> None:
    assert str(decode(encode(Decimal("1.20"), "value"))) == "1.20"


def test_equal_maps_have_equal_text_whatever_their_order() -> None:
    assert encode({"a": 1, "b": 2}, "value") == encode({"b": 2, "a": 1}, "value")


@pytest.mark.parametrize(
    ("value", "path", "advice"),
    [
        (1.5, "value", "Decimal"),
        ({"limits": [Decimal(1), 0.1]}, "value.limits[1]", "Decimal"),
        (Decimal("NaN"), "value", "finite"),
        (datetime(2026, 1, 1), "value", "time zone"),  # noqa: DTZ001
        ({1: "x"}, "value", "text keys"),
        (b"bytes", "value", "give text"),
        ("half \ud800", "value", ""),
    ],
)
def test_a_value_that_would_change_is_refused_with_its_place(value: Any, path: str, advice: str) -> None:
    with pytest.raises(BadObservation) as refused:
        encode(value, "value")
    assert refused.value.path == path
    assert advice in refused.value.hint


@pytest.mark.parametrize("value", [None, "", " \t\u3000", [], {}])
def test_what_says_nothing_is_blank(value: Any) -> None:
    assert is_blank(value)
    assert size(value) == 0


@pytest.mark.parametrize("value", [0, False, Decimal(0), "0", [None], {"a": None}])
def test_zero_and_no_say_something(value: Any) -> None:
    assert not is_blank(value)


def test_the_more_a_value_says_the_larger_its_size() -> None:
    assert size("Siemens AG ") > size("Siemens")
    assert size({"city": "Ulm", "zip": "89073"}) > size({"city": "Ulm", "zip": "", "street": None})
    assert size([1, 2]) > size(["", 2]) == size(5)
