"""Ending a ticket as a person decided on a proposal: by the same door and the same rules as when done by hand."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

import core_tickets
import id_registry
from gateway.errors import Conflict
from gateway.service import Gateway
from gateway.usecases import tickets


def settle(
    conn: Connection, gateway: Gateway, number: int, resolution: str, cause: str, actor: str, why: str
) -> dict[str, Any]:
    """Resolve the ticket, and close it where the house asks no more of it than there is. Raises Conflict where the house
    does not let it be resolved like this."""
    name = id_registry.format_id(number)
    try:
        args = {"resolution": resolution, "cause": cause}
        done = tickets.act(conn, gateway, number, "resolve", args, actor=actor, why=why)
    except core_tickets.TicketError as error:
        raise Conflict(f"{name} cannot be resolved: {error}") from error
    try:
        done = tickets.act(conn, gateway, number, "close", {}, actor=actor, why=why)
        kept_open = ""
    except core_tickets.TicketError as error:  # closing may need proof that nobody has; it stays resolved
        kept_open = str(error)
    assert done.ticket is not None
    effect = {"ticket": name, "status": done.ticket.status, "version": done.ticket.version}
    return effect | ({"not_closed": kept_open} if kept_open else {})
