"""Texts bounded in bytes, and many messages in one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import Message, Target, fit, fit_between, markdown, merge, names, plain, size
from connectors.contract import Command
from connectors.errors import BadRecord

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(texts, st.integers(0, 100))
def test_a_fitted_text_is_within_its_bytes_and_begins_as_the_whole(text: str, limit: int) -> None:
    fitted = fit(text, limit)
    assert size(fitted) <= limit
    assert fitted == text or text.startswith(fitted.removesuffix("…"))


@given(texts, texts, texts, st.integers(0, 200))
def test_what_is_cut_is_the_middle(head: str, text: str, tail: str, limit: int) -> None:
    fitted = fit_between(head, text, tail, limit)
    assert size(fitted) <= limit
    if size(head) + size(tail) + 3 <= limit:
        assert fitted.startswith(head)
        assert fitted.endswith(tail)


def test_a_broken_surrogate_is_no_reason_to_fail() -> None:
    assert size(fit("温度\ud800高", 8)) <= 8


@pytest.mark.parametrize("given_", ["a|b", "a, b", "a，b", ["a", "b", "a"], ("a", " b ")])
def test_names_come_as_a_text_or_a_list(given_: Any) -> None:
    assert names(given_, "key.users") == ("a", "b")


@pytest.mark.parametrize("given_", [{"a": 1}, 7, [None]])
def test_other_kinds_of_names_are_refused_with_their_path(given_: Any) -> None:
    with pytest.raises(BadRecord, match=r"key\.users"):
        names(given_, "key.users")


def test_a_plain_text_has_no_marks() -> None:
    told = plain(Message("t", '## 头\n> 引 **粗** `c` <font color="info">绿</font> [a](https://b.test)'), 4096)
    assert told == "t\n头\n引 粗 c 绿 a: https://b.test"


# -- merging -----------------------------------------------------------------------------------------------------------


def command(n: int, **body: Any) -> Command:
    return Command(f"c{n}", "send", {"to": "default"}, {"title": f"ticket {n}", **body})


def read(merged: Command) -> Message:
    return Message.of(merged.body)


def test_merged_messages_are_a_list_with_links_the_most_urgent_first() -> None:
    one = merge(
        [command(1, priority="P1", link="https://h.test/1"), command(2), command(3, priority="P0", mention="all")],
        lambda *_: 4096,
    )
    message = read(one.command)
    assert message.title == "3 条通知"
    assert message.text.splitlines() == ["🔴 P0 ticket 3", "🟠 P1 [ticket 1](https://h.test/1)", "▪ ticket 2"]
    assert (message.priority, message.mention_all) == ("P0", True)
    assert sorted(one.covers) == ["c1", "c2", "c3"]


def test_who_is_mentioned_in_one_is_mentioned_in_all() -> None:
    one = merge([command(1, mention="a|b"), command(2, mention=["b", "c"])], lambda *_: 4096)
    assert read(one.command).mention == ("a", "b", "c")


@given(
    st.lists(st.tuples(texts, st.sampled_from(["P0", "P1", "P2", ""])), min_size=1, max_size=30), st.integers(50, 900)
)
def test_a_merged_message_fits_and_covers_at_least_one(given_: list[tuple[str, str]], limit: int) -> None:
    commands = [command(n, priority=p or None, text=t) for n, (t, p) in enumerate(given_)]
    one = merge(commands, lambda *_: limit)
    assert len(one.covers) >= 1
    assert set(one.covers) <= {c.id for c in commands}
    if len(one.covers) > 1:
        assert size(markdown(read(one.command), 1 << 20)) <= limit
        assert len(read(one.command).text.splitlines()) == len(one.covers)


def test_a_message_that_cannot_be_understood_is_left_to_be_refused_alone() -> None:
    bad = Command("bad", "send", {"to": "default"}, {})
    assert merge([command(1), bad], lambda *_: 4096).covers == ("bad",)
    nobody = [Command(f"n{n}", "send", {}, {"title": "x"}) for n in range(2)]
    assert merge(nobody, lambda *_: 4096).covers == ("n0",)


def test_a_target_names_somebody() -> None:
    assert Target.of({"users": "a|b", "mobiles": [13800001111]}) == Target(users=("a", "b"), mobiles=("13800001111",))
    with pytest.raises(BadRecord, match="names nobody"):
        Target.of({"users": " "})
