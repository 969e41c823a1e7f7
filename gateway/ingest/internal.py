"""Messages the hub makes itself, through the same door as everyone's: readings still held when their time comes, and
devices that went silent or came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

import lineage
from connectors.contract import Delivery, Event
from connectors.errors import BadRecord

HELD, SILENCE, CROSS_CHECK, UPKEEP = "held_reading", "device_silence", "cross_check", "upkeep"


def internal_delivery(stream: str, event_id: str, key: str, record: dict[str, Any], at: datetime) -> Delivery:
    """A delivery of one message of the hub."""
    body = orjson.dumps({"stream": stream, "id": event_id, "key": key, "record": record}, default=str)
    return Delivery(body=body, headers={"content-type": "application/json"}, received_at=at, verified=True)


def read_internal(delivery: Delivery) -> Sequence[Event]:
    """Raises BadRecord when it is none of ours."""
    try:
        told = lineage.decode(delivery.body)
        return [Event(id=told["id"], stream=told["stream"], record=told["record"], key=told["key"])]
    except (lineage.Damaged, KeyError, TypeError) as error:
        raise BadRecord(f"not a message of the hub: {error}") from error
