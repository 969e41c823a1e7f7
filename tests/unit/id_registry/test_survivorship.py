"""Which system's value stands in a golden record, and why."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from id_registry import BadPolicy, Candidate, FieldPolicy, Policy, load_policy
from id_registry.survivorship import choose

TRUST_ERP = FieldPolicy(sources=("erp", "crm"))


def says(system: str, value: Any, since: int = 1, gid: int = 0, read_at: int | None = None) -> Candidate:
    return Candidate(value, system, gid, since, since if read_at is None else read_at)


def chosen(policy: FieldPolicy, *candidates: Candidate) -> tuple[str, str]:
    field = choose(candidates, policy)
    return field.winner.system, field.rule


def test_the_most_trusted_source_wins_even_when_it_is_older() -> None:
    assert chosen(TRUST_ERP, says("crm", "a", 9), says("erp", "b", 1)) == ("erp", "priority")


def test_sources_not_listed_come_after_all_that_are() -> None:
    assert chosen(TRUST_ERP, says("crm", "a", 1), says("web", "b", 9)) == ("crm", "priority")


def test_among_equally_trusted_sources_the_value_that_changed_last_wins() -> None:
    assert chosen(FieldPolicy(), says("crm", "a", 1), says("web", "b", 9)) == ("web", "recency")


def test_a_system_asked_more_often_is_not_more_recent() -> None:
    polled = says("erp", "old number", since=1, read_at=100)
    assert chosen(FieldPolicy(), says("crm", "new number", since=50), polled) == ("crm", "recency")


def test_among_equally_recent_values_the_one_that_says_most_wins() -> None:
    assert chosen(FieldPolicy(), says("crm", "Siemens"), says("web", "Siemens AG")) == ("web", "completeness")


def test_among_equally_complete_values_the_one_most_records_have_wins() -> None:
    candidates = says("crm", "Ulm"), says("erp", "Aue"), says("web", "Aue")
    assert chosen(FieldPolicy(), *candidates) == ("erp", "frequency")


def test_what_no_rule_can_tell_goes_to_the_first_system_and_says_so() -> None:
    assert chosen(FieldPolicy(), says("crm", "Ulm"), says("erp", "Aue")) == ("crm", "tie")


def test_the_rules_are_asked_in_the_order_of_the_policy() -> None:
    policy = FieldPolicy(rules=("frequency", "recency"))
    assert chosen(policy, says("a", "x", 1), says("b", "x", 1), says("c", "y", 9)) == ("a", "frequency")


def test_an_empty_value_loses_even_when_its_source_is_the_most_trusted() -> None:
    assert chosen(TRUST_ERP, says("crm", "a"), says("erp", " ")) == ("crm", "completeness")


def test_an_empty_value_counts_where_the_policy_says_that_it_clears_the_field() -> None:
    field = choose([says("crm", "a"), says("erp", "")], FieldPolicy(sources=("erp",), blanks="count"))
    assert (field.value, field.rule) == ("", "priority")


def test_when_all_values_are_empty_the_rules_still_decide() -> None:
    assert chosen(TRUST_ERP, says("crm", None), says("erp", "")) == ("erp", "priority")


def test_a_value_without_a_rival_stands_alone() -> None:
    assert chosen(TRUST_ERP, says("web", "a")) == ("web", "only")


def test_sources_that_agree_need_no_rule_and_the_most_trusted_is_named() -> None:
    assert chosen(TRUST_ERP, says("crm", Decimal("1.20")), says("erp", Decimal("1.2"))) == ("erp", "agreed")


def test_true_is_not_one() -> None:
    assert chosen(FieldPolicy(), says("crm", True, 1), says("erp", 1, 9)) == ("erp", "recency")


def test_every_losing_value_stays_visible() -> None:
    candidates = [says("crm", "a", 1), says("erp", "b", 2), says("web", "", 3)]
    field = choose(candidates, FieldPolicy())
    assert [loser.value for loser in field.losers] == ["a", ""]


candidates = st.lists(
    st.builds(says, st.sampled_from("abc"), st.sampled_from(["", "x", "y", "xx", None, 1, [1]]), st.integers(1, 3)),
    min_size=1,
    max_size=6,
)
policies = st.builds(
    FieldPolicy,
    sources=st.permutations("abc").map(tuple),
    rules=st.permutations(["priority", "recency", "completeness", "frequency"]).map(tuple),
    blanks=st.sampled_from(["lose", "count"]),
)


@given(candidates, policies, st.randoms(use_true_random=False))
def test_the_value_does_not_depend_on_the_order_of_the_candidates_unless_it_is_a_tie(
    pool: list[Candidate], policy: FieldPolicy, luck: random.Random
) -> None:
    field = choose(pool, policy)
    luck.shuffle(pool)
    again = choose(pool, policy)
    assert field.rule == again.rule
    assert field.rule == "tie" or field.value == again.value


@given(candidates, policies)
def test_no_candidate_gets_lost(pool: list[Candidate], policy: FieldPolicy) -> None:
    field = choose(pool, policy)
    assert sorted(map(repr, [field.winner, *field.losers])) == sorted(map(repr, pool))


@given(candidates, policies)
def test_the_winner_comes_from_the_most_trusted_source_that_says_its_value(
    pool: list[Candidate], policy: FieldPolicy
) -> None:
    field = choose(pool, FieldPolicy(sources=policy.sources, rules=("priority",), blanks="count"))
    assert policy.sources.index(field.winner.system) == min(policy.sources.index(c.system) for c in pool)


def test_a_policy_is_plain_data() -> None:
    policy = load_policy({"default": {"rules": ["recency"]}, "fields": {"name": {"sources": ["erp", "crm"]}}})
    assert policy == Policy(
        default=FieldPolicy(rules=("recency",)), fields={"name": FieldPolicy(sources=("erp", "crm"))}
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"fields": {"name": {"sources": ["erp", "erp"]}}}, "fields.name.sources: Value error, erp stands there twice"),
        ({"fields": {"name": {"rules": ["newest"]}}}, "fields.name.rules.0: Input should be 'priority', 'recency'"),
        ({"fields": {"name": {"source": ["erp"]}}}, "fields.name.source: Extra inputs are not permitted"),
        ({"default": {"blanks": "win"}}, "default.blanks: Input should be 'lose' or 'count'"),
        ("erp", "policy: "),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused_with_the_place(data: Any, told: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        load_policy(data)
    assert told in str(refused.value)
