"""Who shall know of what people do together: named with an @, asked to approve, answered, handed to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
from core_tickets.batch import among
from core_tickets.people import Roster
from core_tickets.tables import entry
from gateway.bridge.happened import Happened
from gateway.config.hub import Hub
from gateway.notify import Notice, queue

_E = entry.c
TOLD = frozenset({
    "ticket.approval_requested", "ticket.accepted", "ticket.declined", "ticket.approved", "ticket.approval_withdrawn",
    "ticket.handed_off", "ticket.handoff_accepted", "ticket.handoff_returned", "ticket.handoff_finished",
})  # fmt: skip
_NAMES = (
    "comment",
    "request_approval",
    "accept",
    "decline",
    "handoff",
    "accept_handoff",
    "return_handoff",
    "finish_handoff",
)


def tell(conn: Connection, hub: Hub, happened: Sequence[Happened], now: int) -> None:
    """A reaction: what the entries of this moment say to whom. Three statements, and none where nothing concerns people."""
    ids = {h.ticket_id for h in happened if h.event in TOLD or (h.event == "ticket.commented" and "@" in h.message)}
    if not ids:
        return
    query = select(_E.id, _E.ticket_id, _E.name, _E.actor, _E.data).where(
        among(conn, _E.ticket_id, ids), _E.at == now, _E.name.in_(_NAMES)
    )
    rows = [(row, orjson.loads(row.data)) for row in conn.execute(query.order_by(_E.id))]
    tickets = core_tickets.get_many(conn, ids)
    queue(conn, [n for row, data in rows for n in _notices(row, data, tickets[row.ticket_id], hub.roster)], now)


def people_of(names: Sequence[str], roster: Roster) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """People and groups of names such as li.na, role:buyer and group:north."""
    people: list[str] = []
    groups: list[str] = []
    for name in names:
        kind, _, who = name.rpartition(":")
        if kind == "group":
            groups.append(who)
        else:
            people += roster.with_role(who) if kind == "role" else [name]
    return tuple(dict.fromkeys(people)), tuple(dict.fromkeys(groups))


def _notices(row: Any, data: dict[str, Any], ticket: core_tickets.Ticket, roster: Roster) -> Iterator[Notice]:
    step, tier, text = str(row.id), ticket.priority, str(data.get("text") or "")
    match row.name:
        case "comment":
            people = tuple(p for p in data.get("mentioned", ()) if p != row.actor)
            groups = tuple(data.get("mentioned_groups", ()))
            if people or groups:
                title = f"{row.actor} 在工单中提到了您 mentioned you"
                yield Notice(row.ticket_id, "mentioned", step, tier, people, groups, title, text)
        case "request_approval":
            people, groups = people_of(data["approvers"], roster)
            title = f"请会签 Your approval is asked by {row.actor}"
            yield Notice(row.ticket_id, "approval", step, tier, people, groups, title, text)
        case "accept" | "decline" if data.get("state") in ("accepted", "returned"):
            accepted = data["state"] == "accepted"
            title = (
                "会签已全部通过 All have accepted" if accepted else f"会签被 {row.actor} 退回 Returned by {row.actor}"
            )
            people = tuple(dict.fromkeys(p for p in (data.get("asked_by"), ticket.assignee) if p))
            yield Notice(row.ticket_id, "approval_settled", step, tier, people, (), title, text)
        case "handoff":
            title = f"工单移交给 Handed to {data['group']}"
            yield Notice(row.ticket_id, "handoff", step, tier, (), (data["group"],), title, text)
        case "accept_handoff" | "return_handoff" | "finish_handoff":
            said = {
                "accept_handoff": "已接收 accepted",
                "return_handoff": "已退回 returned",
                "finish_handoff": "已完成 finished",
            }
            people = tuple(p for p in (data.get("sent_by"),) if p and p != row.actor)
            groups = (data["back_to"],) if data.get("back_to") else ()
            if people or groups:
                title = f"{data['group']} {said[row.name]}"
                yield Notice(row.ticket_id, row.name, step, tier, people, groups, title, text)
