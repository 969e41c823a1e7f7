"""Many messages in one delivery: each is told as it would be alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Delivery
from connectors.errors import BadRecord
from connectors.mqtt import MqttConfig, MqttConnector
from connectors.mqtt.packing import FROM, MOST, MOST_BYTES, PACKED, pack, runs, unpack
from connectors.mqtt.subscription import ARRIVAL, RETAINED
from connectors.mqtt.wire import Message

ARRIVED = datetime(2026, 11, 22, 4, 5, 6, tzinfo=UTC)


def message(number: int, qos: int = 1, size: int = 4) -> Message:
    return Message(f"t/{number}", b"x" * size, qos, False, False, number, None)


deliveries = st.lists(
    st.builds(
        lambda body, headers, topic: Delivery(body, headers, topic, received_at=ARRIVED),
        st.binary(max_size=40) | st.text().map(str.encode),
        st.dictionaries(st.sampled_from([ARRIVAL, RETAINED]), st.text(max_size=5)),
        st.text(min_size=1, max_size=10),
    ),
    min_size=2,
    max_size=6,
)


@given(deliveries)
def test_what_was_packed_comes_out_as_it_was(parts: list[Delivery]) -> None:
    assert list(unpack(pack(parts))) == parts


def test_one_message_alone_is_left_as_it_is() -> None:
    alone = Delivery(b"21.5", {}, "t", received_at=ARRIVED)
    assert pack([alone]) is alone


def test_a_few_messages_go_one_by_one() -> None:
    assert [len(run) for run in runs([message(n) for n in range(FROM - 1)])] == [1] * (FROM - 1)


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from([1, 70_000])), max_size=3 * MOST))
def test_runs_keep_the_order_and_never_mix_what_is_acknowledged_with_what_is_not(kinds: list[tuple[int, int]]) -> None:
    messages = [message(n, qos, size) for n, (qos, size) in enumerate(kinds)]

    found = list(runs(messages))

    assert [m for run in found for m in run] == messages
    assert all(len({m.qos for m in run}) == 1 and len(run) <= MOST for run in found)
    assert all(len(run) == 1 or sum(len(m.payload) for m in run) <= MOST_BYTES for run in found)


@pytest.fixture
def plant() -> MqttConnector:
    topics = [{"topic": "dt/{device}/{metric}"}]
    return MqttConnector(MqttConfig.model_validate({"url": "mqtt://127.0.0.1", "topics": topics}))


def test_each_packed_message_has_the_events_it_has_alone(plant: MqttConnector) -> None:
    parts = [
        Delivery(b'{"value": %d.5, "ts": 1795300000000}' % n, {ARRIVAL: f"a-{n}"}, f"dt/p{n}/heat", received_at=ARRIVED)
        for n in range(20)
    ]
    alone = [event for part in parts for event in plant.receive(part)]
    assert len(alone) == 20
    told = plant.receive(pack(parts))
    assert [replace(event, part=None) for event in told] == alone
    assert [event.part for event in told] == list(range(20))


def test_an_unusable_message_takes_only_itself_down(plant: MqttConnector) -> None:
    good = Delivery(b"21.5", {ARRIVAL: "a-1"}, "dt/p1/heat", received_at=ARRIVED)
    bad = Delivery(b"no number", {ARRIVAL: "a-2"}, "dt/p2/heat", received_at=ARRIVED)

    first, second, third = plant.receive(pack([good, bad, good]))

    assert (first.bad, third.bad) == (None, None)
    with pytest.raises(BadRecord) as alone:
        plant.receive(bad)
    assert str(second.bad) == f"dt/p2/heat: {alone.value}"


@pytest.mark.parametrize("body", [b"", b"[1]", b'[["t", {"base64": "="}, {}]]', b'[["t", 5, {}]]'])
def test_a_body_that_is_no_pack_is_unusable(plant: MqttConnector, body: bytes) -> None:
    with pytest.raises(BadRecord):
        plant.receive(Delivery(body, {PACKED: "1"}, "t", received_at=ARRIVED))
