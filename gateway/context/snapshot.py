"""Context snapshots: all sources are asked at once, each with its own deadline; late answers are marked and still come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
import id_registry
import lineage
from connectors.contract import Answer, Ask
from connectors.errors import ConfigProblem, ConnectorError
from gateway import clock, metrics, tables
from gateway.automation.rules import CompiledQuestion, local_names
from gateway.bridge.planning import ticket_record
from gateway.config.hub import HUB, Hub
from gateway.context import own, trends
from gateway.context.things import Things
from gateway.ingest.recall import opening_messages, records
from gateway.service import Gateway
from mappings import EvaluationError

log = structlog.get_logger(__name__)

LEASE = clock.MINUTE
RETRIES = (5, 30, 120, 600)
"""Seconds until a source that failed is asked again."""

_S = tables.context_section.c
_J = tables.context_job.c


@dataclass(frozen=True, slots=True)
class Section:
    ticket_id: int
    name: str
    connection_id: str
    question: str
    inputs: Mapping[str, Any]
    attempts: int
    asked_at: int


def expand(conn: Connection, hub: Hub, now: int, limit: int = 50) -> int:
    """Turn the questions noted with new tickets into sections; the hub's own answer (the device twin) is there at once."""
    query = select(_J.ticket_id).order_by(_J.at).limit(limit).with_for_update(skip_locked=True)
    ids = list(conn.execute(query).scalars())
    if not ids:
        return 0
    tickets = core_tickets.get_many(conn, ids)
    for ticket_id in ids:
        ticket = tickets.get(ticket_id)
        if ticket is not None:
            _expand_one(conn, hub, ticket, now)
    conn.execute(delete(tables.context_job).where(_J.ticket_id.in_(ids)))
    return len(ids)


def _expand_one(conn: Connection, hub: Hub, ticket: core_tickets.Ticket, now: int) -> None:
    found = records(conn, hub, opening_messages(conn, ticket.id)[:1])
    alert, kind = (found[0][3], found[0][1].mappings[found[0][2].stream].target) if found else ({}, "")
    source = hub.connections.get(ticket.source or "")
    record = {"ticket": ticket_record(ticket), "alert": alert, "record": kind, "origin": source.origin if source else "",
              "connection": ticket.source or ""}  # fmt: skip
    things = Things(conn, hub, ticket, ticket.source or "", kind, alert)
    for question in hub.questions:
        asked = record | {"local": things.local(question.connection)} if question.asks_local else record
        where = (conn, ticket.id, question.section, question.connection, question.spec.question)
        if (reason := _unknown_there(question, asked, things)) is not None:
            _add(*where, {}, now, status="empty", reason=reason, answered_at=now)
        elif (inputs := _inputs(question, asked)) is not None:
            _add(*where, inputs, now)
    if ticket.device is not None:
        _twin(conn, ticket, now)


def _unknown_there(question: CompiledQuestion, record: Mapping[str, Any], things: Things) -> str | None:
    """Why the question cannot be asked although it would fit: that system does not know the ticket's customer, device ...
    None: it can be asked, or does not fit anyway."""
    if not question.asks_local:
        return None
    local = record["local"]
    reasons = {
        n: things.unknown(n, question.connection) for n in local if n in question.asks_local and local[n] is None
    }
    reasons = {name: reason for name, reason in reasons.items() if reason}
    if not reasons:
        return None
    fits = _inputs(question, {**record, "local": local | dict.fromkeys(reasons, "")}) is not None
    return "; ".join(reasons.values()) if fits else None


def _inputs(question: CompiledQuestion, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The question's inputs, or None when it does not apply to this ticket."""
    try:
        if question.when is not None and question.when.evaluate(record) is not True:
            return None
        inputs = {name: e.evaluate(record) for name, e in question.inputs.items()}
    except EvaluationError as error:
        log.warning("context.expression_failed", question=question.section, error=str(error))
        return None
    # by whose local id it asks, that the ticket does not have: no question about nobody
    nobody = any(inputs[name] is None and local_names([e]) for name, e in question.inputs.items())
    return None if nobody else inputs


def _add(
    conn: Connection, ticket_id: int, name: str, connection_id: str, question: str, inputs: Mapping[str, Any], now: int,
    **more: Any,
) -> None:  # fmt: skip
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {
        "ticket_id": ticket_id, "name": name, "connection_id": connection_id, "question": question,
        "inputs": orjson.dumps(inputs, default=str).decode(), "status": "pending", "asked_at": now, "next_at": now,
    } | more  # fmt: skip
    conn.execute(insert(tables.context_section).values(values).on_conflict_do_nothing())


def _twin(conn: Connection, ticket: core_tickets.Ticket, now: int) -> None:
    """The last values of the ticket's device, as they are at this moment."""
    t = tables.twin.c
    found = list(conn.execute(select(tables.twin).where(t.device_id == ticket.device).order_by(t.metric)))
    if not found:
        return
    values = {
        r.metric: {
            "value": r.value, "text": r.text, "unit": r.unit, "quality": r.quality, "at": clock.rfc3339(r.at),
            "message": str(r.message_id), "recent": [[clock.rfc3339(at), v] for at, v in orjson.loads(r.recent)],
        }
        for r in found
    }  # fmt: skip
    assert ticket.device is not None
    device = id_registry.format_id(ticket.device)
    newest = max(r.at for r in found)
    _add(conn, ticket.id, "device_twin", "hub", "device_twin", {"device": device}, now, status="ok", as_of=newest,
         answered_at=now, latency_ms=0, values=orjson.dumps(values).decode())  # fmt: skip
    _remember(conn, ticket.id, "device_twin", "hub/device_twin", device, values, newest, now)
    told = trends.of(values)
    if told:
        _add(conn, ticket.id, trends.SECTION, "hub", trends.SECTION, {"device": device}, now, status="ok", as_of=newest,
             answered_at=now, latency_ms=0, values=orjson.dumps(told).decode())  # fmt: skip
        _remember_facts(conn, ticket.id, trends.SECTION, trends.facts(ticket.id, told), now)


def claim(
    conn: Connection, now: int, limit: int = 32, *, asked: Mapping[str, int] = MappingProxyType({}), each: int = 0
) -> list[Section]:
    """Sections to ask for now. `each`: of one connection so many at most, counting those that are being `asked`; 0: any
    number. A system that hangs then holds up nobody else's questions."""
    due = or_(_S.status == "pending", _S.status == "asking")
    full = [connection for connection, n in asked.items() if each and n >= each]
    query = (
        select(tables.context_section).where(due, _S.next_at <= now, _S.lease_until <= now, _S.connection_id.not_in(full))
        .order_by(_S.next_at).limit(limit).with_for_update(skip_locked=True)
    )  # fmt: skip
    found: list[Section] = []
    counts = Counter(asked)
    for r in conn.execute(query):
        counts[r.connection_id] += 1
        if not each or counts[r.connection_id] <= each:
            found.append(
                Section(
                    r.ticket_id, r.name, r.connection_id, r.question, orjson.loads(r.inputs), r.attempts, r.asked_at
                )
            )
    for s in found:
        values = {"status": "asking", "lease_until": now + LEASE, "attempts": s.attempts + 1}
        conn.execute(
            update(tables.context_section).where(_S.ticket_id == s.ticket_id, _S.name == s.name).values(values)
        )
    return found


def ask(gateway: Gateway, hub: Hub, section: Section) -> None:
    """Ask one source and store the answer, or why there is none."""
    live = hub.connections.get(section.connection_id)
    begun = monotonic()
    answer: Answer | None = None
    facts: Mapping[str, lineage.Fact] = {}
    failure, again = "", True
    if section.connection_id == HUB:
        try:
            made = own.answer(gateway, section.question, section.inputs, last=section.attempts >= len(RETRIES))
            answer, facts = (made.answer, made.facts) if made is not None else (None, {})
        except ConnectorError as error:
            failure = str(error)
        except Exception as error:  # a bug of ours costs this section, and is not asked for ever
            log.exception("context.own_answer_broke", question=section.question, ticket=section.ticket_id)
            failure = f"the hub failed: {type(error).__name__}"
    elif live is None or live.runtime is None or "answers" not in live.can:
        failure, again = live.broken if live and live.broken else "the connection is not there", False
    else:
        # the first time within the snapshot's deadline; what failed or was late is asked again with all the time it needs
        first = deadline_s(gateway, hub, section.name)
        deadline = first if section.attempts == 0 else live.runtime.policy.timeout_s
        try:
            answer = live.runtime.lookup(Ask(section.question, section.inputs, deadline))
        except ConnectorError as error:
            failure, again = str(error), not isinstance(error, ConfigProblem)
    latency = round((monotonic() - begun) * 1000)
    with gateway.transaction() as conn:
        _store(conn, gateway, section, answer, facts, failure, again, latency)


def deadline_s(gateway: Gateway, hub: Hub, name: str) -> float:
    """The question's own deadline, else that of the settings."""
    own = next((q.spec.deadline for q in hub.questions if q.section == name), None)
    return gateway.settings.context_deadline_s if own is None else own / clock.SECOND


def _store(
    conn: Connection, gateway: Gateway, section: Section, answer: Answer | None, facts: Mapping[str, lineage.Fact],
    failure: str, again: bool, latency: int,
) -> None:  # fmt: skip
    now = clock.now()
    where = (_S.ticket_id == section.ticket_id, _S.name == section.name)
    if conn.execute(select(_S.status).where(*where).with_for_update()).scalar() not in ("pending", "asking"):
        return  # another worker, who took over when this one's lease had run out, was answered before
    late = now - section.asked_at > deadline_s(gateway, gateway.hub, section.name) * clock.SECOND
    values: dict[str, Any] = {"lease_until": 0, "latency_ms": latency, "late": late}
    if failure and again and section.attempts < len(RETRIES):
        values |= {"status": "pending", "reason": failure, "next_at": now + RETRIES[section.attempts] * clock.SECOND}
    elif failure:
        values |= {"status": "failed", "reason": failure, "answered_at": now}
    elif answer is None:
        values |= {"status": "empty", "reason": "the source knows nothing of it", "answered_at": now}
    else:
        as_of = clock.from_datetime(answer.as_of)
        told = orjson.loads(orjson.dumps(answer.values, default=str))
        values |= {"status": "ok", "reason": "", "answered_at": now, "as_of": as_of, "link": answer.link,
                   "values": orjson.dumps(told).decode()}  # fmt: skip
        key = answer.key or ",".join(f"{k}={v}" for k, v in sorted(section.inputs.items()))
        dataset = f"{section.connection_id}/{section.question}"
        if facts:
            _remember_facts(conn, section.ticket_id, section.name, facts, now)
        else:
            _remember(conn, section.ticket_id, section.name, dataset, key, told, as_of, now)
    metrics.ANSWERS.labels(section.connection_id, values["status"]).inc()
    conn.execute(update(tables.context_section).where(*where).values(values))
    if values["status"] != "pending":
        _wake(conn, section, now)


def _wake(conn: Connection, answered: Section, now: int) -> None:
    """What the hub makes of the other sections (the root-cause report) need not wait longer once the last of them has
    its answer."""
    other = tables.context_section.alias("other").c
    asked = select(other.name).where(
        other.ticket_id == answered.ticket_id, other.status.in_(("pending", "asking")), other.connection_id != HUB
    )
    waiting = (_S.ticket_id == answered.ticket_id, _S.connection_id == HUB, _S.status == "pending", _S.next_at > now)
    conn.execute(update(tables.context_section).where(*waiting, ~asked.exists()).values(next_at=now))


def _remember(
    conn: Connection, ticket_id: int, name: str, dataset: str, key: str, values: dict[str, Any], as_of: int, now: int
) -> None:
    """Every value of the section has an origin: the answer as it came."""
    if not values:
        return
    landed = lineage.land(conn, [lineage.SourceRead(dataset, key, values, as_of)])
    prefix = f"context.{name}."
    plan = lineage.plan(conn, [], prefix=prefix)
    fields = [prefix + field for field in values]
    lineage.record(conn, [lineage.Write(ticket_id, plan, fields, landed, {}, f"context:{dataset}", now)])


def _remember_facts(conn: Connection, ticket_id: int, name: str, facts: Mapping[str, lineage.Fact], now: int) -> None:
    """A section made of others: each value's origin is a value of another section of the same ticket."""
    prefix = f"context.{name}."
    given = {prefix + field: fact for field, fact in facts.items()}
    lineage.record(conn, [lineage.Write(ticket_id, None, list(given), [], given, f"context:hub/{name}", now)])
