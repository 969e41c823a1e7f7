"""Records that a sync or a timer tells, as the inbox stores them: exactly as they were read, numbers and times included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import lineage
from connectors.contract import Delivery, Event
from connectors.errors import BadRecord

HEADER = "weft-records"
UNUSABLE = "$unusable"
"""A record that its connector could not use: what it was, the connector's reason and its hint."""


def records_delivery(stream: str, events: Sequence[Event], at: datetime) -> Delivery:
    """One delivery of these events of a stream."""
    told = [{"id": e.id, "key": e.key, "op": e.op, "record": e.record} for e in events]
    body = lineage.encode({"stream": stream, "events": told})
    return Delivery(
        body=body, headers={"content-type": "application/json", HEADER: stream}, received_at=at, verified=True
    )


def read_records(delivery: Delivery) -> Sequence[Event]:
    """Raises BadRecord when it is none of these."""
    try:
        told = lineage.decode(delivery.body)
        return [_event(told["stream"], e["id"], e["record"], e["key"], e["op"]) for e in told["events"]]
    except (lineage.Damaged, KeyError, TypeError) as error:
        raise BadRecord(f"not records of a sync: {error}") from error


def _event(stream: str, id: str, record: dict[str, object], key: str, op: Literal["upsert", "delete"]) -> Event:
    return Event(id=id, stream=stream, record=record, key=key, op=op)
