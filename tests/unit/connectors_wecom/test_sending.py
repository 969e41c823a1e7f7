"""What WeCom's people see, and what becomes of a message it does not take."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.channels import size
from connectors.contract import Command, Outcome
from connectors.errors import AuthProblem, ConfigProblem, Transient
from connectors.runtime import Connection, Done, NeedsPerson, NotDone, RetryAt
from connectors.settings import parse_config
from connectors.wecom import WecomConnector
from connectors.wecom.sandbox import AGENT, CORP, Sandbox


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
        self.requests: list[httpx.Request] = []

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.sandbox.handle(request)

    def robot(self, **more: Any) -> WecomConnector:
        return self._make({"robot_key": self.sandbox.robot_key, **more})

    def app(self, **more: Any) -> WecomConnector:
        given = {"corp_id": CORP, "agent_id": AGENT, "app_secret": self.sandbox.secret}
        return self._make({**given, "default_users": ["zhangsan"], **more})

    def _make(self, config: dict[str, Any]) -> WecomConnector:
        parsed: Any = parse_config(WecomConnector, config)
        return WecomConnector(parsed, transport=httpx.MockTransport(self._handle), clock=self.clock)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.sandbox.messages]


@pytest.fixture
def house() -> House:
    return House()


def say(title: str = "7 号冲压机过热", *, id: str = "c-1", op: str = "send", key: Any = None, **body: Any) -> Command:
    return Command(id, op, {"to": "default"} if key is None else key, {"title": title, **body})


# -- the robot ---------------------------------------------------------------------------------------------------------


def test_a_robots_message_is_markdown_with_priority_title_text_and_link(house: House) -> None:
    house.robot().write(say(text="主轴 **95 ℃**", link="https://hub.test/t/1", priority="P1"))
    assert house.texts == ["**🟠 P1 7 号冲压机过热**\n\n主轴 **95 ℃**\n\n[查看详情](https://hub.test/t/1)"]


def test_all_are_called_by_a_plain_text_because_markdown_cannot(house: House) -> None:
    house.robot().write(say(text="**95 ℃**, [图](https://g.test/1)", priority="P0", mention="all"))
    arrived = house.sandbox.messages[0]
    assert arrived.payload["msgtype"] == "text"
    assert arrived.mentioned == ("@all",)
    assert arrived.text == "🔴 P0 7 号冲压机过热\n95 ℃, 图: https://g.test/1"


def test_persons_are_called_in_markdown_and_mobile_numbers_in_text(house: House) -> None:
    house.robot().write(say(key={"users": "zhangsan|lisi"}))
    house.robot().write(say(mention=["wangwu", "13800001111"]))
    assert [m.mentioned for m in house.sandbox.messages] == [("zhangsan", "lisi"), ("wangwu", "13800001111")]


@pytest.mark.parametrize(("mention", "limit"), [(None, 4096), ("all", 2048)])
def test_a_long_text_is_cut_by_bytes_and_keeps_title_and_link(house: House, mention: Any, limit: int) -> None:
    receipt = house.robot().write(say(text="轴承温度" * 2000, link="https://hub.test/t/1", mention=mention))
    assert receipt.outcome is Outcome.applied
    assert limit - 8 < size(house.texts[0]) <= limit
    assert "…" in house.texts[0]
    assert "https://hub.test/t/1" in house.texts[0].splitlines()[-1]


def test_a_whole_webhook_address_is_taken_for_its_key(house: House) -> None:
    address = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={house.sandbox.robot_key}"
    assert house.robot(robot_key=address).write(say()).outcome is Outcome.applied


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (say(key={}), "key"),
        (say(key={"to": "everybody"}), "key.to"),
        (say(key={"user": "a"}), "key.user"),
        (say("  "), "body.title"),
        (say(priority="P9"), "body.priority"),
        (say(link="javascript:alert(1)"), "body.link"),
        (say(text=7), "body.text"),
        (say(colour="red"), "body.colour"),
    ],
)
def test_a_command_that_says_nothing_usable_is_rejected_and_names_the_field(
    house: House, command: Command, names: str
) -> None:
    receipt = house.robot().write(command)
    assert receipt.outcome is Outcome.rejected
    assert receipt.reason.startswith(f"{names}:")
    assert house.requests == []


def test_a_removed_robot_needs_a_person_and_says_what_to_do(house: House) -> None:
    house.sandbox.remove_robot()
    with pytest.raises(AuthProblem, match="93000") as raised:
        house.robot().write(say())
    assert "robot_key" in raised.value.hint


def test_the_twenty_first_message_of_a_minute_comes_back_after_a_minute(house: House) -> None:
    robot = house.robot()
    for n in range(20):
        robot.write(say(id=str(n)))
    with pytest.raises(Transient, match="45009") as raised:
        robot.write(say(id="one too many"))
    assert raised.value.retry_after == 60


def test_a_busy_system_is_tried_again(house: House) -> None:
    house.sandbox.be_busy()
    with pytest.raises(Transient, match="-1"):
        house.robot().write(say())


def test_what_wecom_refuses_of_one_message_is_rejected_with_its_words() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"errcode": 45002, "errmsg": "content size out of limit, hint: [123] from ip"})

    config: Any = parse_config(WecomConnector, {"robot_key": "a-robot-key-of-the-test"})
    receipt = WecomConnector(config, transport=httpx.MockTransport(refuse)).write(say())
    assert (receipt.outcome, receipt.reason) == (Outcome.rejected, "WeCom answers 45002: content size out of limit")


# -- the app -----------------------------------------------------------------------------------------------------------


def test_an_app_writes_to_its_default_users_or_to_those_named(house: House) -> None:
    app = house.app(default_users=["zhangsan", "lisi"], default_parties=["1"])
    app.write(say(op="send_app"))
    app.write(say(op="send_app", key={"users": ["wangwu"]}))
    assert [m.to for m in house.sandbox.messages] == [("zhangsan", "lisi", "party:1"), ("wangwu",)]


def test_one_token_serves_many_messages_and_is_renewed_before_it_ends(house: House) -> None:
    app = house.app()
    for n in range(3):
        app.write(say(id=str(n)))
    assert house.sandbox.fetched == 1
    house.clock.now += 7200 - 299
    app.write(say(id="later"))
    assert house.sandbox.fetched == 2


@pytest.mark.parametrize("code", [40014, 42001])
def test_a_refused_token_is_renewed_once_and_the_message_arrives_once(house: House, code: int) -> None:
    app = house.app()
    app.write(say(id="1"))
    house.sandbox.expire(code)
    assert app.write(say(id="2")).outcome is Outcome.applied
    assert (house.sandbox.fetched, len(house.texts)) == (2, 2)


def test_a_token_refused_even_when_new_needs_a_person() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("gettoken"):
            return httpx.Response(200, json={"errcode": 0, "access_token": "t" * 30, "expires_in": 7200})
        return httpx.Response(200, json={"errcode": 40014, "errmsg": "invalid access_token"})

    given = {"corp_id": CORP, "agent_id": AGENT, "app_secret": "a-secret-of-the-test", "default_users": ["a"]}
    config: Any = parse_config(WecomConnector, given)
    with pytest.raises(AuthProblem, match="40014"):
        WecomConnector(config, transport=httpx.MockTransport(refuse)).write(say())


def test_a_renewed_secret_needs_a_person(house: House) -> None:
    app = house.app()
    app.write(say(id="1"))
    house.sandbox.renew_secret("another-secret-of-the-app")
    with pytest.raises(AuthProblem, match="40001") as raised:
        app.write(say(id="2"))
    assert "app_secret" in raised.value.hint


def test_whom_wecom_leaves_out_stands_in_the_receipt(house: House) -> None:
    receipt = house.app().write(say(key={"users": ["zhangsan", "gone1", "gone2"], "groups": ["77"]}))
    assert receipt.outcome is Outcome.applied
    assert receipt.values == {"invaliduser": "gone1|gone2", "invalidparty": "77"}
    assert "gone1" in receipt.reason


def test_a_message_that_reaches_nobody_is_rejected(house: House) -> None:
    receipt = house.app().write(say(key={"users": ["gone"]}))
    assert receipt.outcome is Outcome.rejected
    assert "81013" in receipt.reason


def test_an_app_without_a_default_says_which_setting_is_missing(house: House) -> None:
    receipt = house.app(default_users=[]).write(say())
    assert "default_users" in receipt.reason
    assert house.requests == []


def test_a_repeat_of_one_command_arrives_once_but_two_commands_that_say_the_same_arrive_both(house: House) -> None:
    app = house.app()
    app.write(say(id="1"))
    app.write(say(id="1"))
    app.write(say(id="2"))
    assert len(house.texts) == 2


def test_a_lost_answer_of_an_app_is_written_again_and_of_a_robot_needs_a_person(house: House) -> None:
    app = Connection("w", house.app(), house.app()._config)
    robot = Connection("w", house.robot(), house.robot()._config)
    gone = Connection("w", house.robot(when_in_doubt="send_again"), house.robot()._config)
    assert isinstance(app.confirm(say(), age_s=600), NotDone)
    assert isinstance(app.confirm(say(), age_s=20_000), NeedsPerson)
    assert isinstance(robot.confirm(say(), age_s=1), NeedsPerson)
    assert isinstance(gone.confirm(say(), age_s=600), NotDone)


# -- how much, and is it alive ----------------------------------------------------------------------------------------


def test_eighteen_a_minute_and_no_more(house: House) -> None:
    connection = Connection("w", house.robot(), house.robot()._config, clock=house.clock)
    fates: list[Any] = []
    for n in range(40):
        fates.append(connection.write(say(id=str(n))))
        house.clock.now += 1
    assert [isinstance(f, Done) for f in fates[:18]] == [True] * 18
    assert [isinstance(f, RetryAt) for f in fates[18:]] == [True] * 22
    assert fates[18].seconds == 42
    house.clock.now += 20
    assert isinstance(connection.write(say(id="41")), Done)


def test_a_check_of_a_robot_leaves_nothing_in_the_group(house: House) -> None:
    assert house.robot().check().ok
    assert house.sandbox.messages == []
    house.sandbox.remove_robot()
    with pytest.raises(AuthProblem, match="93000"):
        house.robot().check()


@pytest.mark.parametrize(
    ("meddle", "code"),
    [("distrust", "60020"), ("renew_secret", "40001")],
)
def test_a_check_of_an_app_finds_what_would_stop_a_message(house: House, meddle: str, code: str) -> None:
    app = house.app()
    assert app.check().ok
    getattr(house.sandbox, meddle)(*(["another-secret"] if meddle == "renew_secret" else []))
    with pytest.raises(AuthProblem, match=code):
        app.check()


def test_a_check_finds_a_renewed_secret_although_the_old_token_still_works(house: House) -> None:
    app = house.app()
    app.write(say())
    house.sandbox.secret = "another-secret-of-the-app"
    with pytest.raises(AuthProblem, match="40001"):
        app.check()


def test_a_check_finds_the_wrong_agent(house: House) -> None:
    with pytest.raises(AuthProblem, match="301002"):
        house.app(agent_id=1000003).check()


def test_an_address_that_is_no_wecom_is_a_wrong_setting() -> None:
    def other(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"hello": "world"})

    config: Any = parse_config(WecomConnector, {"robot_key": "a-robot-key-of-the-test"})
    with pytest.raises(ConfigProblem, match="no WeCom"):
        WecomConnector(config, transport=httpx.MockTransport(other)).check()
