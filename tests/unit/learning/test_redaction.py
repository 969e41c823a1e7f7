"""What is taken out of a text before many read it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.learning.redaction import Redactor

REDACTOR = Redactor(["苏州明远机械有限公司", "Acme Pumps Ltd", "博世"], ["李娜", "John Smith"])


def zh(text: str) -> str:
    return REDACTOR.clean(text, zh=True).text


@pytest.mark.parametrize("number", ["13812345678", "+86 138 1234 5678", "0512-66668888", "(0512) 6666 8888"])
def test_no_phone_number_is_left(number: str) -> None:
    told = zh(f"联系电话：{number}，请先联系")
    assert "[电话]" in told
    assert not any(part in told for part in ("1234", "6666"))


def test_no_mail_link_number_of_identity_or_mention_is_left() -> None:
    told = zh("发给 wang@example.com，证件 320101199003077654，见 https://crm.example.com/c/9?x=1 并告诉 @li.na")
    assert told == "发给 [邮箱]，证件 [证件号]，见 [链接] 并告诉 [人员]"


@pytest.mark.parametrize(
    "name", ["苏州明远机械有限公司", "苏州明远机械", "明远机械", "acme pumps ltd", "Acme Pumps", "博世"]
)
def test_a_customer_is_not_named_however_it_is_called(name: str) -> None:
    assert zh(f"在{name}现场更换轴承") == "在[客户]现场更换轴承"


def test_people_are_not_named_nor_addressed() -> None:
    assert zh("李娜和王先生已到场，张工确认") == "[人员]和[人员]已到场，[人员]确认"


def test_what_only_looks_like_a_name_stays() -> None:
    assert (
        zh("总经理办公室的车间主任要求：施工前断电，加工中心停机")
        == "总经理办公室的车间主任要求：施工前断电，加工中心停机"
    )


def test_part_numbers_and_values_stay() -> None:
    text = "更换轴承 BRG-6205-2RS，扭矩 45 N·m，温度 82.5 ℃，报警 F30002，2026-11-20 14:30"
    assert zh(text) == text


def test_the_marks_are_in_the_language_of_the_text_and_are_counted() -> None:
    done = REDACTOR.clean("Call John Smith at Acme Pumps, +44 20 7946 0958", zh=False)
    assert done.text == "Call [person] at [customer], [phone]"
    assert done.counts == {"customer": 1, "person": 1, "phone": 1}


def test_a_latin_name_within_a_word_is_none() -> None:
    assert Redactor(["Bolt"]).clean("tighten the bolts", zh=False).text == "tighten the bolts"


@given(st.text(max_size=80), st.sampled_from(["明远机械", "Acme Pumps", "13812345678"]), st.text(max_size=80))
@settings(max_examples=80, deadline=None)
def test_a_name_is_found_wherever_it_stands(before: str, name: str, after: str) -> None:
    told = REDACTOR.clean(f"{before} {name} {after}", zh=True).text
    assert name not in told
    assert REDACTOR.clean(told, zh=True).text == told
