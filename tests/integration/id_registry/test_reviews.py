"""The review queue: a pair stands there once, and what a person says of it is a merge, a ban, or nothing yet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, Engine

from id_registry import (
    AlreadyMerged,
    BadInput,
    MergeForbidden,
    UnknownReview,
    forbid,
    forbidden,
    live,
    merge,
    undo,
)
from id_registry.matching import (
    Decision,
    Doubt,
    Evidence,
    count_reviews,
    decide_review,
    list_reviews,
    propose_reviews,
    read_review,
    settle_reviews,
)
from tests.integration.id_registry.things import NOW, born, components_by_the_events

SAID = (
    Evidence("name", "华联超市", "华联超市", "exact", 9.5),
    Evidence("phone", "1", "2", "differs", -3.0, "shared by 4"),
)


def doubt(a: int, b: int, weight: float = 1.0) -> Doubt:
    return Doubt(a, b, weight, SAID, "weight 1.0 is between 0 and 8")


def put(conn: Connection, a: int, b: int, weight: float = 1.0) -> int:
    propose_reviews(conn, [doubt(a, b, weight)], "online", NOW)
    return next(r.id for r in list_reviews(conn).items if {r.a, r.b} == {a, b})


def decide(conn: Connection, number: int, decision: Decision, **more: Any) -> Any:
    return decide_review(conn, number, decision, actor="ann", now=NOW + 5, **more)


def test_a_pair_stands_in_the_queue_once_with_its_newest_evidence(conn: Connection) -> None:
    a, b = born(conn, 2)
    assert propose_reviews(conn, [doubt(a, b)], "online", NOW) == 1
    assert propose_reviews(conn, [doubt(b, a, 2.5)], "batch", NOW + 1) == 0
    (only,) = list_reviews(conn).items
    assert (only.a, only.b, only.weight, only.source, only.created_at) == (a, b, 2.5, "batch", NOW)
    assert only.evidence[1] == Evidence("phone", "2", "1", "differs", -3.0, "shared by 4")


def test_same_merges_and_can_be_undone(conn: Connection) -> None:
    a, b = born(conn, 2)
    review = decide(conn, put(conn, a, b), "same", why="same stamp")
    assert (review.state, review.decided_by, review.why) == ("same", "ann", "same stamp")
    assert live(conn, [a, b]) == {a: a, b: a}
    assert decide(conn, review.id, "same") == review
    undo(conn, review.merge_event, actor="bob", now=NOW + 6)
    assert live(conn, [a, b]) == {a: a, b: b}
    assert decide(conn, review.id, "different").state == "different"
    with pytest.raises(MergeForbidden):
        merge(conn, a, b, actor="matcher", reason="", now=NOW + 7)


def test_different_keeps_them_apart_and_the_pair_is_not_proposed_again(conn: Connection) -> None:
    a, b = born(conn, 2)
    number = put(conn, a, b)
    assert decide(conn, number, "different").state == "different"
    assert [(p.a, p.b, p.actor) for p in forbidden(conn, a)] == [(a, b, "ann")]
    propose_reviews(conn, [doubt(a, b, 30)], "batch", NOW + 9)
    assert list_reviews(conn).items == []
    assert read_review(conn, number).weight == 1.0


def test_a_person_may_think_again(conn: Connection) -> None:
    a, b = born(conn, 2)
    number = put(conn, a, b)
    decide(conn, number, "different")
    assert decide(conn, number, "same").state == "same"
    assert live(conn, [b]) == {b: a}
    with pytest.raises(AlreadyMerged) as refused:
        decide(conn, number, "different")
    assert refused.value.event_id == read_review(conn, number).merge_event


def test_later_puts_a_pair_off_until_its_time_has_come(conn: Connection) -> None:
    a, b = born(conn, 2)
    number = put(conn, a, b)
    assert decide(conn, number, "later", until=NOW + 100).state == "later"
    assert list_reviews(conn, now=NOW + 99).items == []
    assert [r.id for r in list_reviews(conn, now=NOW + 100).items] == [number]
    decide(conn, number, "same")
    with pytest.raises(BadInput, match="cannot be put off"):
        decide(conn, number, "later")


def test_a_ban_between_others_of_the_two_things_refuses_the_merge_and_leaves_the_pair(conn: Connection) -> None:
    a, b, c = born(conn, 3)
    number = put(conn, a, b)
    merge(conn, a, c, actor="ann", reason="", now=NOW)
    forbid(conn, c, b, actor="ann", now=NOW)
    with pytest.raises(MergeForbidden):
        decide(conn, number, "same")
    assert read_review(conn, number).state == "open"


def test_what_was_settled_elsewhere_waits_no_more(conn: Connection) -> None:
    a, b, c, d = born(conn, 4)
    put(conn, a, b)
    put(conn, a, c)
    put(conn, a, d)
    merge(conn, a, b, actor="strong-key", reason="", now=NOW)
    forbid(conn, a, c, actor="ann", now=NOW)
    assert settle_reviews(conn, NOW + 1) == 2
    assert [r.b for r in list_reviews(conn).items] == [d]
    assert count_reviews(conn) == {("customer", "same"): 1, ("customer", "different"): 1, ("customer", "open"): 1}


def test_pages_go_from_the_likeliest_to_the_least_likely_without_gap_or_repeat(conn: Connection) -> None:
    gids = born(conn, 9)
    for n, other in enumerate(gids[1:]):
        put(conn, gids[0], other, float(n % 3))
    seen, cursor = [], None
    while True:
        page = list_reviews(conn, cursor=cursor, limit=3)
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert len({r.id for r in seen}) == 8
    assert [r.weight for r in seen] == sorted((r.weight for r in seen), reverse=True)


def test_an_unknown_review_is_refused(conn: Connection) -> None:
    with pytest.raises(UnknownReview):
        decide(conn, 7, "same")


class Reviewing(RuleBasedStateMachine):
    """Any sequence of proposals, decisions and undos, against components computed from scratch from the merges."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.conn: Connection = self.engine.connect()
        self.gids = born(self.conn, 6)
        self.merges: set[int] = set()
        self.apart: set[tuple[int, int]] = set()

    def teardown(self) -> None:
        self.conn.close()

    @rule(a=st.integers(0, 5), b=st.integers(0, 5), weight=st.floats(-20, 40))
    def propose(self, a: int, b: int, weight: float) -> None:
        if a != b:
            propose_reviews(self.conn, [doubt(self.gids[a], self.gids[b], weight)], "online", NOW)

    @rule(n=st.integers(0, 14), decision=st.sampled_from(["same", "different", "later"]))
    def decide(self, n: int, decision: Decision) -> None:
        known = list_reviews(self.conn, states=("open", "later", "same", "different"), limit=100).items
        if not known:
            return
        review = known[n % len(known)]
        try:
            after = decide(self.conn, review.id, decision)
        except (AlreadyMerged, MergeForbidden, BadInput):
            assert read_review(self.conn, review.id) == review
            return
        if decision == "same":
            assert after.merge_event is not None
            self.merges.add(after.merge_event)
            self.apart.discard((review.a, review.b))
            assert len(set(live(self.conn, [review.a, review.b]).values())) == 1
        elif decision == "different":
            self.apart.add((review.a, review.b))

    @rule(n=st.integers(0, 20))
    def undo_one(self, n: int) -> None:
        if self.merges:
            undo(self.conn, sorted(self.merges)[n % len(self.merges)], actor="bob", now=NOW)

    @invariant()
    def ids_are_one_thing_exactly_as_the_merges_say(self) -> None:
        by_events = components_by_the_events(self.conn, self.gids)
        roots = live(self.conn, self.gids)
        assert {(a, b) for a in roots for b in roots if roots[a] == roots[b]} == {
            (a, b) for a in roots for b in roots if by_events[a] == by_events[b]
        }

    @invariant()
    def nothing_that_a_person_told_apart_is_one_thing(self) -> None:
        roots = live(self.conn, self.gids)
        assert all(roots[a] != roots[b] for a, b in self.apart)


def test_reviews_agree_with_a_union_find_from_scratch(shared_registry: Engine) -> None:
    machine = type("Reviewing", (Reviewing,), {"engine": shared_registry})
    examples, steps = (25, 25) if shared_registry.dialect.name == "sqlite" else (6, 15)
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    limits = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet)
    run_state_machine_as_test(machine, settings=limits)
