"""Words are found however they are spelled, and only as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_tickets.matching import Word, near, normalised, squeezed


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("overheat", "Spindle OVERHEAT at L1"),
        ("OverHeat", "spindle overheat"),
        ("PLC", "ＰＬＣ通讯中断"),
        ("plc", "PLC故障"),
        ("停机", "设备已停机，请处理"),
        ("disk full", "DISK   Full on host"),
        ("disk", "disk_full"),
        ("leak*", "leaking seal"),
        ("straße", "STRASSE 4"),
        ("85 ℃", "超过85 ℃"),
    ],
)
def test_a_word_is_found_whatever_its_case_and_width(word: str, text: str) -> None:
    assert Word(word).within(normalised(text))


@pytest.mark.parametrize(
    ("word", "text"),
    [("heat", "overheated"), ("leak", "leaking"), ("down", "countdown"), ("L1", "L10"), ("停机", "停止")],
)
def test_a_latin_word_is_not_found_within_another(word: str, text: str) -> None:
    assert not Word(word).within(normalised(text))


def test_a_word_of_nothing_but_signs_is_never_found() -> None:
    assert Word("——").text == ""
    assert not Word("!!").within("!!")


@given(st.text(max_size=30), st.text(min_size=1, max_size=8), st.text(max_size=30))
def test_case_never_matters(before: str, word: str, after: str) -> None:
    text = f"{before} {word} {after}"
    for written in (word, word.upper(), word.lower(), word.swapcase()):
        if normalised(written) == normalised(word):
            assert Word(written).within(normalised(text)) == Word(word).within(normalised(text))


@given(st.text(max_size=40))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)
    assert squeezed(normalised(text)) == squeezed(text)


@pytest.mark.parametrize(
    ("a", "b"), [("MTR-2023", "mtr2023"), ("PUMP-1", "pump_1"), ("PUMP-01", "PUMP-1"), ("泵 1", "泵1"), ("L1", "l1")]
)
def test_two_spellings_of_one_id_are_near(a: str, b: str) -> None:
    assert near(a, b)
    assert near(b, a)


@pytest.mark.parametrize(("a", "b"), [("PUMP-1", "PUMP-2"), ("pump", "pumps"), ("L1", "L1"), ("", "-")])
def test_other_ids_are_not_near(a: str, b: str) -> None:
    assert not near(a, b)
