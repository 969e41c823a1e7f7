"""From an alert to the people: what the channels' own bridges say, to whom, and what they keep to themselves."""

from __future__ import annotations

from typing import Any

from connectors.channel_sandbox import Server
from connectors.dingtalk.sandbox import Sandbox as Dingtalk
from connectors.smtp.sandbox import Sandbox as Mail
from connectors.wecom.sandbox import Sandbox as Wecom
from id_registry import Observation, observe
from tests.integration.channels.conftest import RULE, Start, work
from tests.integration.gateway.in_process import House


def told(house: House, sandbox: Any) -> list[Any]:
    work(house)
    return list(sandbox.messages)


def alert(house: House, key: str = "a", **more: Any) -> dict[str, Any]:
    facts = {"title": "主轴过热", "device": "press-7", "description": "95 ℃，上限 85 ℃"}
    return house.alert(key, **{**facts, **more})


def test_a_p0_is_told_to_all_with_device_ticket_and_link(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    house = start({"id": "duty", **settings})
    house.tell(alert(house, "before", severity="minor"))
    seen = [Observation(house.tickets()[0].device or 0, "mes", "name", "7 号冲压机", house.clock.now)]
    with house.gateway.transaction() as conn:
        observe(conn, seen, house.clock.now)
    house.tell(alert(house))
    (arrived,) = told(house, sandbox)
    assert arrived.mentioned == ("@all",)
    assert arrived.text.splitlines() == [
        "🔴 P0 主轴过热", "设备 7 号冲压机", "95 ℃，上限 85 ℃", "工单 TKT-2026-000002",
        "https://hub.test/tickets/TKT-2026-000002",
    ]  # fmt: skip


def test_a_p1_is_told_quietly_and_a_p3_is_not(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    house = start({"id": "duty", **settings})
    house.tell(alert(house, "a", severity="major"), alert(house, "b", severity="minor"))
    (arrived,) = told(house, sandbox)
    assert arrived.mentioned == ()
    assert arrived.text.startswith("**🟠 P1 主轴过热**")


def test_an_alert_merged_into_its_ticket_is_not_told_again(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    house = start({"id": "duty", **settings})
    for minute in range(3):
        house.tell(alert(house, description=f"still hot after {minute} minutes"))
    assert len(told(house, sandbox)) == 1


def test_the_end_is_told_in_short_and_a_return_again(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    house = start({"id": "duty", **settings})
    house.tell(alert(house))
    house.clock.forward(60)
    house.tell(alert(house, status="resolved"))
    house.clock.forward(60)
    house.tell(alert(house, episode="2", starts_at=house.clock.text()))
    headlines = [m.text.splitlines()[0].strip("*") for m in told(house, sandbox)]
    assert headlines == ["🔴 P0 主轴过热", "✅ 已解决：主轴过热", "🔴 P0 重新打开：主轴过热"]


def test_what_a_person_makes_a_p0_is_told_like_one(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    house = start({"id": "duty", **settings})
    house.tell(alert(house, severity="minor"))
    house.act(house.tickets()[0], "set", priority=0)
    (arrived,) = told(house, sandbox)
    assert (arrived.mentioned, "升级为 P0：主轴过热" in arrived.text) == (("@all",), True)


def test_a_storm_is_told_once(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    quiet = {**RULE, "ticket": {**RULE["ticket"], "priority": "'P3'"}, "storm": {"more_than": 2}}  # type: ignore[dict-item]
    house = start({"id": "duty", **settings}, rules=[quiet])
    house.tell(*(alert(house, f"a{n}") for n in range(8)))
    assert len(told(house, sandbox)) == 1
    house.clock.forward(60)
    house.tell(*(alert(house, f"a{n}", status="resolved") for n in range(8)))
    assert len(told(house, sandbox)) == 2


def test_every_channel_is_told_but_one_that_is_switched_off(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    ding, post = Dingtalk(), Mail()
    port = post.serve()
    try:
        with Server(ding.handle) as server:
            robot = {"robot_token": ding.robot_token, "robot_secret": ding.robot_secret, "api_url": server.url}
            mail = {"host": "127.0.0.1", "port": port, "security": "none", "from_address": "weft@example.com"}
            house = start(
                {"id": "one", **settings},
                {"id": "two", **settings},
                {"id": "off", **settings, "enabled": False},
                {"id": "ding", "connector": "dingtalk", "config": robot},
                {"id": "mail", "connector": "email", "config": {**mail, "default_to": ["duty@example.com"]}},
            )
            house.tell(alert(house))
            work(house)
        assert (len(sandbox.messages), len(ding.messages), len(post.messages)) == (2, 1, 1)
        assert ding.messages[0].mentioned == ("@all",)
        assert post.messages[0].title == "🔴 P0 主轴过热"
        assert {r.state for r in house.commands()} == {"done"}
    finally:
        post.close()


def test_a_burst_reaches_the_group_within_the_vendors_limit_and_every_ticket_is_settled(
    start: Start, wecom: tuple[Wecom, dict[str, Any]]
) -> None:
    sandbox, settings = wecom
    house = start({"id": "duty", **settings})
    house.tell(*(alert(house, f"a{n}", title=f"告警 {n}", severity="major") for n in range(45)))
    arrived = told(house, sandbox)
    assert len(arrived) <= 18
    assert [r.state for r in house.commands()] == ["done"] * 45
    said = "\n".join(m.text for m in arrived)
    assert all(f"TKT-2026-{n:06}" in said for n in range(1, 46))


def test_a_bridge_of_ones_own_replaces_the_built_in_one(start: Start, wecom: tuple[Wecom, dict[str, Any]]) -> None:
    sandbox, settings = wecom
    own = {"id": "wecom-p0", "on": "ticket.opened", "when": "ticket.priority == 'P0'", "connection": "duty", "op": "send",
           "key": {"users": "'zhangsan'"}, "body": {"title": "concat('看：', ticket.title)"}}  # fmt: skip
    house = start({"id": "duty", **settings}, bridges=[own])
    house.tell(alert(house))
    (arrived,) = told(house, sandbox)
    assert (arrived.text.strip(), arrived.mentioned) == ("**看：主轴过热**\n\n <@zhangsan>", ("zhangsan",))
