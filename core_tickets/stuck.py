"""Stuck work: when a ticket counts as stuck, and the one question that is put to its holder. Pure.

A ticket is stuck when no person has done anything to it for longer than the first rule that fits it allows. What is asked
follows from what is known: each answer is an action. Times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core_tickets.model import Ticket
from core_tickets.vocabulary import REASONS

__all__ = ["ANSWERS", "Answer", "Facts", "Purchase", "Question", "Rule", "choose", "rule_for", "stuck_at"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Empty sets ask nothing."""

    after: int
    """So long without a person's doing is too long."""
    answer_within: int
    """After so long without an answer the lead is told."""
    states: frozenset[str] = frozenset()
    priorities: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()

    def fits(self, ticket: Ticket) -> bool:
        return (
            (not self.states or ticket.status in self.states)
            and (not self.priorities or ticket.priority in self.priorities)
            and (not self.kinds or ticket.kind in self.kinds)
        )


def rule_for(rules: Sequence[Rule], ticket: Ticket) -> Rule | None:
    """The first that fits."""
    return next((rule for rule in rules if rule.fits(ticket)), None)


def stuck_at(rule: Rule, ticket: Ticket, progress_at: int | None, promised_until: int | None) -> int:
    """From when on it counts as stuck, if nobody does anything. `progress_at`: when a person last did something;
    `promised_until`: its holder said that it goes on until then, which counts as if it were done then."""
    begun = ticket.reopened_at if ticket.reopened_at is not None else ticket.opened_at
    last = max(begun, progress_at or 0)
    promised = promised_until or 0
    return promised if promised > last + rule.after else last + rule.after


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it says, and what else it needs (`text`, `until`, or nothing)."""

    id: str
    zh: str
    en: str
    needs: str = ""


ANSWERS: Mapping[str, Answer] = {
    a.id: a
    for a in (
        Answer("start", "现在开始", "I begin now"),
        Answer("resume", "不用再等，继续处理", "No longer: it goes on"),
        Answer("still_waiting", "还在等，到时再问", "Still waiting; ask again then", "until"),
        Answer("waiting_for_customer", "在等客户", "Waiting for the customer"),
        Answer("wait_for_purchase", "在等这个备件", "Waiting for that part"),
        Answer("need_part", "缺备件，请采购", "A part is missing: buy it", "text"),
        Answer("working", "正在处理，何时完成", "Working on it, done by", "until"),
        Answer("hand_back", "退回，请转给别人", "Give it to somebody else", "text"),
        Answer("solved", "已经解决", "It is solved", "text"),
    )
}


@dataclass(frozen=True, slots=True)
class Purchase:
    """An open purchase of a part for the ticket's device, or linked with the ticket."""

    id: int
    name: str
    """As people read it: its global id and title."""
    linked: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What a question is chosen by."""

    ticket: Ticket
    holder: str
    quiet_for: int
    """Since a person last did something."""
    holder_there: bool = True
    holder_active: bool = True
    purchase: Purchase | None = None
    asked_customer: bool = False
    """The last word is the holder's own, to the customer."""


@dataclass(frozen=True, slots=True)
class Question:
    """`about` names what it was chosen by; the answers are in the order they are offered."""

    about: str
    zh: str
    en: str
    answers: tuple[str, ...]
    other: int | None = None
    """The purchase it speaks of."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Question:
        """From what `as_dict` gave, by way of JSON."""
        return cls(told["about"], told["zh"], told["en"], tuple(told["answers"]), told["other"])


def choose(facts: Facts) -> Question:
    """The one question, from the most certain knowledge to the least."""
    ticket = facts.ticket
    since_zh, since_en = _since(facts.quiet_for)
    if not facts.holder_active:
        return Question("holder_gone", f"{facts.holder} 已不在岗，此单{since_zh}无进展。由谁接手？",
                        f"{facts.holder} works here no more; no progress {since_en}. Who goes on?",
                        ("hand_back", "solved"))  # fmt: skip
    if ticket.status == "blocked":
        return _blocked(facts, since_zh, since_en)
    if not facts.holder_there:
        return Question("off_shift", f"{facts.holder} 现在不当班，此单{since_zh}无进展。退回给当班的人吗？",
                        f"{facts.holder} is off shift; no progress {since_en}. Shall somebody on shift take it?",
                        ("hand_back", "working", "waiting_for_customer", "need_part"))  # fmt: skip
    if ticket.status == "pending":
        return Question("not_begun", f"此单{since_zh}还没有开始。现在能开始吗？",
                        f"Not begun {since_en}. Can you begin now?",
                        ("start", "working", "need_part", "waiting_for_customer", "hand_back"))  # fmt: skip
    if facts.purchase is not None:
        name = facts.purchase.name
        return Question("open_purchase", f"此单{since_zh}无进展。是在等备件 {name} 吗？",
                        f"No progress {since_en}. Are you waiting for the part of {name}?",
                        ("wait_for_purchase", "waiting_for_customer", "working", "hand_back"),
                        facts.purchase.id)  # fmt: skip
    if facts.asked_customer:
        return Question("asked_customer", f"您给客户的留言{since_zh}没有下文。是在等客户答复吗？",
                        f"Your message to the customer has had no answer {since_en}. Are you waiting for it?",
                        ("waiting_for_customer", "working", "need_part", "hand_back"))  # fmt: skip
    return Question("no_progress", f"此单{since_zh}无进展。卡在哪里？", f"No progress {since_en}. What holds it up?",
                    ("working", "waiting_for_customer", "need_part", "hand_back", "solved"))  # fmt: skip


def _blocked(facts: Facts, since_zh: str, since_en: str) -> Question:
    reason = facts.ticket.blocked_reason or "other"
    label = REASONS[reason]
    if reason == "waiting_for_part":
        if facts.purchase is None:
            return Question("part_not_ordered", f"{label.zh}{since_zh}，但没有采购单。要采购什么？",
                            f"{label.en} {since_en}, but nothing was ordered. What shall be bought?",
                            ("need_part", "resume", "still_waiting", "hand_back"))  # fmt: skip
        return Question("part_ordered", f"备件 {facts.purchase.name} 到了吗？（{since_zh}无进展）",
                        f"Has the part of {facts.purchase.name} arrived? (no progress {since_en})",
                        ("resume", "still_waiting", "hand_back"), facts.purchase.id)  # fmt: skip
    about = f"{facts.ticket.blocked_text}，" if facts.ticket.blocked_text else ""
    return Question(reason, f"{label.zh}（{about}{since_zh}无进展），还在等吗？",
                    f"{label.en} (no progress {since_en}): is it still so?",
                    ("resume", "still_waiting", "hand_back"))  # fmt: skip


def _since(quiet_for: int) -> tuple[str, str]:
    hours = quiet_for // 3_600_000_000
    if hours >= 48:
        return f"{hours // 24} 天", f"for {hours // 24} days"
    if hours >= 2:
        return f"{hours} 小时", f"for {hours} hours"
    minutes = quiet_for // 60_000_000
    return f"{minutes} 分钟", f"for {minutes} minutes"
