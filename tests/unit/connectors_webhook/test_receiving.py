"""From a message to events."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.contract import DELETED, Delivery
from connectors.errors import BadRecord
from connectors.manifest import connector_of, yaml_text
from connectors.settings import parse_config

ORDER = {
    "stream": "order",
    "when": {"path": "type", "equals": ["order.made", "order.changed"]},
    "records": "data.orders",
    "key": ["plant", "no"],
    "fields": {"no": "int", "total": "number", "plant": "text"},
    "deleted": {"path": "state", "equals": "void"},
}
REST = {"stream": "other", "key": "id"}


def receive(message: Any, **inbound: Any) -> list[Any]:
    manifest = {
        "connector": "sender",
        "kind": "webhook",
        "title": "A sender",
        "title_zh": "某系统",
        "config": {"key": {"type": "secret", "description": "the key"}},
        "inbound": {"signature": {"kind": "bearer", "token": "{config.key}"}, "messages": [ORDER], **inbound},
    }
    kind: Any = connector_of(yaml_text.dump(manifest))
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    return list(kind(parse_config(kind, {"key": "k" * 12})).receive(Delivery(body, verified=True)))


def order(no: int, **more: Any) -> dict[str, Any]:
    return {"no": no, "plant": "HZ", "total": "1.50", **more}


def test_each_record_of_a_message_is_an_event_of_its_own() -> None:
    events = receive({"type": "order.made", "id": "m1", "data": {"orders": [order(1), order(2)]}}, id="id")
    assert [(e.id, e.stream, e.key) for e in events] == [("m1:0", "order", "HZ/1"), ("m1:1", "order", "HZ/2")]


def test_a_record_may_be_an_object_instead_of_a_list() -> None:
    (event,) = receive({"type": "order.made", "data": {"orders": order(1)}})
    assert event.record["no"] == 1


def test_without_an_id_of_its_own_a_message_is_known_by_its_content() -> None:
    one = {"type": "order.made", "data": {"orders": order(1)}}
    assert receive(one)[0].id == receive(one)[0].id
    assert receive(one)[0].id != receive({**one, "again": True})[0].id


def test_what_says_that_it_was_deleted_is_a_tombstone() -> None:
    (event,) = receive({"type": "order.changed", "data": {"orders": order(1, state="void")}})
    assert event.op == "delete"
    assert event.record == {"plant": "HZ", "no": 1, DELETED: True}


def test_a_message_to_be_ignored_tells_nothing() -> None:
    assert receive({"type": "ping"}, ignore=[{"path": "type", "equals": "ping"}]) == []


def test_a_message_of_no_known_kind_is_refused_with_the_kinds_there_are() -> None:
    with pytest.raises(BadRecord, match=r"order\.made"):
        receive({"type": "invoice.made"})


def test_the_first_kind_that_fits_decides_and_one_without_a_condition_takes_the_rest() -> None:
    messages = [ORDER, REST]
    assert receive({"type": "order.made", "data": {"orders": order(1)}}, messages=messages)[0].stream == "order"
    assert receive({"id": 5, "type": "else"}, messages=messages)[0].stream == "other"


@pytest.mark.parametrize(
    "orders", [[], None, "x", [{"no": "abc", "plant": "HZ"}], [{"no": 1}], [{"no": 1, "plant": ""}]]
)
def test_a_message_of_which_nothing_can_be_used_is_refused(orders: Any) -> None:
    with pytest.raises(BadRecord):
        receive({"type": "order.made", "data": {"orders": orders}})


def test_an_unusable_record_takes_only_itself_along() -> None:
    good, bad = receive({"type": "order.made", "data": {"orders": [order(1), order(2, total="abc")]}})
    assert good.record["no"] == 1
    assert "total" in bad.record["problem"]
    assert bad.record["raw"]["no"] == 2


def test_a_form_is_a_message_too() -> None:
    (event,) = receive(b"id=7&name=%E8%BD%B4%E6%89%BF", messages=[REST], content="form")
    assert event.record == {"id": "7", "name": "轴承"}
