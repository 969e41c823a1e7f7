"""Weight and decision: rare values say more, shared ones nothing, a conflicting strong key forbids, pinyin proposes only."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from id_registry.matching.comparing import Exact
from id_registry.matching.deciding import Candidate, Terms, decide
from id_registry.matching.kinds import SCHEMES, keys_of
from id_registry.matching.learning import learn_m, learn_u
from id_registry.matching.model import Field, Frequencies, Model
from id_registry.matching.online import model_for

TERMS = Terms()
SCHEME = SCHEMES["customer"]
JINGGONG, HENGXIN = "91330100MA27X0001E", "91320500MA1P00002L"


def body(**record: Any) -> dict[str, str]:
    return SCHEME.normal(record)


def frequencies(counts: dict[tuple[str, str], int], records: int = 1000) -> Frequencies:
    return Frequencies(records, lambda name, value: counts.get((name, value)))


def verdict(
    one: dict[str, str],
    *others: dict[str, str],
    counts: Any = None,
    systems: tuple[str, ...] = (),
    terms: Terms = TERMS,
) -> Any:
    model = model_for("customer", terms, 1000)
    found = frequencies(counts or {})
    candidates = [
        Candidate(n, n, systems[n - 1] if systems else "crm", model.weigh(one, other, found))
        for n, other in enumerate(others, 1)
    ]
    return decide("erp", candidates, SCHEME, terms)


FULL = {"name": "杭州精工机械有限公司", "phone": "0571-88886666", "address": "杭州市滨江区江南大道100号"}


def test_two_spellings_of_one_company_are_linked_and_the_evidence_adds_up() -> None:
    told = verdict(body(**FULL), body(name="精工机械（杭州）有限责任公司", phone="0571 8888 6666"))
    assert told.outcome == "link"
    model = model_for("customer", TERMS, 1000)
    assert model.prior_bits + sum(e.bits for e in told.evidence) == pytest.approx(told.other.weighed.weight)


def test_the_same_core_elsewhere_goes_to_a_person_at_most() -> None:
    told = verdict(body(name="上海华联超市", phone="400-800-1234"), body(name="北京华联超市", phone="400-800-1234"))
    assert told.outcome in ("review", "mint")


def test_a_branch_is_not_linked_with_its_company() -> None:
    head, branch = "深圳市腾讯计算机系统有限公司", "深圳市腾讯计算机系统有限公司北京分公司"
    told = verdict(body(name=head, phone="0755-86013388"), body(name=branch, phone="0755-86013388"))
    assert told.outcome in ("review", "mint")
    assert "branch" in told.reason or told.outcome == "mint"


def test_two_different_credit_codes_forbid_whatever_else_agrees() -> None:
    told = verdict(body(**FULL, credit_code=JINGGONG), body(**FULL, credit_code=HENGXIN))
    assert (told.outcome, told.reason) == ("veto", "differs in code")


def test_a_phone_that_too_many_share_says_nothing() -> None:
    one, other = body(name="精工机械", phone="0571-88886666"), body(name="另一家", phone="0571-88886666")
    model = model_for("customer", TERMS, 1000)
    key = ("phone", "057188886666")
    bits = {
        n: {e.field: e for e in model.weigh(one, other, frequencies({key: n})).evidence}["phone"] for n in (2, 5, 6)
    }
    assert bits[2].bits > bits[5].bits > 3
    assert (bits[6].bits, bits[6].note) == (0.0, "shared by 6")


def test_a_rare_name_says_more_than_a_common_one() -> None:
    model = model_for("customer", TERMS, 100_000)
    one = body(name="大华")
    weights = [model.weight(one, one, frequencies({("core", "大华"): n}, 100_000)) for n in (2, 40, 4000)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] - weights[2] > 9


def test_pinyin_finds_candidates_and_is_no_evidence() -> None:
    one, other = SCHEMES["person"].normal({"name": "张三"}), SCHEMES["person"].normal({"name": "章伞"})
    shared = keys_of("person", one).keys() & keys_of("person", other).keys()
    assert {name for name, _ in shared} == {"pinyin"}
    weighed = SCHEMES["person"].model.weigh(one, other)
    assert "pinyin" not in {e.field for e in weighed.evidence}
    assert weighed.weight < SCHEMES["person"].model.prior_bits


def test_two_things_as_likely_are_for_a_person() -> None:
    told = verdict(body(**FULL), body(**FULL), body(**FULL))
    assert told.outcome == "review"
    assert "as likely" in told.reason


def test_records_of_one_system_are_linked_only_if_the_policy_says_so() -> None:
    assert verdict(body(**FULL), body(**FULL), systems=("erp",)).outcome == "review"
    assert verdict(body(**FULL), body(**FULL), systems=("erp",), terms=Terms(within_system=True)).outcome == "link"


def test_nothing_in_common_but_a_phone_is_no_link() -> None:
    assert (
        verdict(body(name="精工机械", phone="13800138000"), body(name="恒信商贸", phone="13800138000")).outcome
        != "link"
    )


_CODES = st.sampled_from([None, JINGGONG, HENGXIN])
_RECORDS = st.builds(
    lambda name, phone, code: body(name=name, phone=phone, credit_code=code),
    st.sampled_from(["杭州精工机械有限公司", "精工机械（杭州）有限责任公司", "杭州精工", "上海华联超市", "北京华联超市", ""]),
    st.sampled_from(["13800138000", "057188886666", None]), _CODES,
)  # fmt: skip


@settings(deadline=None)
@given(_RECORDS, st.lists(_RECORDS, max_size=5), st.floats(-20, 40), st.integers(1, 64))
def test_no_terms_link_records_whose_strong_keys_differ(one: Any, others: list[Any], link: float, shared: int) -> None:
    told = verdict(
        one, *others, terms=Terms(link=link, review=min(link, 0), margin=0, shared_by=shared, within_system=True)
    )
    if told.outcome == "link":
        other = others[told.other.gid - 1]
        assert "code" not in one or "code" not in other or one["code"] == other["code"]


@settings(deadline=None)
@given(_RECORDS, _RECORDS)
def test_the_weight_is_the_same_from_either_side_and_quick_and_told_agree(one: Any, other: Any) -> None:
    model: Model = model_for("customer", TERMS, 5000)
    weighed = model.weigh(one, other)
    assert weighed.weight == pytest.approx(model.weigh(other, one).weight)
    assert weighed.weight == pytest.approx(model.weight(one, other))


def test_learning_without_labels_finds_which_field_is_noise() -> None:
    """Every second record has its twin; names stay, cities are drawn anew."""
    dice = random.Random(3)
    records = []
    for n in range(300):
        name = "".join(dice.choices("甲乙丙丁戊己庚辛壬癸子丑寅卯", k=6)) + str(n % 7)
        records += [{"name": name, "city": dice.choice(["上海", "北京", "广州", "成都"])} for _ in range(2)]
    fields = (Field("name", Exact(), (0.9, 0.1), (0.1, 0.9)), Field("city", Exact(), (0.9, 0.1), (0.1, 0.9)))
    prior = 300 / (600 * 599 / 2)
    model = learn_u(Model("thing", fields, prior), records, 20_000)
    pairs = [(records[i], records[j]) for i in range(0, 600, 2) for j in (i + 1, (i + 7) % 600, (i + 33) % 600)]
    learnt = learn_m(model, pairs)
    of_name, of_city = learnt.fields
    assert of_name.m[0] > 0.95
    assert of_city.m[0] == pytest.approx(0.25, abs=0.08)
    assert learnt.prior == prior
