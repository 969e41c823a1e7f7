"""What people are told of and what they have to do, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

import core_tickets
import id_registry
import id_registry.tables
from core_tickets import Command, Draft
from core_tickets.calendars import ALWAYS
from core_tickets.people import (
    BY_HAND,
    ShiftTold,
    Told,
    drop,
    drop_below,
    keep_by_hand,
    load_roster,
    put_groups,
    put_people,
    put_shifts,
    roster_version,
)
from core_tickets.routing import Load
from core_tickets.workload import loads_of
from id_registry import Key, Observation

NOW = 1_790_000_000_000_000


@pytest.fixture
def db(engine: Engine) -> Engine:
    core_tickets.metadata.create_all(engine)
    id_registry.tables.metadata.create_all(engine)
    return engine


def told(source: str, key: str, **fields: object) -> Told:
    return Told(source, key, {"id": key, **fields})


def test_the_version_grows_only_when_something_changes(db: Engine) -> None:
    people = [told(BY_HAND, "ann", roles=["technician"])]
    with db.begin() as conn:
        assert roster_version(conn) == 0
        keep_by_hand(conn, people, [])
        assert roster_version(conn) == 1
        keep_by_hand(conn, people, [])
        assert roster_version(conn) == 1
        drop(conn, "people", "hr", ["nobody"])
        assert roster_version(conn) == 1
        keep_by_hand(conn, [], [])
        assert roster_version(conn) == 2
        assert load_roster(conn).people == {}


def test_what_a_source_says_again_replaces_what_it_said(db: Engine) -> None:
    with db.begin() as conn:
        put_people(conn, [told("hr", "1", name="Ann"), told("hr", "2", name="Bob")])
        put_people(conn, [told("hr", "1", name="Anna")])
        put_groups(conn, [told("hr", "T1", name="甲班")])
        assert {p.id: p.name for p in load_roster(conn).people.values()} == {"1": "Anna", "2": "Bob"}
        drop(conn, "people", "hr", ["2"])
        assert set(load_roster(conn).people) == {"1"}
        drop_below(conn, "groups", "hr", "T")
        assert load_roster(conn).groups == {}


def test_only_the_connections_that_are_asked_for_are_told_of(db: Engine) -> None:
    with db.begin() as conn:
        put_people(conn, [told("hr", "1"), told("old", "2")])
        keep_by_hand(conn, [told(BY_HAND, "3")], [])
        assert set(load_roster(conn, ["hr"]).people) == {"1", "3"}


def test_shifts_that_are_long_over_are_not_read_any_more(db: Engine) -> None:
    day = 86_400_000_000
    spans = [("old", NOW - 90 * day), ("new", NOW)]
    with db.begin() as conn:
        put_people(conn, [told("hr", "1", groups="T")])
        put_shifts(conn, [ShiftTold("hr", key, "T", "", at, at + day // 3) for key, at in spans])
        assert load_roster(conn).shifts["1"].spans == ((NOW, NOW + day // 3),)


def test_whose_shifts_are_planned_for_a_year_ahead_is_there_today(db: Engine) -> None:
    day = 86_400_000_000
    with db.begin() as conn:
        put_people(conn, [told("hr", "1", groups="T")])
        put_shifts(
            conn, [ShiftTold("hr", str(n), "T", "", NOW + n * day, NOW + n * day + day // 3) for n in range(365)]
        )
        roster = load_roster(conn, now=NOW)
        assert len(roster.shifts["1"].spans) == 365
        assert roster.present("1", NOW + 1, ALWAYS)


def ticket(number: int, assignee: str | None) -> Draft:
    return Draft(id=number, kind="incident", priority=2, title="x", assignee=assignee)


def test_open_work_and_the_last_ticket_of_everybody_in_one_statement(db: Engine) -> None:
    with db.begin() as conn:
        core_tickets.open_or_merge(conn, [ticket(1, "ann"), ticket(2, "ann"), ticket(3, "bob"), ticket(4, None)], NOW)
        core_tickets.open_or_merge(conn, [ticket(5, "ann")], NOW + 5)
        done = Command(3, "resolve", {"resolution": "done"}, actor="bob")
        assert core_tickets.apply(conn, [done], NOW + 6)[0].error is None
        assert loads_of(conn, {"ann", "bob", "cid"}) == {"ann": Load(3, NOW + 5), "bob": Load(0, NOW)}
        assert loads_of(conn, set()) == {}


def test_open_work_is_counted_by_an_index(db: Engine) -> None:
    held = "ticket.assignee IS NOT NULL AND ticket.status IN ('pending', 'in_progress', 'blocked')"
    explain = "EXPLAIN QUERY PLAN" if db.dialect.name == "sqlite" else "EXPLAIN"
    with db.begin() as conn:
        if db.dialect.name == "postgresql":
            conn.execute(text("SET LOCAL enable_seqscan = off"))  # it would read a table of one page whole
        plan = conn.execute(text(f"{explain} SELECT count(*) FROM ticket WHERE assignee = 'a' AND {held}"))
        assert "ix_ticket_" in str(plan.all())  # which one, the database decides by what is in the table


def test_one_field_of_many_golden_records_at_once(db: Engine) -> None:
    keys = [Key("customer", "crm", local) for local in ("a", "b", "c", "d")]
    with db.begin() as conn:
        ids = id_registry.resolve(conn, keys, NOW)
        a, b, c, d = (ids[key] for key in keys)
        id_registry.observe(
            conn, [Observation(a, "crm", "tier", "A", NOW), Observation(c, "crm", "tier", "C", NOW)], NOW
        )
        id_registry.merge(conn, a, b, actor="ann", reason="", now=NOW)
        assert id_registry.golden_values(conn, [a, b, c, d], "tier") == {a: "A", b: "A", c: "C"}
        id_registry.lock_field(conn, c, "tier", "B", actor="ann", reason="", now=NOW)
        assert id_registry.golden_values(conn, [c], "tier") == {c: "B"}
        assert id_registry.golden(conn, c).fields["tier"].value == "B"
        assert sorted(id_registry.values_of(conn, "tier")) == ["A", "C"]
