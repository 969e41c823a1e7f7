"""Questions the hub answers itself, from what it holds: similar solved tickets, knowledge articles.

They are sections of a snapshot like any other, asked through `gateway/builtin/context.yaml`, with the same deadlines,
the same lineage, and switched by the same `when`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import select

import core_tickets
import id_registry
from connectors.contract import Answer, Question
from gateway import clock
from gateway.clock import rfc3339
from gateway.search.feeding import article_document_id
from gateway.service import Gateway
from gateway.sync.tables import replica, replica_stream

Inputs = Mapping[str, Any]

MOST = 5
EXCERPT = 400

QUESTIONS = (
    Question(name="similar_tickets", needs=("text", "ticket"), title="Similar solved tickets", title_zh="相似的已解决工单"),
    Question(name="similar_articles", needs=("text",), title="Knowledge articles", title_zh="相关知识文章"),
)  # fmt: skip


def answer(gateway: Gateway, question: str, inputs: Inputs) -> Answer | None:
    """The hub's answer to one of its own questions; None: there is nothing to tell. Raises KeyError for another's."""
    return _ANSWERS[question](gateway, inputs)


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
