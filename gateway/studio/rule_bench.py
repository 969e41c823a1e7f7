"""The rules bench: messages that were recorded, through rules that are a draft, each with its trace."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from gateway import clock, tables
from gateway.automation.records import previewed
from gateway.automation.rules import CompiledRule, RuleSet
from gateway.automation.specs import STANDING
from gateway.config.hub import Hub, Live
from gateway.ingest import recall

_M = tables.message.c
UNKNOWN = {"device": "DEV-0000-000000", "customer": "CUST-0000-000000"}
"""A bench gives nobody an id."""


def try_rules(
    conn: Connection,
    now: Hub,
    then: Hub,
    *,
    connection: str | None,
    stream: str | None,
    limit: int,
    before: int | None = None,
) -> list[dict[str, Any]]:
    """The newest stored messages (at most `limit`, older than message `before`) through the rules that run and through
    those of the draft. One by one: what depends on others (storms, flapping, durations) is what a comparison shows."""
    query = select(_M.id, _M.at, _M.end, _M.rule, _M.ticket_id).where(_M.event_id.is_not(None)).order_by(_M.id.desc())
    for column, value in ((_M.connection_id, connection), (_M.stream, stream)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(_M.id < before)
    found = {row.id: row for row in conn.execute(query.limit(limit))}
    told = []
    for number, live, event, record in sorted(recall.records(conn, then, found), key=lambda each: -each[0]):
        mapping = live.mappings[event.stream]
        seen = _seen(live, event.stream, mapping.target, record)
        row = found[number]
        told.append({
            "message": str(number), "at": clock.rfc3339(row.at), "connection": live.id, "stream": event.stream,
            "key": event.key, "kind": mapping.target, "record": record, "ended": {"end": row.end, "rule": row.rule},
            "now": _decided(now.rules, mapping.target, seen), "then": _decided(then.rules, mapping.target, seen),
        })  # fmt: skip
    return told


def _seen(live: Live, stream: str, kind: str, record: dict[str, Any]) -> dict[str, Any]:
    """What rules read of it."""
    seen = record | {"connection": live.id, "origin": live.origin, "ids": UNKNOWN}
    return seen | previewed(live, stream, kind, record) if kind in STANDING else seen


def _decided(rules: RuleSet, kind: str, seen: dict[str, Any]) -> dict[str, Any]:
    trace = rules.explain(kind, seen)
    rule: CompiledRule | None = None
    for line in trace:
        if line["matched"]:
            rule = rules.named(line["rule"])
            if kind != "Reading" or _crosses(rule, seen):
                break
            rule = None
    told: dict[str, Any] = {
        "rule": rule.spec.id if rule is not None else None,
        "trace": trace,
        "ticket": None,
        "fault": None,
    }
    if rule is None or rule.template is None:
        return told | {"end": "suppressed"}
    made = rule.template.run(seen | {"limit": _limit(rule)})
    if made.dead is not None:
        return told | {"end": "dead", "fault": {"field": made.dead.field, "message": made.dead.message}}
    return told | {
        "end": "ticketed",
        "ticket": {name: value for name, value in made.values.items() if value is not None},
    }


def _crosses(rule: CompiledRule | None, seen: dict[str, Any]) -> bool:
    threshold = rule.spec.threshold if rule is not None else None
    return threshold is None or (seen.get("value") is not None and threshold.crosses(seen["value"]))


def _limit(rule: CompiledRule) -> dict[str, Any]:
    threshold = rule.spec.threshold
    if threshold is None:
        return {}
    value = threshold.above if threshold.above is not None else threshold.below
    side = "above" if threshold.above is not None else "below"
    return {"value": value, "side": side, "since": None, "for_s": threshold.lasting // clock.SECOND}
