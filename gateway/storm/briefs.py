"""The brief of a storm: what is known, what was done, what is open, of members, timeline and commands, zh and en."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

import core_tickets
from core_tickets import Label, collaboration
from core_tickets.vocabulary import STATUSES
from gateway import clock, tables
from gateway.storm.tables import storm_announcement, storm_postponed
from id_registry import format_id

_M, _O = tables.storm_member.c, tables.outbox.c
SHOWN = 5
DONE: Mapping[str, Label] = {
    "start": Label("begun", "开始处理"), "claim": Label("claimed", "认领"), "assign": Label("assigned", "指派"),
    "block": Label("blocked", "阻塞"), "unblock": Label("goes on", "解除阻塞"), "resolve": Label("resolved", "解决"),
    "reopen": Label("reopened", "重新打开"), "comment": Label("comments", "评论"), "attach": Label("files", "附件"),
    "handoff": Label("handed on", "移交"), "accept_handoff": Label("handoffs taken", "接收移交"),
    "request_approval": Label("approvals asked", "发起会签"), "accept": Label("agreed", "会签同意"),
    "decline": Label("declined", "会签退回"), "add_child": Label("sub-tickets", "子工单"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What a brief is written of; every number can be looked up."""

    number: int
    minutes: int
    status: str
    holder: str
    members: int
    running: int
    devices: int
    newest: tuple[str, ...]
    still: tuple[str, ...]
    done: Mapping[str, int]
    """Entries by people since the brief before, by action."""
    said: tuple[str, ...]
    """What people wrote since then, shortened, newest last."""
    sent: int
    failed: int
    waiting: int
    """Commands to other systems: carried out, refused or with a person, under way."""
    open_children: tuple[str, ...]
    awaited: tuple[str, ...]
    drafts: int
    postponed: int


def gather(conn: Connection, ticket: core_tickets.Ticket, number: int, began_at: int, since: int, now: int) -> Facts:
    """Everything a brief tells. A constant number of statements."""
    mine = _M.ticket_id == ticket.id
    count = select(func.count(), func.count(_M.resolved_at), func.count(_M.device_id.distinct())).where(mine)
    members, recovered, devices = conn.execute(count).one()
    newest = select(_M.title).where(mine, _M.at >= since).order_by(_M.at.desc(), _M.signal_key).limit(SHOWN)
    still = select(_M.title).where(mine, _M.resolved_at.is_(None)).order_by(_M.at, _M.signal_key).limit(SHOWN)
    done, said = _by_people(core_tickets.timeline(conn, ticket.id, limit=1000), since)
    counted = select(_O.state, func.count()).where(_O.ticket_id == ticket.id).group_by(_O.state)
    states: dict[str, int] = {str(state): n for state, n in conn.execute(counted)}
    approvals = collaboration.approvals(conn, [ticket.id]).get(ticket.id, [])
    a, p = storm_announcement.c, storm_postponed.c
    drafts = select(func.count()).where(a.ticket_id == ticket.id, a.state == "draft")
    postponed = select(func.count()).where(p.ticket_id == ticket.id, p.end.is_(None))
    return Facts(
        number, (now - began_at) // clock.MINUTE, ticket.status, ticket.assignee or ticket.group or "", members,
        members - recovered, devices, tuple(conn.execute(newest).scalars()), tuple(conn.execute(still).scalars()), done, said,
        states.get("done", 0), states.get("refused", 0) + states.get("person", 0),
        states.get("waiting", 0) + states.get("sending", 0),
        tuple(map(format_id, collaboration.open_children(conn, [ticket.id]).get(ticket.id, ()))),
        tuple(name for each in approvals for name in collaboration.awaited(each)),
        conn.execute(drafts).scalar_one(), conn.execute(postponed).scalar_one(),
    )  # fmt: skip


def _by_people(entries: Sequence[core_tickets.Entry], since: int) -> tuple[dict[str, int], tuple[str, ...]]:
    done: dict[str, int] = {}
    said: list[str] = []
    for entry in entries:
        if entry.at < since or entry.actor_kind != "person" or entry.name not in DONE:
            continue
        done[entry.name] = done.get(entry.name, 0) + 1
        if entry.name == "comment":
            said.append(f"{entry.actor}: {str(entry.data.get('text', ''))[:120]}")
    return done, tuple(said[-3:])


def compose(facts: Facts) -> tuple[str, str]:
    """The brief in Chinese and in English, markdown. Pure."""
    return _zh(facts), _en(facts)


def _zh(f: Facts) -> str:
    known = f"已知：持续 {f.minutes} 分钟，{f.members} 起告警、{f.devices} 台设备，其中 {f.running} 起未恢复"
    known += f"；状态 {STATUSES[f.status].zh}"
    known += f"，负责 {f.holder}" if f.holder else "，尚无人负责"
    known += "；新增：" + "、".join(f.newest) if f.newest else "；无新增告警"
    acts = "、".join(f"{DONE[name].zh} {n}" for name, n in f.done.items())
    done = f"已做：{acts or '本时段无人操作'}；命令成功 {f.sent}" + (f"、失败或待人工 {f.failed}" if f.failed else "")
    done += "".join(f"\n  - {text}" for text in f.said)
    still = [f"未恢复：{'、'.join(f.still)}" + (" 等" if f.running > len(f.still) else "")] if f.still else []
    still += [f"命令进行中 {f.waiting}"] if f.waiting else []
    still += [f"子工单 {', '.join(f.open_children)}"] if f.open_children else []
    still += [f"等待会签 {', '.join(f.awaited)}"] if f.awaited else []
    still += [f"公告草稿待批准 {f.drafts}"] if f.drafts else []
    still += [f"搁置事项 {f.postponed}"] if f.postponed else []
    return f"**第 {f.number} 次简报**\n- {known}\n- {done}\n- 待办：{'；'.join(still) or '无'}"


def _en(f: Facts) -> str:
    known = f"Known: {f.minutes} min, {f.members} alerts on {f.devices} devices, {f.running} not over; {STATUSES[f.status].en}"
    known += f", held by {f.holder}" if f.holder else ", held by nobody"
    known += "; new: " + ", ".join(f.newest) if f.newest else "; no new alerts"
    acts = ", ".join(f"{DONE[name].en} {n}" for name, n in f.done.items())
    done = f"Done: {acts or 'nobody did anything meanwhile'}; {f.sent} commands carried out"
    done += f", {f.failed} failed or with a person" if f.failed else ""
    still = [f"not over: {', '.join(f.still)}" + (" ..." if f.running > len(f.still) else "")] if f.still else []
    still += [f"{f.waiting} commands under way"] if f.waiting else []
    still += [f"sub-tickets {', '.join(f.open_children)}"] if f.open_children else []
    still += [f"approval of {', '.join(f.awaited)}"] if f.awaited else []
    still += [f"{f.drafts} announcement drafts to release"] if f.drafts else []
    still += [f"{f.postponed} things put off"] if f.postponed else []
    return f"**Brief {f.number}**\n- {known}\n- {done}\n- Open: {'; '.join(still) or 'nothing'}"


def as_json(facts: Facts) -> str:
    return orjson.dumps(asdict(facts)).decode()


def first_announcement(ticket: core_tickets.Ticket) -> tuple[str, str]:
    """What the hub proposes to say when a storm begins; nobody outside sees it until somebody releases it."""
    return (
        f"我们发现一起影响较大的故障（{format_id(ticket.id)}），正在处理。进展将持续通报。",
        f"We have found a major incident ({format_id(ticket.id)}) and are working on it. We will keep you informed.",
    )


def parts(row: Any) -> dict[str, Any]:
    """A stored brief as the API shows it."""
    return {
        "number": row.number,
        "at": clock.rfc3339(row.at),
        "zh": row.zh,
        "en": row.en,
        "facts": orjson.loads(row.facts),
    }
