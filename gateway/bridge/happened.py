"""What happened to a ticket, as bridges hear of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.ingest.item import Item


@dataclass(frozen=True, slots=True)
class Happened:
    """`event` (ticket.opened ...) of a ticket at `version`. `cause`: the connection whose message brought it about, or
    "" for a person's or the hub's own doing; a bridge never writes back to the system that told us."""

    event: str
    ticket_id: int
    version: int
    cause: str
    item: Item | None = None
    message: str = ""
    """What a person wrote, for ticket.commented."""
