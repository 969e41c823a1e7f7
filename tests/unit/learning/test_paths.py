"""The paths tickets took, against the planned one."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets.learning import STATES, Deviation, Plan, Stay, Trace, mine, trace
from core_tickets.learning.paths import deviations
from tests.unit.learning.fixtures import moves

PLANNED = ("pending", "in_progress", "resolved", "closed")


def a_trace(number: int, *stages: str, step: int = 10) -> Trace:
    return Trace(number, tuple(Stay(stage, n * step) for n, stage in enumerate(stages)))


def test_a_way_is_read_from_the_changes_of_the_timeline() -> None:
    entries = moves(("pending", 5), ("in_progress", 8), ("resolved", 20))
    assert trace(7, entries) == Trace(7, (Stay("pending", 5), Stay("in_progress", 8), Stay("resolved", 20)))


def test_a_way_may_go_through_states_and_groups_at_once() -> None:
    entries = [*moves(("pending", 1)), *moves(("line-1", 2), field="group"), *moves(("in_progress", 3))[:1]]
    ways = trace(7, entries, ("status", "group"))
    assert [stay.stage for stay in ways.stays] == ["pending / -", "pending / line-1", "in_progress / line-1"]


def test_the_planned_way_has_no_deviation() -> None:
    assert deviations(PLANNED, STATES) == ()


def test_deviations_are_named() -> None:
    path = ("pending", "resolved", "in_progress", "blocked", "in_progress", "blocked", "in_progress", "resolved")
    assert set(deviations(path, STATES)) == {
        Deviation("returned", "in_progress"), Deviation("detour", "blocked"), Deviation("looped", "blocked"),
        Deviation("looped", "in_progress"),
    }  # fmt: skip


def test_a_stage_left_out_is_named() -> None:
    assert deviations(("pending", "resolved", "closed"), STATES) == (Deviation("skipped", "in_progress"),)


def test_a_step_no_action_has_is_named() -> None:
    assert Deviation("forbidden", "pending → closed") in deviations(("pending", "closed"), STATES)


def test_who_stopped_before_the_last_stage_skipped_nothing_behind_it() -> None:
    assert deviations(("pending", "in_progress", "resolved"), STATES) == ()


def test_variants_come_with_share_and_time() -> None:
    slow = [a_trace(n, *PLANNED, step=n) for n in range(1, 10)]
    found = mine([*slow, a_trace(20, "pending", "resolved", step=7), a_trace(21, "pending")], STATES)
    assert (found.arrived, found.under_way, found.as_planned) == (10, 1, 9)
    first, second = found.variants
    assert (first.path, first.count, first.share, first.median, first.p90) == (PLANNED, 9, 0.9, 15, 27)
    assert (second.count, second.median, second.examples) == (1, 7, (20,))
    assert found.deviations == {Deviation("skipped", "in_progress"): 1}


def test_steps_tell_how_long_tickets_stayed_before_them() -> None:
    found = mine([a_trace(1, *PLANNED, step=4), a_trace(2, *PLANNED, step=6)], STATES)
    step = next(s for s in found.steps if (s.source, s.target) == ("pending", "in_progress"))
    assert (step.tickets, step.times, step.median, step.p90, step.planned) == (2, 2, 4, 6, True)


stages = st.sampled_from(["pending", "in_progress", "blocked", "resolved", "closed"])
ways = st.lists(stages, min_size=1, max_size=9).map(
    lambda s: [a for a, b in zip(s, [*s[1:], ""], strict=True) if a != b]
)


@given(st.lists(ways, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_every_ticket_counts_once_in_whatever_order(all_: list[list[str]], dice: random.Random) -> None:
    traces = [a_trace(n, *way) for n, way in enumerate(all_)]
    found = mine(traces, STATES)
    dice.shuffle(traces)
    assert mine(traces, STATES) == found
    assert found.arrived + found.under_way == len(all_)
    assert sum(v.count for v in found.variants) == found.arrived
    assert abs(sum(v.share for v in found.variants) - (1 if found.arrived else 0)) < 1e-9
    assert found.as_planned == sum(v.count for v in found.variants if not v.deviations)


def test_a_plan_without_ends_ends_with_its_last_stage() -> None:
    assert Plan(("a", "b")).last == {"b"}
