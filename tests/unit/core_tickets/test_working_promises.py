"""Promises in working time: pauses add up, nothing moves without a reason, and what is left can be told at any moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets import Command, InvalidInput, Policy, Promise, Ticket, due
from core_tickets.calendars import NINE_TO_SIX, Calendar
from core_tickets.countdown import Countdown, countdown
from core_tickets.promises import claim_due, resolution_breached, resolution_deadline, stage_deadline
from core_tickets.workflow import Step, step

MINUTE = 60_000_000
HOUR = 60 * MINUTE
OFFICE = Calendar("office", week=(*(NINE_TO_SIX,) * 5, (), ()), china=True)
POLICY = Policy(
    {
        ("*", 0): Promise(15, 240),
        ("*", 1): Promise(60, 480, claim=120, stages={"pending": 240, "blocked": 960}, calendar="office"),
        ("complaint", 1): Promise(30, 240, calendar="office"),
    },
    {"office": OFFICE},
    version="v1",
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) * 1_000_000


TUESDAY = at("2026-11-17 17:00")


def ticket(opened: int = TUESDAY, **fields: Any) -> Ticket:
    promised = due(POLICY, "incident", 1, opened)
    plain: dict[str, Any] = {
        "id": 1, "kind": "incident", "priority": 1, "status": "pending", "title": "Fan", "opened_at": opened,
        "updated_at": opened, "first_seen": opened, "last_seen": opened,
        "first_response_due": promised.first_response, "resolution_due": promised.resolution,
    }  # fmt: skip
    return Ticket(**plain | fields)


def do(t: Ticket, action: str, now: int, **args: Any) -> Step:
    return step(t, Command(t.id, action, args, actor="li.na"), now, POLICY)


def left(t: Ticket, now: int, name: str = "resolution") -> Countdown:
    return next(c for c in countdown(t, now, POLICY) if c.name == name)


def test_promises_are_counted_in_working_time() -> None:
    t = ticket()
    assert t.first_response_due == at("2026-11-17 18:00")
    assert t.resolution_due == at("2026-11-18 17:00")
    assert claim_due(t, POLICY) == at("2026-11-18 10:00")
    assert stage_deadline(t, POLICY) == at("2026-11-18 12:00")


def test_a_resolution_over_national_day_waits_for_the_first_working_day() -> None:
    assert due(POLICY, "incident", 1, at("2026-09-30 10:00")).resolution == at("2026-10-08 10:00")


def test_a_wait_over_the_week_end_moves_the_promise_by_its_working_time_alone() -> None:
    t = do(ticket(), "start", at("2026-11-18 09:00")).ticket
    friday = at("2026-11-18 09:30")
    t = do(t, "block", friday, reason="waiting_for_customer").ticket
    back = do(t, "unblock", at("2026-11-23 09:30"))
    assert back.ticket.paused_total == 3 * 8 * HOUR
    assert back.ticket.resolution_due == at("2026-11-23 17:00")
    assert back.data["promise"]["because"] == "waited_for_customer"
    assert back.data["promise"]["waited_s"] == 24 * 3600
    assert back.data["promise"]["calendar"] == "office"


def test_a_wait_for_a_part_moves_nothing() -> None:
    t = do(ticket(), "start", TUESDAY).ticket
    t = do(t, "block", TUESDAY, reason="waiting_for_part").ticket
    done = do(t, "unblock", at("2026-11-23 09:30"))
    assert done.ticket.resolution_due == t.resolution_due
    assert "promise" not in done.data


def test_another_kind_or_priority_says_which_line_holds_now() -> None:
    done = do(ticket(), "set", TUESDAY, kind="complaint")
    assert done.data["promise"] == {
        "because": "graded_anew", "line": "complaint/P1", "calendar": "office", "policy": "v1"
    }  # fmt: skip
    assert done.ticket.first_response_due == at("2026-11-17 17:30")


def test_a_due_time_set_by_hand_says_so() -> None:
    assert do(ticket(), "set", TUESDAY, resolution_due=TUESDAY + 1).data["promise"] == {"because": "by_hand"}


def test_a_promise_by_hand_stands_beside_the_policys_own() -> None:
    t = ticket()
    done = do(t, "promise", TUESDAY, resolution_due=TUESDAY + HOUR, reason="the part is here")
    assert done.ticket.given_resolution_due == TUESDAY + HOUR
    assert done.ticket.resolution_due == t.resolution_due
    assert done.data["reason"] == "the part is here"
    assert {c.name for c in countdown(done.ticket, TUESDAY, POLICY)} >= {"resolution", "given_resolution"}


@pytest.mark.parametrize(
    ("args", "path"),
    [
        ({"resolution_due": TUESDAY + HOUR}, "reason"),
        ({"reason": "soon"}, "args of promise"),
        ({"reason": "soon", "resolution_due": TUESDAY}, "resolution_due"),
        ({"reason": "soon", "first_response_due": TUESDAY - 1}, "first_response_due"),
        ({"reason": "soon", "resolution_due": "tomorrow"}, "resolution_due"),
    ],
)
def test_a_promise_by_hand_is_of_the_future_and_has_a_reason(args: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        do(ticket(), "promise", TUESDAY, **args)
    assert refused.value.path == path


def test_who_has_answered_cannot_promise_an_answer() -> None:
    t = do(ticket(), "start", TUESDAY).ticket
    with pytest.raises(InvalidInput, match="given already"):
        do(t, "promise", TUESDAY, first_response_due=TUESDAY + HOUR, reason="soon")


def test_a_promise_by_hand_waits_for_the_customer_too() -> None:
    t = do(ticket(), "promise", TUESDAY, resolution_due=at("2026-11-18 12:00"), reason="part").ticket
    t = do(do(t, "start", TUESDAY).ticket, "block", TUESDAY, reason="waiting_for_customer").ticket
    t = do(t, "unblock", at("2026-11-18 10:00")).ticket
    assert t.given_resolution_due == at("2026-11-18 15:00")


def test_a_reopening_takes_the_old_promise_away() -> None:
    t = do(ticket(), "promise", TUESDAY, resolution_due=TUESDAY + HOUR, reason="part").ticket
    t = do(do(t, "resolve", TUESDAY, resolution="done").ticket, "reopen", TUESDAY + 1).ticket
    assert t.given_resolution_due is None


def test_the_countdown_tells_what_is_left_in_working_time() -> None:
    t = ticket()
    assert left(t, TUESDAY) == ("resolution", at("2026-11-18 17:00"), 8 * HOUR, "ok", "office", None)
    assert left(t, at("2026-11-17 22:00")).remaining == 7 * HOUR
    assert left(t, at("2026-11-18 15:24")).state == "warn"
    assert left(t, at("2026-11-18 15:23")).state == "ok"
    assert left(t, at("2026-11-18 17:00") + 1).state == "breached"
    assert left(t, at("2026-11-19 10:00")).remaining == -2 * HOUR


def test_the_countdown_stands_still_while_the_customer_is_awaited() -> None:
    t = do(do(ticket(), "start", TUESDAY).ticket, "block", TUESDAY + 30 * MINUTE, reason="waiting_for_customer").ticket
    now = at("2026-11-25 11:00")
    assert left(t, now)[2:4] == (7 * HOUR + 30 * MINUTE, "paused")
    assert resolution_deadline(t, now, POLICY) == OFFICE.add(now, 7 * HOUR + 30 * MINUTE)
    assert not resolution_breached(t, now, POLICY)
    assert all(c.name != "stage" for c in countdown(t, now, POLICY))


def test_a_promise_that_was_kept_or_kept_too_late_stays_so() -> None:
    t = do(ticket(), "start", at("2026-11-17 18:01")).ticket
    assert left(t, at("2027-01-01 00:00"), "first_response").state == "broken"
    assert left(t, at("2027-01-01 00:00"), "claim").state == "kept"
    done = do(t, "resolve", at("2026-11-18 16:00"), resolution="done").ticket
    assert left(done, at("2027-01-01 00:00")) == ("resolution", at("2026-11-18 17:00"), HOUR, "kept", "office",
                                                  at("2026-11-18 16:00"))  # fmt: skip


def test_a_state_has_its_own_promise_each_time_it_is_entered() -> None:
    t = do(ticket(), "start", at("2026-11-18 09:00")).ticket
    assert all(c.name != "stage" for c in countdown(t, TUESDAY, POLICY))
    t = do(t, "block", at("2026-11-18 09:00"), reason="waiting_for_part").ticket
    assert stage_deadline(t, POLICY) == at("2026-11-19 18:00")


def test_an_unknown_calendar_is_an_error_and_not_another_time() -> None:
    with pytest.raises(KeyError):
        due(Policy({("*", 1): Promise(1, 1, calendar="moon")}), "incident", 1, TUESDAY)


waits = st.lists(st.tuples(st.integers(1, 80 * HOUR), st.integers(1, 80 * HOUR)), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.integers(TUESDAY, TUESDAY + 9000 * HOUR), waits)
def test_pauses_add_up_to_the_microsecond(opened: int, pauses: list[tuple[int, int]]) -> None:
    now = opened
    t = do(ticket(opened), "start", now).ticket
    first, paused, worked = t.resolution_due, 0, 0
    for work, wait in pauses:
        worked += OFFICE.between(now, now + work)
        now += work
        before = left(t, now).remaining
        t = do(t, "block", now, reason="waiting_for_customer").ticket
        paused += OFFICE.between(now, now + wait)
        now += wait
        assert left(t, now).remaining == before
        t = do(t, "unblock", now).ticket
        assert left(t, now).remaining == before
    assert t.paused_total == paused
    assert first is not None
    assert t.resolution_due == OFFICE.add(first, paused)
    assert left(t, now).remaining == 8 * HOUR - worked
