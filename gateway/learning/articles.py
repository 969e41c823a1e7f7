"""Knowledge articles of the hub's own: proposed when a ticket was solved, reviewed by a person, found by search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
import id_registry
from core_tickets.batch import among
from core_tickets.rows import SELECT_TICKET, entry_of, ticket_of
from core_tickets.tables import entry as entry_table
from core_tickets.tables import ticket as ticket_table
from gateway.config.hub import HUB, Hub
from gateway.errors import NotFound, Problem, Refused
from gateway.learning import memory, proposals
from gateway.learning.drafting import draft, teaches
from gateway.learning.proposals import Found, Proposal, ProposalKind, cleaned_up, decided
from gateway.learning.redaction import Redactor
from gateway.learning.tables import article
from gateway.learning.terms import alike, terms
from gateway.policies.learning import KIND as LEARNING
from gateway.search.feeding import article_document_id
from gateway.service import Gateway
from gateway.sync.tables import replica, replica_stream
from gateway.sync.values import loaded
from gateway.tokens import Right

NAME = "article"
MOST = 100
"""Drafts of one look; the next goes on where it ended."""
WAITING = 500
NAMES = 50_000
MAX_BODY = 20_000
_T, _E, _A = ticket_table.c, entry_table.c, article.c


def find(gateway: Gateway, hub: Hub, now: int) -> list[Found]:
    """Drafts from tickets solved since the last look, without those that an article tells already."""
    policy = LEARNING.of(hub.policies).articles
    with gateway.reading() as conn:
        since, after = memory.recall(conn, "articles", [0, 0])
        query = SELECT_TICKET.where(_T.resolved_at >= since, (_T.resolved_at > since) | (_T.id > after))
        solved = [ticket_of(r) for r in conn.execute(query.order_by(_T.resolved_at, _T.id).limit(MOST))]
        telling = [t for t in solved if teaches(t, policy.least)]
        names = {t.id: id_registry.format_id(t.id) for t in telling}
        known = decided(conn, [NAME], list(names.values()))
        cleaned = cleaned_up(conn) if telling else set()
        fresh = [t for t in telling if t.id not in cleaned and (NAME, names[t.id]) not in known]
        entries = _timelines(conn, [t.id for t in fresh])
        redactor = redactor_of(conn, hub) if fresh else Redactor()
        waiting = proposals.listed(conn, [NAME], ["proposed"], limit=WAITING).items
    titles = [(p.subject, terms(p.evidence["title"])) for p in waiting]
    found = []
    for t in fresh:
        made = draft(t, entries.get(t.id, ()), redactor, names[t.id])
        told = terms(made.title)
        same = next((s for s, its in titles if s != names[t.id] and alike(told, its) >= policy.alike), None)
        if same is None and (same := _told_already(gateway, made.title, policy.alike)) is None:
            found.append(Found(names[t.id], made.as_dict() | _evidence(t)))
            titles.append((names[t.id], told))
        else:
            memory.log.info("article.told_already", ticket=names[t.id], by=same)
    if solved:
        with gateway.transaction() as conn:
            memory.remember(conn, "articles", [solved[-1].resolved_at, solved[-1].id], now)
    return found


def _told_already(gateway: Gateway, title: str, least: float) -> str | None:
    """An article whose words are nearly the same; none where this machine has no index."""
    try:
        hits = gateway.search.similar(title, "article", limit=1)
    except OSError:
        return None
    asked = terms(title)
    return next((hit.id for hit in hits if alike(asked, terms(" ".join(hit.shared))) >= least), None)


def _timelines(conn: Connection, ids: Sequence[int]) -> dict[int, list[core_tickets.Entry]]:
    query = select(entry_table).where(among(conn, _E.ticket_id, ids), _E.name.in_(("comment", "resolve")))
    told: dict[int, list[core_tickets.Entry]] = {}
    for row in conn.execute(query.order_by(_E.id)) if ids else ():
        told.setdefault(row.ticket_id, []).append(entry_of(row))
    return told


def redactor_of(conn: Connection, hub: Hub) -> Redactor:
    """With the names of all customers and contacts the hub has read, and of all colleagues."""
    query = (
        select(replica.c["values"], replica_stream.c.record)
        .join(replica_stream, replica_stream.c.id == replica.c.stream)
        .where(replica_stream.c.record.in_(("Customer", "Contact")), replica.c.deleted_at.is_(None))
        .limit(NAMES)
    )
    customers: set[str] = set()
    people = {person.name for person in hub.roster.people.values()}
    for values, record in conn.execute(query):
        told = loaded(record, values)
        if record == "Customer":
            customers |= {str(told[name]) for name in ("name", "short_name") if told.get(name)}
            people |= {str(told["contact"])} if told.get("contact") else set()
        else:
            people |= {str(told["name"])} if told.get("name") else set()
    return Redactor(customers, people)


def _evidence(t: core_tickets.Ticket) -> dict[str, Any]:
    return {
        "ticket": id_registry.format_id(t.id), "category": t.kind, "cause": t.cause, "resolved_at": t.resolved_at,
        "reasons": [{"name": "solved", "zh": "已解决，且没有同样的知识文章", "en": "solved, and no article tells the same"}],
        "would": {"action": "publish"},
    }  # fmt: skip


def stale(conn: Connection, hub: Hub, standing: Sequence[Proposal], now: int) -> dict[int, str]:
    numbers = {p.id: id_registry.parse_id(p.subject) for p in standing}
    tickets = core_tickets.get_many(conn, list(numbers.values()))
    said = "工单已重新打开 the ticket was opened again"
    least = LEARNING.of(hub.policies).articles.least
    return {p.id: said for p in standing if (t := tickets.get(numbers[p.id])) is None or not teaches(t, least)}


def accept(
    conn: Connection, gateway: Gateway, found: Proposal, given: Mapping[str, Any], actor: str, now: int
) -> Mapping[str, Any]:
    """Publish the draft, with the title, body and language that the reviewer gave."""
    e = dict(found.evidence) | {name: value for name, value in given.items() if value is not None}
    problems = [
        Problem(name, "an article needs text here", f"write 1 to {limit} characters")
        for name, limit in (("title", 500), ("body", MAX_BODY), ("language", 16))
        if not isinstance(e[name], str) or not 1 <= len(e[name].strip()) <= limit
    ]
    if problems:
        raise Refused("The article cannot be published like this.", problems)
    number = id_registry.parse_id(found.subject)
    told = {"title": e["title"].strip(), "body": e["body"], "language": e["language"], "category": e["category"],
            "active": True, "author": actor, "changed_at": now}  # fmt: skip
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(article).values(id=number, made_at=now, **told)
    conn.execute(statement.on_conflict_do_update(index_elements=["id"], set_=told))
    core_tickets.note(
        conn, [core_tickets.Note(number, "article_published", {"title": told["title"]}, actor, now, "person")]
    )
    return {"article": f"{HUB}/{found.subject}", "edited": sorted(name for name in given if given[name] is not None)}


def get(conn: Connection, name: str) -> Any:
    """The row of an article by the ticket it was learned from. Raises NotFound."""
    row = conn.execute(select(article).where(_A.id == _number(name))).first()
    if row is None:
        raise NotFound(f"The hub has no article {name!r} of its own.")
    return row


def listed(conn: Connection, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """The articles, those of the newest tickets first, and where to go on. Raises NotFound for a cursor that is none."""
    query = select(article).order_by(_A.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(_A.id < _number(cursor))
    rows = list(conn.execute(query))
    return rows[:limit], id_registry.format_id(rows[limit - 1].id) if len(rows) > limit else None


def _number(name: str) -> int:
    try:
        return id_registry.parse_id(name)
    except id_registry.RegistryError:
        raise NotFound(f"{name!r} is no article; its id is that of its ticket, such as TKT-2026-000001.") from None


def withdraw(conn: Connection, name: str, now: int, *, active: bool = False) -> None:
    """Take an article out of search, or back in. Raises NotFound."""
    row = get(conn, name)
    conn.execute(article.update().where(_A.id == row.id).values(active=active, changed_at=now))


def document_id(number: int) -> str:
    """The article's id in the search index."""
    return article_document_id(HUB, id_registry.format_id(number))


ARTICLES = ProposalKind(NAME, Right.act, find, stale, accept, frozenset({"title", "body", "language"}))
