"""Which actions one person may do on one ticket now, what each asks for, and why the others cannot be done."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

import core_tickets
import id_registry
from core_tickets import Label
from gateway.collaboration.shown import together
from gateway.config.hub import Hub
from gateway.desk.forms import FORMS
from gateway.rights import Eyes

_NOTHING = Label("There is nothing here that it could be done to.", "当前没有可操作的对象。")


def offered(conn: Connection, hub: Hub, eyes: Eyes, number: int, now: int) -> list[dict[str, Any]]:
    """Every action that has a form, those possible now first. `possible` with something in `required` lacks only that.
    Raises core_tickets.UnknownTicket."""
    seen = eyes.seen(number)
    ticket = seen.ticket
    shown = together(conn, hub, ticket, [], now)
    by_state, useful = core_tickets.allowed(ticket), set(shown["allowed"])
    told = []
    for name, form in FORMS.items():
        decision = seen.sight.action(name, ticket)
        why: Label | None = None
        if name not in by_state:
            why = _state(ticket, name)
        elif name not in useful:
            why = _NOTHING
        elif not decision:
            why = Label(f"{decision.why[:1].upper()}{decision.why[1:]}.", f"{decision.why_zh}。")
        told.append(
            {
                "name": name, "label": form.label.en, "label_zh": form.label.zh, "possible": why is None,
                "why_not": why.en if why else "", "why_not_zh": why.zh if why else "",
                "required": shown["required"].get(name, []) if why is None else [],
                "fields": [field.as_dict() for field in form.fields], "many": form.many,
            }
        )  # fmt: skip
    return sorted(told, key=lambda each: not each["possible"])


def _state(ticket: core_tickets.Ticket, name: str) -> Label:
    action = core_tickets.ACTIONS[name]
    state = core_tickets.STATUSES[ticket.status]
    if ticket.status in action.sources:
        why = action.why_not(ticket)
        assert why is not None  # else it would be allowed
        if (other := ticket.superseded_by) is not None:  # the ticket core knows numbers only
            why = Label(*(told.replace(str(other), id_registry.format_id(other)) for told in why))
        return Label(f"Not now: {why.en}.", f"当前不适用：{why.zh}。")
    takes = [core_tickets.STATUSES[source] for source in action.sources]
    return Label(
        f"Not while it is {state.en.lower()}; it takes {' or '.join(t.en.lower() for t in takes)}.",
        f"“{state.zh}”状态下不能执行；需要处于{'、'.join(t.zh for t in takes)}。",
    )
