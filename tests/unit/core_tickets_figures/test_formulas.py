"""What each figure counts, at the edges."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core_tickets.figures import Signal, Terms
from tests.unit.core_tickets_figures.telling import DAY, HOUR, History, T, facts, sums

PUMP = 20_002_026_000_001
HEARD = T + 5 * HOUR


def test_a_promise_kept_to_the_microsecond_is_kept() -> None:
    assert sums("overdue", History(resolution_due=T + 2 * HOUR).resolve(2)) == (0, 1)


def test_a_promise_broken_by_a_microsecond_is_broken_at_its_moment() -> None:
    (one,) = facts("overdue", History(resolution_due=T + 2 * HOUR - 1).resolve(2))
    assert (one.numerator, one.at) == (1, T + 2 * HOUR - 1)


def test_a_promise_is_decided_once_though_it_is_moved_after_it_broke() -> None:
    history = History(resolution_due=T + HOUR).add("set", 2, resolution_due=T + 9 * HOUR).resolve(3)
    assert sums("overdue", history) == (1, 1)


def test_nothing_falls_due_while_the_customer_keeps_us_waiting() -> None:
    history = History(resolution_due=T + 2 * HOUR).add("block", 1, status="blocked", paused_since=T + HOUR)
    assert sums("overdue", history, as_of=9) == (0, 0)
    history.add("unblock", 10, status="in_progress", paused_since=None, resolution_due=T + 11 * HOUR).resolve(10.5)
    assert sums("overdue", history) == (0, 1)


def test_every_reopening_is_a_promise_of_its_own() -> None:
    history = History(resolution_due=T + 2 * HOUR).resolve(1).add("reopen", 5, status="in_progress",
                                                                  resolution_due=T + 6 * HOUR)  # fmt: skip
    assert sums("overdue", history.resolve(7)) == (1, 2)


def test_without_a_promise_nothing_is_overdue() -> None:
    assert sums("overdue", History().resolve(1_000)) == (0, 0)


def test_a_first_response_that_came_in_time_is_on_the_day_it_came() -> None:
    (one,) = facts("first_response_overdue", History(first_response_due=T + HOUR).start(0.5, "wang.wei"))
    assert (one.numerator, one.at, one.person) == (0, T + HOUR // 2, "wang.wei")


def test_a_source_that_ends_its_own_alert_in_time_leaves_no_promise_broken() -> None:
    history = History(first_response_due=T + HOUR).resolve(0.5, "am", "connector")
    assert sums("first_response_overdue", history, as_of=9) == (0, 1)
    assert sums("first_response", history) == (0, 0), "but nobody has answered"


def test_the_deviation_is_against_what_was_promised_when_it_was_given() -> None:
    history = History(first_response_due=T + HOUR).start(1.5).add("set", 2, first_response_due=T + 3 * HOUR)
    assert sums("first_response_deviation", history) == (HOUR // 2, 1)


def test_who_took_it_and_promised_more_is_held_to_that() -> None:
    history = History(first_response_due=T + HOUR).add("promise", 0.2, given_response_due=T + 2 * HOUR).start(1.5)
    assert sums("first_response_deviation", history) == (-HOUR // 2, 1)


@pytest.mark.parametrize(("after", "repeats"), [(30 * DAY - 1, 1), (30 * DAY, 0)])
def test_a_repair_lasts_when_nothing_comes_for_thirty_days(after: int, repeats: int) -> None:
    first = History(1, device=PUMP).resolve(1)
    second = History(2, at=1 + after / HOUR, device=PUMP)
    assert sums("repeat_repair", first, second) == (repeats, 1)


def test_how_long_a_repair_must_last_is_a_term() -> None:
    first, second = History(1, device=PUMP).resolve(1), History(2, at=49, device=PUMP)
    assert sums("repeat_repair", first, second, terms=Terms(repeat_days=1)) == (0, 1)
    assert sums("repeat_repair", first, second, terms=Terms(repeat_days=3)) == (1, 1)


def test_another_kind_another_device_or_another_known_cause_is_no_repeat() -> None:
    first = History(1, device=PUMP).resolve(1, cause="wear")
    assert sums("repeat_repair", first, History(2, at=5, device=PUMP, kind="complaint")) == (0, 1)
    assert sums("repeat_repair", first, History(2, at=5, device=PUMP + 1)) == (0, 1)
    assert sums("repeat_repair", first, History(2, at=5, device=PUMP).resolve(6, cause="power")) == (0, 1)
    assert sums("repeat_repair", first, History(2, at=5, device=PUMP).resolve(6, cause="wear")) == (1, 1)
    assert sums("repeat_repair", first, History(2, at=5, device=PUMP)) == (1, 1), "its cause is not known yet"


def test_a_customer_counts_where_there_is_no_device() -> None:
    first = History(1, customer=7).resolve(1)
    assert sums("repeat_repair", first, History(2, at=5, customer=7)) == (1, 1)
    assert sums("repeat_repair", first, History(2, at=5, customer=7, device=PUMP)) == (0, 1)


def test_a_reopened_ticket_is_a_repair_that_did_not_last() -> None:
    assert sums("repeat_repair", History().resolve(1).reopen(2).resolve(3)) == (1, 2)


def test_what_ended_by_itself_is_no_repair() -> None:
    assert sums("repeat_repair", History().resolve(1, "am", "connector")) == (0, 0)
    assert sums("repeat_repair", History().resolve(1, cause="false_alarm")) == (0, 0)


def test_a_duplicate_is_opened_while_another_is_worked_on() -> None:
    first = History(1, device=PUMP)
    assert sums("duplicate_rate", History(2, at=1, device=PUMP), first) == (1, 1)
    assert sums("duplicate_rate", History(2, at=3, device=PUMP), first.resolve(2)) == (0, 1)


@pytest.mark.parametrize(("at", "duplicates"), [(7 * 24, 1), (7 * 24 + 0.001, 0)])
def test_an_old_open_ticket_makes_no_duplicates(at: float, duplicates: int) -> None:
    assert sums("duplicate_rate", History(2, at=at, device=PUMP), History(1, device=PUMP)) == (duplicates, 1)


def test_a_ticket_about_nothing_or_folded_into_a_storm_is_neither() -> None:
    assert sums("duplicate_rate", History()) == (0, 0)
    assert sums("duplicate_rate", History(2, at=1, device=PUMP, storm_id=9), History(1, device=PUMP)) == (0, 0)


def test_only_a_confirmation_before_the_reopening_finishes_a_ticket() -> None:
    history = History().resolve(1).reopen(2).resolve(3).add("confirm", 4, data={"score": 4})
    assert sums("resolved", history)[0] == 2
    assert sums("confirmed", history)[0] == 1
    assert [f.numerator for f in facts("confirmed_share", history)] == [0, 1]


def test_satisfaction_is_of_scores_given() -> None:
    assert sums("satisfaction", History().resolve(1).add("confirm", 2, data={"text": ""})) == (0, 0)
    assert sums("satisfaction", History().resolve(1).add("confirm", 2, data={"score": 4})) == (4, 1)


def test_entropy_of_one_pair_of_hands_is_nothing() -> None:
    assert sums("collaboration_entropy", History(assignee="li.na").start(5).resolve(9)) == (Decimal(0), 1)


def test_entropy_is_hours_times_the_logarithm_of_people_stage_by_stage() -> None:
    history = History(assignee="li.na").start(2, "li.na").add("comment", 3, "wang.wei").add("comment", 4, "sun.li")
    value, rounds = sums("collaboration_entropy", history.resolve(6, "li.na"))
    assert (value, rounds) == ((4 * Decimal(3).ln()).quantize(Decimal("1e-9")), 1), "2 h alone, then 4 h among three"


def test_a_token_of_a_person_is_that_person() -> None:
    assert sums("collaboration_entropy", History(assignee="li.na").start(1, "token:li.na").resolve(2))[0] == 0


def test_value_density_is_what_is_known_for_each_entry() -> None:
    history = History(device=PUMP, labels={"site": "a"}).start(1).add("attach", 2, data={"media_type": "image/png"})
    answered = Signal(1, T + HOUR, "answered", 1, "erp")
    # device, label, photo, resolution and cause, and one answer; four entries
    assert sums("value_density", history.resolve(3, cause="wear"), signals=(answered,)) == (6, 4)


def test_a_question_answered_later_counts_on_the_day_it_was_asked() -> None:
    asked, answered = Signal(1, HEARD, "asked", 1, "erp"), Signal(1, HEARD + 9 * DAY, "answered", 1, "erp")
    (before,) = facts("context_completeness", History(), signals=(asked, answered), as_of=20)
    (after,) = facts("context_completeness", History(), signals=(asked, answered))
    assert (before.numerator, after.numerator, after.at) == (0, 1, HEARD)


def test_repeats_are_of_what_arrived() -> None:
    assert sums("repeat_share", History(), signals=(Signal(1, HEARD, "repeat", 9),)) == (9, 10)


def test_coming_back_from_a_later_stage_is_a_return_and_ending_a_block_is_none() -> None:
    history = History().start(1).add("block", 2, status="blocked").add("unblock", 3, status="in_progress")
    assert sums("return_rate", history.resolve(4)) == (0, 4)
    assert sums("return_rate", history.reopen(5).resolve(6)) == (1, 6)


def test_to_give_it_back_is_a_return() -> None:
    assert sums("return_rate", History().add("return_handoff", 1).start(2)) == (1, 1)


def test_edits_are_what_people_change_between_opening_and_resolving() -> None:
    history = History().add("set", 1, title="x").add("set", 2, "rule", "rule", title="y").start(3).resolve(4)
    assert sums("edits", history.add("set", 5, title="z")) == (1, 1)
