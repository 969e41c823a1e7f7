"""Figures of a hub: kept day by day, as known then and now, told over HTTP with the tickets and entries behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, func, insert, select, update
from typer.testing import CliRunner

import core_tickets
import id_registry
from core_tickets import tables as core
from core_tickets.figures import METRICS, day_of, entries_of, span
from gateway import clock
from gateway.cli import figures as commands
from gateway.cli.root import app
from gateway.config import documents
from gateway.figures import asking, computing, indexing, keeping, rounds
from gateway.figures.tables import figure_day, figure_value
from gateway.policies.figures import KIND
from tests.integration.figures.histories import seeded
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import Api, open_api

ZONE = "Asia/Shanghai"


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def make(house: House, **fields: Any) -> core_tickets.Ticket:
    """A ticket, opened by the core: no policy of the hub gives it away."""

    def do(conn: Connection) -> core_tickets.Ticket:
        number = id_registry.mint(conn, "ticket", 1, house.clock.now)[0]
        given: dict[str, Any] = {"id": number, "kind": "incident", "priority": 2, "title": "hot"}
        core_tickets.open_or_merge(conn, [core_tickets.Draft(**(given | fields))], house.clock.now)
        return core_tickets.get(conn, number)

    return house.gateway.transact(do)


def today(house: House) -> str:
    return day_of(house.clock.now, ZONE)


def next_day(house: House, days: int = 1, hour: int = 9) -> None:
    """To this hour of the morning, so many days on."""
    begin = date.fromisoformat(today(house)) + timedelta(days=days)
    midnight = span(begin.isoformat(), ZONE)[0]
    house.clock.now = midnight + hour * clock.HOUR


def keep(house: House) -> None:
    """A worker's rounds until nothing is left to do."""
    for _ in range(100):
        if rounds.run(house.gateway, house.clock.now) == 0:
            return
    raise AssertionError("the figures are never up to date")


def number(house: House, name: str, day: str, *, as_of: str | int = "now", by: str = "all", key: str = "") -> Any:
    terms = KIND.of(house.gateway.hub.policies).terms
    with house.gateway.reading() as conn:
        found = asking.series(conn, terms, name, day, day, by=by, as_of=as_of)
    return asking.shown(found.metric, found.days[day][key])["value"]


def test_a_resolved_ticket_is_finished_only_when_its_customer_confirms(house: House) -> None:
    next_day(house)
    day, ticket = today(house), make(house)
    house.clock.forward(600)
    house.act(ticket, "resolve", resolution="done")
    next_day(house, hour=1)
    keep(house)
    assert number(house, "resolved", day) == 1
    assert number(house, "confirmed_share", day) == 0
    house.act(ticket, "confirm", score=5)
    house.clock.forward(2 * 3600)
    keep(house)
    assert number(house, "confirmed_share", day) == 1, "as known now"
    assert number(house, "confirmed_share", day, as_of="then") == 0, "as known when the day ended"
    assert number(house, "confirmed", today(house)) == 1
    assert number(house, "satisfaction", today(house)) == 5


def test_a_figure_can_be_had_as_known_at_any_moment(house: House) -> None:
    next_day(house)
    day, ticket = today(house), make(house)
    house.act(ticket, "resolve", resolution="done")
    before = house.clock.now
    house.clock.forward(60)
    house.act(ticket, "confirm", score=4)
    keep(house)
    assert number(house, "confirmed_share", day, as_of=before) == 0
    assert number(house, "confirmed_share", day, as_of=house.clock.now) == 1


def test_a_promise_breaks_at_its_moment_though_nothing_happens_then(house: House) -> None:
    next_day(house, hour=20)
    make(house, priority=1, assignee="li.na")  # to be resolved within eight hours
    next_day(house)
    keep(house)
    assert number(house, "overdue", today(house)) == 1
    assert number(house, "overdue", today(house), by="person", key="li.na") == 1


def test_kept_sums_are_those_of_the_events_whenever_they_were_kept(house: House) -> None:
    gateway = house.gateway
    for seed in range(4):
        with gateway.transaction() as conn:
            work = seeded(conn, seed, 60, now=house.clock.now)
        house.clock.now = work.now
        keep(house)  # after each part of the history
    house.clock.forward(40 * 86_400)
    keep(house)
    assert_up_to_date(house)


def assert_up_to_date(house: House) -> None:
    """What is kept of every day is what its events give, then and now, and no fact is on a day that is not kept."""
    terms, now = KIND.of(house.gateway.hub.policies).terms, house.clock.now
    with house.gateway.reading() as conn:
        every = list(conn.execute(select(core.ticket.c.id)).scalars())
        days = list(conn.execute(select(figure_day.c.day)).scalars())
        whole = computing.Part(terms, 0, 1 << 61, every, entries_of(conn, every), {}, {})
        found = {c.fact.at for facts in whole.facts(list(METRICS.values()), now).values() for c in facts}
        assert {day_of(at, ZONE) for at in found} <= set(days)
        for day in days:
            if day > day_of(now, ZONE):
                continue
            fresh = keeping.compute(conn, terms, day, now)
            held = conn.execute(select(figure_value).where(figure_value.c.day == day))
            kept = {(r.metric, r.basis, r.dimension): r.groups for r in held}
            assert {(r["metric"], r["basis"], r["dimension"]): r["groups"] for r in fresh.rows} == kept


def test_to_compute_a_day_again_gives_the_same(house: House) -> None:
    with house.gateway.transaction() as conn:
        house.clock.now = seeded(conn, 5, 80).now
    next_day(house, days=2)
    keep(house)
    policy = KIND.of(house.gateway.hub.policies)
    with house.gateway.reading() as conn:
        days = list(conn.execute(select(figure_day.c.day).where(figure_day.c.day < today(house))).scalars())
        before = set(conn.execute(select(figure_value)))
    assert [r for day in days for r in keeping.refresh(house.gateway, policy, day, house.clock.now)] == []
    with house.gateway.reading() as conn:
        after = set(conn.execute(select(figure_value)))
    settled = {row for row in before if row.basis == "then"}
    assert settled
    assert settled == {row for row in after if row.basis == "then"}


def test_what_was_stored_late_is_told_as_a_revision(house: House) -> None:
    next_day(house)
    day, ticket = today(house), make(house)
    next_day(house)
    keep(house)
    late = {"ticket_id": ticket.id, "at": house.clock.now - clock.DAY, "type": "change", "name": "confirm", "actor": "x",
            "actor_kind": "person", "why": "", "version": 1, "changes": "[]", "data": '{"score": 3}'}  # fmt: skip
    with house.gateway.transaction() as conn:
        conn.execute(insert(core.entry).values(**late))
    house.clock.forward(2 * 3600)
    keep(house)
    assert number(house, "confirmed", day, as_of="then") == 1
    with house.gateway.reading() as conn:
        told = asking.revisions(conn, day, day, "confirmed")
    assert [(r["dimension"], r["before"], r["after"]) for r in told if r["dimension"] == "all"] == [
        ("all", [0, 0, 0], [1, 1, 1])
    ]


def test_days_are_recomputed_by_command_and_what_changed_is_told_with_exit_code_1(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def here(**_: Any) -> Iterator[Any]:
        yield house.gateway

    monkeypatch.setattr(commands, "gateway", here)

    def recompute(*days: str) -> tuple[int, Any]:
        done = CliRunner().invoke(app, ["figures", "recompute", "--from", days[0], "--to", days[-1], "--json"])
        return done.exit_code, orjson.loads(
            done.stdout[done.stdout.index("{\n") :]
        ) if done.exit_code < 2 else done.output

    next_day(house)
    day, _ = today(house), make(house)
    next_day(house)
    keep(house)
    assert recompute(day) == (0, {"days": [day], "changed": []})
    with house.gateway.transaction() as conn:  # somebody counted by hand
        mine = (figure_value.c.day == day, figure_value.c.metric == "opened", figure_value.c.dimension == "all")
        conn.execute(update(figure_value).where(*mine).values(groups='{"":[7,7,7]}'))
    code, told = recompute(day)
    assert (code, {(c["metric"], c["dimension"]) for c in told["changed"]}) == (1, {("opened", "all")})
    assert next((c["before"], c["after"]) for c in told["changed"]) == ([7, 7, 7], [1, 1, 1])
    assert recompute(day, today(house)) == (0, {"days": [day, today(house)], "changed": []})
    assert number(house, "opened", day) == 1
    assert recompute("2026-13-01")[0] == 2


def test_another_time_zone_makes_every_day_anew(build: Build) -> None:
    house = build()
    next_day(house, hour=3)  # the evening before in UTC
    make(house)
    keep(house)
    shanghai = today(house)
    assert number(house, "opened", shanghai) == 1
    house.gateway.apply(documents.validate({"policies": [{"policy": "figures", "timezone": "UTC"}]}))
    keep(house)
    with house.gateway.reading() as conn:
        days = set(conn.execute(select(figure_day.c.day)).scalars())
    assert day_of(house.clock.now, "UTC") in days
    assert number(house, "opened", day_of(house.clock.now, "UTC")) == 1


def test_an_entry_that_commits_late_is_still_taken_in(house: House) -> None:
    next_day(house)
    make(house)
    keep(house)
    with house.gateway.reading() as conn:
        last = conn.execute(select(func.max(core.entry.c.id))).scalar_one()
    with house.gateway.transaction() as conn:  # the next number is taken by a transaction that is slow to commit
        conn.execute(update(core.entry).where(core.entry.c.id == last).values(id=last + 5))
    make(house)
    house.clock.forward(61)
    keep(house)
    assert number(house, "opened", today(house)) == 2


def test_two_workers_keep_the_same_sums(build: Build) -> None:
    one, two = build(), build()
    next_day(one)
    with one.gateway.transaction() as conn:
        one.clock.now = seeded(conn, 11, 60).now
    next_day(one)
    for _ in range(6):
        rounds.run(one.gateway, one.clock.now)
        rounds.run(two.gateway, two.clock.now)
    keep(one)
    assert_up_to_date(one)


def test_the_index_takes_a_long_history_in_by_pages(house: House) -> None:
    with house.gateway.transaction() as conn:
        house.clock.now = seeded(conn, 3, 120).now
    house.clock.forward(600)
    terms = KIND.of(house.gateway.hub.policies).terms
    with house.gateway.transaction() as conn:
        pages = 0
        while indexing.index(conn, terms, house.clock.now, page=20):
            pages += 1
        assert pages > 3
        assert indexing.behind(conn, terms) == 0
    keep(house)
    assert_up_to_date(house)


def test_the_api_tells_a_number_and_the_tickets_and_entries_behind_it(api: Api) -> None:
    house = api.house
    next_day(house)
    first, second = make(house, assignee="li.na"), make(house, assignee="wang.wei")
    house.clock.forward(90)
    house.act(first, "start")
    house.clock.forward(30)
    house.act(second, "start")
    keep(house)
    day = today(house)
    told = api.ask("GET", f"/v1/figures/first_response?from={day}&to={day}").json()
    assert told["basis"] == "now"
    assert told["unit"] == "s"
    assert told["total"] == [{"key": "", "value": "105.000000", "numerator": "210000000", "denominator": 2, "facts": 2}]
    behind = api.ask("GET", f"/v1/figures/first_response/tickets?day={day}").json()
    assert behind["total"] == {k: v for k, v in told["total"][0].items() if k != "key"}
    assert [item["value"] for item in behind["items"]] == ["90.000000", "120.000000"]
    timeline = api.ask("GET", f"/v1/tickets/{behind['items'][0]['ticket']}").json()["timeline"]
    names = {e["id"]: e["name"] for e in timeline}
    assert [names[i] for i in behind["items"][0]["entries"]] == ["open", "start"]
    by_person = api.ask("GET", f"/v1/figures/first_response?from={day}&to={day}&by=person").json()
    assert [g["key"] for g in by_person["total"]] == ["ann"], "it counts for who answered"


def test_the_list_names_every_figure_with_its_version(api: Api) -> None:
    told = api.ask("GET", "/v1/figures").json()["items"]
    assert [m["name"] for m in told] == list(METRICS)
    assert all(len(m["version"]) == 64 and m["title_zh"] and m["about"] for m in told)


def test_a_heat_map_tells_stays_by_stage_weekday_and_hour(api: Api) -> None:
    house = api.house
    next_day(house, hour=10)
    ticket = make(house, group="north")
    house.clock.forward(1800)
    house.act(ticket, "start")
    keep(house)
    day = today(house)
    told = api.ask("GET", f"/v1/figures/stay_time/heatmap?from={day}&to={day}").json()
    weekday = date.fromisoformat(day).isoweekday()
    (cell,) = told["cells"]
    assert (cell["stage"], cell["weekday"], cell["hour"], cell["value"]) == ("pending", weekday, 10, "1800.000000")
    groups = api.ask("GET", f"/v1/figures/stay_time/heatmap?from={day}&to={day}&across=group").json()
    assert [(c["stage"], c["group"]) for c in groups["cells"]] == [("pending", "north")]
    assert api.ask("GET", "/v1/figures/opened/heatmap").status_code == 422


def test_a_heat_map_tells_where_tickets_come_back(api: Api) -> None:
    house = api.house
    next_day(house, hour=10)
    back, on = make(house, group="north"), make(house, group="south")
    for ticket in (back, on):
        house.act(ticket, "start")
    house.clock.forward(3600)
    house.act(back, "return", reason="没有钥匙")  # out of the stage it was begun in, into the one it came from
    house.act(on, "resolve", resolution="done")
    house.clock.forward(3600)
    house.act(back, "start")
    keep(house)
    day = today(house)
    told = api.ask("GET", f"/v1/figures/return_rate/heatmap?from={day}&to={day}").json()
    cells = {(c["stage"], c["hour"]): (c["value"], c["denominator"]) for c in told["cells"]}
    assert cells == {
        ("pending", 10): ("0.000000", 2), ("in_progress", 10): ("0.500000", 2), ("pending", 11): ("1.000000", 1),
    }  # fmt: skip
    groups = api.ask("GET", f"/v1/figures/return_rate/heatmap?from={day}&to={day}&across=group").json()
    by_group = {(c["stage"], c["group"]): c["value"] for c in groups["cells"]}
    assert (by_group["in_progress", "north"], by_group["in_progress", "south"]) == ("1.000000", "0.000000")


def test_what_cannot_be_answered_is_refused_with_what_to_write(api: Api) -> None:
    refused = {
        "/v1/figures/overdu": "overdue",
        "/v1/figures/overdue?from=2026-13-01&to=2026-13-02": "2026-11-22",
        "/v1/figures/overdue?from=2026-11-02&to=2026-11-01": "the earlier one first",
        "/v1/figures/overdue?by=stage": "write one of all, person",
        "/v1/figures/overdue?as_of=yesterday": "write now, then",
        "/v1/figures/overdue?as_of=2199-01-01T00:00:00Z": "not in the past",
        "/v1/figures/overdue?from=2025-01-01&to=2026-01-01&as_of=2026-02-01T00:00:00Z": "at most 31 days",
        "/v1/figures/overdue/tickets?day=2026-11-01&stage=pending": "not counted by it",
    }
    for path, says in refused.items():
        answer = api.ask("GET", path)
        assert answer.status_code in (404, 422), path
        assert says in answer.text


def test_a_customers_look_is_an_event_of_the_ticket(api: Api) -> None:
    house = api.house
    next_day(house)
    ticket = make(house)
    number_ = id_registry.format_id(ticket.id)
    assert api.ask("POST", f"/v1/tickets/{number_}/views", json={"by": "Mr Wu"}).status_code == 201
    house.act(ticket, "resolve", resolution="done")
    keep(house)
    assert number(house, "customer_views", today(house)) == 1
    assert number(house, "action_temperature", today(house)) == 1


def test_a_scrape_sees_yesterdays_figures(api: Api) -> None:
    house = api.house
    next_day(house)
    make(house)
    next_day(house)
    keep(house)
    text = api.client.get("/metrics").text
    assert 'weft_figure{metric="opened"} 1.0' in text
    assert "weft_figure_days_waiting 0.0" in text


def test_the_field_graph_leads_from_a_field_to_the_figures_it_feeds(api: Api) -> None:
    told = api.ask("GET", "/v1/lineage/graph?dataset=Ticket&field=resolution_due").json()
    assert {"dataset": "Figure", "field": "overdue"} in [e["target"] for e in told["edges"]]


def test_repeats_of_alerts_and_questions_count_as_events(house: House) -> None:
    next_day(house)
    for n in range(4):
        house.tell(house.alert("a", title=f"again {n}", episode="1"))
        house.clock.forward(1)
    keep(house)
    with house.gateway.reading() as conn:
        terms = KIND.of(house.gateway.hub.policies).terms
        found = asking.behind(conn, terms, "repeat_share", today(house), now=house.clock.now)
    merged = sum(c.fact.denominator for c in found) - 1
    assert merged >= 1
    assert number(house, "repeat_share", today(house)) > 0
