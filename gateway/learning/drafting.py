"""A knowledge article drafted from a solved ticket, in its language: what was seen, why, what was done, step by step. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import core_tickets
from core_tickets.learning.worth import UNFIXED
from gateway.learning.redaction import Redactor

MAX_SYMPTOM, MAX_STEP, MAX_STEPS = 2_000, 600, 12
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_HEADS = {
    True: ("现象", "原因", "处理", "步骤", "来源"),
    False: ("Symptom", "Cause", "Remedy", "Steps", "Source"),
}
_SMALL_TALK = re.compile(
    r"^(?:ok|okay|好的?|收到|已收到|谢谢|thanks?(?: you)?|done|noted|on it|\+1|马上处理|处理中|looking into it)[\s.!。！,，~]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person looks at before it becomes an article. `removed`: how much was taken out, by kind."""

    title: str
    body: str
    language: str
    removed: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return {"title": self.title, "body": self.body, "language": self.language, "removed": self.removed}


def teaches(ticket: core_tickets.Ticket, least: int) -> bool:
    """Has it a solution that somebody else could use?"""
    told = (ticket.resolution or "").strip()
    return ticket.status in ("resolved", "closed") and ticket.cause not in UNFIXED and len(told) >= least


def draft(ticket: core_tickets.Ticket, entries: Sequence[core_tickets.Entry], redactor: Redactor, source: str) -> Draft:
    """`entries`: the ticket's timeline in its order; what people wrote there are the steps. `source`: the ticket's name."""
    zh = in_chinese(" ".join((ticket.title, ticket.resolution or "", ticket.description)))
    removed: dict[str, int] = {}

    def clean(text: str) -> str:
        done = redactor.clean(text.strip(), zh=zh)
        for kind, n in done.counts.items():
            removed[kind] = removed.get(kind, 0) + n
        return done.text

    symptom, cause, remedy, steps, origin = _HEADS[zh]
    label = core_tickets.CAUSES.get(ticket.cause or "")
    title = clean(ticket.title)
    told = clean(ticket.description[:MAX_SYMPTOM])
    parts = [(symptom, "\n\n".join(p for p in (title, told if told != title else "") if p))]
    if label is not None:
        parts.append((cause, label.zh if zh else label.en))
    parts.append((remedy, clean(ticket.resolution or "")))
    if done := [clean(text) for text in worked(entries)]:
        parts.append((steps, "\n".join(f"{n}. {' '.join(text.split())}" for n, text in enumerate(done, 1))))
    parts.append((origin, source))
    body = "\n\n".join(f"## {head}\n\n{text}" for head, text in parts)
    return Draft(title[:500], body + "\n", "zh-CN" if zh else "en", removed)


def worked(entries: Sequence[core_tickets.Entry]) -> list[str]:
    """What people wrote while they worked, in order: comments that say something, each once."""
    said: dict[str, None] = {}
    for entry in entries:
        if entry.name == "resolve":
            break
        text = str(entry.data.get("text") or "").strip()
        if entry.type == "comment" and entry.actor_kind == "person" and len(text) >= 4 and not _SMALL_TALK.match(text):
            said.setdefault(text[:MAX_STEP])
    return list(said)[-MAX_STEPS:]


def in_chinese(text: str) -> bool:
    """Is a text mostly Chinese? A Chinese character counts as much as half a Latin word."""
    return len(_CHINESE.findall(text)) >= 2 * len(_LATIN.findall(text)) and bool(_CHINESE.search(text))
