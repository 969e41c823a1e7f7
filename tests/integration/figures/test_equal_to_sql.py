"""Each figure equals an SQL over the raw entries that was written without it, on random work and on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from core_tickets import tables
from core_tickets.figures import METRICS, Scene, Story, Terms, day_of, entries_of, grouped, stories
from tests.integration.figures import by_hand, by_rows
from tests.integration.figures.histories import DAY, START, Work, seeded

DIMENSIONS = ("all", "person", "group", "kind", "priority", "stage")
NAMES = sorted(by_hand.QUERIES)
few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


def told(conn: Connection, as_of: int) -> dict[int, Story]:
    ids = list(conn.execute(select(tables.ticket.c.id)).scalars())
    return stories(entries_of(conn, ids), {}, as_of)


def figures(conn: Connection, as_of: int, names: list[str] = NAMES) -> by_hand.Found:
    """As the program counts, in the shape of the SQL's answer."""
    every, terms = told(conn, as_of), Terms()
    things: dict[int, list[Story]] = {}
    for story in every.values():
        for thing in {b.after[field] for b in story.beats for field in ("device", "customer")} - {None}:
            things.setdefault(thing, []).append(story)
    scene, found = Scene(terms, things), {}
    for name in names:
        metric = METRICS[name]
        by_day: dict[str, list[Any]] = {}
        for story in every.values():
            for one in metric.facts(story, scene):
                by_day.setdefault(day_of(one.at, terms.zone), []).append(one)
        for day, facts in by_day.items():
            groups = grouped(metric, facts, terms.zone)
            for dimension in DIMENSIONS:
                for key, (numerator, denominator, _) in groups.get(dimension, {}).items():
                    found[name, day, dimension, key] = (int(numerator), denominator)
    return found


def effort(conn: Connection, as_of: int) -> by_rows.Found:
    """Those figures of all tickets together that `by_rows` tells."""
    found: by_rows.Found = {}
    for name in ("photos", "edits", "customer_views", "action_temperature", "value_density", "collaboration_entropy"):
        for story in told(conn, as_of).values():
            for one in METRICS[name].facts(story, Scene()):
                place = (name, day_of(one.at, "Asia/Shanghai"))
                n, d = found.get(place, (Decimal(0), 0))
                found[place] = (n + one.numerator, d + one.denominator)
    return found


def assert_equal(conn: Connection, as_of: int) -> by_hand.Found:
    by_sql = by_hand.figures(conn, as_of)
    by_us = figures(conn, as_of)
    assert _without_nothing(by_us) == _without_nothing(by_sql)
    assert effort(conn, as_of) == by_rows.figures(conn, as_of)
    return by_sql


def _without_nothing(found: Mapping[Any, tuple[int, int]]) -> dict[Any, tuple[int, int]]:
    return {place: one for place, one in found.items() if one != (0, 0)}


@few
@given(data=st.data(), steps=st.integers(1, 40))
def test_short_random_histories_give_the_same_figures(conn: Connection, data: st.DataObject, steps: int) -> None:
    with conn.begin_nested() as savepoint:
        work = Work(conn, lambda options: data.draw(st.sampled_from(list(options))))
        for _ in range(steps):
            work.step()
        assert_equal(conn, work.now + 1)
        savepoint.rollback()


@pytest.mark.parametrize("seed", range(2))
def test_some_hundred_tickets_give_the_same_figures_as_known_then_and_now(conn: Connection, seed: int) -> None:
    work = seeded(conn, seed, 260, at_once=5, gaps=(1, 7, 20, 45, 90, 600))
    assert len(work.tickets) > 150
    for as_of in (work.now + 60 * DAY, work.now + 1, START + (work.now - START) // 2):
        found = assert_equal(conn, as_of)
        assert {metric for metric, *_ in found} == set(NAMES)
        for metric in (name for name in NAMES if METRICS[name].unit == "share"):
            of_it = [one for place, one in found.items() if place[0] == metric]
            assert 0 < sum(n for n, _ in of_it) < sum(d for _, d in of_it), f"{metric} is never both"
    conn.rollback()


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_twenty_thousand_tickets_give_the_same_figures(conn: Connection) -> None:
    devices = (*range(20_002_026_000_001, 20_002_026_002_001), None)
    customers = (*range(10_002_026_000_001, 10_002_026_000_501), None)
    work = seeded(conn, 7, 1_600, devices=devices, customers=customers, at_once=100, gaps=(1, 7, 45, 90, 200))
    assert len(work.tickets) > 20_000
    for as_of in (work.now + 60 * DAY, START + (work.now - START) // 2):
        found = assert_equal(conn, as_of)
        assert {metric for metric, *_ in found} == set(NAMES)
    conn.rollback()
