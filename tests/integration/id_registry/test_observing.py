"""What each system says of a thing, and the golden record that comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from id_registry import (
    MANUAL,
    BadGlobalId,
    BadInput,
    BadObservation,
    FieldPolicy,
    Key,
    Observation,
    Policy,
    UnknownGlobalId,
    golden,
    lock_field,
    merge,
    mint,
    observe,
    resolve,
    undo,
    unlock_field,
)
from id_registry.global_ids import make_gid
from id_registry.tables import observation
from tests.integration.id_registry.conftest import counted_statements
from tests.integration.id_registry.things import NOW, customers

CRM, ERP = Key("customer", "crm", "C-1"), Key("customer", "erp", "10023")


@pytest.fixture
def pair(conn: Connection) -> tuple[int, int]:
    """A customer as the CRM and as the ERP know it, not merged."""
    return resolve(conn, [CRM], NOW)[CRM], resolve(conn, [ERP], NOW + 1)[ERP]


def held(conn: Connection) -> list[tuple[object, ...]]:
    o = observation.c
    query = select(o.gid, o.system, o.field, o.value, o.read_at, o.since, o.noted_at, o.source)
    return [tuple(row) for row in conn.execute(query.order_by(o.gid, o.system, o.field))]


def name(conn: Connection, gid: int) -> object:
    return golden(conn, gid).fields["name"].value


def test_a_golden_record_has_the_value_and_where_it_came_from(conn: Connection, pair: tuple[int, int]) -> None:
    observe(conn, [Observation(pair[0], "crm", "name", "ACME", NOW - 5, 4711)], NOW)
    field = golden(conn, pair[0]).fields["name"]
    assert (field.value, field.rule, field.losers) == ("ACME", "only", ())
    winner = field.winner
    assert (winner.system, winner.gid, winner.since, winner.read_at, winner.source) == (
        "crm",
        pair[0],
        NOW - 5,
        NOW - 5,
        4711,
    )


def test_values_of_every_type_come_back_as_they_were(conn: Connection, pair: tuple[int, int]) -> None:
    values = {
        "limit": Decimal("1200.50"),
        "since": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "tags": ["a", {"b": None}],
        "open": False,
        "name": "Möller \\ \"Söhne\" 'GmbH' {1,2} \x00 NULL",
        "big": 10**30,
        "none": None,
    }
    observe(conn, [Observation(pair[0], "crm", field, value, NOW) for field, value in values.items()], NOW)
    assert {field: chosen.value for field, chosen in golden(conn, pair[0]).fields.items()} == values


def test_a_reading_older_than_the_one_held_changes_nothing(conn: Connection, pair: tuple[int, int]) -> None:
    observe(conn, [Observation(pair[0], "crm", "name", "new", 20)], NOW)
    before = held(conn)
    observe(conn, [Observation(pair[0], "crm", "name", "old", 10)], NOW + 1)
    assert held(conn) == before


def test_a_newer_reading_replaces_the_one_held(conn: Connection, pair: tuple[int, int]) -> None:
    observe(conn, [Observation(pair[0], "crm", "name", "old", 10, "a")], NOW)
    observe(conn, [Observation(pair[0], "crm", "name", "new", 20, "b")], NOW + 1)
    assert held(conn) == [(pair[0], "crm", "name", '"new"', 20, 20, NOW + 1, '"b"')]


def test_reading_the_same_again_keeps_since_when_it_is_so(conn: Connection, pair: tuple[int, int]) -> None:
    observe(conn, [Observation(pair[0], "crm", "name", "same", 10, "a")], NOW)
    observe(conn, [Observation(pair[0], "crm", "name", "same", 20, "b")], NOW + 1)
    assert held(conn) == [(pair[0], "crm", "name", '"same"', 20, 10, NOW, '"b"')]


def test_the_very_same_reading_again_writes_nothing(conn: Connection, pair: tuple[int, int]) -> None:
    reading = Observation(pair[0], "crm", "name", "same", 10, "a")
    observe(conn, [reading], NOW)
    version = "ctid" if conn.dialect.name == "postgresql" else "total_changes()"
    before = conn.exec_driver_sql(f"SELECT {version} FROM observation").all()
    observe(conn, [reading, reading], NOW + 1)
    assert conn.exec_driver_sql(f"SELECT {version} FROM observation").all() == before


def test_of_two_readings_of_one_time_the_later_to_arrive_counts(conn: Connection, pair: tuple[int, int]) -> None:
    observe(conn, [Observation(pair[0], "crm", "name", v, 10) for v in ("first", "second")], NOW)
    assert name(conn, pair[0]) == "second"
    observe(conn, [Observation(pair[0], "crm", "name", "third", 10)], NOW)
    assert name(conn, pair[0]) == "third"


readings = st.lists(st.tuples(st.integers(1, 50), st.sampled_from("xyz")), max_size=8, unique_by=lambda r: r[0])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=readings, cut=st.integers(0, 8), order=st.randoms(use_true_random=False))
def test_readings_in_any_order_and_grouping_end_with_the_newest(
    shared_registry: Engine, readings: list[tuple[int, str]], cut: int, order: object
) -> None:
    with shared_registry.connect() as conn:
        gid = resolve(conn, [CRM], NOW)[CRM]
        order.shuffle(readings)  # type: ignore[attr-defined]
        for part in (readings[:cut], readings[cut:], readings[:cut]):
            observe(conn, [Observation(gid, "crm", "name", value, at) for at, value in part], NOW)
        newest = max(readings, default=None)
        assert [(row[4], row[3]) for row in held(conn)] == ([(newest[0], f'"{newest[1]}"')] if newest else [])


def test_values_come_together_in_a_merge_and_part_again_in_an_undo(conn: Connection, pair: tuple[int, int]) -> None:
    crm, erp = pair
    observe(conn, [Observation(crm, "crm", "name", "ACME", 10), Observation(erp, "erp", "name", "ACME Ltd", 20)], NOW)
    event = merge(conn, crm, erp, actor="ann", reason="", now=NOW)
    for gid in pair:
        record = golden(conn, gid)
        assert record.gid == crm
        assert record.fields["name"].value == "ACME Ltd"
        assert [loser.value for loser in record.fields["name"].losers] == ["ACME"]
    undo(conn, event.id, actor="ann", now=NOW)
    assert [name(conn, gid) for gid in pair] == ["ACME", "ACME Ltd"]


def test_what_is_read_while_merged_belongs_to_its_own_record_after_an_undo(
    conn: Connection, pair: tuple[int, int]
) -> None:
    """Whoever reads the ERP knows the live id only, which is the CRM record's."""
    crm, erp = pair
    event = merge(conn, crm, erp, actor="ann", reason="", now=NOW)
    live = resolve(conn, [ERP], NOW)[ERP]
    assert live == crm
    observe(conn, [Observation(live, "erp", "name", "ACME Ltd", 20)], NOW)
    undo(conn, event.id, actor="ann", now=NOW)
    assert golden(conn, crm).fields == {}
    assert name(conn, erp) == "ACME Ltd"


def test_two_records_of_one_system_are_told_apart_by_their_local_ids(conn: Connection) -> None:
    one, two = customers(2)
    a, b = sorted(resolve(conn, [one, two], NOW).values())
    merge(conn, a, b, actor="ann", reason="", now=NOW)
    readings = [Observation(a, "crm", "name", key.local, 10, local=key.local) for key in (one, two)]
    observe(conn, readings, NOW)
    assert [(row[0], row[3]) for row in held(conn)] == [(a, '"C-00000"'), (b, '"C-00001"')]


def test_a_record_that_is_not_part_of_the_thing_is_refused(conn: Connection, pair: tuple[int, int]) -> None:
    with pytest.raises(BadObservation, match="crm has no 'C-77' that is CUST-2026-000001") as refused:
        observe(conn, [Observation(pair[0], "crm", "name", "x", 10, local="C-77")], NOW)
    assert refused.value.path == "observations[0].local"


def test_a_thing_that_no_system_knows_can_be_described_too(conn: Connection) -> None:
    gid = mint(conn, "customer", 1, NOW)[0]
    observe(conn, [Observation(gid, "form", "name", "typed in", 10)], NOW)
    assert name(conn, gid) == "typed in"


def test_a_bad_observation_is_named_and_nothing_of_its_batch_is_kept(conn: Connection, pair: tuple[int, int]) -> None:
    good = Observation(pair[0], "crm", "name", "x", 10)
    for bad, path in (
        (good._replace(value=1.5), "observations[1].value"),
        (good._replace(value={"a": [0.5]}), "observations[1].value.a[0]"),
        (good._replace(field=""), "observations[1].field"),
        (good._replace(system="x" * 101), "observations[1].system"),
        (good._replace(read_at="yesterday"), "observations[1].read_at"),  # type: ignore[arg-type]
        (good._replace(source=1.5), "observations[1].source"),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadObservation) as refused:
            observe(conn, [good, bad], NOW)
        assert refused.value.path == path
    with pytest.raises(BadGlobalId):
        observe(conn, [good, good._replace(gid=5)], NOW)
    assert held(conn) == []


def test_many_observations_take_three_statements(conn: Connection) -> None:
    keys = customers(1_000)
    gids = resolve(conn, keys, NOW)
    batch = [Observation(gids[key], "crm", field, key.local, 10) for key in keys for field in "abcde"]
    with counted_statements(conn) as seen:
        observe(conn, batch, NOW)
    assert len(seen) == 3
    assert len(held(conn)) == 5_000


def test_a_golden_record_takes_three_statements_however_much_is_known(conn: Connection, pair: tuple[int, int]) -> None:
    observe(conn, [Observation(pair[0], "crm", f"field{i}", i, 10) for i in range(50)], NOW)
    with counted_statements(conn) as seen:
        assert len(golden(conn, pair[0]).fields) == 50
    assert len(seen) == 3


def test_the_policy_decides_field_by_field(conn: Connection, pair: tuple[int, int]) -> None:
    crm, erp = pair
    merge(conn, crm, erp, actor="ann", reason="", now=NOW)
    for field in ("name", "limit"):
        observe(conn, [Observation(crm, "crm", field, "c", 20), Observation(crm, "erp", field, "e", 10)], NOW)
    policy = Policy(fields={"limit": FieldPolicy(sources=("erp",))})
    chosen = golden(conn, crm, policy).fields
    assert (chosen["name"].value, chosen["name"].rule) == ("c", "recency")
    assert (chosen["limit"].value, chosen["limit"].rule) == ("e", "priority")


def test_a_value_that_a_person_settled_stands_until_it_is_unlocked(conn: Connection, pair: tuple[int, int]) -> None:
    crm, erp = pair
    observe(conn, [Observation(crm, "crm", "name", "ACME", 10)], NOW)
    lock_field(conn, erp, "name", "Acme Corporation", actor="ann", reason="letterhead", now=NOW)
    assert name(conn, crm) == "ACME"
    merge(conn, crm, erp, actor="ann", reason="", now=NOW)
    field = golden(conn, crm).fields["name"]
    assert (field.value, field.rule, field.winner.system, field.winner.source) == (
        "Acme Corporation",
        "lock",
        MANUAL,
        "ann",
    )
    assert [loser.value for loser in field.losers] == ["ACME"]
    assert [unlock_field(conn, crm, "name"), unlock_field(conn, crm, "name")] == [True, False]
    assert name(conn, crm) == "ACME"


def test_of_two_locks_the_later_one_stands(conn: Connection, pair: tuple[int, int]) -> None:
    crm, erp = pair
    lock_field(conn, crm, "name", "first", actor="ann", reason="", now=NOW)
    lock_field(conn, erp, "name", "later", actor="bob", reason="", now=NOW + 1)
    merge(conn, crm, erp, actor="ann", reason="", now=NOW)
    assert name(conn, crm) == "later"
    lock_field(conn, crm, "name", "latest", actor="ann", reason="", now=NOW + 2)
    assert name(conn, crm) == "latest"


def test_a_lock_that_cannot_be_kept_is_refused(conn: Connection, pair: tuple[int, int]) -> None:
    with pytest.raises(BadObservation, match="Decimal"):
        lock_field(conn, pair[0], "limit", 1.5, actor="ann", reason="", now=NOW)
    with pytest.raises(BadInput) as refused:
        lock_field(conn, pair[0], "", "x", actor="ann", reason="", now=NOW)
    assert refused.value.path == "field"
    with pytest.raises(UnknownGlobalId):
        lock_field(conn, make_gid("customer", 2026, 999), "name", "x", actor="ann", reason="", now=NOW)
