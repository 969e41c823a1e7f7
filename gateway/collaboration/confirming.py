"""The customer's word that it is finished: by a signed link, by a token of the customer's, or told to an agent."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets.tables import entry
from gateway import clock
from gateway.collaboration import requirements
from gateway.errors import Forbidden, Refused
from gateway.policies.stages import KIND
from gateway.secrets import Vault
from gateway.service import Gateway
from gateway.signed_tokens import SignedToken
from gateway.usecases import tickets

_TOKEN = SignedToken("confirm", struct.Struct(">QI"))
_E = entry.c
LASTING = 30 * clock.DAY
CUSTOMER = "customer"


class LinkExpired(Refused):
    """This link is too old; ask for a new one. 链接已过期。"""

    status, title = 410, "Link expired"


@dataclass(frozen=True, slots=True)
class Word:
    """What the customer says: `solved` or not, a score of 1 to 5, the number of an attachment that is the signature."""

    solved: bool
    text: str = ""
    score: int | None = None
    signature: int | None = None


def make_link(vault: Vault, ticket_id: int, until: int) -> str:
    """The last part of `/v1/confirmations/...`. Whoever has it speaks for the customer, until `until`."""
    return _TOKEN.make(vault, ticket_id, until // clock.SECOND)


def read_link(vault: Vault, token: str, now: int) -> int:
    """The ticket it is about. Raises NotFound for what is no link of ours, LinkExpired."""
    ticket_id, until = _TOKEN.read(vault, token)
    if now >= until * clock.SECOND:
        raise LinkExpired()
    return ticket_id


def say(
    conn: Connection, gateway: Gateway, number: int, word: Word, *, actor: str, why: str = ""
) -> core_tickets.Ticket:
    """Keep the customer's word. Solved: the ticket is confirmed, and closed if its stage then lacks nothing. Not solved:
    it is opened again, with what the customer says, which is no answer of ours. Raises core_tickets' errors."""
    kind = "customer" if actor.partition(":")[0] == CUSTOMER else "person"
    if not word.solved:
        again: list[tuple[str, Mapping[str, Any], str]] = [("reopen", {}, why or word.text[:500])]
        if word.text.strip():
            again.append(("comment", {"text": word.text, "public": True}, ""))
        reopened = tickets.acts(conn, gateway, number, again, actor=actor, actor_kind=kind)[-1].ticket
        assert reopened is not None
        return reopened
    args = {"text": word.text, "score": word.score, "signature": word.signature}
    given = {name: value for name, value in args.items() if value not in (None, "")}
    applied = tickets.act(conn, gateway, number, "confirm", given, actor=actor, why=why, actor_kind=kind)
    ticket = applied.ticket
    assert ticket is not None
    if not KIND.of(gateway.hub.policies).close_when_confirmed or ticket.status != "resolved":
        return ticket
    if "close" in requirements.still_required(conn, gateway.hub, ticket):
        return ticket  # the list of what is missing is shown with the ticket
    why = "客户已确认 confirmed by the customer"
    closed = tickets.act(conn, gateway, number, "close", {}, actor=actor, why=why, actor_kind=kind)
    assert closed.ticket is not None
    return closed.ticket


def told_by(conn: Connection, ticket: core_tickets.Ticket, actor: str) -> str:
    """Who stands for the customer when somebody here was told. Raises Forbidden for who resolved it: finished is what the
    customer says, not what the technician clicks."""
    query = select(_E.actor).where(_E.ticket_id == ticket.id, _E.name == "resolve").order_by(_E.id.desc()).limit(1)
    if conn.execute(query).scalar() == actor:
        raise Forbidden(
            "Whoever resolved a ticket cannot confirm it for the customer; send the confirmation link instead."
        )
    return actor


def customer_actor(customer: int | None) -> str:
    """Who stands in the timeline for a customer."""
    return CUSTOMER if customer is None else f"{CUSTOMER}:{id_registry.format_id(customer)}"
