"""What Feishu's people see, and what becomes of a message it does not take."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import Message, Target
from connectors.contract import Command, Outcome
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.feishu import FeishuConfig, FeishuConnector
from connectors.feishu.messages import app_payload, kind_of, robot_payload
from connectors.feishu.sandbox import APP_ID, Sandbox
from connectors.feishu.signing import sign
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

    def robot(self, **more: Any) -> FeishuConnector:
        return self._make({"robot_hook": self.sandbox.robot_hook, "robot_secret": self.sandbox.robot_secret, **more})

    def app(self, **more: Any) -> FeishuConnector:
        given = {"app_id": APP_ID, "app_secret": self.sandbox.app_secret, "default_receiver": "oc_duty"}
        return self._make({**given, **more})

    def _make(self, config: dict[str, Any]) -> FeishuConnector:
        parsed: Any = parse_config(FeishuConnector, config)
        return FeishuConnector(parsed, transport=httpx.MockTransport(self.sandbox.handle), clock=self.clock)


@pytest.fixture
def house() -> House:
    return House()


def say(title: str = "7 号冲压机过热", *, id: str = "c-1", key: Any = None, **body: Any) -> Command:
    return Command(id, "send", {"to": "default"} if key is None else key, {"title": title, **body})


def test_the_signature_is_feishus() -> None:
    assert sign(1700000000, "SECtest") == "G7XpBpG8NgG02fJOAhX6FRAObIljmFoxVReo8I62pEk="


def test_a_message_is_a_card_in_the_colour_of_its_priority_with_a_button(house: House) -> None:
    house.robot().write(say(text="**95 ℃**", priority="P0", mention="all", link="https://hub.test/t/1"))
    arrived = house.sandbox.messages[0]
    card = arrived.payload["card"]
    assert card["header"] == {"title": {"tag": "plain_text", "content": "🔴 P0 7 号冲压机过热"}, "template": "red"}
    assert card["elements"][0]["content"] == "**95 ℃**\n<at id=all></at>"
    assert card["elements"][1]["actions"][0]["url"] == "https://hub.test/t/1"
    assert arrived.mentioned == ("all",)


def test_a_whole_webhook_address_is_taken_for_its_hook(house: House) -> None:
    address = f"https://open.feishu.cn/open-apis/bot/v2/hook/{house.sandbox.robot_hook}"
    assert house.robot(robot_hook=address).write(say()).outcome is Outcome.applied


def test_a_keyword_is_put_into_messages_that_lack_it(house: House) -> None:
    house.sandbox.keyword("告警")
    assert house.robot(robot_keyword="告警").write(say()).outcome is Outcome.applied
    with pytest.raises(ConfigProblem, match="19024"):
        house.robot().write(say())


REFUSALS: list[tuple[str, list[Any], type[ConnectorError], str]] = [
    ("resecret", ["another-secret"], AuthProblem, "19021"),
    ("skew", [7200.0], AuthProblem, "19021"),
    ("whitelist", [], AuthProblem, "19022"),
    ("remove_robot", [], AuthProblem, "19001"),
]


@pytest.mark.parametrize(("meddle", "args", "kind", "code"), REFUSALS)
def test_a_check_finds_what_would_stop_a_message_and_sends_nothing(
    house: House, meddle: str, args: list[Any], kind: type[ConnectorError], code: str
) -> None:
    robot = house.robot()
    assert robot.check().ok
    getattr(house.sandbox, meddle)(*args)
    for call in (robot.check, lambda: robot.write(say())):
        with pytest.raises(kind, match=code) as raised:
            call()
        assert raised.value.hint
    assert house.sandbox.messages == []


def test_too_many_messages_come_back_after_a_minute(house: House) -> None:
    robot = house.robot()
    for n in range(100):
        robot.write(say(id=str(n)))
    with pytest.raises(Transient, match="11232") as raised:
        robot.write(say(id="101"))
    assert raised.value.retry_after == 60


def test_the_gateways_limit_says_how_long_to_wait() -> None:
    def limited(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json={"code": 99991400}, headers={"x-ogw-ratelimit-reset": "17"})

    config: Any = parse_config(FeishuConnector, {"robot_hook": "a-hook-of-the-test"})
    with pytest.raises(Transient) as raised:
        FeishuConnector(config, transport=httpx.MockTransport(limited)).write(say())
    assert raised.value.retry_after == 17


def test_an_old_answer_without_a_code_is_a_success_too() -> None:
    def old(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"StatusCode": 0, "StatusMessage": "success"})

    config: Any = parse_config(FeishuConnector, {"robot_hook": "a-hook-of-the-test"})
    assert FeishuConnector(config, transport=httpx.MockTransport(old)).write(say()).outcome is Outcome.applied


# -- the app -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [99991661, 99991663, 99991664, 99991668])
def test_a_refused_token_is_renewed_once_and_the_message_arrives_once(house: House, code: int) -> None:
    app = house.app()
    app.write(say(id="1"))
    house.sandbox.expire(code)
    assert app.write(say(id="2")).outcome is Outcome.applied
    assert (house.sandbox.fetched, len(house.sandbox.messages)) == (2, 2)


def test_a_repeat_arrives_once_and_has_the_same_number(house: House) -> None:
    app = house.app()
    first, again, other = (app.write(say(id=id_)) for id_ in ("1", "1", "2"))
    assert first.external_id == again.external_id != other.external_id
    assert len(house.sandbox.messages) == 2


@pytest.mark.parametrize(
    ("receiver", "kind"),
    [("oc_duty", "chat_id"), ("ou_x", "open_id"), ("on_x", "union_id"), ("a@b.test", "email"), ("zhangsan", "user_id")],
)
def test_the_kind_of_a_receiver_is_told_by_its_form(receiver: str, kind: str) -> None:
    assert kind_of(receiver) == kind


@pytest.mark.parametrize("key", [{"users": "ou_a|ou_b"}, {"to": "all"}, {"mobiles": "13800001111"}])
def test_an_app_writes_to_one_receiver_a_call(house: House, key: dict[str, Any]) -> None:
    receipt = house.app().write(say(key=key))
    assert (receipt.outcome, receipt.reason[:3]) == (Outcome.rejected, "key")


def test_an_unknown_receiver_is_rejected_with_feishus_words(house: House) -> None:
    receipt = house.app().write(say(key={"users": "ou_nobody"}))
    assert (receipt.outcome, receipt.reason) == (Outcome.rejected, "Feishu answers 230001: invalid receive_id")


def test_a_check_of_an_app_finds_a_renewed_secret(house: House) -> None:
    app = house.app()
    assert app.check().ok
    house.sandbox.app_secret = "another-secret-of-the-app"
    with pytest.raises(AuthProblem, match="10014"):
        app.check()


@given(st.text(st.characters(codec="utf-8"), max_size=9000), st.lists(st.text("ou_abc", min_size=3), max_size=400))
def test_a_body_is_within_feishus_bytes_whatever_it_says(text: str, called: list[str]) -> None:
    message = Message("t" * 300, text, "https://h.test/1", "P0", False, tuple(called))
    assert len(orjson.dumps(robot_payload(Target(default=True), message))) <= 19_800
    config = FeishuConfig.model_validate({"app_id": APP_ID, "app_secret": "s" * 20, "default_receiver": "oc_duty"})
    payload, _ = app_payload(config, Target(default=True), message, "0" * 32)
    assert len(orjson.dumps(payload)) <= 19_800
    assert orjson.loads(payload["content"])["header"]["template"] == "red"
