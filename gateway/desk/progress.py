"""A link for the customer: how far their ticket is, and nothing else. It expires, can be taken back, and is slow to guess.

What it tells goes through the policy `rights` like any answer: whoever has the link reads what the role `customer` may
read of a ticket of its own.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

import core_tickets
from core_tickets.rights import Asker, Rights
from gateway import clock
from gateway.collaboration.confirming import LinkExpired
from gateway.desk.tables import progress_link
from gateway.errors import NotFound, TooBusy
from gateway.rights import Eyes
from gateway.rights.asking import CUSTOMER
from gateway.secrets import Vault
from gateway.service import Gateway
from gateway.signed_tokens import SignedToken

Shape = Callable[[Gateway, core_tickets.Ticket, int], dict[str, Any]]
"""A ticket as the API shows it."""
_TOKEN = SignedToken("progress", struct.Struct(">QQI"))
_P = progress_link.c
LASTING = 30 * clock.DAY
SEEN_EVERY = clock.MINUTE
"""Looking again sooner is not written down anew: a page that refreshes itself must not write each time."""
PER_MINUTE = 60
"""Requests of one address."""
_ADDRESSES = 10_000
_SHOWN = ("title", "status", "shown_as", "opened_at", "updated_at", "resolved_at", "confirmed_at", "closed_at",
          "resolution", "resolution_due", "kind")  # fmt: skip


def make(conn: Connection, vault: Vault, ticket_id: int, actor: str, until: int, now: int) -> tuple[int, str]:
    """A new link: its number, and its token, which is shown only now. Raises core_tickets.UnknownTicket."""
    core_tickets.get(conn, ticket_id)
    until = until // clock.SECOND * clock.SECOND
    made = conn.execute(insert(progress_link).values(ticket_id=ticket_id, made_by=actor, made_at=now, expires_at=until))
    assert made.inserted_primary_key is not None
    number = int(made.inserted_primary_key[0])
    told = {"link": number, "expires_at": clock.rfc3339(until)}
    core_tickets.note(conn, [core_tickets.Note(ticket_id, "progress_link", told, actor, now, "person")])
    return number, _TOKEN.make(vault, number, ticket_id, until // clock.SECOND)


def listed(conn: Connection, ticket_id: int, now: int) -> list[dict[str, Any]]:
    """The links of a ticket, the newest first; never their tokens."""
    rows = conn.execute(select(progress_link).where(_P.ticket_id == ticket_id).order_by(_P.id.desc()))
    return [
        {"number": r.id, "made_by": r.made_by, "made_at": clock.rfc3339(r.made_at),
         "expires_at": clock.rfc3339(r.expires_at), "revoked_at": clock.rfc3339(r.revoked_at), "revoked_by": r.revoked_by,
         "seen_at": clock.rfc3339(r.seen_at), "works": r.revoked_at is None and now < r.expires_at}
        for r in rows
    ]  # fmt: skip


def revoke(conn: Connection, ticket_id: int, number: int, actor: str, now: int) -> None:
    """Raises NotFound: the ticket has no such link that works."""
    mine = (_P.id == number) & (_P.ticket_id == ticket_id) & _P.revoked_at.is_(None)
    if not conn.execute(update(progress_link).where(mine).values(revoked_at=now, revoked_by=actor)).rowcount:
        raise NotFound(f"This ticket has no live link {number}.")
    note = core_tickets.Note(ticket_id, "progress_link_revoked", {"link": number}, actor, now, "person")
    core_tickets.note(conn, [note])


def read(conn: Connection, vault: Vault, token: str, now: int) -> int:
    """The ticket it is about. Raises NotFound for what is no link of ours, LinkExpired for one that is over or was
    taken back."""
    number, ticket_id, until = _TOKEN.read(vault, token)
    kept = conn.execute(select(_P.ticket_id, _P.revoked_at).where(_P.id == number)).first()
    if kept is None or kept.ticket_id != ticket_id or kept.revoked_at is not None or now >= until * clock.SECOND:
        raise LinkExpired()
    return ticket_id


def looked_at(conn: Connection, vault: Vault, token: str, now: int) -> None:
    """It was used; whoever made it sees when. Raises NotFound."""
    number = _TOKEN.read(vault, token)[0]
    stale = _P.seen_at.is_(None) | (_P.seen_at < now - SEEN_EVERY)
    conn.execute(update(progress_link).where(_P.id == number, stale).values(seen_at=now))


def shown(conn: Connection, gateway: Gateway, ticket_id: int, shape: Shape, now: int) -> dict[str, Any]:
    """How far it is: the steps with their times, public comments, whether the customer is asked for a word. As far as
    the policy lets the role `customer` read."""
    ticket = core_tickets.get(conn, ticket_id)
    holder = Asker(None, frozenset({CUSTOMER}), frozenset(), ticket.customer, stands=frozenset({"requester"}))
    eyes = Eyes(conn, gateway.hub, holder)
    eyes.rights = _for_anybody(eyes.rights)
    seen = eyes.seen(ticket_id)
    whole = shape(gateway, ticket, now)
    told = eyes.project({"id": whole["id"], "status": whole["status"], **{name: whole[name] for name in _SHOWN}})
    kept = {name: value for name, value in told.items() if name != "withheld" and value is not None}
    return kept | {
        "steps": steps(ticket),
        "said": _said(conn, eyes, seen.ticket),
        "may_confirm": "confirm" in core_tickets.allowed(ticket) and bool(seen.sight.action("confirm", ticket)),
        "waits_for_you": (ticket.status == "resolved" and ticket.confirmed_at is None)
        or ticket.blocked_reason == "waiting_for_customer",
    }  # fmt: skip


def _for_anybody(rights: Rights) -> Rights:
    """A link is forwarded: whoever has it reads no protected data, be it the customer's own."""
    never = {kind.name: 0 for kind in rights.data.kinds}
    roles = {name: replace(role, never={**role.never, **never}) for name, role in rights.roles.items()}
    return replace(rights, roles=roles)


def steps(ticket: core_tickets.Ticket) -> list[dict[str, Any]]:
    """Received, being worked on, solved, confirmed: which are behind it, and since when."""
    begun = ticket.first_responded_at if ticket.first_responded_at is not None else ticket.resolved_at
    working = ticket.status != "pending"
    return [
        {"name": name, "done": done, "at": clock.rfc3339(at) if done and at is not None else None}
        for name, done, at in (
            ("received", True, ticket.opened_at),
            ("working", working, begun or ticket.claimed_at),
            ("solved", ticket.status in ("resolved", "closed"), ticket.resolved_at),
            ("confirmed", ticket.confirmed_at is not None, ticket.confirmed_at),
        )
    ]


def _said(conn: Connection, eyes: Eyes, ticket: core_tickets.Ticket) -> list[dict[str, Any]]:
    """Public comments, without who of us wrote them."""
    if not eyes.seen(ticket.id).sight.field("timeline.comment.public"):
        return []
    entries = core_tickets.timeline(conn, ticket.id, limit=500)
    public = [e for e in entries if e.type == "comment" and e.data.get("public")]
    told = [
        {"at": clock.rfc3339(e.at), "by_customer": e.actor.startswith(CUSTOMER), "text": str(e.data.get("text", ""))}
        for e in public
    ]
    cleaned: list[dict[str, Any]] = eyes.project(told, ticket.id)
    return cleaned


class Pace:
    """So many requests a minute of one address; the others are told when to come again. In memory: each process counts
    its own."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, address: str, now: int) -> None:
        """Raises TooBusy."""
        with self._lock:
            left, at = self._left.pop(address, (float(self._per_minute), now))
            left = min(float(self._per_minute), left + (now - at) / clock.MINUTE * self._per_minute)
            self._left[address] = (max(0.0, left - 1), now)
            while len(self._left) > _ADDRESSES:
                self._left.popitem(last=False)
        if left < 1:
            raise TooBusy("Too many requests; come again in a minute. 请求过于频繁，请稍后再试。", retry_after=60)
