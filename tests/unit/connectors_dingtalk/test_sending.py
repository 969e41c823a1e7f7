"""What DingTalk's people see, and what becomes of a message it does not take."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import Message, Target
from connectors.contract import Command, Outcome
from connectors.dingtalk import DingtalkConfig, DingtalkConnector
from connectors.dingtalk.messages import notice_payload, robot_payload
from connectors.dingtalk.sandbox import AGENT, APP_KEY, Sandbox
from connectors.dingtalk.signing import sign
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.settings import parse_config


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A stand-in and connectors on it, by one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(self.clock)

    def robot(self, **more: Any) -> DingtalkConnector:
        given = {"robot_token": self.sandbox.robot_token, "robot_secret": self.sandbox.robot_secret}
        return self._make({**given, **more})

    def app(self, **more: Any) -> DingtalkConnector:
        given = {"app_key": APP_KEY, "agent_id": AGENT, "app_secret": self.sandbox.app_secret}
        return self._make({**given, "default_users": ["zhangsan"], **more})

    def _make(self, config: dict[str, Any]) -> DingtalkConnector:
        parsed: Any = parse_config(DingtalkConnector, config)
        return DingtalkConnector(parsed, transport=httpx.MockTransport(self.sandbox.handle), clock=self.clock)


@pytest.fixture
def house() -> House:
    return House()


def say(title: str = "7 号冲压机过热", *, id: str = "c-1", op: str = "send", key: Any = None, **body: Any) -> Command:
    return Command(id, op, {"to": "default"} if key is None else key, {"title": title, **body})


def test_the_signature_is_dingtalks() -> None:
    assert quote_plus(sign(1700000000000, "SECtest")) == "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g%3D"


# -- the robot ---------------------------------------------------------------------------------------------------------


def test_who_is_called_stands_in_the_text_and_in_at(house: House) -> None:
    house.robot().write(say(key={"users": "zhangsan"}, mention=["13800001111"]))
    arrived = house.sandbox.messages[0]
    assert arrived.mentioned == ("zhangsan", "13800001111")
    assert arrived.payload["at"] == {"atMobiles": ["13800001111"], "atUserIds": ["zhangsan"], "isAtAll": False}


def test_a_p0_calls_all_in_markdown(house: House) -> None:
    house.robot().write(say(text="**95 ℃**", priority="P0", mention="all", link="https://hub.test/t/1"))
    arrived = house.sandbox.messages[0]
    assert arrived.mentioned == ("@all",)
    assert arrived.title == "🔴 P0 7 号冲压机过热"
    assert arrived.text == "**🔴 P0 7 号冲压机过热**\n\n**95 ℃**\n\n[查看详情](https://hub.test/t/1)"


def test_a_keyword_is_put_into_messages_that_lack_it(house: House) -> None:
    house.sandbox.keyword("告警")
    robot = house.robot(robot_keyword="告警")
    assert robot.write(say()).outcome is Outcome.applied
    assert robot.write(say("告警：过热", id="2")).outcome is Outcome.applied
    assert [m.text.count("告警") for m in house.sandbox.messages] == [1, 1]


REFUSALS: list[tuple[str, list[Any], type[ConnectorError], str]] = [
    ("keyword", ["告警"], ConfigProblem, "robot_keyword"),
    ("resecret", ["SECanother"], AuthProblem, "robot_secret"),
    ("whitelist", [], AuthProblem, "安全设置"),
    ("remove_robot", [], AuthProblem, "robot_token"),
    ("skew", [7200.0], Transient, "clock"),
]


@pytest.mark.parametrize(("meddle", "args", "kind", "hint"), REFUSALS)
def test_a_refusal_by_the_robots_security_says_what_to_do(
    house: House, meddle: str, args: list[Any], kind: type[ConnectorError], hint: str
) -> None:
    robot = house.robot()
    getattr(house.sandbox, meddle)(*args)
    with pytest.raises(kind) as raised:
        robot.write(say())
    assert type(raised.value) is kind
    assert hint in raised.value.hint
    assert "http" not in str(raised.value)


@pytest.mark.parametrize(("meddle", "args", "kind", "hint"), REFUSALS)
def test_a_check_finds_it_before_a_message_does(
    house: House, meddle: str, args: list[Any], kind: type[ConnectorError], hint: str
) -> None:
    robot = house.robot()
    assert robot.check().ok
    getattr(house.sandbox, meddle)(*args)
    if meddle == "keyword":  # an empty message is refused as empty: only real ones meet the keyword
        assert robot.check().ok
    else:
        with pytest.raises(kind):
            robot.check()
    assert house.sandbox.messages == []


def test_over_twenty_a_minute_the_robot_is_mute_for_ten_minutes(house: House) -> None:
    robot = house.robot()
    for n in range(20):
        robot.write(say(id=str(n)))
    with pytest.raises(Transient, match="130101") as raised:
        robot.write(say(id="21"))
    assert raised.value.retry_after == 600
    house.clock.now += 599
    with pytest.raises(Transient):
        robot.write(say(id="22"))
    house.clock.now += 2
    assert robot.write(say(id="23")).outcome is Outcome.applied


def test_the_page_against_too_many_calls_says_how_long_to_wait(house: House) -> None:
    house.sandbox.defend(5)
    with pytest.raises(Transient) as raised:
        house.robot().write(say())
    assert raised.value.retry_after == 5


@given(
    st.text(st.characters(codec="utf-8"), max_size=9000),
    st.lists(st.text("0123456789", min_size=11, max_size=11), max_size=300),
)
def test_a_robots_body_is_within_dingtalks_bytes_whatever_it_says(text: str, called: list[str]) -> None:
    payload = robot_payload(
        Target(default=True), Message("t" * 300, text, "https://h.test/1", "P0", False, tuple(called))
    )
    assert len(orjson.dumps(payload)) <= 20_000
    assert payload["markdown"]["text"].startswith("**🔴 P0 t")


@given(st.text(st.characters(codec="utf-8"), max_size=3000))
def test_a_work_notice_is_within_its_bytes_and_keeps_its_mark(text: str) -> None:
    config = DingtalkConfig.model_validate({"app_key": APP_KEY, "agent_id": AGENT, "app_secret": "s" * 20})
    payload = notice_payload(config, Target(users=("a",)), Message("title", text, "https://h.test/1"), "abcd1234")
    assert len(orjson.dumps(payload["msg"])) <= 2048
    assert payload["msg"]["markdown"]["text"].endswith("#abcd1234")


# -- the app -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [40014, 42001])
def test_a_refused_token_is_renewed_once_and_the_notice_arrives_once(house: House, code: int) -> None:
    app = house.app()
    app.write(say(id="1"))
    house.sandbox.expire(code)
    assert app.write(say(id="2")).outcome is Outcome.applied
    assert (house.sandbox.fetched, len(house.sandbox.messages)) == (2, 2)


def test_the_receipt_of_a_notice_has_its_task(house: House) -> None:
    receipt = house.app().write(say(op="send_app"))
    assert receipt.external_id.isdecimal()
    assert receipt.values == {"task_id": receipt.external_id}


def test_a_repeat_arrives_once_and_two_commands_that_say_the_same_arrive_both(house: House) -> None:
    app = house.app()
    for id_ in ("1", "1", "2"):
        app.write(say(id=id_))
    assert len(house.sandbox.messages) == 2


def test_a_notice_to_nobody_known_is_rejected(house: House) -> None:
    receipt = house.app().write(say(key={"users": ["gone"]}))
    assert (receipt.outcome, "33012" in receipt.reason) == (Outcome.rejected, True)


def test_a_notice_to_all_names_nobody(house: House) -> None:
    house.app().write(say(key={"to": "all"}))
    assert house.sandbox.messages[0].payload["to_all_user"] is True


def test_too_many_receivers_are_rejected_before_anything_is_sent(house: House) -> None:
    receipt = house.app().write(say(key={"users": [f"u{n}" for n in range(101)]}))
    assert receipt.reason.startswith("key.users: 101")


def test_a_check_fetches_a_new_token_so_that_a_renewed_secret_is_found(house: House) -> None:
    app = house.app()
    app.write(say())
    house.sandbox.app_secret = "another-secret-of-the-app"
    with pytest.raises(AuthProblem, match="40089"):
        app.check()
