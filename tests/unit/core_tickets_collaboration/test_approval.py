"""A joint approval is settled by the first refusal or the last acceptance, whatever the order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core_tickets import Change, Entry
from core_tickets.collaboration import Approval, Approver, Stay, awaited, may_answer, stays
from core_tickets.people import Person, Roster

ROSTER = Roster({
    p.id: p for p in (Person("ann", roles=frozenset({"buyer"})), Person("bob", groups=frozenset({"north"})), Person("cy"))
})  # fmt: skip


def asked(*names: str, by: str = "cy") -> Approval:
    return Approval(1, 1, "", "open", by, 0, 1, 1, 0, None, tuple(Approver(n) for n in names))


@given(st.lists(st.sampled_from(["accept", "decline"]), min_size=3, max_size=3), st.permutations(["a", "b", "c"]))
def test_one_refusal_returns_it_and_only_all_acceptances_move_it_on(verdicts: list[str], order: list[str]) -> None:
    approval, now = asked("a", "b", "c"), 0
    for name, verdict in zip(order, verdicts, strict=True):
        if approval.state != "open":
            break
        now += 1
        approval = approval.answered([name], verdict, name, "", now)
    assert approval.state == ("returned" if "decline" in verdicts else "accepted")
    assert (approval.settled_at, approval.remind_at) == (now, None)
    assert awaited(approval) == ()


def test_a_person_answers_for_himself_his_roles_and_his_groups() -> None:
    approval = asked("ann", "role:buyer", "group:north")
    assert may_answer(approval, "ann", ROSTER) == ("ann", "role:buyer")
    assert may_answer(approval, "bob", ROSTER) == ("group:north",)
    assert may_answer(approval, "cy", ROSTER) == ()
    assert may_answer(asked("role:buyer", by="ann"), "ann", ROSTER) == ()
    assert may_answer(approval.answered(["ann"], "accept", "ann", "", 1), "ann", ROSTER) == ("role:buyer",)


def entry(at: int, group: str | None, before: str | None = None) -> Entry:
    return Entry(at, 1, at, "change", "assign", "li", "person", "", 1, (Change("group", before, group),), {})


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from(["a", "b", None])), max_size=12))
def test_stays_are_the_whole_time_without_gap_or_overlap(steps: list[tuple[int, str | None]]) -> None:
    at, moves = 0, []
    for later, group in steps:
        at += later
        moves.append(entry(at, group))
    found = stays(moves, 0, at + 5)
    assert sum(s.length(at + 5) for s in found) == at + 5
    assert all(a.until == b.since for a, b in pairwise(found))


def test_a_ticket_opened_with_a_group_is_there_from_the_beginning() -> None:
    assert stays([entry(5, "a"), entry(9, "b", "a")], 5) == [Stay("a", 5, 9), Stay("b", 9, None)]
