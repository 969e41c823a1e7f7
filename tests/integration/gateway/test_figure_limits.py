"""A figure that stays beyond its limit opens one ticket, which ends when the figure is good again."""

from __future__ import annotations

from typing import Any

import pytest

import core_tickets
import id_registry
from core_tickets.figures import day_of
from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.figures import thresholds
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.test_figures import ZONE, keep, make, next_day

LIMIT = {"id": "duplicates", "metric": "duplicate_rate", "above": "0.05", "days": 3, "open": {"kind": "data_quality"}}


def configured(build: Build, **limit: Any) -> House:
    house = build({"policies": [{"policy": "figures", "thresholds": [LIMIT | limit]}]})
    next_day(house)
    return house


def a_day(house: House, *, duplicates: bool, group: str | None = None) -> str:
    """A day on which two tickets are opened about one device at once, or one after the other; then the next morning."""
    device = id_registry.parse_id("DEV-2026-000001")
    day = day_of(house.clock.now, ZONE)
    for _ in range(2):
        ticket = make(house, device=device, group=group)
        if not duplicates:
            finish(house, ticket)
        house.clock.forward(60)
    for ticket in house.tickets():
        if ticket.device == device and ticket.status == "pending":
            finish(house, ticket)
    next_day(house)
    keep(house)
    return day


def finish(house: House, ticket: core_tickets.Ticket) -> None:
    command = core_tickets.Command(ticket.id, "resolve", {"resolution": "done"}, actor="ann")
    assert house.gateway.transact(lambda conn: core_tickets.apply(conn, [command], house.clock.now))[0].error is None


def breaches(house: House) -> list[core_tickets.Ticket]:
    return [t for t in house.tickets() if "threshold" in t.labels]


def test_a_breach_opens_one_ticket_and_only_after_its_days(build: Build) -> None:
    house = configured(build)
    days = []
    for n in range(5):
        days.append(a_day(house, duplicates=True))
        assert len(breaches(house)) == (0 if n < 2 else 1)
    (ticket,) = breaches(house)
    assert (ticket.kind, ticket.priority, ticket.status) == ("data_quality", 2, "pending")
    assert f"/v1/figures/duplicate_rate/tickets?day={days[0]}&as_of=then" in ticket.description
    with house.gateway.reading() as conn:
        trail = core_tickets.timeline(conn, ticket.id)
    note = next(e for e in trail if e.name == "figure_breach")
    assert [d["day"] for d in note.data["days"]] == days[:3]
    assert trail[0].why == "duplicate_rate: 3 days 0.500000 > 0.05"
    house.verify()


def test_the_ticket_ends_when_the_figure_is_good_again_and_the_next_breach_opens_another(build: Build) -> None:
    house = configured(build, days=1)
    a_day(house, duplicates=True)
    good = a_day(house, duplicates=False)
    (ticket,) = breaches(house)
    assert ticket.status == "resolved"
    assert ticket.resolution is not None
    assert good in ticket.resolution
    a_day(house, duplicates=True)
    assert sorted(t.status for t in breaches(house)) == ["pending", "resolved"]
    house.verify()


def test_a_ticket_that_a_person_settled_is_not_opened_again_by_the_same_breach(build: Build) -> None:
    house = configured(build, days=1)
    a_day(house, duplicates=True)
    finish(house, breaches(house)[0])
    a_day(house, duplicates=True)
    a_day(house, duplicates=False)
    assert [t.resolution for t in breaches(house)] == ["done"]


def test_a_day_with_too_few_cases_neither_begins_nor_ends_a_breach(build: Build) -> None:
    house = configured(build, days=2, at_least=2)
    a_day(house, duplicates=True)
    next_day(house)  # nothing happens on this day
    keep(house)
    assert breaches(house) == []
    a_day(house, duplicates=True)
    next_day(house)
    keep(house)
    assert [t.status for t in breaches(house)] == ["pending"]


def test_every_group_is_watched_for_itself_and_gets_its_ticket(build: Build) -> None:
    house = configured(build, days=1, by="group", metric="opened", above="1", open={"kind": "management"})
    make(house, group="south")
    a_day(house, duplicates=False, group="north")
    assert [(t.kind, t.group) for t in breaches(house)] == [("management", "north")]


def test_two_workers_open_one_ticket(build: Build) -> None:
    one, two = configured(build, days=3), build({"policies": [{"policy": "figures", "thresholds": [LIMIT]}]})
    for _ in range(3):
        a_day(one, duplicates=True)
        assert thresholds.watch(two.gateway, one.clock.now) == 0
    assert len(breaches(one)) == 1


@pytest.mark.parametrize(
    ("limit", "path", "says"),
    [
        ({"metric": "duplicates_rate"}, "thresholds.0.metric", "did you mean 'duplicate_rate'?"),
        ({"above": None}, "thresholds.0", "exactly one of above and below"),
        ({"open": {"kind": "incident"}}, "thresholds.0.open.kind", "data_quality"),
        ({"open": {"group": "nowhere"}}, "thresholds[0].open.group", "there is no group 'nowhere'"),
    ],
)
def test_a_limit_that_cannot_work_is_refused_when_it_is_saved(
    house: House, limit: dict[str, Any], path: str, says: str
) -> None:
    policy = {"policy": "figures", "thresholds": [{k: v for k, v in (LIMIT | limit).items() if v is not None}]}
    with pytest.raises(BadConfiguration) as refused:
        house.gateway.apply(documents.validate({"policies": [policy]}))
    assert any(path in p.path and says in p.message + p.hint for p in refused.value.problems), refused.value.problems
