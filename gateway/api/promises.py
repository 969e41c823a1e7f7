"""Promises over HTTP: the attribution sheet of a ticket. Countdowns are part of the ticket itself."""

from __future__ import annotations

from fastapi import APIRouter, Response

from gateway import clock
from gateway.api.access import REFUSALS, GatewayDep, Reader
from gateway.api.shapes import TicketId, answer
from gateway.usecases import attribution, tickets

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], responses=REFUSALS)


@router.get("/{ticket}/attribution")
def read_attribution(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """Who held it how long in working time, which promises were broken by how much and in whose hands, why due times moved,
    who was told what and what they answered."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        return answer(attribution.attribution(conn, gateway.hub, number, clock.now()))
