"""What a step says, Chinese first."""

from __future__ import annotations

from core_tickets import PRIORITIES, Ticket
from core_tickets.countdown import PROMISES
from core_tickets.escalation import Step, Told
from gateway.config.durations import show
from gateway.notify import Notice

_UNMET = {
    "unanswered": ("无人响应", "not answered"),
    "unclaimed": ("无人认领", "not taken by anybody"),
    "unworked": ("无人处理", "not worked on"),
    "unresolved": ("尚未解决", "not resolved"),
}
_REASONS = {
    "warned": ("即将超时", "Soon overdue"),
    "breached": ("已超时", "Overdue"),
    "escalated": ("升级", "Escalated"),
    "room": ("跨部门会商", "Room of all departments"),
}


def reason(step: Step) -> str:
    """The kind of its note and notice: warned, breached, escalated or room."""
    if step.do == "room":
        return "room"
    if step.condition is not None or step.promise is None:
        return "escalated"
    return "warned" if step.share or step.before else "breached"


def why(step: Step) -> tuple[str, str]:
    """Why it ran, in Chinese and in English."""
    if step.condition is not None:
        zh, en = _UNMET[step.condition]
        return f"{show(step.after)} 内{zh}", f"{en} for {show(step.after)}"
    if step.promise is None:
        return "策略中已无此步骤", "the policy has this step no more"
    label = PROMISES[step.promise]
    if step.share:
        return f"{label.zh}时限仅剩 {step.share}%", f"{step.share}% of the time for {label.en.lower()} are left"
    if step.before:
        return f"{label.zh}距到期 {show(step.before)}", f"{label.en} is due in {show(step.before)}"
    return f"{label.zh}已超时", f"{label.en} is overdue"


def notice(ticket: Ticket, episode: int, key: str, step: Step, told: Told) -> Notice:
    """What is told to whom. The step of the notice holds the episode, so that a reopened ticket is told of again."""
    kind = reason(step)
    zh, en = why(step)
    head = _REASONS[kind]
    tier = ticket.priority if step.tier is None else step.tier
    lines = [f"{zh}。", f"{en[:1].upper()}{en[1:]}.", f"{PRIORITIES[ticket.priority].zh} · {ticket.title}"]
    if step.template:
        lines += ["", step.template.rstrip()]
    title = f"{head[0]} {head[1]}: {ticket.title}"[:500]
    return Notice(ticket.id, kind, f"{key}@{episode}", tier, told.people, told.groups, title, "\n".join(lines))
