"""Tickets that tell of one trouble are found, in Chinese and English alike, and keep their number."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.learning.clusters import Cluster, Text, cluster, keep_ids
from gateway.learning.terms import Term, alike, numbers, terms
from tests.unit.learning.fixtures import BEARING, DATABASE, PACKAGING, SCANNER, a_text

GROUPS = (BEARING, DATABASE, PACKAGING, SCANNER)
TEXTS = [a_text(n, title) for n, title in enumerate(title for group in GROUPS for title in group)]


def test_the_same_trouble_in_two_languages_is_one_problem() -> None:
    found = {c.members for c in cluster(TEXTS, 0.45)}
    assert found == {(0, 1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)}


def test_a_problem_is_labelled_by_the_words_that_tell_it_from_others() -> None:
    label = cluster(TEXTS, 0.45)[0].label
    assert {"bearing", "轴承"} & set(label)
    assert not {"cpu", "包装"} & set(label)


def test_which_device_it_was_does_not_matter() -> None:
    a = terms("CNC-12 主轴电机过热", "", ["CNC-12"])
    b = terms("Spindle motor of CNC-07 too hot", "", ["CNC-07"])
    assert alike(a, b) >= 0.8
    assert "cnc-12" not in a


def test_numbers_are_no_words_but_an_error_code_is_one() -> None:
    found = terms("泵 17 报警 F30002，第 3 次")
    assert "f30002" in found
    assert "17" not in found
    assert numbers("泵 17 报警 F30002") == {"17", "f30002"}


def test_english_words_are_compared_by_their_stem() -> None:
    assert terms("Adjusting calibrations").keys() == terms("adjusted calibration").keys()


def test_what_is_said_in_the_title_weighs_more_than_what_is_said_below() -> None:
    found = terms("轴承", "filter filter")
    assert found["=bearing"].weight > found["=filter"].weight


def test_a_text_like_no_other_is_alone() -> None:
    assert cluster([a_text(1, "泵轴承过热"), a_text(2, "发票抬头错误")], 0.45) == [
        Cluster((1,), cluster([a_text(1, "泵轴承过热")], 0.45)[0].label),
        Cluster((2,), cluster([a_text(2, "发票抬头错误")], 0.45)[0].label),
    ]


def test_a_chain_of_likenesses_is_not_one_problem() -> None:
    def text(number: int, words: str) -> Text:
        return Text(number, number, {word: Term(1.0, word) for word in words.split()})

    chain = [text(1, "a b c d"), text(2, "c d e f"), text(3, "e f g h"), text(4, "g h i j")]
    assert all(not {1, 4} <= set(c.members) for c in cluster(chain, 0.45))


words = st.sampled_from([f"w{n}" for n in range(12)])
texts = st.lists(st.dictionaries(words, st.floats(1, 3), max_size=6), max_size=25).map(
    lambda all_: [Text(n, n // 3, {w: Term(round(x, 2), w) for w, x in t.items()}) for n, t in enumerate(all_)]
)


@given(texts, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_tickets_does_not_matter(given_: list[Text], dice: random.Random) -> None:
    shuffled = list(given_)
    dice.shuffle(shuffled)
    assert cluster(shuffled, 0.45) == cluster(given_, 0.45)


@given(texts)
@settings(max_examples=60, deadline=None)
def test_each_ticket_is_in_exactly_one_cluster(given_: list[Text]) -> None:
    members = [m for c in cluster(given_, 0.45) for m in c.members]
    assert sorted(members) == [t.id for t in given_]


@given(texts)
@settings(max_examples=60, deadline=None)
def test_looking_again_gives_every_problem_the_number_it_had(given_: list[Text]) -> None:
    found = cluster(given_, 0.45)
    ids = keep_ids(found, {})
    before = {m: number for number, c in zip(ids, found, strict=True) for m in c.members}
    assert keep_ids(found, before) == ids
    assert len(set(ids)) == len(ids)


@given(texts, st.data())
@settings(max_examples=60, deadline=None)
def test_no_two_problems_share_a_number_whatever_was_before(given_: list[Text], data: st.DataObject) -> None:
    found = cluster(given_, 0.45)
    before = {t.id: data.draw(st.integers(0, 24)) for t in given_ if data.draw(st.booleans())}
    ids = keep_ids(found, before)
    assert len(set(ids)) == len(ids)


def test_a_problem_keeps_its_number_when_its_first_ticket_leaves_the_window() -> None:
    before = dict.fromkeys(range(4), 0)
    later = cluster([*TEXTS[1:4], a_text(40, "泵轴承过热")], 0.45)
    assert keep_ids(later, before) == [0]
