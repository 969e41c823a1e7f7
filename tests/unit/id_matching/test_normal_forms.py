"""Normal forms: what is written in different ways is compared as one, and no text, however hostile, breaks them."""

from __future__ import annotations

import time

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc

from id_registry.keys import is_storable
from id_registry.matching.companies import Company, company
from id_registry.matching.contacts import address, email, phone
from id_registry.matching.kinds import SCHEMES
from id_registry.matching.people import person, pinyin_key
from id_registry.matching.strong import credit_code, mac, serial
from id_registry.matching.text import plain

TO_TRADITIONAL = opencc.OpenCC("s2t")
HOSTILE = ["\0", "\u202e\u200f\u2066", "🏭" * 5000, "公司" * 9000, "\ud800", "(" * 4000, "（" * 3000 + "）" * 3000, "a" * 100_000,
           "中国" * 400, "ﷺ" * 500, "\u0301" * 3000, "zhang" * 2000]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("深圳市腾讯计算机系统有限公司", "腾讯计算机系统（深圳）有限责任公司"),
        ("深圳市騰訊計算機系統有限公司", "广东省深圳市腾讯计算机系统有限公司"),
        ("杭州精工机械有限公司", "杭州 精工机械 有限公司"),
        ("江苏苏州恒信（集团）有限公司", "江苏省苏州市恒信有限责任公司"),
        ("ＡＢＣ科技（上海）有限公司", "上海abc科技有限公司"),
        ("Acme Co., Ltd.", "ACME CO LTD"),
        ("The Acme Corporation", "acme corp."),
    ],
)
def test_spellings_of_one_company_have_the_same_parts(one: str, other: str) -> None:
    assert company(one) == company(other)
    assert company(one).core


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("上海华联超市", ("上海", "华联超市", "", "-")),
        ("北京华联超市", ("北京", "华联超市", "", "-")),
        ("吉林银行", ("吉林", "吉林银行", "", "-")),
        ("中国工商银行股份有限公司上海分行", ("", "中国工商银行", "股份", "上海分行")),
        ("深圳市腾讯计算机系统有限公司北京分公司", ("广东 深圳", "腾讯计算机系统", "有限", "北京分公司")),
        ("有限公司", ("", "", "", "")),
        ("🏭", ("", "", "", "")),
    ],
)
def test_a_company_name_is_taken_apart(name: str, parts: tuple[str, ...]) -> None:
    assert company(name) == Company(*parts)


@pytest.mark.parametrize(
    "name", ["张三", "張三", "zhangsan", "Zhang San", "San Zhang", "Zhāng Sān", "ＺＨＡＮＧ　ＳＡＮ", "张三先生"]
)
def test_spellings_of_one_person_share_a_pinyin_key(name: str) -> None:
    assert pinyin_key(name) == "san zhang"


@pytest.mark.parametrize(
    ("han", "latin"),
    [("单田芳", "Shan Tianfang"), ("曾国藩", "Zeng Guofan"), ("吕布", "Lü Bu"), ("查良镛", "ZhaLiangyong")],
)
def test_surnames_are_read_as_surnames(han: str, latin: str) -> None:
    assert pinyin_key(han) == pinyin_key(latin)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("13800138000", "+8613800138000"), ("+86 138-0013-8000", "+8613800138000"), ("0086 13800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"), ("010-62345678 转 8", "01062345678"), ("(021) 5888 8888", "02158888888"),
        ("400-800-1234", "4008001234"), ("+1 415 555 2671", "+14155552671"), ("000000000", ""), ("12345678", ""), ("n/a", ""),
    ],
)  # fmt: skip
def test_phones_are_compared_as_numbers(written: str, normal: str) -> None:
    assert phone(written) == normal


def test_addresses_say_where_from_the_largest_part() -> None:
    assert address("中国上海市浦东新区张江路88号3幢") == ("上海", "浦东新区 张江路 88号 3幢")
    assert email(" Info@Example.COM ") == "info@example.com"
    assert email("none") == ""


_BODY = st.from_regex(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True)


@given(_BODY, st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_a_credit_code_with_one_wrong_sign_is_none(body: str, place: int, sign: str) -> None:
    code = body + uscc.calc_check_digit(body)
    if not uscc.is_valid(code):
        return
    assert credit_code(f" {code.lower()} ") == code
    wrong = code[:place] + sign + code[place + 1 :]
    assert (credit_code(wrong) is None) == (wrong != code)


_NAME = st.text(max_size=60) | st.text(
    st.sampled_from("深圳市上海腾讯银行（）集团有限责任公司分店·Co., Ltd."), max_size=40
)


@settings(deadline=None)
@given(_NAME)
def test_normal_text_is_stable_storable_and_blind_to_width(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert is_storable(once)
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    assert plain(wide) == once


@settings(deadline=None)
@given(st.text(st.sampled_from("深圳上海腾讯银行计算机华为东风马车门见（）集团有限责任公司"), max_size=30))
def test_traditional_and_simplified_names_are_the_same(text: str) -> None:
    traditional = TO_TRADITIONAL.convert(text)
    assert company(traditional) == company(text)
    assert person(traditional) == person(text)


_FIELDS = ["name", "short_name", "credit_code", "phone", "email", "address", "city", "mobile", "serial", "mac", "model",
           "asset_tag", "manufacturer", "ip"]  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _NAME | st.none() | st.integers()))
def test_every_scheme_takes_any_record(record: dict[str, object]) -> None:
    for scheme in SCHEMES.values():
        body = scheme.normal(record)
        assert all(value and is_storable(value) for value in body.values())
        assert scheme.model.weigh(body, body).vetoes == ()
        for _, value in scheme.keys(body):
            assert value


def _all_forms(text: str) -> list[str]:
    return [*company(text), person(text), pinyin_key(text), phone(text), email(text), *address(text), credit_code(text) or "",
            serial(text) or "", mac(text) or ""]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=[f"{n}" for n in range(len(HOSTILE))])
def test_hostile_text_is_taken_quickly_and_can_be_stored(text: str) -> None:
    _all_forms("北京市海淀区中关村大街 1 号")  # the first text ever loads the dictionaries
    begun = time.process_time()
    told = _all_forms(text)
    assert time.process_time() - begun < 1
    assert all(is_storable(value) and len(value) < 2000 for value in told)
