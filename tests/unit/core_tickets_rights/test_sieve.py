"""What is left of a piece of JSON: no way of writing a protected value comes through, and nothing else is touched."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core_tickets.rights import HIDDEN, Grant, Sieve
from tests.unit.core_tickets_rights.policies import sight

DIGITS = "13800138000"
FORMS = ("0123456789", "０１２３４５６７８９", "〇一二三四五六七八九", "零一二三四五六七八九", "٠١٢٣٤٥٦٧٨٩", "⓪①②③④⑤⑥⑦⑧⑨",
         "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "₀₁₂₃₄₅₆₇₈₉", "⁰¹²³⁴⁵⁶⁷⁸⁹")  # fmt: skip
GAPS = ["", " ", "-", ".", "/", "·", "–", "\u3000", "\u200b", "\u2060", "\xa0", ") ", " (", " - ", "_", "%20", "\t"]
FRONTS = ["", "+86", "0086 ", "+86 ", "(+86)", "86-", "Tel:", "电话：", "☎", "call ", "+ 86 ", "（＋86）", "tel=%2B86"]
SIEVE = Sieve(sight())


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """The number as somebody might write it."""
    said, at = "", 0
    for n, size in enumerate(draw(st.sampled_from([(3, 4, 4), (3, 3, 5), (11,), (1,) * 11, (4, 4, 3), (5, 6)]))):
        form = draw(st.sampled_from(FORMS))
        said += (draw(st.sampled_from(GAPS)) if n else "") + "".join(form[int(c)] for c in DIGITS[at : at + size])
        at += size
    return draw(st.sampled_from(FRONTS)) + said


def digits_of(text: str) -> str:
    plain = text.translate(str.maketrans("〇零一二三四五六七八九", "00123456789"))
    return "".join(str(unicodedata.digit(c)) for c in plain if unicodedata.digit(c, -1) >= 0)


@given(spelled(), st.sampled_from(["", "请打 ", "x", "at 14:05, "]), st.sampled_from(["", " 找张工", ". Thanks", ",x"]))
@settings(max_examples=400, deadline=None)
@example("1 3 8 0 0 1 3 8 0 0 0", "", "")
def test_no_spelling_of_the_number_comes_through(said: str, before: str, behind: str) -> None:
    told = SIEVE.clean(
        {
            "text": before + said + behind,
            "list": [said, "ok", "ok"],
            "pair": [said, 1],
            "json": json.dumps({"a": [said]}),
            said: 1,
        }
    )
    assert said not in str(told)
    assert DIGITS not in digits_of(told["text"])
    assert DIGITS not in digits_of(str(told))
    assert told["list"][-1] == "ok"


@pytest.mark.parametrize(
    "name", ["phone", "Phone", "contactPhone", "ContactMobile__c", "联系电话", "TEL_NO", "FMobile", "phone2"]
)
def test_a_value_under_a_name_of_it_is_hidden_whatever_it_looks_like(name: str) -> None:
    assert SIEVE.clean({name: "extension seven"}) == {name: HIDDEN}
    assert SIEVE.clean({"a": [{name: {"home": 1, "work": ["x"]}}]}) == {"a": [{name: HIDDEN}]}
    assert SIEVE.clean({"field": name, "value": "6234 5678", "at": 1}) == {"field": name, "value": HIDDEN, "at": 1}
    assert SIEVE.clean([name, "6234 5678"]) == [name, HIDDEN]
    assert "5678" not in SIEVE.clean(f"{name}: 6234 5678, bearing hot")
    assert "bearing hot" in SIEVE.clean(f"{name}: 6234 5678, bearing hot")


@pytest.mark.parametrize("name", ["ip_address", "macAddress", "microphone_level", "telemetry", "label", "hotel"])
def test_a_name_that_only_resembles_one_hides_nothing(name: str) -> None:
    assert SIEVE.clean({name: "10.0.0.1"}) == {name: "10.0.0.1"}


INNOCENT = [
    "172.16.100.100", "192.168.138.138", "2026-11-21T21:46:40.138001Z", "TKT-2026-000001", "DEV-2026-138001",
    "1795300000", "v1.3.8", "1795300000000000", "SN-7788-1390", "3.14159265", "BRG-6205", "85.5°C", "1e10", "a@b",
    "0.1380013800",
]  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT)
def test_what_machines_say_is_left_as_it_is(text: str) -> None:
    assert SIEVE.clean(text) == text


def test_values_of_every_type_are_left_as_they_are() -> None:
    values: dict[str, Any] = {
        "n": 85,
        "d": Decimal("1.5"),
        "f": 0.5,
        "b": True,
        "none": None,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert SIEVE.clean(values) == values


def test_a_number_as_a_number_is_hidden() -> None:
    assert SIEVE.clean({"value": 13800138000}) == {"value": HIDDEN}


def test_an_expression_that_reads_it_does_not_tell_its_result() -> None:
    step = {"text": "concat(alert.labels.contact_phone, '')", "result": "ext. 7", "error": ""}
    assert SIEVE.clean(step)["result"] == HIDDEN
    assert SIEVE.clean("labels.phone == 'ext. 7': true (labels.phone = 'ext. 7')").count("ext. 7") == 0


def test_a_known_value_is_hidden_in_free_text_however_it_is_spaced() -> None:
    sieve = Sieve(sight(), {"上海市浦东新区 张江路 100 号": "customer.address"})
    assert sieve.clean("送到上海市 浦东新区张江路100号，谢谢") == f"送到{HIDDEN}，谢谢"
    assert sieve.clean("送到 上海市浦东新区张江路１００号") == f"送到 {HIDDEN}"


def test_masked_tells_only_so_much_that_who_knows_it_knows_it_again() -> None:
    half = Sieve(sight(Grant(read=("*",), masked=("customer.phone", "customer.email")), never={}))
    assert half.clean("call +86 138-0013-8000 or zhang.wei@acme.example") == "call 138****8000 or z***@acme.example"
    assert half.clean({"phone": "010-62345678", "street": "x"}) == {"phone": "****5678", "street": "x"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_cleaning_twice_changes_nothing_more(value: Any) -> None:
    once = SIEVE.clean(value)
    assert SIEVE.clean(once) == once
