"""Stored messages, read again: the canonical records that a ticket came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import Connection, select

from connectors.contract import Delivery, Event
from connectors.errors import BadRecord, ConnectorError
from gateway import tables
from gateway.config.hub import HUB, Hub, Live
from gateway.ingest.inbox import Incoming
from gateway.ingest.internal import read_internal
from gateway.ingest.item import Prepared, places, prepare
from gateway.ingest.recorded import HEADER, read_records
from gateway.ingest.stored import restore

log = structlog.get_logger(__name__)

MEMBERS = 1_000
NOT_FIRING = ("repeat", "echo", "update", "resolved", "already-resolved", "flapping", "storm")
"""Why a message belongs to a ticket without being the episode that the ticket stands for."""
ID_LENGTH = 255


def split(live: Live, delivery: Delivery) -> tuple[Sequence[Event], BadRecord | None]:
    """The events of a verified delivery, or why it is unusable. Raises what the connector's runtime raises otherwise."""
    try:
        if delivery.verified and HEADER in delivery.headers:
            return read_records(delivery), None
        if live.id == HUB or (delivery.verified and "weft-read" in delivery.headers):
            return read_internal(delivery), None
        assert live.runtime is not None
        return [_named(event) for event in live.runtime.receive(delivery)], None
    except BadRecord as error:
        return (), error


def _named(event: Event) -> Event:
    """A sender's id too long for an index is known by its digest."""
    if len(event.id) <= ID_LENGTH:
        return event
    return replace(event, id="sha256:" + hashlib.sha256(event.id.encode("utf-8", "surrogatepass")).hexdigest())


def prepared(live: Live, row: Any) -> Sequence[Prepared]:
    """A stored delivery run through receive and mapping as they are today."""
    delivery = restore(row)
    events, bad = split(live, delivery)
    return prepare(Incoming(row.id, live, delivery, events, row.received_at, lambda _: None, bad))


def live_of(hub: Hub, connection_id: str) -> Live | None:
    """The connection, if it can still read its messages."""
    if connection_id == HUB:
        return hub.internal
    live = hub.connections.get(connection_id)
    return live if live is not None and live.runtime is not None else None


def opening_messages(conn: Connection, ticket_id: int) -> list[Any]:
    """Ids of the messages a ticket stands for: its newest episode's, or those of the members of a storm."""
    member = tables.storm_member.c
    members = select(member.message_id).where(member.ticket_id == ticket_id).order_by(member.at).limit(MEMBERS)
    found = list(conn.execute(members).scalars())
    if found:
        return found
    m = tables.message.c
    told = m.end.in_(("ticketed", "merged")) & m.rule.not_in(NOT_FIRING)
    query = select(m.id).where(m.ticket_id == ticket_id, told).order_by(m.id.desc()).limit(1)
    return list(conn.execute(query).scalars())


def records(conn: Connection, hub: Hub, message_ids: Iterable[int]) -> list[tuple[int, Live, Event, dict[str, Any]]]:
    """(message id, connection, event, canonical record) of stored messages that still map; others are left out, and so are
    those whose body retention has pruned."""
    wanted = list(message_ids)
    m, d = tables.message.c, tables.delivery
    found: list[tuple[int, Live, Event, dict[str, Any]]] = []
    for start in range(0, len(wanted), 500):
        query = (
            select(m.id.label("message_id"), m.position, d)
            .join_from(tables.message, d, d.c.id == m.delivery_id)
            .where(m.id.in_(wanted[start : start + 500]), d.c.pruned_at.is_(None))
        )
        for row in conn.execute(query):
            live = live_of(hub, row.connection_id)
            if live is None:
                continue
            try:
                parts = prepared(live, row)
            except ConnectorError as error:  # a bug of a connector that its runtime named; the others are still told
                log.warning("recall.failed", message_id=str(row.message_id), connection=live.id, reason=str(error))
                continue
            part = next((p for place, p in zip(places(parts), parts, strict=True) if place == row.position), None)
            if part is not None and part.event is not None and part.record is not None:
                found.append((row.message_id, live, part.event, part.record))
    return found
