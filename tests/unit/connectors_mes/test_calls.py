"""How a call is filled with values, and what settings change of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadRecord
from connectors.mes.calls import Call, CallSettings, Form, at_path
from connectors.mes.services import JSON, TYPED

AT = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)
LOCAL = Form(ZoneInfo("Asia/Shanghai"), "%Y-%m-%d %H:%M:%S")
NATIVE = Form(ZoneInfo("Asia/Shanghai"))


def filled(text: str, form: Form = LOCAL, **values: Any) -> Any:
    return Call("Get", {"it": text}).filled(values, form).get("it")


def test_an_argument_that_is_one_placeholder_is_the_value_itself() -> None:
    assert filled("{page}", page=3) == 3
    assert filled("{since}", NATIVE, since=AT) is AT


def test_an_argument_without_a_value_is_left_out() -> None:
    assert Call("Get", {"it": "{until}", "other": "x"}).filled({"until": None}, LOCAL) == {"other": "x"}


def test_a_time_is_written_as_the_service_wants_it() -> None:
    assert filled("{since}", since=AT) == "2026-11-22 08:00:05"
    assert filled("ChangedAt>='{since}'", since=AT) == "ChangedAt>='2026-11-22 08:00:05'"
    assert filled("after {since}", NATIVE, since=AT) == "after 2026-11-22T00:00:05+00:00"


def test_a_value_between_quotes_cannot_end_them() -> None:
    assert filled("EQPCode='{device}'", device="x' or '1'='1") == "EQPCode='x'' or ''1''=''1'"


def test_a_value_is_not_looked_at_for_placeholders_again() -> None:
    assert filled("a='{device}' and b='{item}'", device="{item}", item="'") == "a='{item}' and b=''''"


@pytest.mark.parametrize("odd", ["a\\", "a\nb", "a\x00"])
def test_a_value_that_could_break_out_of_quotes_is_refused(odd: str) -> None:
    with pytest.raises(BadRecord, match="can't be asked for"):
        filled("EQPCode='{device}'", device=odd)


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters="\\"), max_size=30))
def test_between_quotes_every_value_stays_one_literal(value: str) -> None:
    made = filled("EQPCode='{device}'", device=value)

    assert made.startswith("EQPCode='")
    assert made.endswith("'")
    assert made[len("EQPCode='") : -1].replace("''", "") == value.replace("'", "")


def test_one_argument_can_be_a_json_object() -> None:
    call = Call("Post", json_argument="json", json_fields={"Code": "{device}", "Text": "{description}", "Fix": "1"})

    sent = call.filled({"device": "press-7", "description": 'it\'s "hot" \\ 换'}, LOCAL)

    assert json.loads(sent["json"]) == {"Code": "press-7", "Text": 'it\'s "hot" \\ 换', "Fix": "1"}


def test_settings_change_a_call_field_by_field_and_add_to_its_fields() -> None:
    given_settings = CallSettings(operation="GetStops", fields={"id": "No", "reason": "Why"})

    changed = JSON["downtime"].changed(given_settings)

    assert changed.operation == "GetStops"
    assert changed.arguments == JSON["downtime"].arguments
    assert (changed.fields["id"], changed.fields["reason"], changed.fields["device"]) == ("No", "Why", "EQPCode")


def test_an_unknown_placeholder_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no placeholder \{when\}; there are .*since"):
        CallSettings(arguments={"a": "{when}"})


def test_only_a_call_with_until_is_bounded() -> None:
    assert TYPED["downtime"].bounded
    assert not JSON["downtime"].bounded


def test_both_services_know_the_same_fields() -> None:
    for name, call in TYPED.items():
        if name not in ("info", "report"):
            assert call.fields.keys() == JSON[name].fields.keys()


def test_a_path_leads_into_maps_only() -> None:
    assert at_path({"a": {"b": 1}}, "a.b") == 1
    assert at_path({"a": [1]}, "a.b") is None
    assert at_path([1], "") == [1]
