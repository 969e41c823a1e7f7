"""Working time: exact, additive, the same across every change of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_tickets.calendars import ALWAYS, NINE_TO_SIX, Calendar, Hours, known_until, statutory
from core_tickets.calendars.zones import moment

HOUR = 3_600_000_000
MINUTE = 60_000_000
WEEK: tuple[Hours, ...] = (*(NINE_TO_SIX,) * 5, (), ())
OFFICE = Calendar("office", week=WEEK, china=True)
NIGHTS = Calendar("nights", "Europe/Berlin", (((22 * 60, 30 * 60),),) * 7)
ROUND = Calendar("round", "America/New_York", (((0, 1440),),) * 7)
SPARSE = Calendar("sparse", "Asia/Kolkata", ((), (), ((600, 601),), (), (), (), ()))
PLAN = tuple(
    (1_795_305_600_000_000 + n * 48 * HOUR, 1_795_305_600_000_000 + n * 48 * HOUR + 8 * HOUR) for n in range(9)
)
PLANNED = Calendar("planned", week=WEEK, china=True, shifts=PLAN)
CALENDARS = (ALWAYS, OFFICE, NIGHTS, ROUND, SPARSE, PLANNED)

moments = st.integers(-(10**15), 5 * 10**15)  # 1938 to 2128
usual = st.integers(1_500_000_000_000_000, 2_000_000_000_000_000)
amounts = st.integers(0, 3000 * HOUR)
calendars = st.sampled_from(CALENDARS)


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


def test_an_hour_before_the_evening_goes_on_in_the_morning() -> None:
    assert OFFICE.add(at("2026-11-17 17:30"), HOUR) == at("2026-11-18 09:30")


def test_a_span_that_fills_the_day_ends_with_the_day_not_with_the_next_ones_beginning() -> None:
    assert OFFICE.add(at("2026-11-17 17:00"), HOUR) == at("2026-11-17 18:00")


def test_the_lunch_hour_does_not_count() -> None:
    assert OFFICE.between(at("2026-11-17 11:00"), at("2026-11-17 14:00")) == 2 * HOUR
    assert not OFFICE.is_working(at("2026-11-17 12:00"))
    assert OFFICE.is_working(at("2026-11-17 13:00"))


def test_national_day_is_free_and_its_make_up_sunday_is_worked() -> None:
    assert OFFICE.hours(date(2026, 10, 1)) == ()
    assert date(2026, 10, 10).weekday() == 5
    assert OFFICE.hours(date(2026, 10, 10)) == NINE_TO_SIX
    # Wednesday evening before the week of holidays: the next working hour is after it
    assert OFFICE.add(at("2026-09-30 18:00"), HOUR) == at("2026-10-08 10:00")


def test_without_the_chinese_holidays_the_week_alone_counts() -> None:
    assert Calendar("plain", week=WEEK).hours(date(2026, 10, 1)) == NINE_TO_SIX


def test_a_year_not_yet_announced_follows_the_week() -> None:
    assert statutory(known_until() + 1) == {}
    assert OFFICE.hours(date(known_until() + 1, 10, 1)) == WEEK[date(known_until() + 1, 10, 1).weekday()]


def test_a_named_day_is_above_the_public_holidays() -> None:
    stocktaking = Calendar("office", week=WEEK, china=True, days={date(2026, 10, 1): ((600, 720),)})
    assert stocktaking.between(at("2026-10-01 00:00"), at("2026-10-02 00:00")) == 2 * HOUR


def test_a_night_shift_belongs_to_the_day_it_begins_on_and_reaches_into_the_next() -> None:
    assert NIGHTS.is_working(at("2026-06-02 05:59", "Europe/Berlin"))
    assert not NIGHTS.is_working(at("2026-06-02 06:00", "Europe/Berlin"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 7), ("2026-10-25", 9), ("2026-06-01", 8)])
def test_a_night_in_which_the_clock_is_changed_has_its_real_length(day: str, hours: int) -> None:
    evening = at(f"{day} 12:00", "Europe/Berlin") - 24 * HOUR
    assert NIGHTS.between(evening, evening + 24 * HOUR) == hours * HOUR


def test_a_span_that_begins_in_the_hour_that_never_is_begins_when_the_clock_is_put_forward() -> None:
    zone = ZoneInfo("Europe/Berlin")
    jump = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert moment(date(2026, 3, 29), 150, zone) == jump
    assert moment(date(2026, 3, 29), 120, zone) == jump
    assert moment(date(2026, 3, 28), 27 * 60, zone) == jump


def test_an_hour_shown_twice_counts_twice() -> None:
    calendar = Calendar("two to three", "Europe/Berlin", (((120, 180),),) * 7)
    midnight = moment(date(2026, 10, 25), 0, ZoneInfo("Europe/Berlin"))
    assert calendar.between(midnight, midnight + 25 * HOUR) == 2 * HOUR


def test_a_plan_of_shifts_alone_counts_as_far_as_it_reaches() -> None:
    first, last = PLAN[0][0], PLAN[-1][1]
    assert PLANNED.between(first, last) == len(PLAN) * 8 * HOUR
    assert PLANNED.between(first - 30 * 24 * HOUR, first) == OFFICE.between(first - 30 * 24 * HOUR, first)
    assert PLANNED.between(last, last + 30 * 24 * HOUR) == OFFICE.between(last, last + 30 * 24 * HOUR)


def test_negative_working_time_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        OFFICE.add(0, -1)


def test_a_calendar_without_hours_waits_for_2100() -> None:
    never = Calendar("never", week=((),) * 7)
    end = moment(date(2100, 1, 1), 0, ZoneInfo("Asia/Shanghai"))
    assert never.add(at("2026-01-01 00:00"), HOUR) == end + HOUR
    assert never.between(at("2026-01-01 00:00"), end) == 0


@settings(max_examples=150, deadline=None)
@given(calendars, moments, moments, moments)
def test_times_between_add_up(calendar: Calendar, a: int, b: int, c: int) -> None:
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)
    assert calendar.between(a, b) == -calendar.between(b, a)


@settings(max_examples=150, deadline=None)
@given(calendars, moments, amounts)
def test_what_was_added_is_what_lies_between(calendar: Calendar, start: int, amount: int) -> None:
    end = calendar.add(start, amount)
    assert end >= start
    assert calendar.between(start, end) == amount


@settings(max_examples=150, deadline=None)
@given(calendars, moments, amounts, amounts)
def test_adding_in_two_steps_is_adding_at_once(calendar: Calendar, start: int, a: int, b: int) -> None:
    assert calendar.add(calendar.add(start, a), b) == calendar.add(start, a + b)


@settings(max_examples=100, deadline=None)
@given(calendars, usual, amounts)
def test_no_earlier_moment_would_do(calendar: Calendar, start: int, amount: int) -> None:
    end = calendar.add(start, amount)
    if amount:
        assert calendar.between(start, end - 1) == amount - 1


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([OFFICE, NIGHTS, SPARSE]), usual, st.integers(0, 300))
def test_an_index_grown_bit_by_bit_answers_as_a_new_one(calendar: Calendar, start: int, days: int) -> None:
    fresh = Calendar(calendar.name, calendar.zone, calendar.week, calendar.china)
    end = start + days * 24 * HOUR
    assert fresh.between(start, end) == calendar.between(start, end)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([OFFICE, NIGHTS]), st.integers(0, 3000), st.integers(1, 20))
def test_working_time_is_what_counting_minutes_says(calendar: Calendar, day: int, length: int) -> None:
    start = at("2020-01-01 00:00") + day * 24 * HOUR
    counted = sum(calendar.is_working(start + m * MINUTE) for m in range(length * 60))
    assert calendar.between(start, start + length * HOUR) == counted * MINUTE


def test_every_working_day_of_2026_has_eight_hours() -> None:
    first = date(2026, 1, 1)
    days = [first + timedelta(days=n) for n in range(365)]
    worked = sum(1 for d in days if OFFICE.hours(d))
    midnight = at("2026-01-01 00:00")
    assert OFFICE.between(midnight, midnight + 365 * 24 * HOUR) == worked * 8 * HOUR
    assert worked == 248  # as the State Council's notice for 2026 gives it
