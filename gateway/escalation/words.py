"""Promises and what ran of the ladders, as the API shows them and as people read them (Chinese first)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, select

from core_tickets import Policy, Ticket
from core_tickets.calendars import known_until
from core_tickets.countdown import PROMISES, STATES, Countdown, countdown
from gateway import clock
from gateway.config.hub import Hub
from gateway.escalation import tables, telling
from gateway.escalation.planning import timers

SECOND = clock.SECOND
BECAUSE = {
    "opened": "开单时按策略承诺 promised by the policy when it was opened",
    "reopened": "重新打开，解决时限重新起算 reopened: the resolution is promised anew",
    "waited_for_customer": "等待客户期间时钟暂停 the clock stood still while the customer was waited for",
    "graded_anew": "类型或优先级改变 another kind or priority has other promises",
    "by_hand": "人工设定 set by hand",
}


def promises_shape(ticket: Ticket, now: int, policy: Policy) -> list[dict[str, Any]]:
    """Each promise with what is left of it in working time. `state`: ok, warn, breached, paused, kept, broken."""
    return [
        {
            "name": c.name, "title": PROMISES[c.name].en, "title_zh": PROMISES[c.name].zh, "due": clock.rfc3339(c.due),
            "remaining_s": c.remaining // SECOND, "state": c.state, "calendar": c.calendar,
            "met_at": clock.rfc3339(c.met_at), "by_hand": c.name.startswith("given_"),
        }
        for c in countdown(ticket, now, policy)
    ]  # fmt: skip


def tell_promises(ticket: Ticket, now: int, policy: Policy) -> list[str]:
    """The promises of a ticket in words."""
    counted = countdown(ticket, now, policy)
    lines = [_in_words(c) for c in counted]
    calendar = policy.calendar(ticket.kind, ticket.priority)
    last = max((clock.to_datetime(c.due).year for c in counted), default=0)
    if calendar.china and last > known_until():
        lines.append(
            f"{last} 年节假日安排尚未收录，按周计算 the holidays of {last} are not known yet: the week alone counts there"
        )
    return lines


def _in_words(c: Countdown) -> str:
    label, state = PROMISES[c.name], STATES[c.state]
    left = length(abs(c.remaining))
    if c.state in ("kept", "broken"):
        rest = f"{clock.rfc3339(c.met_at)}, {'早 early by' if c.remaining >= 0 else '晚 late by'} {left}"
    else:
        rest = f"{'剩余 left' if c.remaining >= 0 else '已超 over by'} {left}"
    return (
        f"{label.zh} {label.en}: {state.zh} {state.en.lower()}, 到期 due {clock.rfc3339(c.due)}, {rest} "
        f"(日历 calendar {c.calendar})"
    )


def length(microseconds: int) -> str:
    """Working time as people write it: `1 h 05 min`, `3 min 20 s`."""
    seconds = microseconds // SECOND
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds % 60:02} s"


def tell_move(because: Mapping[str, Any]) -> list[str]:
    """Why a promise stands where it stands, in words."""
    lines = [BECAUSE.get(str(because.get("because")), str(because.get("because")))]
    if "waited_s" in because:
        lines.append(f"计入工作时间 in working time: {length(int(because['waited_s']) * SECOND)}")
    if "line" in because:
        lines.append(f"策略 policy promises {because['policy']}, 行 line {because['line']}, 日历 {because['calendar']}")
    return lines


def steps_shape(conn: Connection, hub: Hub, number: int) -> dict[str, Any]:
    """The steps that ran, with why and whom, and those that will run if nothing changes."""
    c = tables.escalation.c
    ran = conn.execute(select(tables.escalation).where(c.ticket_id == number).order_by(c.fired_at, c.due_at, c.step))
    timer = timers(conn, [number]).get(number)
    planned = sorted(timer.plan, key=lambda p: (p[2], p[1])) if timer is not None else []
    return {
        "ran": [
            {"step": r.step, "due_at": clock.rfc3339(r.due_at), "fired_at": clock.rfc3339(r.fired_at),
             "told": _why(hub, r.step, orjson.loads(r.outcome)), "outcome": orjson.loads(r.outcome)}
            for r in ran
        ],
        "planned": [{"step": s, "due_at": clock.rfc3339(at), "told": _why(hub, s, {})} for _, s, at in planned],
    }  # fmt: skip


def _why(hub: Hub, key: str, outcome: Mapping[str, Any]) -> list[str]:
    step = hub.ladders.named(key)
    lines = [] if step is None else [" · ".join(telling.why(step))]
    told = [*outcome.get("people", ()), *(f"group:{g}" for g in outcome.get("groups", ()))]
    if told:
        lines.append("通知 told: " + ", ".join(told))
    if outcome.get("nobody"):
        lines.append("无人可通知 nobody is meant by: " + ", ".join(outcome["nobody"]))
    return lines
