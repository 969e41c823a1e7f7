"""Whom a ticket's events reach, over which channel, and what happens when a channel does not deliver."""

from __future__ import annotations

from typing import Any

import pytest

from core_tickets.people import ShiftTold, put_shifts
from gateway.usecases import tickets
from tests.integration.gateway.in_process import House
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import STAFF, hire, notes, notices, open_ticket, states, told, work
from tests.integration.notify.text_messages import text_messages


def test_without_any_channel_everything_is_in_the_inbox_and_nothing_is_sent(staffed: Staffed) -> None:
    house = staffed()
    open_ticket(house)
    house.clock.forward(5)
    work(house)
    assert states(house, "app") == {"li.na": "delivered", "wang.wei": "delivered"}
    assert (notices(house), house.commands()) == ([("opened", "sent")], [])


def test_a_hub_that_knows_no_people_tells_nobody_and_makes_no_noise(staffed: Staffed) -> None:
    house = staffed(people=False)
    ticket = open_ticket(house)
    house.clock.forward(5)
    work(house)
    assert (notices(house), told(house)) == ([("opened", "nobody")], [])
    assert notes(house, ticket, "nobody_reached") == []


def test_a_p0_goes_to_everybody_of_the_group_at_once_with_a_link_of_ones_own(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    ticket = open_ticket(house)
    house.clock.forward(5)
    work(house)
    assert states(house, "wecom-app") == {"li.na": "delivered", "wang.wei": "delivered"}
    assert sorted(m.to for m in sandbox.messages) == [("lisi",), ("zhangsan",)]
    links = {m.text.split("https://hub.test/r/")[1].split(")")[0] for m in sandbox.messages}
    assert len(links) == 2
    assert "压机过热" in sandbox.messages[0].text
    assert len(notes(house, ticket, "notified")) == 1


@pytest.mark.parametrize("name", ["sms", "phone"])
def test_a_p0_reaches_its_holder_over_wecom_a_gateway_of_text_messages_and_dingtalk_at_once(
    staffed: Staffed, wecom: Any, dingtalk: Any, name: str
) -> None:
    with text_messages(name) as texts:
        house = staffed(wecom[1], dingtalk[1], *texts.connections, connectors=texts.connectors)
        reached = {"wecom": "zhangsan", "dingtalk": "manager4220", "sms": "13800000302", "phone": "13800000302"}
        hire(house, [{**STAFF[0], "channels": reached}, *STAFF[1:]])
        open_ticket(house, 0, assignee="li.na")
        house.clock.forward(5)
        work(house)
    of = {row.channel: (row.person, row.state) for row in told(house) if row.channel != "app"}
    assert of == dict.fromkeys(("wecom-app", "ding-app", f"{name}-gateway"), ("li.na", "delivered"))
    assert [m.to for m in wecom[0].messages] == [("zhangsan",)]
    assert [m.to for m in dingtalk[0].messages] == [("manager4220",)]
    assert texts.sent == [(["13800000302"], "新工单 New ticket：压机过热")]
    for message in (wecom[0].messages[0].text, dingtalk[0].messages[0].text):
        assert "压机过热" in message
        assert "https://hub.test/r/" in message


def test_the_same_event_is_told_once_however_often_the_worker_looks(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    open_ticket(house)
    for _ in range(3):
        house.clock.forward(60)
        work(house)
    assert len(sandbox.messages) == 2


def test_whoever_is_assigned_is_told_and_who_takes_a_ticket_himself_is_not(staffed: Staffed) -> None:
    house = staffed()
    ticket = open_ticket(house, 2, group=None)
    house.act(ticket, "assign", assignee="li.na")
    house.clock.forward(5)
    work(house)
    assert states(house, "app") == {"li.na": "delivered"}
    house.gateway.transact(
        lambda c: tickets.act(c, house.gateway, ticket.id, "assign", {"assignee": "wang.wei"}, actor="wang.wei")
    )
    house.clock.forward(5)
    work(house)
    assert states(house, "app") == {"li.na": "delivered"}


def test_an_expired_secret_is_named_and_the_next_channel_is_taken(
    staffed: Staffed, wecom: Any, dingtalk: Any, mail: Any
) -> None:
    sandbox, connection = wecom
    post, by_mail = mail
    house = staffed(connection, by_mail)
    sandbox.renew_secret("another-secret-0123456789abcdef")
    open_ticket(house, 1)
    house.clock.forward(5)
    work(house)
    assert states(house, "wecom-app") == {"li.na": "failed", "wang.wei": "failed"}
    assert all("40001" in row.reason and "app_secret" in row.reason for row in told(house, channel="wecom-app"))
    assert states(house, "post") == {"li.na": "delivered", "wang.wei": "delivered"}
    assert sorted(m.to for m in post.messages) == [("li@example.com",), ("wang@example.com",)]
    assert notices(house) == [("opened", "sent")]


def test_when_nobody_is_reached_it_stands_in_the_timeline_and_those_who_lead_are_told(
    staffed: Staffed, wecom: Any
) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    sandbox.distrust()
    ticket = open_ticket(house)
    house.clock.forward(5)
    work(house)
    assert notices(house) == [("opened", "nobody"), ("nobody_reached", "nobody")]
    first, second = notes(house, ticket, "nobody_reached")
    assert "60020" in first["why"][0]
    assert set(states(house, "app")) == {"li.na", "wang.wei", "zhou.min", "chen.bo"}
    assert "60020" in second["why"][0]


def test_who_is_unknown_to_the_channel_is_not_taken_for_told(staffed: Staffed, wecom: Any) -> None:
    _, connection = wecom
    house = staffed(connection)
    hire(house, [{**STAFF[0], "channels": {"wecom": "nobody-there"}}, *STAFF[1:]])
    open_ticket(house)
    house.clock.forward(5)
    work(house)
    assert states(house, "wecom-app") == {"li.na": "failed", "wang.wei": "delivered"}


def test_what_is_not_delivered_in_time_goes_over_the_next_channel_as_well(
    staffed: Staffed, wecom: Any, mail: Any
) -> None:
    sandbox, connection = wecom
    house = staffed(connection, mail[1])
    sandbox.be_busy(1000)
    open_ticket(house)
    house.clock.forward(5)
    work(house)
    assert states(house, "post") == {}
    house.clock.forward(121)
    work(house)
    assert states(house, "post") == {"li.na": "delivered", "wang.wei": "delivered"}
    sandbox.heal()
    for _ in range(6):
        house.clock.forward(300)
        work(house)
    assert len(sandbox.messages) <= 2


@pytest.mark.parametrize("priority", [1, 2])
def test_in_the_night_what_is_not_a_p0_waits_for_the_morning_and_comes_as_one(
    staffed: Staffed, wecom: Any, mail: Any, priority: int
) -> None:
    sandbox, connection = wecom
    house = staffed(connection, mail[1])
    house.clock.now = night(house)
    for n in range(3):
        open_ticket(house, priority, title=f"压机 {n}")
    house.clock.forward(5)
    work(house)
    channel, box = ("wecom-app", sandbox) if priority == 1 else ("post", mail[0])
    assert set(states(house, channel).values()) == {"held"}
    assert box.messages == []
    house.clock.forward(9 * 3600)
    work(house)
    assert set(states(house, channel).values()) == {"delivered"}
    assert len(box.messages) == 2
    assert all("3 条通知" in (m.text + m.title) for m in box.messages)


def test_in_the_night_a_p0_rings(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    house.clock.now = night(house)
    open_ticket(house, 0)
    house.clock.forward(5)
    work(house)
    assert len(sandbox.messages) == 2


def test_of_a_flood_one_person_gets_a_few_messages_and_then_lists(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    for wave in range(4):
        for n in range(20):
            open_ticket(house, 1, title=f"压机 {wave} {n}")
        house.clock.forward(5)
        work(house)
    for _ in range(4):
        house.clock.forward(121)
        work(house)
    assert set(states(house, "wecom-app").values()) == {"delivered"}
    assert len(told(house, channel="wecom-app")) == 160
    mine = [m for m in sandbox.messages if m.to == ("zhangsan",)]
    assert 4 <= len(mine) <= 6


def shifts(house: House, *people: str) -> None:
    """Plan a shift of today for these, and one of tomorrow for everybody of the group."""
    now, day = house.clock.now, 86_400_000_000
    plan = [ShiftTold("r", f"{p}1", "", p, now - day // 24, now + day // 3) for p in people]
    plan += [ShiftTold("r", f"{p}2", "", p, now + day, now + day + day // 3) for p in ("li.na", "wang.wei")]
    with house.gateway.transaction() as conn:
        put_shifts(conn, plan)
    house.gateway.reload()


def test_of_a_group_those_on_shift_are_told(staffed: Staffed) -> None:
    house = staffed()
    shifts(house, "wang.wei")
    open_ticket(house, 0)
    house.clock.forward(5)
    work(house)
    assert set(states(house, "app")) == {"wang.wei"}


@pytest.mark.parametrize(("priority", "who"), [(0, {"zhou.min"}), (2, {"li.na", "wang.wei"})])
def test_of_a_group_that_is_away_the_lead_is_told_what_cannot_wait(
    staffed: Staffed, priority: int, who: set[str]
) -> None:
    house = staffed()
    shifts(house)
    open_ticket(house, priority)
    house.clock.forward(5)
    work(house)
    assert set(states(house, "app")) == who


def test_at_night_who_is_on_shift_is_told_at_once_and_the_others_in_the_morning(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    house.clock.now = night(house)
    shifts(house, "li.na")
    ticket = open_ticket(house, 1, group=None)
    for person in ("li.na", "wang.wei"):
        house.act(ticket, "assign", assignee=person)
    house.clock.forward(5)
    work(house)
    assert states(house, "wecom-app") == {"li.na": "delivered", "wang.wei": "held"}
    assert [m.to for m in sandbox.messages] == [("zhangsan",)]


def night(house: House) -> int:
    """Two o'clock in the night after the test's clock, in Shanghai."""
    day = 86_400_000_000
    return (house.clock.now // day + 1) * day - 6 * 3_600_000_000
