"""What the subscription remembers of Sparkplug edge nodes: births, order, deaths, and when to ask for a rebirth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connectors.mqtt.config import Fixed
from connectors.mqtt.edges import ASK_AGAIN_S, EdgeNodes, Noted
from connectors.mqtt.sparkplug import DEVICES, VOID, SparkplugReader, SparkplugTopic, topic_of
from connectors.mqtt.sparkplug_payload import Payload

NOW = datetime(2026, 11, 22, 5, 10, 12, tzinfo=UTC)
READER = SparkplugReader(Fixed.model_validate({}), 300)


class Line:
    """An edge node `e` of group `g` as the hub hears it."""

    def __init__(self, *, rebirth: bool = True) -> None:
        self.edges = EdgeNodes(rebirth=rebirth)
        self.clock = 1000.0

    def hear(self, kind: str, device: str = "", seq: int | None = None, **metrics: Any) -> Noted:
        noted, _ = self.say(kind, device, seq, **metrics)
        return noted

    def say(self, kind: str, device: str = "", seq: int | None = None, **metrics: Any) -> tuple[Noted, dict[str, Any]]:
        payload = Payload(timestamp=1795324212000)
        if seq is not None:
            payload.seq = seq
        for name, value in metrics.items():
            metric = payload.metrics.add(datatype=8 if name == "bdSeq" else 4, long_value=value)
            if name.startswith("_"):
                metric.alias = int(name[1:])
            elif "__" in name:
                metric.name, alias = name.split("__")
                metric.alias = int(alias)
            else:
                metric.name = name
        topic = "/".join(filter(None, ("spBv1.0", "g", kind, "e", device)))
        body = payload.SerializeToString()
        noted = self.edges.note(topic_of(topic), body, self.clock)
        told = READER.read(topic, noted.headers, body, NOW).readings if VOID not in noted.headers else []
        return noted, {r["metric"]: r.get("value") for r in told if "metric" in r}

    def born(self) -> Line:
        self.hear("NBIRTH", seq=0, bdSeq=1)
        self.hear("DBIRTH", "d", seq=1, temp__1=20, speed__2=5)
        return self


def test_after_births_data_by_alias_is_understood() -> None:
    noted, told = Line().born().say("DDATA", "d", seq=2, _1=21)
    assert told == {"temp": 21}
    assert not noted.ask


def test_data_before_any_birth_asks_for_one_and_is_void() -> None:
    noted = Line().hear("DDATA", "d", seq=9, _1=21)
    assert noted.ask
    assert VOID in noted.headers


def test_named_data_before_any_birth_is_read_and_a_birth_asked_for() -> None:
    noted, told = Line().say("DDATA", "d", seq=9, temp=21)
    assert told == {"temp": 21}
    assert noted.ask


def test_a_gap_in_the_order_asks_for_a_rebirth_and_the_data_counts() -> None:
    noted, told = Line().born().say("DDATA", "d", seq=4, _1=21)
    assert noted.ask
    assert told == {"temp": 21}


def test_the_counter_wraps_without_a_gap() -> None:
    line = Line()
    line.hear("NBIRTH", seq=0, bdSeq=1)
    for seq in [*range(1, 256), 0, 1]:
        assert not line.hear("NDATA", seq=seq, temp=1).ask


def test_a_rebirth_is_not_asked_for_again_at_once() -> None:
    line = Line()
    assert line.hear("DDATA", "d", seq=9, _1=21).ask
    assert not line.hear("DDATA", "d", seq=10, _1=21).ask
    line.clock += ASK_AGAIN_S + 1
    assert line.hear("DDATA", "d", seq=11, _1=21).ask


def test_after_the_birth_it_may_be_asked_for_again() -> None:
    line = Line()
    assert line.hear("DDATA", "d", seq=9, _1=21).ask
    line.born()
    assert line.hear("DDATA", "d", seq=7, _1=21).ask


def test_who_may_not_ask_does_not_and_declares_nothing_void() -> None:
    noted = Line(rebirth=False).hear("NDATA", seq=9, temp=1)
    assert not noted.ask
    assert noted.headers == {}


def test_a_death_tells_the_devices_that_were_there() -> None:
    line = Line().born()
    line.hear("DBIRTH", "other", seq=2, x=1)
    line.hear("DDEATH", "other", seq=3)
    assert orjson.loads(line.hear("NDEATH", bdSeq=1).headers[DEVICES]) == ["d"]
    assert line.edges.count() == {"edge_nodes": 0, "devices": 0}


def test_the_last_will_of_an_older_session_is_void() -> None:
    line = Line().born()
    line.hear("NBIRTH", seq=0, bdSeq=2)
    assert VOID in line.hear("NDEATH", bdSeq=1).headers
    assert line.edges.count()["edge_nodes"] == 1


def test_after_a_death_data_asks_for_a_birth() -> None:
    line = Line().born()
    line.hear("NDEATH", bdSeq=1)
    assert line.hear("DDATA", "d", seq=2, _1=21).ask


def test_a_new_birth_forgets_old_aliases() -> None:
    line = Line().born()
    line.hear("NBIRTH", seq=0, bdSeq=2)
    assert VOID in line.hear("DDATA", "d", seq=1, _2=5).headers


def test_messages_missed_while_the_line_was_down_are_no_gap_by_themselves() -> None:
    line = Line().born()
    line.edges.forget_order()
    assert not line.hear("DDATA", "d", seq=77, _1=21).ask


@pytest.mark.parametrize("kind", ["STATE", "NCMD", "DCMD"])
def test_what_is_not_from_an_edge_node_is_left_alone(kind: str) -> None:
    assert EdgeNodes(rebirth=True).note(SparkplugTopic(kind, "g", "e"), b"x", 0) == Noted({})


def test_an_unreadable_message_is_left_for_receive_to_refuse() -> None:
    assert EdgeNodes(rebirth=True).note(topic_of("spBv1.0/g/NDATA/e"), b"{}", 0) == Noted({})
