"""A storm as an event: room, briefs, announcement, what was put off and its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

import id_registry
from gateway.storm import events
from tests.integration.together.house import Floor

STORMY = {
    "id": "plain", "on": "Alert", "flap": None, "storm": {"more_than": 2, "within": "1h"},
    "ticket": {"kind": "'incident'", "priority": "'P2'", "title": "title"},
}  # fmt: skip
WHO = {"policy": "storms", "participants": ["ma.hua", "group:workshop"], "approvers": ["role:director"]}


@pytest.fixture
def stormy(floor_with: Callable[..., Floor]) -> Floor:
    return floor_with(WHO, rules=[STORMY])


def tick(floor: Floor) -> int:
    house = floor.house
    return sum(events.tick(house.gateway, house.gateway.hub, house.clock.now) for _ in range(3))


def begin(floor: Floor, alerts: int = 5) -> str:
    """A storm of so many alerts, two of which have tickets of their own; answers the event's ticket."""
    for n in range(alerts):
        floor.house.tell(floor.house.alert(f"a{n}"))
    storm = next(t for t in floor.house.tickets() if (t.fingerprint or "").startswith("storm/"))
    tick(floor)
    return id_registry.format_id(storm.id)


def test_a_storm_has_a_room_a_first_brief_and_a_drafted_announcement(stormy: Floor) -> None:
    ticket = begin(stormy)
    told = stormy.ask("ma.hua", "GET", f"/{ticket}/storm")
    assert told["room"] == {"connection": None, "people": ["ma.hua"], "groups": ["workshop"]}
    (brief,) = told["briefs"]
    assert (brief["facts"]["members"], brief["facts"]["running"]) == (3, 3)
    assert "3 起告警" in brief["zh"]
    assert "3 alerts" in brief["en"]
    assert [a["state"] for a in told["announcements"]] == ["draft"]
    assert [p["what"] for p in told["postponed"]] == ["alert"] * 3
    names = [e["name"] for e in stormy.shown(ticket)["timeline"]]
    assert {"storm_room", "storm_brief"} <= set(names)


def test_a_brief_is_written_every_half_hour_with_what_was_done_since(stormy: Floor) -> None:
    ticket = begin(stormy)
    house = stormy.house
    house.clock.forward(60)
    stormy.do("li.na", ticket, "start")
    stormy.do("li.na", ticket, "comment", text="重启网关")
    house.clock.forward(29 * 60 - 1)
    tick(stormy)
    assert len(stormy.ask("ma.hua", "GET", f"/{ticket}/storm")["briefs"]) == 1
    house.clock.forward(1)
    tick(stormy)
    tick(stormy)
    second = stormy.ask("ma.hua", "GET", f"/{ticket}/storm")["briefs"][1]
    assert second["facts"]["done"] == {"start": 1, "comment": 1}
    assert "重启网关" in second["zh"]
    house.clock.forward(3 * 3600)  # nobody worked for three hours: one brief, then every half hour again
    tick(stormy)
    briefs = stormy.ask("ma.hua", "GET", f"/{ticket}/storm")
    assert len(briefs["briefs"]) == 3
    assert briefs["next_brief_at"] == house.clock.text(30 * 60)
    steps = [n.step for n in stormy.notices(ticket, "brief")]
    assert steps == ["1", "2", "3"]
    assert orjson.loads(stormy.notices(ticket, "brief")[0].groups) == ["workshop"]


def test_an_announcement_leaves_only_when_somebody_else_who_may_releases_it(stormy: Floor) -> None:
    ticket = begin(stormy)
    body = {"zh": "系统繁忙，正在处理。", "en": "We are on it."}
    drafted = stormy.ask("ma.hua", "POST", f"/{ticket}/announcement", 201, json=body)
    assert [a["state"] for a in drafted["announcements"]] == ["draft", "draft"]
    assert not [e for e in stormy.shown(ticket)["timeline"] if e["type"] == "comment"]
    assert "wrote" in stormy.ask("ma.hua", "POST", f"/{ticket}/announcement/2/approve", 403)["detail"]
    assert "role:director" in stormy.ask("li.na", "POST", f"/{ticket}/announcement/2/approve", 403)["detail"]
    sent = stormy.ask("ma.hua", "POST", f"/{ticket}/announcement/1/approve")
    assert [a["state"] for a in sent["announcements"]] == ["sent", "draft"]
    (comment,) = [e for e in stormy.shown(ticket)["timeline"] if e["type"] == "comment"]
    assert comment["data"]["public"] is True
    assert len(stormy.notices(ticket, "announcement")) == 1
    assert stormy.ask("ma.hua", "POST", f"/{ticket}/announcement/1/approve", 409)["status"] == 409
    assert (
        stormy.ask("ma.hua", "POST", f"/{ticket}/announcement/2/withdraw")["announcements"][1]["state"] == "withdrawn"
    )


def test_a_chat_connection_is_the_room_where_briefs_and_announcements_are_posted_once(
    floor_with: Callable[..., Floor],
) -> None:
    told = {
        "id": "tell",
        "on": "ticket.announced",
        "connection": "r",
        "op": "say",
        "body": {"text": "event.message"},
        "once": True,
    }
    room = WHO | {"room": {"connection": "r", "post": ["say"]}}
    floor = floor_with(room, rules=[STORMY], bridges=[told])
    ticket = begin(floor)
    for _ in range(2):
        tick(floor)
    floor.ask("ma.hua", "POST", f"/{ticket}/announcement/1/approve")
    commands = [c for c in floor.house.commands() if c.bridge in ("storm", "tell")]
    assert [(c.bridge, c.op) for c in commands] == [("storm", "say"), ("tell", "say"), ("storm", "say")]
    assert "第 1 次简报" in orjson.loads(commands[0].body)["title"]
    assert ticket in orjson.loads(commands[1].body)["text"]
    assert floor.ask("ma.hua", "GET", f"/{ticket}/storm")["room"]["connection"] == "r"


def test_several_workers_at_once_write_each_brief_once(stormy: Floor) -> None:
    ticket = begin(stormy)
    house = stormy.house
    for _ in range(3):
        house.clock.forward(30 * 60)
        with ThreadPoolExecutor(4) as pool:
            rounds = [pool.submit(events.tick, house.gateway, house.gateway.hub, house.clock.now) for _ in range(8)]
        for done in rounds:
            done.result()
    assert [b["number"] for b in stormy.ask("ma.hua", "GET", f"/{ticket}/storm")["briefs"]] == [1, 2, 3, 4]
    assert len(stormy.notices(ticket, "brief")) == 4


def test_when_all_members_recover_everything_put_off_has_its_end(stormy: Floor) -> None:
    low = stormy.make(priority="P3", group="service", assignee="li.na")
    ticket = begin(stormy)
    stormy.do("li.na", ticket, "assign", assignee="li.na")
    stormy.ask("li.na", "POST", f"/{ticket}/postpone", json={"ticket": low, "why": "先处理风暴"})
    house = stormy.house
    house.clock.forward(60)
    house.tell(*[house.alert(f"a{n}", status="resolved") for n in range(5)])
    tick(stormy)
    told = stormy.ask("ma.hua", "GET", f"/{ticket}/storm")
    assert told["filled_at"] is not None
    assert sorted((p["what"], p["end"]) for p in told["postponed"]) == [("alert", "recovered")] * 3 + [
        ("ticket", "resumed")
    ]
    assert [e["name"] for e in stormy.shown(low)["timeline"]][-1] == "resumed_after_storm"
    assert orjson.loads(stormy.notices(low, "resumed")[0].people) == ["li.na"]
    assert told["next_brief_at"] is None
    assert len(told["briefs"]) == 2


def test_a_member_that_still_fires_after_the_storm_gets_its_own_ticket(stormy: Floor) -> None:
    ticket = begin(stormy, alerts=4)
    house = stormy.house
    house.clock.forward(60)
    house.tell(house.alert("a2", status="resolved"))
    stormy.do("li.na", ticket, "resolve", resolution="根因已消除", cause="network")
    tick(stormy)
    told = stormy.ask("ma.hua", "GET", f"/{ticket}/storm")
    ends = {p["title"]: (p["end"], p["ticket"]) for p in told["postponed"]}
    assert ends["alert a2"] == ("recovered", None)
    end, own = ends["alert a3"]
    assert end == "ticketed"
    shown = stormy.shown(own)
    assert (shown["title"], shown["status"], shown["priority"]) == ("alert a3", "pending", "P2")
    house.tell(house.alert("a3", status="resolved"))
    assert stormy.shown(own)["status"] == "resolved"
    house.ends()
    house.verify()


def test_a_ticket_that_is_no_storm_has_no_event(stormy: Floor) -> None:
    ticket = stormy.make()
    assert stormy.ask("ma.hua", "GET", f"/{ticket}/storm", 404)["status"] == 404
    assert stormy.ask("ma.hua", "POST", f"/{ticket}/announcement", 404, json={"zh": "x"})["status"] == 404
