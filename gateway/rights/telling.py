"""What goes out to people and systems, as far as they may have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from gateway.config.hub import Hub
from gateway.rights.asking import asker_as, asker_in_role
from gateway.rights.eyes import Eyes

_OWN = "told."
_PLACES = ("snapshot.", "context.")


def visible(conn: Connection, hub: Hub, values: Mapping[str, Any], person: str, ticket: int) -> dict[str, Any]:
    """What of a notice about a ticket this person may read. `values` by path: `title`, `description`, `device`,
    `snapshot.<section>.<field>` (or `context.`) ..., each any JSON; what may not be read is absent. What the notice says of
    its own (`told.title`, `told.text`) stays, without protected data. Raises
    core_tickets.UnknownTicket when the person does not see the ticket at all, NotFound and Forbidden for who is not there."""
    eyes = Eyes(conn, hub, asker_as(hub, person))
    seen = eyes.seen(ticket)
    kept = {
        path: value
        for path, value in values.items()
        if path in _ALWAYS or path.startswith(_OWN) or seen.sight.of(_path(path))
    }
    told: dict[str, Any] = eyes.project(kept, ticket)
    return told


def _path(path: str) -> str:
    return next((f"context.{path.removeprefix(start)}" for start in _PLACES if path.startswith(start)), path)


def outgoing(conn: Connection, hub: Hub, record: Mapping[str, Any], role: str, ticket: int) -> dict[str, Any]:
    """The record a bridge's expressions read, as far as `role` may have it: a field of the ticket that it may not see is
    null, protected data are `***`, and all else keeps its type."""
    eyes = Eyes(conn, hub, asker_in_role(role))
    sight = eyes.seen_many([ticket])[ticket].sight
    about = dict(record.get("ticket") or {})
    held = {name: value if name in _ALWAYS or sight.of(name) else None for name, value in about.items()}
    told: dict[str, Any] = eyes.clean({**record, "ticket": held}, ticket)
    return told


_ALWAYS = ("id", "link", "version")
