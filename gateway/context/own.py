"""Questions the hub answers itself, from what it holds: similar solved tickets, knowledge articles.

They are sections of a snapshot like any other, asked through `gateway/builtin/context.yaml`, with the same deadlines,
the same lineage, and switched by the same `when`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import id_registry
from connectors.contract import Answer, Question
from connectors.errors import Transient
from gateway import clock
from gateway.context import root_cause
from gateway.learning import similar
from gateway.service import Gateway
from lineage import Fact

Inputs = Mapping[str, Any]

MOST = 5

QUESTIONS = (
    Question(name="similar_tickets", needs=("text", "ticket"), title="Similar solved tickets", title_zh="相似的已解决工单"),
    Question(name="similar_articles", needs=("text",), title="Knowledge articles", title_zh="相关知识文章"),
    Question(name="root_cause", needs=("ticket", "starts_at"), title="Root-cause report", title_zh="停机原因报告"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """An answer of the hub's own. `facts`: where each value came from, if the answer is made of other sections."""

    answer: Answer
    facts: Mapping[str, Fact] = field(default_factory=dict)


def answer(gateway: Gateway, question: str, inputs: Inputs, *, last: bool) -> OwnAnswer | None:
    """The hub's answer to one of its own questions; None: there is nothing to tell. `last`: it is not asked again.
    Raises KeyError for a question of another, Transient for one that can be answered later."""
    if question == "root_cause":
        return _root_cause(gateway, inputs, last)
    asked = _ANSWERS[question]
    try:
        found = asked(gateway, inputs)
    except OSError as error:
        raise Transient(f"the search index of this machine cannot be used: {error}") from error
    return None if found is None else OwnAnswer(found)


def _root_cause(gateway: Gateway, inputs: Inputs, last: bool) -> OwnAnswer | None:
    number = str(inputs["ticket"])
    with gateway.reading() as conn:
        starts_at = root_cause.moment(inputs.get("starts_at"))
        report = root_cause.compose(conn, id_registry.parse_id(number), starts_at, last=last)
    return None if report is None else OwnAnswer(Answer(report.values, _now(), key=number), report.facts)


def similar_tickets(gateway: Gateway, inputs: Inputs) -> Answer | None:
    """The solved tickets most like the text, ranked by what worked, and what the causes were."""
    me = str(inputs.get("ticket") or "")
    found = similar.solved(gateway, str(inputs["text"]), me, MOST)
    return None if found is None else Answer(found, _now(), key=me)


def similar_articles(gateway: Gateway, inputs: Inputs) -> Answer | None:
    """The knowledge articles most like the text, ranked by what helped, each with its connection and link."""
    found, newest = similar.articles(gateway, str(inputs["text"]), MOST)
    key = str(inputs.get("ticket") or "")
    return Answer({"articles": found}, clock.to_datetime(newest), key=key) if found else None


def _now() -> Any:
    return clock.to_datetime(clock.now())


_ANSWERS: Mapping[str, Callable[[Gateway, Inputs], Answer | None]] = {
    "similar_tickets": similar_tickets,
    "similar_articles": similar_articles,
}
