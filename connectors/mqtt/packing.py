"""Many messages of one moment as one delivery.

What a delivery costs on its way into the inbox (its objects, its row, its turn in the queue) is then paid once for all
of them, and bodies that are nearly alike are stored compressed together. Each message still has its own id, its own
end in the ledger and its own place in the delivery. A few messages go one by one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

import orjson

from connectors.contract import Delivery
from connectors.errors import BadRecord
from connectors.mqtt.wire import Message

PACKED = "weft-mqtt-messages"
"""Header: how many messages the body holds, a JSON list of [topic, payload, headers]. A payload that is no UTF-8 text is
{"base64": ...}."""
FROM, MOST, MOST_BYTES = 16, 200, 256 << 10
"""Fewer messages than this go one by one; a delivery holds at most so many, and about so many bytes."""


def runs(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """The messages in their order, cut into what shall be one delivery each. Those that the broker may forget (QoS 0) and
    those it sends again are not mixed."""
    for _, of_one_kind in groupby(messages, key=lambda message: message.qos > 0):
        rest = list(of_one_kind)
        if len(rest) < FROM:
            yield from ([message] for message in rest)
            continue
        left = iter(rest)
        while some := list(islice(left, MOST)):
            yield from _bounded(some)


def _bounded(messages: list[Message]) -> Iterator[list[Message]]:
    if sum(len(message.payload) for message in messages) <= MOST_BYTES or len(messages) == 1:
        yield messages
    else:
        half = len(messages) // 2
        yield from _bounded(messages[:half])
        yield from _bounded(messages[half:])


def pack(parts: Sequence[Delivery]) -> Delivery:
    """One delivery for all of these, which came at the same time."""
    if len(parts) == 1:
        return parts[0]
    body = orjson.dumps([(part.topic, _shown(part.body), part.headers) for part in parts])
    first = parts[0]
    return Delivery(body, {PACKED: str(len(parts))}, first.topic, "", first.received_at)


def unpack(delivery: Delivery) -> Iterator[Delivery]:
    """The deliveries that were packed. :raises BadRecord: it is no such body"""
    try:
        for topic, payload, headers in orjson.loads(delivery.body):
            body = payload.encode() if isinstance(payload, str) else base64.b64decode(payload["base64"], validate=True)
            yield Delivery(body, headers, topic, "", delivery.received_at, delivery.verified)
    except (ValueError, TypeError, KeyError) as error:
        raise BadRecord(f"no packed messages: {error}") from error


def _shown(payload: bytes) -> str | dict[str, str]:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode()}
