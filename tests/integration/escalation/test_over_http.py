"""Promises as people see them: countdowns, promises by hand, the attribution sheet, explain and the audit."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from sqlalchemy import select

from core_tickets.people import DayTold, put_days
from gateway import clock
from gateway.cli.promises import tell
from gateway.escalation import auditing, tables
from gateway.escalation.auditing import Auditor
from gateway.usecases import attribution, explaining, ledger
from tests.integration.escalation.staff import HOUR, MINUTE, PEOPLE, after, again, open_ticket, tick
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import open_api

CALENDARS = {
    "policy": "calendars",
    "calendars": [{"id": "plant", "hours": {"mon-sun": ["00:00-24:00"]}, "holidays": "CN", "records": "site-7"}],
}
PROMISES = {
    "policy": "promises",
    "lines": [{"priority": "P1", "first_response": "30m", "claim": "1h", "resolution": "8h", "calendar": "plant"}],
}


def promise(ticket: dict[str, Any], name: str) -> dict[str, Any]:
    return next(p for p in ticket["promises"] if p["name"] == name)


def test_a_ticket_counts_down_over_http(build: Build) -> None:
    house = build({"policies": [PEOPLE]}, start=False)
    with open_api(house) as api:
        made = api.ask("POST", "/v1/tickets", json={"title": "泵停", "priority": "P1", "group": "line-1"}).json()
        path = f"/v1/tickets/{made['id']}"
        assert promise(made, "first_response")["remaining_s"] == 30 * MINUTE
        house.clock.forward(25 * MINUTE)
        assert promise(api.ask("GET", path).json(), "first_response")["state"] == "warn"
        house.clock.forward(6 * MINUTE)
        late = promise(api.ask("GET", path).json(), "first_response")
        assert (late["state"], late["remaining_s"]) == ("breached", -MINUTE)


def test_whoever_works_on_it_promises_by_hand_and_both_promises_are_seen(build: Build) -> None:
    house = build({"policies": [PEOPLE]}, start=False)
    with open_api(house) as api:
        made = api.ask("POST", "/v1/tickets", json={"title": "泵停", "priority": "P1"}).json()
        path, due = f"/v1/tickets/{made['id']}", house.clock.text(2 * HOUR)
        refused = api.ask("POST", f"{path}/promise", json={"resolution_due": due})
        assert refused.status_code == 422
        for wrong in ("tomorrow", "2026-11-22T10:00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
            assert api.ask("POST", f"{path}/promise", json={"resolution_due": wrong, "reason": "x"}).status_code == 422
        told = api.ask(
            "POST", f"{path}/promise", json={"resolution_due": due, "reason": "备件已到 part is here"}
        ).json()
        assert promise(told, "given_resolution")["remaining_s"] == 2 * HOUR
        assert promise(told, "resolution")["remaining_s"] == 8 * HOUR
        sheet = api.ask("GET", f"{path}/attribution").json()
        assert sheet["moves"][-1]["why"] == "备件已到 part is here"
        assert api.ask("GET", "/v1/tickets/TKT-2026-999999/attribution").status_code == 404


def test_a_holiday_a_connected_system_tells_stops_the_clock(build: Build) -> None:
    house = build({"policies": [PEOPLE, CALENDARS, PROMISES]})
    today = datetime.fromtimestamp(house.clock.now // clock.SECOND, ZoneInfo("Asia/Shanghai"))
    told = DayTold("r", "1", "site-7", today.strftime("%Y-%m-%d"), working=False, name="Stocktaking")
    house.gateway.transact(lambda conn: put_days(conn, [told]))
    house.gateway.reload()
    ticket = open_ticket(house, priority=1)
    with house.gateway.reading() as conn:
        told_then = explaining.explain(conn, house.gateway.hub, ticket.id)["promises_told"]
    assert not any("尚未收录" in line for line in told_then)
    due = clock.to_datetime(ticket.resolution_due or 0).astimezone(today.tzinfo)
    assert due == today.replace(hour=8, minute=0, second=0) + timedelta(days=1)


def test_the_sheet_after_a_breach_names_hands_and_messages(house: House) -> None:
    ticket = open_ticket(house)
    after(house, HOUR)
    house.act(ticket, "assign", assignee="li.na")
    house.act(again(house, ticket), "start")
    after(house, 4 * HOUR)
    with house.gateway.reading() as conn:
        sheet = attribution.attribution(conn, house.gateway.hub, ticket.id, house.clock.now)
    late = {x["promise"]: x for x in sheet["late"]}
    assert late["first_response"]["holder"] == "group:line-1"
    assert late["first_response"]["late_s"] == 45 * MINUTE
    assert late["resolution"]["holder"] == "li.na"
    assert sheet["held_s"] == {"li.na": 4 * HOUR, "group:line-1": HOUR}
    assert {m["reason"] for m in sheet["messages"]} >= {"escalated", "warned", "breached"}
    assert {s["step"] for s in sheet["steps"]["ran"]} >= {"p0/unanswered", "p0/unclaimed", "breach/resolution"}


def test_explain_says_when_the_holidays_of_a_year_are_not_known(build: Build) -> None:
    house = build({"policies": [PEOPLE, CALENDARS, PROMISES]})
    house.clock.forward(2 * 365 * 24 * HOUR)
    ticket = open_ticket(house, priority=1)
    with house.gateway.reading() as conn:
        told = explaining.explain(conn, house.gateway.hub, ticket.id)["promises_told"]
    assert "2028 年节假日安排尚未收录" in told[-1]


def test_explain_tells_promises_and_steps_in_words(house: House) -> None:
    ticket = open_ticket(house)
    after(house, 16 * MINUTE)
    with house.gateway.reading() as conn:
        told = explaining.explain(conn, house.gateway.hub, ticket.id)
    assert any(line.startswith("首次响应 First response: 已超时 overdue") for line in told["promises_told"])
    ran = {s["step"]: s["told"] for s in told["escalation"]["ran"]}
    assert ran["p0/unanswered"] == ["15m 内无人响应 · not answered for 15m", "通知 told: wang.wei"]
    assert told["escalation"]["planned"][0]["step"] == "p0/unclaimed"
    assert told["promises_moved"][0]["told"][0] == "开单时按策略承诺 promised by the policy when it was opened"


def test_the_audit_names_an_escalation_that_did_not_run(house: House) -> None:
    ticket = open_ticket(house)
    house.clock.forward(17 * MINUTE)
    with house.gateway.reading() as conn:
        finding = next(f for f in ledger.audit(conn).findings if f.what.startswith("escalations"))
    assert any("p0/unanswered" in row and row.startswith("TKT-") for row in finding.rows)
    tick(house)
    with house.gateway.reading() as conn:
        assert ledger.audit(conn).clean
    assert again(house, ticket).priority == 0


def test_the_auditor_goes_round_and_keeps_its_proof(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "CHUNK", 2)
    for _ in range(5):
        open_ticket(house)
    after(house, 20 * MINUTE)
    auditor = Auditor()
    first = auditor.round(house.gateway, house.clock.now, chunks=2)
    assert (first.tickets, first.last is None) == (4, False)
    last = auditor.round(house.gateway, house.clock.now, chunks=2)
    assert (last.tickets, last.last, last.missing) == (5, None, [])
    with house.gateway.reading() as conn:
        (kept,) = conn.execute(select(tables.audit))
    assert (kept.tickets, kept.missing) == (5, 0)
    assert kept.due == last.due > 0


def test_the_sheet_is_told_in_words(house: House) -> None:
    ticket = open_ticket(house)
    after(house, HOUR)
    with house.gateway.reading() as conn:
        sheet = attribution.attribution(conn, house.gateway.hub, ticket.id, house.clock.now)
    out = Console(file=StringIO(), record=True, width=200)
    tell(out, sheet)
    told = out.export_text()
    assert "首次响应 First response: 超时 late by 45 min 00 s" in told
    assert "当时在 then in the hands of group:line-1" in told
    assert "wang.wei" in told
