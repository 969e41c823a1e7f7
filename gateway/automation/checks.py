"""Does the other system agree? Asked some time after something happened to a ticket, told when it does not.

A contradiction goes through the inbox as a message of the hub itself, so it becomes a ticket (rule `cross-check`), is in
the ledger and has lineage like any other; it is asked again until the systems agree, which ends that ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, delete, select, update

import core_tickets
import id_registry
from connectors.contract import Answer, Ask
from connectors.errors import ConnectorError
from gateway import clock, tables
from gateway.automation.rules import CompiledCheck
from gateway.bridge.happened import Happened
from gateway.bridge.planning import bridge_records
from gateway.config.hub import HUB, Hub
from gateway.context.things import Things
from gateway.ingest.internal import CROSS_CHECK, internal_delivery
from gateway.service import Gateway
from mappings import EvaluationError

log = structlog.get_logger(__name__)

LEASE = 2 * clock.MINUTE
RETRIES = (1, 5, 30, 120, 360)
"""Minutes until a system that did not answer is asked again; then the check is given up, and the ticket says so."""
AT_ONCE = 20

_C = tables.check_job.c


def run_due(gateway: Gateway, hub: Hub, now: int) -> int:
    """Ask what is due; answers how much that was."""
    with gateway.transaction() as conn:
        due = select(tables.check_job).where(_C.next_at <= now).order_by(_C.next_at).limit(AT_ONCE)
        jobs = list(conn.execute(due.with_for_update(skip_locked=True)))
        for job in jobs:
            conn.execute(update(tables.check_job).where(*_of(job)).values(next_at=now + LEASE))
    for job in jobs:
        _run(gateway, hub, job, now)
    return len(jobs)


def _of(job: Any) -> tuple[Any, ...]:
    return _C.ticket_id == job.ticket_id, _C.connection_id == job.connection_id, _C.check_id == job.check_id


def _still(job: Any, now: int) -> tuple[Any, ...]:
    """The job as it was claimed: not one that was noted anew while the other system was asked, nor claimed by another."""
    return *_of(job), _C.next_at == now + LEASE


def _run(gateway: Gateway, hub: Hub, job: Any, now: int) -> None:
    check = next((c for c in hub.checks if (c.connection, c.spec.id) == (job.connection_id, job.check_id)), None)
    with gateway.reading() as conn:
        ticket = core_tickets.get(conn, job.ticket_id)
        record = {} if check is None else _record(conn, hub, ticket, check)
    if check is None or not _applies(ticket, check, record):
        _settle(gateway, hub, job, ticket, now)  # no longer asked, or the ticket moved on
        return
    try:
        inputs = {name: e.evaluate(record) for name, e in check.inputs.items()}
        answer = _ask(hub, check, inputs)
        found = answer is not None and check.finds.evaluate({**record, "answer": answer.values}) is True
    except (ConnectorError, EvaluationError) as error:
        _in_vain(gateway, job, ticket, check, str(error), now)
        return
    if not found:
        _settle(gateway, hub, job, ticket, now)
        return
    assert answer is not None
    since = job.found_at or now
    if job.found_at is None:  # killed behind this, it is told once more: a repeat
        link = record["ticket"].get("link")
        _tell(gateway, hub, job, ticket, "firing", since, now, check.spec.title, link, answer.link)
    with gateway.transaction() as conn:
        conn.execute(update(tables.check_job).where(*_of(job)).values(found_at=since, tries=0))
        conn.execute(update(tables.check_job).where(*_still(job, now)).values(next_at=now + check.spec.again))
        if job.found_at is None:
            told = {"check": job.check_id, "connection": job.connection_id, "title": check.spec.title,
                    "link": answer.link}  # fmt: skip
            core_tickets.note(conn, [core_tickets.Note(ticket.id, "contradicted", told, f"check:{job.check_id}", now)])


def _record(conn: Connection, hub: Hub, ticket: core_tickets.Ticket, check: CompiledCheck) -> dict[str, Any]:
    source = hub.connections.get(ticket.source or "")
    happened = Happened(check.spec.on, ticket.id, ticket.version, "")
    record = bridge_records(conn, hub, ticket, happened, source.origin if source else "")[0]
    things = Things(conn, hub, ticket, record["connection"], record["record"], record["alert"])
    return record | {"local": things.local(check.connection)}


def _applies(ticket: core_tickets.Ticket, check: CompiledCheck, record: Mapping[str, Any]) -> bool:
    """A ticket that was reopened contradicts nobody any more; nor does one that tells of a contradiction."""
    if ticket.source == HUB:
        return False
    if check.spec.on in ("ticket.resolved", "ticket.closed") and ticket.status not in ("resolved", "closed"):
        return False
    try:
        return check.when is None or check.when.evaluate(record) is True
    except EvaluationError as error:
        log.warning("check.expression_failed", check=check.spec.id, ticket=record["ticket"]["id"], error=str(error))
        return False


def _ask(hub: Hub, check: CompiledCheck, inputs: Mapping[str, Any]) -> Answer | None:
    """None: the system knows nothing of it. Raises ConnectorError."""
    live = hub.connections[check.connection]
    if live.runtime is None or "answers" not in live.can:
        return None
    return live.runtime.lookup(Ask(check.spec.question, inputs, live.runtime.policy.timeout_s))


def _in_vain(
    gateway: Gateway, job: Any, ticket: core_tickets.Ticket, check: CompiledCheck, reason: str, now: int
) -> None:
    log.warning("check.not_answered", check=job.check_id, connection=job.connection_id, reason=reason)
    with gateway.transaction() as conn:
        if job.tries < len(RETRIES):
            later = {"tries": job.tries + 1, "next_at": now + RETRIES[job.tries] * clock.MINUTE}
            conn.execute(update(tables.check_job).where(*_still(job, now)).values(later))
            return
        if job.found_at is not None:  # a known contradiction is not forgotten because nobody answers
            later = {"tries": 0, "next_at": now + check.spec.again}
            conn.execute(update(tables.check_job).where(*_still(job, now)).values(later))
            return
        conn.execute(delete(tables.check_job).where(*_still(job, now)))
        told = {"check": job.check_id, "connection": job.connection_id, "why": reason}
        core_tickets.note(conn, [core_tickets.Note(ticket.id, "not_checked", told, f"check:{job.check_id}", now)])


def _settle(gateway: Gateway, hub: Hub, job: Any, ticket: core_tickets.Ticket, now: int) -> None:
    """The systems agree: a contradiction that was told has ended."""
    if job.found_at is not None:
        _tell(gateway, hub, job, ticket, "resolved", job.found_at, now, "", None, "")
    with gateway.transaction() as conn:
        conn.execute(delete(tables.check_job).where(*_still(job, now)))
        conn.execute(update(tables.check_job).where(*_of(job)).values(found_at=None))


def _tell(
    gateway: Gateway, hub: Hub, job: Any, ticket: core_tickets.Ticket, status: str, since: int, now: int, title: str,
    link: str | None, remote: str,
) -> None:  # fmt: skip
    number = id_registry.format_id(ticket.id)
    record = {
        "check": job.check_id, "ticket": number, "ticket_title": ticket.title, "ticket_link": link, "title": title or None,
        "connection": job.connection_id, "remote_link": remote or None, "status": status, "since": clock.rfc3339(since),
        "ended": clock.rfc3339(now) if status == "resolved" else None,
    }  # fmt: skip
    event_id = f"check/{job.check_id}/{job.connection_id}/{ticket.id}/{since}/{status}"
    delivery = internal_delivery(CROSS_CHECK, event_id, f"{job.check_id}/{number}", record, clock.to_datetime(now))
    gateway.run_in_inbox(hub.internal, delivery)
