"""A channel that nobody relies on blindly: tried before a policy names it, named when it fails, told when it was never tried."""

from __future__ import annotations

from typing import Any

import pytest

import core_tickets
from connectors.channel_sandbox import Server
from connectors.wecom.sandbox import Sandbox
from gateway import heartbeats
from gateway.config import documents
from gateway.errors import BadConfiguration, Conflict, NotFound
from gateway.notify import trying
from gateway.usecases import explaining
from tests.integration.gateway.in_process import House
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import STAFF, apply_policy, hire, open_ticket, states, told, work

WECOM = {"connection": "wecom-app", "operation": "send_app", "address": "wecom"}


def try_it(house: House, channel: str = "wecom-app", **more: str) -> trying.Tried:
    return trying.try_channel(house.gateway, channel, "ann", **more)


def explained(house: House, ticket: core_tickets.Ticket) -> dict[str, Any]:
    with house.gateway.reading() as conn:
        return explaining.explain(conn, house.gateway.hub, ticket.id)


def save(house: House, *channels: dict[str, Any], **more: Any) -> None:
    apply_policy(house, tiers={"P0": {"channels": list(channels), **more}})


def refused(house: House, *channels: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    """The problems that a policy of these channels is refused for."""
    before = house.gateway.hub.generation
    with pytest.raises(BadConfiguration) as caught:
        save(house, *channels, **more)
    assert house.gateway.hub.generation == before
    return [(p.path.split("tiers.")[1], p.message, p.hint) for p in caught.value.problems]


def test_a_policy_with_a_channel_that_was_never_tested_is_refused_with_the_command_to_run(
    staffed: Staffed, wecom: Any
) -> None:
    house = staffed(wecom[1])
    hire(house)
    ((path, message, hint),) = refused(house, WECOM)
    assert (path, hint) == ("P0.channels[0].connection", "run: weft notify test wecom-app")
    assert "never tested" in message
    assert try_it(house).ok
    save(house, WECOM)
    assert "notification" in house.gateway.hub.policies.given


def test_a_heartbeat_that_worked_is_a_test(staffed: Staffed, wecom: Any) -> None:
    house = staffed(wecom[1])
    heartbeats.beat(house.gateway, house.gateway.hub, "wecom-app", 300)
    save(house, WECOM)
    assert "notification" in house.gateway.hub.policies.given


def test_a_try_that_failed_is_no_test(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    sandbox.renew_secret("another-secret-0123456789abcdef")
    tried = try_it(house)
    assert not tried.ok
    assert "40001" in tried.reason
    assert len(refused(house, WECOM)) == 1


def test_a_channel_that_once_worked_stays_tested_when_it_fails_later(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    try_it(house)
    sandbox.renew_secret("another-secret-0123456789abcdef")
    assert not try_it(house).ok
    save(house, WECOM)


def test_who_may_be_told_and_has_no_address_there_is_named(staffed: Staffed, wecom: Any) -> None:
    house = staffed(wecom[1])
    hire(house, [{**STAFF[0], "channels": {"wecom": ""}}, *STAFF[1:]])
    try_it(house)
    ((path, message, _),) = refused(house, WECOM)
    assert path == "P0.channels[0].address"
    assert message.endswith("'wecom': li.na")
    save(house, {**WECOM, "required": False})


@pytest.mark.parametrize(
    ("channel", "path"),
    [({"connection": "gone"}, "P0.channels[0].connection"),
     ({"connector": "feishu"}, "P0.channels[0].connector"),
     ({"connection": "wecom-app", "operation": "sing", "required": False}, "P0.channels[0].operation")],
)  # fmt: skip
def test_a_channel_that_is_not_there_or_cannot_do_it_is_refused(
    staffed: Staffed, wecom: Any, channel: dict[str, Any], path: str
) -> None:
    house = staffed(wecom[1])
    try_it(house)
    assert [p for p, _, _ in refused(house, channel)] == [path]


def test_a_channel_of_the_policy_cannot_be_switched_off_unnoticed(staffed: Staffed, wecom: Any) -> None:
    house = staffed(wecom[1])
    try_it(house)
    save(house, WECOM)
    with pytest.raises(BadConfiguration):
        house.gateway.apply(documents.validate({"connections": [{**wecom[1], "enabled": False}]}))


def test_a_test_message_goes_to_a_person_and_to_an_address(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    assert try_it(house, to="li.na").ok
    assert try_it(house, to="lisi").ok
    assert [m.to for m in sandbox.messages] == [("zhangsan",), ("lisi",)]
    unknown = try_it(house, to="nobody-there")
    assert not unknown.ok
    with pytest.raises(NotFound):
        trying.try_channel(house.gateway, "no-such-channel", "ann")
    with pytest.raises(Conflict):
        trying.try_channel(house.gateway, "r", "ann", to="x")


def test_explain_names_the_expired_secret_the_answer_and_the_channel_that_took_over(
    staffed: Staffed, wecom: Any, mail: Any
) -> None:
    sandbox, connection = wecom
    house = staffed(connection, mail[1])
    sandbox.renew_secret("another-secret-0123456789abcdef")
    heartbeats.beat(house.gateway, house.gateway.hub, "wecom-app", 300)
    ticket = open_ticket(house, 0)
    house.clock.forward(5)
    work(house)
    told_of = explained(house, ticket)
    words = "\n".join(line for each in told_of["notices"] for line in each["words"])
    assert "li.na wecom-app 未送达 not delivered：WeCom answers 40001" in words
    assert "app_secret" in words
    assert "li.na post 已送达 delivered" in words
    assert "在收件箱，未读" in words
    by_name = {c["channel"]: c["state"] for c in told_of["channels"]}
    assert (by_name["wecom-app"], by_name["post"], by_name["sms"]) == ("failing", "untested", "absent")


def test_explain_says_that_a_channel_was_never_tested(staffed: Staffed, wecom: Any) -> None:
    house = staffed(wecom[1])
    ticket = open_ticket(house, 0)
    (channel,) = [c for c in explained(house, ticket)["channels"] if c["channel"] == "wecom-app"]
    assert channel["state"] == "untested"
    assert "weft notify test wecom-app" in channel["words"]


def test_a_robot_speaks_to_its_group_once_and_gives_nobodys_link_away(staffed: Staffed) -> None:
    sandbox = Sandbox()
    with Server(sandbox.handle) as server:
        robot = {"id": "duty", "connector": "wecom", "config": {"robot_key": sandbox.robot_key, "api_url": server.url}}
        house = staffed(robot)
        try_it(house, "duty")
        save(house, {"connection": "duty", "strong": True})
        open_ticket(house, 0)
        house.clock.forward(5)
        work(house)
    (message,) = sandbox.messages
    assert "/r/" not in message.text
    assert "https://hub.test/tickets/TKT-" in message.text
    assert "@all" in message.mentioned
    assert states(house, "duty") == {"li.na": "delivered", "wang.wei": "delivered"}
    assert len({row.command_id for row in told(house, channel="duty")}) == 1
