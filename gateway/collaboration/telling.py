"""What people did together on a ticket, and what it still needs, in words for `weft explain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

import core_tickets
from core_tickets import Entry
from gateway import clock
from gateway.collaboration.requirements import still_required
from gateway.config.hub import Hub
from id_registry import format_id

Data = Mapping[str, Any]


def tell(
    conn: Connection, hub: Hub, ticket: core_tickets.Ticket, entries: Sequence[Entry]
) -> list[dict[str, str | None]]:
    """One sentence for each thing done together, Chinese and English in one; at the end what is still required."""
    told: list[dict[str, str | None]] = [
        {"at": clock.rfc3339(e.at), "told": sentence}
        for e in entries
        if (say := _SAY.get(e.name)) is not None and (sentence := say(e, e.data))
    ]
    for action, lacking in still_required(conn, hub, ticket).items():
        for m in lacking:
            blockers = f"（{', '.join(map(format_id, m.tickets))}）" if m.tickets else ""
            told.append({"at": None, "told": f"{action} 还需 still needs：{m.zh} {m.en}{blockers}；{m.how_zh} {m.how}"})
    return told


def _comment(e: Entry, d: Data) -> str:
    named = [*d.get("mentioned", ()), *d.get("mentioned_groups", ())]
    unknown = d.get("unknown_mentions", ())
    if not named and not unknown:
        return ""
    said = f"{e.actor} 提到 mentioned {', '.join(named)}" if named else f"{e.actor} 的评论 commented"
    return said + (f"；名册中没有 nobody on the roster is {', '.join(unknown)}" if unknown else "")


def _asked(e: Entry, d: Data) -> str:
    return f"{e.actor} 请 {', '.join(d['approvers'])} 会签 asked for a joint approval：{d['text'] or '—'}"


def _answered(e: Entry, d: Data) -> str:
    word = "同意 accepted" if e.name == "accept" else "退回 declined"
    state = {"open": f"还等 still awaited {', '.join(d.get('awaited', ()))}", "accepted": "全部通过 all have accepted",
             "returned": "已退回 returned to who asked"}[str(d["state"])]  # fmt: skip
    return f"{e.actor} {word}{'：' + d['text'] if d['text'] else ''}；{state}"


def _handed(e: Entry, d: Data) -> str:
    due = f"，承诺 due {clock.rfc3339(d['due'])}" if d.get("due") else ""
    return f"{e.actor} 由 {d.get('from_group') or '—'} 移交 handed from it to {d['group']}{due}"


def _handoff_ended(e: Entry, d: Data) -> str:
    word = {"accept_handoff": "接收 accepted", "return_handoff": "退回 returned", "finish_handoff": "完成 finished"}[
        e.name
    ]
    late = "，已超时 late" if d.get("late") else ""
    return f"{d['group']}（{e.actor}）{word}{late}{'：' + d['text'] if d['text'] else ''}"


def _confirmed(e: Entry, d: Data) -> str:
    return f"客户确认完成 the customer confirmed it（{e.actor}）" + (
        f"，评分 score {d['score']}" if "score" in d else ""
    )


_SAY: Mapping[str, Callable[[Entry, Data], str]] = {
    "comment": _comment,
    "attach": lambda e, d: f"{e.actor} 上传 attached {d['name']}（{d['label'] or d['media_type']}）",
    "detach": lambda e, d: f"{e.actor} 移除附件 took away {d['name']}",
    "add_child": lambda e, d: f"{e.actor} 增加子工单 added sub-ticket {format_id(d['other'])}"
    + ("（必需 required）" if d.get("required") else ""),
    "remove_child": lambda e, d: f"{e.actor} 移除子工单 took out sub-ticket {format_id(d['other'])}",
    "request_approval": _asked,
    "accept": _answered,
    "decline": _answered,
    "withdraw_approval": lambda e, d: f"{e.actor} 撤回会签 withdrew the joint approval",
    "handoff": _handed,
    "accept_handoff": _handoff_ended,
    "return_handoff": _handoff_ended,
    "finish_handoff": _handoff_ended,
    "handoff_overdue": lambda e, d: f"{d['group']} 超过承诺时间 was late; due {d['due']}",
    "confirmation_link": lambda e, d: f"{e.actor} 生成客户确认链接 made a link for the customer，至 until {d['expires_at']}",
    "confirm": _confirmed,
    "conduct": lambda e, d: f"{d['person']} 状态变更异常 changed states unusually often：{', '.join(d['reasons'])}",
    "storm_room": lambda e, d: f"风暴作战室 the storm's room：{d['connection'] or '名单 list of participants'}"
    f"（{', '.join([*d['participants']['people'], *d['participants']['groups']]) or '—'}）",
    "storm_brief": lambda e, d: f"第 {d['number']} 次简报 brief {d['number']} 自动发出 was written",
    "announcement_drafted": lambda e, d: f"{e.actor} 起草公告 drafted announcement {d['number']}",
    "announcement_sent": lambda e, d: f"{e.actor} 批准并发出公告 released announcement {d['number']}，起草 by {d['drafted_by']}",
    "announcement_withdrawn": lambda e, d: f"{e.actor} 撤回公告 withdrew announcement {d['number']}",
    "after_storm": lambda e, d: f"风暴 {d['storm']} 后仍在告警，单独开单 still fired after the storm: a ticket of its own",
    "resumed_after_storm": lambda e, d: f"曾为风暴 {d['storm']} 搁置，现恢复 was put off for the storm, goes on now",
    "storm_filled": lambda e, d: "搁置事项已全部回补 everything put off had its end："
    + ("、".join(f"{end} {n}" for end, n in d.items()) or "—"),
}  # fmt: skip
