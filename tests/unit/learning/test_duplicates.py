"""Which open tickets repeat one another."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets import Ticket
from gateway.clock import DAY, HOUR
from gateway.learning.duplicates import pairs_of
from gateway.policies.learning import Duplicates
from tests.unit.learning.fixtures import NOW, a_ticket

POLICY = Duplicates()


def pump(number: int, title: str = "轴承过热报警", hours: float = 0, **more: Any) -> Ticket:
    return a_ticket(number, **({"title": title, "device": 5, "opened_at": NOW + int(hours * HOUR)} | more))


def found(*tickets: Ticket) -> list[tuple[int, int]]:
    return [(pair.keep.id, pair.drop.id) for pair in pairs_of(tickets, POLICY)]


def test_near_same_titles_on_one_device_at_one_time_are_a_pair_and_the_first_stays() -> None:
    assert found(pump(1), pump(2, "轴承过热，报警！", 3)) == [(1, 2)]


def test_a_chinese_and_an_english_ticket_about_one_thing_are_a_pair() -> None:
    assert found(pump(1, "泵轴承过热"), pump(2, "Pump bearing overheating", 1)) == [(1, 2)]


def test_who_has_got_further_stays() -> None:
    assert found(pump(1), pump(2, hours=1, status="in_progress")) == [(2, 1)]


def test_other_things_are_no_pair() -> None:
    for other in (
        pump(2, device=6), pump(2, "液压站漏油"), pump(2, hours=30), pump(2, status="closed"), pump(2, storm_id=9),
        pump(2, kind="complaint"),
    ):  # fmt: skip
        assert found(pump(1), other) == []


def test_titles_with_other_numbers_speak_of_other_things() -> None:
    assert found(pump(1, "1 号泵轴承过热报警"), pump(2, "2 号泵轴承过热报警")) == []


def test_one_fingerprint_is_the_cores_business() -> None:
    assert found(pump(1, fingerprint="f"), pump(2, fingerprint="f")) == []


def test_without_device_the_customer_must_be_the_same() -> None:
    assert found(pump(1, device=None, customer=8), pump(2, device=None, customer=8)) == [(1, 2)]
    assert found(pump(1, device=None), pump(2, device=None)) == []


tickets = st.lists(
    st.builds(
        lambda title, device, hours, status: (title, device, hours, status),
        st.sampled_from(["泵轴承过热", "Pump bearing overheating", "液压站漏油"]), st.integers(1, 2), st.integers(0, 40),
        st.sampled_from(["pending", "in_progress", "blocked", "closed"]),
    ),
    max_size=14,
).map(lambda all_: [pump(n + 1, t, h, device=d, status=s) for n, (t, d, h, s) in enumerate(all_)])  # fmt: skip


@given(tickets, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_none_is_closed_twice_or_kept_by_one_that_is_closed(all_: list[Ticket], dice: random.Random) -> None:
    pairs = found(*all_)
    dropped = [drop for _, drop in pairs]
    assert len(dropped) == len(set(dropped))
    assert not {keep for keep, _ in pairs} & set(dropped)
    shuffled = list(all_)
    dice.shuffle(shuffled)
    assert found(*shuffled) == pairs


def test_tickets_of_long_ago_are_compared_within_a_day_too() -> None:
    assert found(pump(1, hours=-24 * 9), pump(2, hours=-24 * 9 + 1)) == [(1, 2)]
    assert POLICY.within == DAY
