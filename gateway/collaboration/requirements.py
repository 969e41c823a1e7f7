"""What an action still requires of a ticket: the policy `stages` over facts that are looked up here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
from core_tickets import Missing, collaboration
from core_tickets.collaboration import stages as rules
from core_tickets.rows import SELECT_TICKET, ticket_of
from core_tickets.tables import entry, ticket
from gateway.config.hub import Hub
from gateway.policies.stages import KIND
from gateway.sync.tables import replica, replica_stream
from gateway.sync.values import loaded

_E, _R = entry.c, replica.c


def check(conn: Connection, hub: Hub, number: int, action: str, args: Mapping[str, Any]) -> None:
    """Before a person does it, in the transaction that does. Raises core_tickets.Incomplete with all that is missing.
    The ticket stays locked, so what was looked at is still so when it is done."""
    policy = KIND.of(hub.policies)
    if not policy.asks(action):
        return
    locked = conn.execute(SELECT_TICKET.where(ticket.c.id == number).with_for_update()).first()
    if locked is None:
        return  # `apply` says so
    found = ticket_of(locked)
    asked = rules.stages_for(policy.requires, found, action)
    if asked and action in core_tickets.allowed(found):
        rules.required(asked, found, action, args, facts_of(conn, found, rules.items_of(asked, found, args)))


def still_required(conn: Connection, hub: Hub, found: core_tickets.Ticket) -> dict[str, tuple[Missing, ...]]:
    """What each action the ticket allows now would still lack, if done without arguments; those that lack nothing are
    left out."""
    policy = KIND.of(hub.policies)
    allowed = core_tickets.allowed(found)
    asked = {a: s for a in allowed if (s := rules.stages_for(policy.requires, found, a))}
    lacking: dict[str, tuple[Missing, ...]] = {}
    if asked:
        items = {code for stages in asked.values() for code in rules.items_of(stages, found, {})}
        facts = facts_of(conn, found, items)
        lacking = {a: m for a, s in asked.items() if (m := rules.missing(s, found, a, {}, facts))}
    if "resolve" in allowed and (waiting := collaboration.open_children(conn, [found.id])):
        lacking["resolve"] = (*lacking.get("resolve", ()), collaboration.children_open(waiting[found.id]))
    if found.blocked_reason == "waiting_for_approval":
        standing = [a for a in collaboration.approvals(conn, [found.id]).get(found.id, ()) if a.state == "open"]
        for action in ("unblock", "resolve", "approve", "refuse") if standing else ():
            if action in allowed:
                lacking[action] = (*lacking.get(action, ()), collaboration.approval_open(standing[-1]))
    return lacking


def facts_of(conn: Connection, found: core_tickets.Ticket, items: Collection[str]) -> rules.Facts:
    """What the rules may ask of beside the ticket; the stock of these articles only."""
    held = collaboration.attachments(conn, [found.id]).get(found.id, [])
    said = select(_E.name, _E.at, _E.actor_kind, _E.data).where(
        _E.ticket_id == found.id, _E.name.in_(("confirm", "resolve"))
    )
    score, signed, recovered = None, any(a.label == "signature" for a in held), False
    for row in conn.execute(said.order_by(_E.id)):
        if row.at < (found.reopened_at or 0):
            continue
        if row.name == "resolve":
            recovered = row.actor_kind != "person"
            continue
        data = orjson.loads(row.data)
        score = data.get("score", score)
        signed = signed or "signature" in data
    approved = any(a.state == "accepted" for a in collaboration.approvals(conn, [found.id]).get(found.id, ()))
    return rules.Facts(held, recovered, score, signed, approved, stock_of(conn, items))


def stock_of(conn: Connection, items: Collection[str]) -> dict[str, Decimal | None]:
    """What is free to use of each article, in all warehouses of all connected systems; None: none of them knows it.
    Frozen stock does not count; where a source tells nothing about what is free, what it has on hand does."""
    found: dict[str, Decimal | None] = dict.fromkeys(items)
    if not items:
        return found
    streams = set(conn.execute(select(replica_stream.c.id).where(replica_stream.c.record == "StockLevel")).scalars())
    rows = select(_R["values"]).where(_R.stream.in_(sorted(streams)), _R.deleted_at.is_(None))
    for code in sorted(items):
        # the text of the record is looked through first: it is an order of magnitude cheaper than opening each
        quoted = orjson.dumps(code).decode()
        for text in conn.execute(rows.where(_R["values"].contains(quoted, autoescape=True))).scalars():
            level = loaded("StockLevel", text)
            if level.get("item") == code:
                free = Decimal(0) if level.get("frozen") else level.get("available", level.get("quantity", Decimal(0)))
                found[code] = (found[code] or Decimal(0)) + free
    return found
