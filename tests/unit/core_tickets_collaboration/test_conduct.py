"""Which changes of state are suspiciously many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core_tickets.collaboration import Limits, Move, judge

MINUTE = 60_000_000
LIMITS = Limits(per_hour=5, back_and_forth=3, instant=2, instant_within=MINUTE)


def moves(person: str, *at: int, ticket: int | None = None) -> list[Move]:
    return [
        Move(n if ticket is None else ticket, m * MINUTE, person, "pending", "in_progress") for n, m in enumerate(at)
    ]


def test_more_within_one_hour_than_the_limit_is_flagged_wherever_the_hour_begins() -> None:
    assert judge(moves("li", 0, 30, 61, 70, 80, 89), LIMITS) == []
    (told,) = judge(moves("li", 0, 31, 61, 70, 80, 89, 90), LIMITS)
    assert (told.person, told.most_per_hour, told.reasons) == ("li", 6, ("per_hour",))


def test_back_and_forth_on_one_ticket_is_flagged() -> None:
    (told,) = judge(moves("li", 0, 100, 200, 300, ticket=7), LIMITS)
    assert (told.reasons, told.back_and_forth) == (("back_and_forth",), {7: 4})


def test_tickets_resolved_as_soon_as_begun_are_flagged() -> None:
    quick = [
        Move(t, t * 200 * MINUTE + s, "li", b, a)
        for t in range(3)
        for s, b, a in ((0, "pending", "in_progress"), (MINUTE // 2, "in_progress", "resolved"))
    ]
    (told,) = judge(quick, LIMITS)
    assert (told.reasons, told.instant) == (("instant",), (0, 1, 2))
    assert judge(quick[:4], LIMITS) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 600), st.sampled_from(["a", "b"])), max_size=60))
def test_the_order_of_entries_does_not_matter_and_each_person_is_judged_alone(told: list[tuple[int, int, str]]) -> None:
    given_moves = [Move(t, m * MINUTE, p, "pending", "in_progress") for t, m, p in told]
    assert judge(given_moves, LIMITS) == judge(given_moves[::-1], LIMITS)
    alone = [c for p in ("a", "b") for c in judge([m for m in given_moves if m.person == p], LIMITS)]
    assert judge(given_moves, LIMITS) == alone
