"""What a message quotes of the context snapshot: what the policy names, as soon as it is answered, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.wecom.sandbox import Sandbox
from gateway.config import documents
from gateway.context import snapshot
from gateway.notify import trying
from tests.integration.gateway.in_process import House
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import apply_policy, hire, notices, work

CHANNEL = {"connection": "wecom-app", "operation": "send_app", "address": "wecom"}
CONTEXT = [{"question": "recent", "inputs": {"device": "alert.device"}}]
Quoting = Callable[..., House]


@pytest.fixture
def quoting(staffed: Staffed, wecom: Any) -> Quoting:
    """Makes a house whose source answers in what state a machine is, with a policy that says what may be quoted."""

    def begin(*patterns: str, **more: Any) -> House:
        house = staffed(wecom[1])
        source = {"id": "r", "connector": "robot", "config": {"password": "a long password"}, "context": CONTEXT}
        house.gateway.apply(documents.validate({"connections": [source]}))
        assert trying.try_channel(house.gateway, "wecom-app", "ann").ok
        hire(house)
        apply_policy(house, tiers={"P0": {"channels": [CHANNEL]}}, snapshot=list(patterns), **more)
        return house

    return begin


def alarm(house: House) -> None:
    """A machine reports, and li.na gets its ticket."""
    house.tell(house.alert("a", device="press-7"))
    house.act(house.tickets()[0], "assign", assignee="li.na")


def answer(house: House) -> None:
    """Every source that is asked now answers."""
    with house.gateway.transaction() as conn:
        snapshot.expand(conn, house.gateway.hub, house.clock.now)
        asked = snapshot.claim(conn, house.clock.now)
    assert "r.recent" in [section.name for section in asked]
    for section in asked:
        snapshot.ask(house.gateway, house.gateway.hub, section)


def message(box: Sandbox) -> str:
    (told,) = box.messages
    assert told.to == ("zhangsan",)
    assert "alert a" in told.text
    return told.text


@pytest.mark.parametrize("pattern", ["r.recent.state", "*.state"])
def test_a_message_quotes_what_the_policy_names_of_an_answer(quoting: Quoting, wecom: Any, pattern: str) -> None:
    house = quoting(pattern)
    house.world.state = "spindle at 91 C"
    alarm(house)
    answer(house)
    work(house)
    assert "state spindle at 91 C" in message(wecom[0])


def test_what_the_policy_does_not_name_does_not_leave_the_hub(quoting: Quoting, wecom: Any) -> None:
    house = quoting("device_twin.*", "r.load.state")
    house.world.state = "spindle at 91 C"
    alarm(house)
    answer(house)
    work(house)
    assert "spindle" not in message(wecom[0])


def test_a_message_waits_for_the_answer_and_leaves_as_soon_as_it_is_there(quoting: Quoting, wecom: Any) -> None:
    house = quoting("*.state", wait_for_context="30s")
    alarm(house)
    house.clock.forward(29)
    work(house)
    assert (wecom[0].messages, {state for _, state in notices(house)}) == ([], {"waiting"})
    answer(house)
    work(house)
    assert "state warm" in message(wecom[0])


def test_a_source_that_is_silent_holds_a_message_up_no_longer_than_the_policy_says(
    quoting: Quoting, wecom: Any
) -> None:
    house = quoting("*.state", wait_for_context="30s")
    house.world.state = "silent"
    alarm(house)
    answer(house)
    house.clock.forward(29)
    work(house)
    assert wecom[0].messages == []
    house.clock.forward(1)
    work(house)
    assert "state" not in message(wecom[0])
