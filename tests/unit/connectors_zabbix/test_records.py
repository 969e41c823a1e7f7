"""The parts a record is made of."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.zabbix.operations import LONGEST, message_text
from connectors.zabbix.records import amount, command_of, first_item, marker, tags_and_labels


@pytest.mark.parametrize(
    ("shown", "number", "unit"),
    [
        ("95 C", Decimal(95), "C"),
        ("97.66 KB", Decimal("97.66"), "KB"),
        ("-0.5", Decimal("-0.5"), None),
        ("1.2e-05 s", Decimal("0.000012"), "s"),
        ("12 °C", Decimal(12), "°C"),
        ("81%", Decimal(81), "%"),
        ("1e999", None, None),
        ("1e9999999999999999999999", None, None),
        ("Down (2)", None, None),
        ("3h 5m", None, None),
        ("2026.11.22 05:30:07", None, None),
        ("10.0.0.7", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_value_is_a_number_only_where_zabbix_shows_one(
    shown: str | None, number: Decimal | None, unit: str | None
) -> None:
    assert amount(shown) == (number, unit)


@given(st.text(max_size=200))
def test_any_value_is_a_number_or_none(shown: str) -> None:
    number, unit = amount(shown)
    assert number is None or number.is_finite()
    assert unit is None or number is not None


@given(st.text(min_size=1, max_size=60), st.text(max_size=3000))
def test_a_command_is_found_again_in_its_message(command_id: str, text: str) -> None:
    message = message_text(text, command_id)
    assert len(message) <= LONGEST
    assert command_of(message) == command_id


def test_a_quoted_marker_is_not_the_message_own() -> None:
    assert command_of(f"as in {marker('a')} [weft:] before {marker('b')}") == "b"
    assert command_of("[weft:] [weft: x]") is None
    assert command_of(None) is None


def test_a_repeated_tag_is_one_label_with_both_values() -> None:
    tags, labels, message_id = tags_and_labels(
        [
            {"tag": "app", "value": "b"},
            {"tag": "app", "value": "a"},
            {"tag": "weft_message", "value": "M1"},
            {"tag": "x", "value": ""},
        ]
    )
    assert labels == {"app": "a, b", "x": ""}
    assert message_id == "M1"
    assert [t["tag"] for t in tags] == ["app", "app", "x"]


def test_the_item_that_the_expression_names_first_counts() -> None:
    trigger = {
        "expression": "{12}>5 and {11}<3",
        "functions": [{"functionid": "11", "itemid": "1"}, {"functionid": "12", "itemid": "2"}],
        "items": [{"itemid": "1", "hostid": "a"}, {"itemid": "2", "hostid": "b"}],
    }
    assert first_item(trigger)["hostid"] == "b"
    assert first_item({}) == {}
