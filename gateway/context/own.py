"""Questions the hub answers itself, from what it holds: similar solved tickets, knowledge articles.

They are sections of a snapshot like any other, asked through `gateway/builtin/context.yaml`, with the same deadlines,
the same lineage, and switched by the same `when`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select

import core_tickets
import id_registry
from connectors.contract import Answer, Question
from connectors.errors import Transient
from gateway import clock
from gateway.clock import rfc3339
from gateway.context import root_cause
from gateway.search.feeding import article_document_id
from gateway.service import Gateway
from gateway.sync.tables import replica, replica_stream
from lineage import Fact

Inputs = Mapping[str, Any]

MOST = 5
EXCERPT = 400

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
    """The solved tickets most like the text, with how they were solved and the words they share with it."""
    me = str(inputs.get("ticket") or "")
    hits = gateway.search.similar(str(inputs["text"]), "ticket", without=[f"ticket:{me}"], limit=MOST)
    ids = [id_registry.parse_id(hit.id.removeprefix("ticket:")) for hit in hits]
    with gateway.reading() as conn:
        tickets = core_tickets.get_many(conn, ids)
    found = [
        {
            "id": id_registry.format_id(t.id), "title": t.title, "resolution": t.resolution, "cause": t.cause,
            "resolved_at": rfc3339(t.resolved_at), "score": str(hit.score), "shared": list(hit.shared[:10]),
        }
        for hit, gid in zip(hits, ids, strict=True)
        if (t := tickets.get(gid)) is not None and t.status in ("resolved", "closed")
    ]  # fmt: skip
    return Answer({"tickets": found}, _now(), key=me) if found else None


def similar_articles(gateway: Gateway, inputs: Inputs) -> Answer | None:
    """The knowledge articles most like the text, each with its connection, its link and an excerpt."""
    hits = gateway.search.similar(str(inputs["text"]), "article", limit=MOST)
    wanted = {hit.id: hit for hit in hits}
    r, s = replica.c, replica_stream.c
    places = [hit.id.removeprefix("article:").partition("/")[::2] for hit in hits]
    query = (
        select(r.key, r["values"], r.read_at, s.connection_id)
        .join(replica_stream, s.id == r.stream)
        .where(s.record == "KnowledgeArticle", r.deleted_at.is_(None), r.key.in_([key for _, key in places]))
    )
    with gateway.reading() as conn:
        rows = {article_document_id(row.connection_id, row.key): row for row in conn.execute(query)}
    found = []
    for hit in hits:
        row = rows.get(hit.id)
        if row is not None:
            v = orjson.loads(row._mapping["values"])
            found.append({
                "connection": row.connection_id, "id": row.key, "title": v["title"], "url": v.get("url"),
                "excerpt": (v.get("summary") or v.get("body") or "")[:EXCERPT], "score": str(wanted[hit.id].score),
                "shared": list(hit.shared[:10]),
            })  # fmt: skip
    newest = max((row.read_at for row in rows.values()), default=clock.now())
    return (
        Answer({"articles": found}, clock.to_datetime(newest), key=str(inputs.get("ticket") or "")) if found else None
    )


def _now() -> Any:
    return clock.to_datetime(clock.now())


_ANSWERS: Mapping[str, Callable[[Gateway, Inputs], Answer | None]] = {
    "similar_tickets": similar_tickets,
    "similar_articles": similar_articles,
}
