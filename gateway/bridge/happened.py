"""What happened to a ticket, as bridges hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core_tickets import Applied, Ticket

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
    ticket: Ticket | None = None
    """As it stands after it, where that is known."""


def of(done: Sequence[Applied], cause: str = "", message: str = "") -> list[Happened]:
    """What the commands of one call brought about; each event knows its ticket as it stands after all of them."""
    after = {a.ticket_id: a.ticket for a in done if a.error is None and a.ticket is not None}
    return [
        Happened(event, a.ticket_id, a.ticket.version, cause, None, message, after[a.ticket_id])
        for a in done
        if a.error is None and a.ticket is not None
        for event in a.events
    ]


def standing(happened: Sequence[Happened]) -> dict[int, Ticket]:
    """The tickets that need not be read to know how they stand: the last that happened to them tells."""
    last: dict[int, Happened] = {}
    for h in happened:
        if h.ticket_id not in last or h.version >= last[h.ticket_id].version:
            last[h.ticket_id] = h
    return {h.ticket_id: h.ticket for h in last.values() if h.ticket is not None}
