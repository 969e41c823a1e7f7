"""What happened to a ticket, as bridges hear of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core_tickets import Ticket

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
    opened: Ticket | None = None
    """The ticket that was opened, as it was opened."""


def newly(happened: Sequence[Happened]) -> dict[int, Ticket]:
    """The tickets to which nothing happened but their opening: they need not be read to know how they stand."""
    events = Counter(h.ticket_id for h in happened)
    return {h.ticket_id: h.opened for h in happened if h.opened is not None and events[h.ticket_id] == 1}
