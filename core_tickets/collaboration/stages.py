"""What an action requires before it may be done: proof, fields, stock, agreement. Data and pure functions.

Facts come from the caller as plain values, also those of other systems: the core asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from core_tickets.collaboration.attaching import Attachment
from core_tickets.errors import Incomplete, Missing
from core_tickets.model import Ticket
from core_tickets.vocabulary import CAUSES
from core_tickets.workflow import allowed

__all__ = ["Facts", "Need", "Stage", "items_of", "missing", "required", "stages_for"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that must be there. `kind` is attachment, field, label, cause, score, signature, confirmed, approval,
    recovered, stock or any; `name` says which (a label of attachments, a field, a label of the ticket)."""

    kind: str
    name: str = ""
    at_least: int = 1
    quantity: str = ""
    """Of stock: how many, as a number or the name of the label that says it."""
    any_of: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """What `action` needs of tickets of these kinds, states and priorities (empty: of all)."""

    action: str
    needs: tuple[Need, ...]
    kinds: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    priorities: frozenset[int] = frozenset()

    def holds_for(self, ticket: Ticket, action: str) -> bool:
        return (
            action == self.action
            and (not self.kinds or ticket.kind in self.kinds)
            and (not self.states or ticket.status in self.states)
            and (not self.priorities or ticket.priority in self.priorities)
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the ticket. `stock`: what is free to use by the item's code; None: no system knows the item."""

    attachments: Sequence[Attachment] = ()
    recovered: bool = False
    """The source itself said that it is over."""
    score: int | None = None
    signed: bool = False
    approved: bool = False
    stock: Mapping[str, Decimal | None] = field(default_factory=dict)


def stages_for(stages: Sequence[Stage], ticket: Ticket, action: str) -> list[Stage]:
    return [s for s in stages if s.holds_for(ticket, action)]


def items_of(stages: Sequence[Stage], ticket: Ticket, args: Mapping[str, Any]) -> set[str]:
    """The codes whose stock must be known to judge these stages."""
    labels = _labels(ticket, args)
    needs = [n for s in stages for need in s.needs for n in (need, *need.any_of)]
    return {code for n in needs if n.kind == "stock" and (code := labels.get(n.name))}


def missing(
    stages: Sequence[Stage], ticket: Ticket, action: str, args: Mapping[str, Any], facts: Facts
) -> tuple[Missing, ...]:
    """What the action still lacks, each thing once, in the order of the policy. `args` are those of the action: what is
    given with it counts as there."""
    found = (_lacking(n, ticket, args, facts) for s in stages_for(stages, ticket, action) for n in s.needs)
    return tuple(dict.fromkeys(m for m in found if m is not None))


def required(stages: Sequence[Stage], ticket: Ticket, action: str, args: Mapping[str, Any], facts: Facts) -> None:
    """Raises Incomplete with everything that is missing."""
    if lacking := missing(stages, ticket, action, args, facts):
        raise Incomplete(ticket.id, action, ticket.status, allowed(ticket), lacking)


def _labels(ticket: Ticket, args: Mapping[str, Any]) -> Mapping[str, str]:
    given = args.get("labels")
    return given if isinstance(given, Mapping) else ticket.labels


def _lacking(need: Need, ticket: Ticket, args: Mapping[str, Any], facts: Facts) -> Missing | None:
    if need.kind == "any":
        each = [_lacking(n, ticket, args, facts) for n in need.any_of]
        lacking = [m for m in each if m is not None]
        if len(lacking) < len(each):
            return None
        return Missing(
            "any",
            "one of: " + "; ".join(m.en for m in lacking),
            "以下任意一项：" + "；".join(m.zh for m in lacking),
            "; or ".join(m.how for m in lacking),
            "；或".join(m.how_zh for m in lacking),
        )
    return _CHECKS[need.kind](need, ticket, args, facts)


def _attachment(need: Need, _ticket: Ticket, _args: Mapping[str, Any], facts: Facts) -> Missing | None:
    held = sum(a.label == need.name and a.removed_at is None for a in facts.attachments)
    if held >= need.at_least:
        return None
    return Missing(
        f"attachment:{need.name}",
        f"{need.at_least - held} more attachment(s) labelled {need.name}",
        f"还缺 {need.at_least - held} 个“{need.name}”附件",
        f"POST the file to /v1/tickets/ID/attachments?label={need.name}",
        f"上传附件并标记为 {need.name}",
    )


def _field(need: Need, ticket: Ticket, args: Mapping[str, Any], _facts: Facts) -> Missing | None:
    value = args.get(need.name) if args.get(need.name) is not None else getattr(ticket, need.name, None)
    if value not in (None, "", {}):
        return None
    return Missing(
        f"field:{need.name}", f"the field {need.name}", f"字段 {need.name}",
        f"give {need.name} with the action, or set it before", f"执行时填写 {need.name}，或先行设置",
    )  # fmt: skip


def _label(need: Need, ticket: Ticket, args: Mapping[str, Any], _facts: Facts) -> Missing | None:
    if _labels(ticket, args).get(need.name):
        return None
    return Missing(
        f"label:{need.name}", f"the label {need.name}", f"标签 {need.name}",
        f"set labels.{need.name} of the ticket", f"设置工单标签 {need.name}",
    )  # fmt: skip


def _cause(_need: Need, ticket: Ticket, args: Mapping[str, Any], _facts: Facts) -> Missing | None:
    if (args.get("cause") or ticket.cause) in CAUSES:
        return None
    return Missing(
        "cause", "a cause code", "原因代码",
        f"resolve with `cause`: one of {', '.join(CAUSES)}", "解决时填写 cause（原因代码）",
    )  # fmt: skip


def _score(_need: Need, _ticket: Ticket, args: Mapping[str, Any], facts: Facts) -> Missing | None:
    if args.get("score") or facts.score is not None:
        return None
    return Missing(
        "score", "the customer's score", "客户评分",
        "let the customer confirm with a score of 1 to 5", "请客户确认并评分（1–5）",
    )  # fmt: skip


def _signature(_need: Need, _ticket: Ticket, args: Mapping[str, Any], facts: Facts) -> Missing | None:
    if args.get("signature") or facts.signed:
        return None
    return Missing(
        "signature", "the customer's signature", "客户签名",
        "attach it labelled signature, or let the customer sign when confirming", "上传“signature”附件，或客户确认时签名",
    )  # fmt: skip


def _confirmed(_need: Need, ticket: Ticket, _args: Mapping[str, Any], _facts: Facts) -> Missing | None:
    if ticket.confirmed_at is not None:
        return None
    return Missing(
        "confirmed", "the customer's confirmation", "客户确认",
        "send the customer the confirmation link", "把确认链接发给客户",
    )  # fmt: skip


def _approval(_need: Need, ticket: Ticket, _args: Mapping[str, Any], facts: Facts) -> Missing | None:
    if facts.approved or ticket.approval == "approved":
        return None
    return Missing(
        "approval", "an accepted approval", "已通过的审批",
        "ask for it: POST /v1/tickets/ID/approvals", "发起会签并全部通过",
    )  # fmt: skip


def _recovered(_need: Need, _ticket: Ticket, _args: Mapping[str, Any], facts: Facts) -> Missing | None:
    if facts.recovered:
        return None
    return Missing(
        "recovered", "the source's own word that it is over", "来源系统的恢复消息",
        "wait for the source to tell its end", "等待来源系统发出恢复消息",
    )  # fmt: skip


def _stock(need: Need, ticket: Ticket, args: Mapping[str, Any], facts: Facts) -> Missing | None:
    labels = _labels(ticket, args)
    code = labels.get(need.name)
    if not code:
        return _label(need, ticket, args, facts)
    wanted = _number(labels.get(need.quantity, need.quantity) if need.quantity else str(need.at_least))
    if wanted is None:
        return Missing(
            f"label:{need.quantity}", f"a number in the label {need.quantity}", f"标签 {need.quantity} 应为数字",
            f"set labels.{need.quantity} of the ticket to a number", f"把标签 {need.quantity} 设为数字",
        )  # fmt: skip
    free = facts.stock.get(code)
    if free is not None and free >= wanted:
        return None
    there = "no connected system knows it" if free is None else f"{free.normalize():f} free"
    there_zh = "没有系统有此物料" if free is None else f"可用 {free.normalize():f}"
    return Missing(
        f"stock:{code}", f"stock of {code}: {wanted:f} needed, {there}", f"物料 {code} 需 {wanted:f}，{there_zh}",
        "order it, or name another part", "先申购，或换用其他备件",
    )  # fmt: skip


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


_CHECKS: Mapping[str, Callable[[Need, Ticket, Mapping[str, Any], Facts], Missing | None]] = {
    "attachment": _attachment,
    "field": _field,
    "label": _label,
    "cause": _cause,
    "score": _score,
    "signature": _signature,
    "confirmed": _confirmed,
    "approval": _approval,
    "recovered": _recovered,
    "stock": _stock,
}
