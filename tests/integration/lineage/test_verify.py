"""verify() recomputes what was recorded, and reports every difference and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, delete, select, update

from lineage import Fact, SourceRead, Write, erase, land, plan, record, tables, verify
from tests.integration.lineage.conftest import NOW, open_ticket, stored
from tests.unit.lineage.samples import ALERT, INCIDENT, alert


@pytest.fixture
def tickets(db: Engine) -> dict[int, dict[str, Any]]:
    """Twenty tickets, half of them written a second time."""
    values: dict[int, dict[str, Any]] = {}
    with db.begin() as conn:
        for rec in range(1, 21):
            values[rec] = open_ticket(conn, rec, rec)
        for rec in range(1, 11):
            values[rec] |= open_ticket(conn, rec, rec + 50, at=NOW + 10, fields=("priority", "title"))
        record(conn, [Write(3, None, ("group",), (), {"group": "special"}, "li.wei", NOW + 20)])
    values[3]["group"] = "special"
    return values


def test_untouched_records_verify(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    with db.connect() as conn:
        report = verify(conn, 0, stored(tickets))
    assert report.ok
    assert (report.records, report.values, report.erased) == (20, 200, 0)


def test_every_difference_is_reported_with_both_values(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    right = tickets[5]["priority"]
    tickets[5]["priority"] = "P0"
    tickets[7]["title"] = None
    tickets[3]["group"] = "other"
    with db.connect() as conn:
        report = verify(conn, 0, stored(tickets))
    assert not report.ok
    found = {(d.rec, d.field): (d.recomputed, d.stored) for d in report.differences}
    assert found[5, "priority"] == (right, "P0")
    assert found[7, "title"][1] is None
    assert found[3, "group"] == ("special", "other")
    assert len(found) == 3


def test_a_copy_is_compared_with_the_place_it_was_copied_from(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    right = tickets[5]["priority"]
    facts = {
        "copy": Fact(right, "ticket 5", rec=5, field="priority", path="row"),
        "wrong": Fact("P9", "ticket 5", rec=5, field="priority", path="row"),
        "made": Fact("P9", "made of ticket 5", rec=5, field="priority"),
    }
    with db.begin() as conn:
        record(conn, [Write(rec, None, tuple(facts), (), facts, "report", NOW + 30) for rec in (5, 6)])
    held = {rec: tickets[rec] | {name: fact.value for name, fact in facts.items()} for rec in (5, 6)}
    for since in (0, NOW + 30):  # the write copied from is among those looked at, or long before
        with db.connect() as conn:
            found = verify(conn, since, stored(held)).differences
        assert {d[:4] for d in found} == {(rec, "wrong", right, "P9") for rec in (5, 6)}


def test_only_writes_since_then_are_looked_at(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    tickets[15]["title"] = "changed"
    with db.connect() as conn:
        report = verify(conn, NOW + 10, stored(tickets))
    assert (report.records, report.values, report.ok) == (10, 21, True)


def test_records_that_are_gone_are_not_compared(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    del tickets[4]
    with db.connect() as conn:
        assert verify(conn, 0, stored(tickets)).ok


def test_a_sample_looks_at_a_share_and_another_seed_at_others(db: Engine) -> None:
    with db.begin() as conn:
        writes = [Write(rec, None, ("a",), (), {"a": rec}, "r", NOW) for rec in range(1, 1201)]
        record(conn, writes)
        looked: list[set[int]] = []

        def read(_conn: Any, ids: Any) -> dict[int, dict[str, Any]]:
            looked[-1] |= set(ids)
            return {}

        for seed in (1, 1, 2):
            looked.append(set())
            verify(conn, 0, read, 0.1, seed=seed)
    assert looked[0] == looked[1] != looked[2]
    assert 70 < len(looked[0]) < 180


def test_a_missing_source_record_is_reported_once_per_write(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    with db.begin() as conn:
        landing = conn.execute(select(tables.landing.c.id).where(tables.landing.c.key == f"{12:016x}")).scalar_one()
        conn.execute(delete(tables.landing).where(tables.landing.c.id == landing))
        report = verify(conn, 0, stored(tickets))
    assert [(m.rec, m.landing, m.reason) for m in report.missing] == [(12, landing, "missing")]
    assert report.differences == []


def test_erased_values_are_counted_and_not_called_different(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    with db.begin() as conn:
        ids = conn.execute(select(tables.landing.c.id, tables.landing.c.key)).all()
        by_key = {row.key: row.id for row in ids}
        erase(conn, [by_key[f"{14:016x}"]], NOW)
        erase(conn, [by_key[f"{16:016x}"]], NOW, fields=["annotations.phone"])
        report = verify(conn, 0, stored(tickets))
    assert report.ok
    assert report.erased == 8 + 2


def test_a_plan_that_means_something_else_today_is_reported(db: Engine, tickets: dict[int, dict[str, Any]]) -> None:
    with db.begin() as conn:
        row = conn.execute(select(tables.plan)).one()
        body = orjson.loads(row.body)
        body["stages"][0]["functions"]["lookup"] = 0
        body["stages"][0]["version"] = "f" * 64
        conn.execute(update(tables.plan).values(body=orjson.dumps(body).decode()))
        report = verify(conn, 0, stored(tickets))
    assert [(p.mapping, p.reason) for p in report.plans] == [
        ("alertmanager", f"lookup() was version 0 and is {ALERT.functions['lookup']}")
    ]


def test_a_plan_that_no_longer_compiles_is_reported_and_the_rest_is_verified(
    db: Engine, tickets: dict[int, dict[str, Any]]
) -> None:
    with db.begin() as conn:
        conn.execute(
            tables.plan.insert().values(
                sha256="0" * 64,
                body=orjson.dumps(
                    {"prefix": "", "stages": [{"name": "x", "version": "", "text": "mapping: x"}]}
                ).decode(),
            )
        )
        report = verify(conn, 0, stored(tickets))
    assert len(report.plans) == 1
    assert (report.values, report.differences) == (200, [])


def test_numbers_are_compared_as_numbers_and_text_as_text(db: Engine) -> None:
    from decimal import Decimal

    with db.begin() as conn:
        record(conn, [Write(1, None, ("n", "t"), (), {"n": Decimal("1.50"), "t": "1"}, "r", NOW)])
        assert verify(conn, 0, stored({1: {"n": Decimal("1.5"), "t": "1"}})).ok
        assert not verify(conn, 0, stored({1: {"n": Decimal("1.5"), "t": 1}})).ok


def test_a_source_that_no_longer_passes_the_filter_is_a_difference(db: Engine) -> None:
    with db.begin() as conn:
        made = plan(conn, (ALERT, INCIDENT))
        (source,) = land(conn, [SourceRead("am-main/alert", "1", alert(status="ignored"), NOW)])
        record(conn, [Write(1, made, ("priority",), (source,), {}, "rule", NOW)])
        report = verify(conn, 0, stored({1: {"priority": "P1"}}))
    assert [(d.recomputed, d.stored) for d in report.differences] == [(None, "P1")]
