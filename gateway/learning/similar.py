"""Solved tickets and articles like a text, ranked by what worked; the answers to two questions of the hub's own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets.batch import among
from core_tickets.learning import wilson, worth
from gateway import clock
from gateway.clock import rfc3339
from gateway.config.hub import HUB
from gateway.learning import effects
from gateway.learning.articles import document_id
from gateway.learning.outcomes import came_back, outcomes
from gateway.learning.tables import article
from gateway.policies.learning import KIND as LEARNING
from gateway.search.feeding import article_document_id
from gateway.search.index import Hit
from gateway.service import Gateway
from gateway.sync.tables import replica, replica_stream

LOOKED_AT = 20
"""So many that are alike are ranked by what worked."""
EXCERPT = 400
SHARED = 10


def solved(gateway: Gateway, text: str, without: str, most: int) -> dict[str, Any] | None:
    """`tickets`: the best examples first, each with why it stands there; `causes`: what it was in all that are alike.
    None: there is nothing like it. Raises OSError where the index cannot be used."""
    hits = gateway.search.similar(text, "ticket", without=[f"ticket:{without}"], limit=LOOKED_AT)
    by_id = {id_registry.parse_id(hit.id.removeprefix("ticket:")): hit for hit in hits}
    needed, now = LEARNING.of(gateway.hub.policies).solved.held, clock.now()
    with gateway.reading() as conn:
        tickets = core_tickets.get_many(conn, list(by_id))
        told = outcomes(conn, list(tickets.values()), now)
    if not told:
        return None
    best = max(by_id[number].score for number in told)
    ranked = []
    for number, outcome in told.items():
        t, hit, proven = tickets[number], by_id[number], worth(outcome, needed)
        likeness = hit.score / best if best else 0.0
        rank = likeness * (0.4 + 0.6 * proven.points / 100)
        parts = [{"name": p.name, "points": p.points, "zh": p.zh, "en": p.en} for p in proven.parts]
        ranked.append((-rank, number, {
            "id": id_registry.format_id(number), "title": t.title, "resolution": t.resolution, "cause": t.cause,
            "resolved_at": rfc3339(t.resolved_at), "score": str(hit.score), "shared": list(hit.shared[:SHARED]),
            "rank": str(round(rank, 3)), "likeness": str(round(likeness, 3)), "worth": proven.points, "why": parts,
        }))  # fmt: skip
    ranked.sort(key=lambda each: each[:2])
    all_of = Counter(t.cause for n, t in tickets.items() if n in told and t.cause)
    held = Counter(tickets[n].cause for n, o in told.items() if not came_back(o, needed))
    causes = [{"cause": cause, "tickets": n, "held": held[cause], "at_least": str(round(wilson(held[cause], n)[0], 3))}
              for cause, n in sorted(all_of.items(), key=lambda item: (-item[1], item[0]))]  # fmt: skip
    return {"tickets": [shown for _, _, shown in ranked[:most]], "causes": causes}


def articles(gateway: Gateway, text: str, most: int) -> tuple[list[dict[str, Any]], int]:
    """The best first: by likeness, and by how the tickets went that were shown them. Answers them and when the newest of
    them was read or written. Raises OSError where the index cannot be used."""
    hits = {hit.id: hit for hit in gateway.search.similar(text, "article", limit=LOOKED_AT)}
    with gateway.reading() as conn:
        told = _replicated(conn, hits) | _own(conn, hits, gateway.hub.public_url)
        learned = effects.known(conn)
    ranked = []
    for id_, (shown, at) in told.items():
        name = id_.removeprefix("article:")
        found = learned.get(name)
        rank = hits[id_].score * (0.5 + (found.score if found else 0.5))
        more: dict[str, Any] = {
            "score": str(hits[id_].score),
            "shared": list(hits[id_].shared[:SHARED]),
            "rank": str(round(rank, 3)),
        }
        if found is not None:
            more["effect"] = {
                "shown": found.shown,
                "used": found.used,
                "worked": found.worked,
                "score": str(found.score),
            }
        ranked.append((-rank, id_, shown | more, at))
    ranked.sort(key=lambda each: each[:2])
    return [shown for _, _, shown, _ in ranked[:most]], max((at for *_, at in ranked[:most]), default=0)


def _replicated(conn: Connection, hits: dict[str, Hit]) -> dict[str, tuple[dict[str, Any], int]]:
    r, s = replica.c, replica_stream.c
    keys = [id_.removeprefix("article:").partition("/")[2] for id_ in hits]
    query = (
        select(r.key, r["values"], r.read_at, s.connection_id)
        .join(replica_stream, s.id == r.stream)
        .where(s.record == "KnowledgeArticle", r.deleted_at.is_(None), r.key.in_(keys))
    )
    found = {}
    for row in conn.execute(query):
        id_, v = article_document_id(row.connection_id, row.key), orjson.loads(row._mapping["values"])
        if id_ in hits:
            excerpt = (v.get("summary") or v.get("body") or "")[:EXCERPT]
            found[id_] = {"connection": row.connection_id, "id": row.key, "title": v["title"], "url": v.get("url"),
                          "excerpt": excerpt}, row.read_at  # fmt: skip
    return found


def _own(conn: Connection, hits: dict[str, Hit], url: str) -> dict[str, tuple[dict[str, Any], int]]:
    mark = article_document_id(HUB, "")
    numbers = [id_registry.parse_id(id_.removeprefix(mark)) for id_ in hits if id_.startswith(mark)]
    c = article.c
    found = {}
    for row in conn.execute(select(article).where(among(conn, c.id, numbers), c.active)) if numbers else ():
        name = id_registry.format_id(row.id)
        link = f"{url}/v1/learning/articles/{name}"
        shown = {"connection": HUB, "id": name, "title": row.title, "url": link, "excerpt": row.body[:EXCERPT]}
        found[document_id(row.id)] = shown, row.changed_at
    return found
