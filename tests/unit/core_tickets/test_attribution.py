"""Who held a ticket how long, and in whose hands a promise was broken."""

from __future__ import annotations

from typing import Any

from core_tickets import Change, Entry, Policy, Promise, Ticket
from core_tickets.attribution import NOBODY, attribute
from core_tickets.calendars import ALWAYS

HOUR = 3_600_000_000
POLICY = Policy({("*", 1): Promise(60, 240)})


def entry(number: int, at: int, name: str, data: dict[str, Any] | None = None, **after: Any) -> Entry:
    changes = tuple(Change(field, None, value) for field, value in after.items())
    return Entry(number, 1, at * HOUR, "change", name, "ann", "person", "", number, changes, data or {})


TRAIL = [
    entry(1, 0, "open", {"promise": {"because": "opened"}}, status="pending", group="line-1", resolution_due=4 * HOUR),
    entry(2, 2, "assign", assignee="li.na"),
    entry(3, 3, "start", status="in_progress"),
    entry(4, 4, "block", status="blocked", blocked_reason="waiting_for_customer"),
    entry(5, 6, "unblock", {"promise": {"because": "waited_for_customer"}}, status="in_progress", blocked_reason=None,
          resolution_due=6 * HOUR),
    entry(6, 7, "assign", assignee="wang.wei"),
    entry(7, 9, "resolve", status="resolved"),
]  # fmt: skip
DONE = Ticket(1, "incident", 1, "resolved", "Fan", 0, 9 * HOUR, 0, 0, group="line-1", assignee="wang.wei",
              first_response_due=HOUR, resolution_due=6 * HOUR, first_responded_at=3 * HOUR, resolved_at=9 * HOUR,
              paused_total=2 * HOUR)  # fmt: skip


def test_every_hour_is_in_somebodys_hands() -> None:
    sheet = attribute(DONE, TRAIL, 99 * HOUR, POLICY)
    assert [(h.since // HOUR, h.until // HOUR, h.holder, h.status) for h in sheet.holds] == [
        (0, 2, "group:line-1", "pending"), (2, 3, "li.na", "pending"), (3, 4, "li.na", "in_progress"),
        (4, 6, "customer", "blocked"), (6, 7, "li.na", "in_progress"), (7, 9, "wang.wei", "in_progress"),
    ]  # fmt: skip
    assert sheet.totals == {"li.na": 3 * HOUR, "customer": 2 * HOUR, "group:line-1": 2 * HOUR, "wang.wei": 2 * HOUR}
    assert sum(sheet.totals.values()) == 9 * HOUR
    assert sheet.paused == 2 * HOUR


def test_each_broken_promise_names_who_had_it_then_and_how_long_before_and_after() -> None:
    response, resolution = attribute(DONE, TRAIL, 99 * HOUR, POLICY).late
    assert (response.name, response.late, response.holder) == ("first_response", 2 * HOUR, "group:line-1")
    assert response.after == {"group:line-1": HOUR, "li.na": HOUR}
    assert (resolution.name, resolution.late, resolution.holder) == ("resolution", 3 * HOUR, "li.na")
    assert resolution.after == {"wang.wei": 2 * HOUR, "li.na": HOUR}
    assert sum(resolution.before.values()) == 6 * HOUR


def test_every_move_of_a_promise_has_its_reason() -> None:
    moves = attribute(DONE, TRAIL, 99 * HOUR, POLICY).moves
    assert [(m.at // HOUR, m.because["because"]) for m in moves] == [(0, "opened"), (6, "waited_for_customer")]


def test_a_ticket_nobody_has_is_nobodys() -> None:
    trail = [entry(1, 0, "open", status="pending")]
    lonely = Ticket(1, "incident", 1, "pending", "Fan", 0, 0, 0, 0, first_response_due=HOUR)
    sheet = attribute(lonely, trail, 5 * HOUR, POLICY)
    assert sheet.totals == {NOBODY: 5 * HOUR}
    assert [(x.holder, x.late, x.met_at) for x in sheet.late] == [(NOBODY, 4 * HOUR, None)]


def test_a_clock_that_ran_back_makes_no_time() -> None:
    trail = [entry(1, 5, "open", status="pending"), entry(2, 3, "assign", assignee="li.na")]
    odd = Ticket(1, "incident", 1, "pending", "Fan", 5 * HOUR, 0, 0, 0)
    assert attribute(odd, trail, 6 * HOUR, POLICY).totals == {"li.na": 3 * HOUR}


def test_the_calendar_is_that_of_the_promises() -> None:
    assert attribute(DONE, TRAIL, 99 * HOUR, POLICY).calendar == ALWAYS.name
