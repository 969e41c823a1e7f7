"""The report on a machine that stopped: what the other sections tell, side by side, each figure with its origin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select

import core_tickets
import lineage
from connectors.contract import Answer
from connectors.errors import Transient
from gateway import clock, tables
from gateway.context import root_cause, snapshot
from gateway.usecases import tracing
from tests.integration.gateway.in_process import House

ANSWERS: dict[str, dict[str, Any]] = {
    "downtime": {"since": "2026-11-21T21:30:00+00:00", "standing_s": "960", "reason": "轴承卡死", "stops": 2,
                 "unplanned_s": "1260"},
    "oee_before_after": {"before": {"oee": "0.712", "availability": "0.9"}, "after": {"oee": "0.0"}, "change": "-0.712"},
    "suppliers": {"usual_supplier": "V001", "suppliers": [
        {"supplier": "V002", "name": "沪东", "on_time_rate": "0.95"},
        {"supplier": "V001", "name": "东海", "on_time_rate": "0.85"}]},
    "stock": {"item": "BRG-6205", "name": "深沟球轴承", "quantity": "12", "safety_stock": "20", "unit": "个"},
    "recent_problems": {"open": 3, "problems": [{"name": "too hot"}]},
    "similar_tickets": {"tickets": [{"id": "TKT-2026-000009", "title": "停机", "resolution": "更换轴承"}]},
}  # fmt: skip


def answered(house: House, number: int, name: str, values: dict[str, Any]) -> None:
    """A section as a source answered it, with its lineage."""
    section = f"x.{name}"
    row = {"ticket_id": number, "name": section, "connection_id": "r", "question": name, "inputs": "{}", "status": "ok",
           "asked_at": house.clock.now, "next_at": 0, "answered_at": house.clock.now, "as_of": house.clock.now,
           "values": orjson.dumps(values).decode()}  # fmt: skip
    with house.gateway.transaction() as conn:
        conn.execute(tables.context_section.insert().values(row))
        snapshot._remember(conn, number, section, f"r/{name}", "press-7", values, house.clock.now, house.clock.now)


@pytest.fixture
def ticket(house: House) -> core_tickets.Ticket:
    house.tell(house.alert("a", device="press-7"))
    return house.tickets()[0]


def compose(house: House, ticket: core_tickets.Ticket, *, last: bool = True) -> root_cause.Report:
    starts = clock.to_datetime(house.clock.now) - timedelta(minutes=15)
    with house.gateway.reading() as conn:
        report = root_cause.compose(conn, ticket.id, starts, last=last)
    assert report is not None
    return report


def test_every_figure_is_a_value_of_another_section(house: House, ticket: core_tickets.Ticket) -> None:
    for name, values in ANSWERS.items():
        answered(house, ticket.id, name, values)
    told = compose(house, ticket).values
    assert told["oee_before"] == "0.712"
    assert told["supplier_on_time_rate"] == "0.85"  # of the usual supplier, not of the best
    assert told["spare_stock"] == "12"
    assert told["alarms_open"] == 3
    assert "轴承卡死" in told["summary"]
    assert "71.2 %" in told["summary"]


def test_readings_are_told_before_and_around_the_stop(house: House, ticket: core_tickets.Ticket) -> None:
    stop = house.clock.now - 15 * clock.MINUTE
    points = [
        [clock.rfc3339(stop + s * clock.SECOND), v] for s, v in ((-400, "50"), (-200, "60"), (-100, "62"), (60, "88.5"))
    ]
    answered(house, ticket.id, "device_twin", {"temp.bearing": {"value": "40", "unit": "Cel", "recent": points}})
    told = compose(house, ticket).values
    assert told["reading.temp.bearing.before"] == "61 Cel"
    assert told["reading.temp.bearing.highest"] == "88.5 Cel"


def test_readings_of_every_notation_count_and_text_does_not(house: House, ticket: core_tickets.Ticket) -> None:
    stop = house.clock.now - 15 * clock.MINUTE
    points = [[clock.rfc3339(stop - n * clock.SECOND), v] for n, v in ((30, "1E+3"), (20, "1-2"), (10, "²"))]
    answered(house, ticket.id, "device_twin", {"speed": {"value": "1E+3", "recent": points}})
    assert compose(house, ticket).values["reading.speed.before"] == "1000"


OTHER_SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("downtime", {"since": 5, "standing_s": "long"}),
    ("downtime", {"standing_s": "1E+400"}),
    ("oee_before_after", {"before": 0.5}),
    ("oee_before_after", {"before": {"oee": "n/a"}}),
    ("suppliers", {"suppliers": ["V001"]}),
    ("suppliers", {"suppliers": [{"name": "x", "on_time_rate": "good"}]}),
    ("similar_tickets", {"tickets": [{"id": 1}]}),
    ("work_order", {"running": "W1"}),
]


@pytest.mark.parametrize(("question", "values"), OTHER_SHAPES)
def test_an_answer_of_another_shape_leaves_the_rest_of_the_report(
    house: House, ticket: core_tickets.Ticket, question: str, values: dict[str, Any]
) -> None:
    answered(house, ticket.id, question, values)
    answered(house, ticket.id, "stock", ANSWERS["stock"])
    assert "备件 深沟球轴承" in compose(house, ticket).values["summary"]


def test_the_report_waits_for_sections_that_are_still_asked(house: House, ticket: core_tickets.Ticket) -> None:
    answered(house, ticket.id, "stock", ANSWERS["stock"])
    with house.gateway.transaction() as conn:
        conn.execute(tables.context_section.insert().values(
            ticket_id=ticket.id, name="slow", connection_id="r", question="downtime", inputs="{}", status="pending",
            asked_at=house.clock.now, next_at=house.clock.now,
        ))  # fmt: skip
    with pytest.raises(Transient, match="slow"):
        compose(house, ticket, last=False)
    assert compose(house, ticket, last=True).values["missing"] == ["slow"]


def test_without_a_single_figure_there_is_no_report(house: House, ticket: core_tickets.Ticket) -> None:
    with house.gateway.reading() as conn:
        assert root_cause.compose(conn, ticket.id, None, last=True) is None


@pytest.fixture
def reported(house: House, ticket: core_tickets.Ticket) -> core_tickets.Ticket:
    """The ticket with two sections and the report made of them."""
    for name in ("stock", "suppliers"):
        answered(house, ticket.id, name, ANSWERS[name])
    with house.gateway.transaction() as conn:
        values = {"ticket_id": ticket.id, "name": "root_cause", "connection_id": "hub", "question": "root_cause",
                  "inputs": orjson.dumps({"ticket": "TKT-2026-000001", "starts_at": None}).decode(), "status": "pending",
                  "asked_at": house.clock.now, "next_at": house.clock.now}  # fmt: skip
        conn.execute(tables.context_section.insert().values(values))
        (section,) = [s for s in snapshot.claim(conn, house.clock.now) if s.name == "root_cause"]
    snapshot.ask(house.gateway, house.gateway.hub, section)
    return ticket


def test_the_origin_of_a_figure_goes_on_in_the_section_it_came_from(
    house: House, reported: core_tickets.Ticket
) -> None:
    with house.gateway.reading() as conn:
        row = conn.execute(select(tables.context_section).where(tables.context_section.c.name == "root_cause")).one()
        origin = lineage.drill(conn, reported.id, "context.root_cause.spare_stock").as_dict()
    assert row.status == "ok"
    assert "x.stock.quantity" in str(origin)
    assert "press-7" in str(origin)
    house.verify()


@pytest.mark.parametrize(
    ("section", "field", "before", "after"),
    [
        ("x.stock", "quantity", "12", "120"),
        ("root_cause", "spare_stock", "12", "120"),
        ("root_cause", "supplier_on_time_rate", "0.85", "0.95"),
        ("x.stock", "quantity", "12", None),
        ("root_cause", "spare_stock", "12", None),
    ],
)
def test_a_value_of_the_snapshot_changed_or_taken_away_behind_the_hubs_back_is_the_one_difference(
    house: House, reported: core_tickets.Ticket, section: str, field: str, before: str, after: str | None
) -> None:
    c = tables.context_section.c
    of_section = (c.ticket_id == reported.id, c.name == section)
    with house.gateway.transaction() as conn:
        values = orjson.loads(conn.execute(select(c["values"]).where(*of_section)).scalar_one())
        assert values[field] == before
        del values[field]
        changed = values if after is None else values | {field: after}
        conn.execute(tables.context_section.update().where(*of_section).values(values=orjson.dumps(changed).decode()))
    with house.gateway.reading() as conn:
        report = tracing.verify(conn, 0)
    assert [d[:4] for d in report.differences] == [(reported.id, f"context.{section}.{field}", before, after)]


def test_of_two_workers_who_ask_for_one_section_the_first_answer_stays(
    house: House, ticket: core_tickets.Ticket
) -> None:
    """The lease of the first had run out; both come back with an answer."""
    with house.gateway.transaction() as conn:
        conn.execute(tables.context_section.insert().values(
            ticket_id=ticket.id, name="x.load", connection_id="r", question="load", inputs="{}", status="pending",
            asked_at=house.clock.now, next_at=house.clock.now,
        ))  # fmt: skip
    claimed = []
    for _ in range(2):
        with house.gateway.transaction() as conn:
            claimed += [s for s in snapshot.claim(conn, house.clock.now) if s.name == "x.load"]
        house.clock.forward(61)
    answers: list[dict[str, Any]] = [{"stops": 3, "state": "on"}, {"stops": 4}]
    for section, values in zip(claimed, answers, strict=True):
        answer = Answer(values, clock.to_datetime(house.clock.now), key="press-7")
        with house.gateway.transaction() as conn:
            snapshot._store(conn, house.gateway, section, answer, {}, "", False, 5)
    with house.gateway.reading() as conn:
        c = tables.context_section.c
        stored = conn.execute(select(c["values"]).where(c.name == "x.load")).scalar_one()
    assert orjson.loads(stored) == {"stops": 3, "state": "on"}
    house.verify()


def test_the_report_is_written_as_soon_as_the_last_section_has_its_answer(
    house: House, ticket: core_tickets.Ticket
) -> None:
    later = house.clock.now + 120 * clock.SECOND
    with house.gateway.transaction() as conn:
        for name, source, at in (("x.a", "r", 0), ("x.b", "r", 0), ("root_cause", "hub", later)):
            conn.execute(tables.context_section.insert().values(
                ticket_id=ticket.id, name=name, connection_id=source, question="load", inputs="{}", status="pending",
                asked_at=house.clock.now, next_at=at,
            ))  # fmt: skip
        asked = {s.name: s for s in snapshot.claim(conn, house.clock.now) if s.name.startswith("x.")}
    due = []
    for name in ("x.a", "x.b"):
        with house.gateway.transaction() as conn:
            snapshot._store(conn, house.gateway, asked[name], None, {}, "", False, 5)
        with house.gateway.reading() as conn:
            c = tables.context_section.c
            due.append(conn.execute(select(c.next_at).where(c.name == "root_cause")).scalar_one())
    assert due == [later, house.clock.now]
