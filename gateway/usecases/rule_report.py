"""Rules that decide nothing: automation rules, grading and routing, with what each did in the last 30 days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

import core_tickets.tables
import id_registry
from core_tickets.calendars import ALWAYS
from core_tickets.matching import normalised, see
from core_tickets.rows import SELECT_TICKET, ticket_of
from gateway import clock, tables
from gateway.automation.lint import Finding, lint_rules
from gateway.config.hub import HUB, Hub
from gateway.policies import grading, routing
from gateway.routing.desk import channels_of
from gateway.routing.levels import FIELD, levels_of
from gateway.routing.lint import Month, lint_grading, lint_routing, of_channels
from mappings.suggestions import among

DAYS = 30
MOST = 5_000
"""So many of the newest tickets are asked."""
_T, _M = core_tickets.tables.ticket.c, tables.message.c


def report(conn: Connection, hub: Hub, now: int) -> dict[str, Any]:
    """Every rule in force with how often it matched, and what is wrong with it. Reads only."""
    since = now - DAYS * clock.DAY
    connections = {live.id: live.origin for live in hub.connections.values() if live.spec.enabled}
    findings = lint_rules(hub.rules, connections)
    findings += _to_nobody(hub)
    counted = matched(conn, since)
    answer: dict[str, Any] = {"since": clock.rfc3339(since), "rules": [], "grading": [], "routing": []}
    told = {f.rule for f in findings}
    for kind, ordered in hub.rules.by_kind.items():
        for rule in ordered:
            if not counted.get(rule.spec.id) and rule.spec.id not in told and counted:
                findings.append(
                    Finding("rules", rule.spec.id, f"matched nothing in the last {DAYS} days", _idle(rule.spec.when))
                )
            answer["rules"].append({"id": rule.spec.id, "on": kind, "matched": counted.get(rule.spec.id, 0)})
    month = month_of(conn, hub, since, connections)
    for name, (more, counts) in {
        "grading": lint_grading(grading.KIND.of(hub.policies), month),
        "routing": lint_routing(routing.KIND.of(hub.policies).routing, month),
    }.items():
        findings += more
        answer[name] = [{"id": rule, "matched": count} for rule, count in counts.items()]
    answer["tickets"] = len(month.seen)
    for name in ("rules", "grading", "routing"):
        for each in answer[name]:
            each["problems"] = [
                {"message": f.message, "hint": f.hint} for f in findings if (f.of, f.rule) == (name, each["id"])
            ]
    return answer


def _to_nobody(hub: Hub) -> list[Finding]:
    """Templates that give tickets to a group that is not there."""
    if not hub.roster.groups:
        return []
    found = []
    for rule in (r for ordered in hub.rules.by_kind.values() for r in ordered):
        template = rule.template
        if template is None or "group" not in template.fields or "group" in {e.target_field for e in template.edges}:
            continue
        group = template.trace("group", {}).value
        if group is not None and group not in hub.roster.groups:
            message = f"gives its tickets to the group {group!r}, which is not there"
            found.append(Finding("rules", rule.spec.id, message, among(str(group), hub.roster.groups)))
    return found


def _idle(when: str | None) -> str:
    return "texts are compared exactly; to pass over case write lower(...) == '...'" if when and "'" in when else ""


def matched(conn: Connection, since: int) -> Mapping[str, int]:
    """How many messages each automation rule decided since then."""
    rows = select(_M.rule, func.count()).where(_M.id >= clock.Serial.first_at(since)).group_by(_M.rule)
    return {row[0]: row[1] for row in conn.execute(rows)}


def month_of(conn: Connection, hub: Hub, since: int, connections: Mapping[str, str]) -> Month:
    """The newest tickets since then as conditions see them, and what there is to compare with."""
    asked = _asks_level(hub)
    query = SELECT_TICKET.where(_T.opened_at >= since).order_by(_T.id.desc()).limit(MOST)
    tickets = [ticket_of(row) for row in conn.execute(query)]
    levels = levels_of(conn, {t.customer for t in tickets if t.customer is not None}) if asked else {}
    calendar = hub.calendars.get(grading.KIND.of(hub.policies).hours, ALWAYS)
    seen = [
        see(
            kind=t.kind, priority=t.priority, title=t.title, description=t.description, labels=t.labels,
            channels=channels_of(hub, t.source), level=levels.get(t.customer or 0), device=t.device, customer=t.customer,
            working=calendar.is_working(t.opened_at),
        )
        for t in tickets
    ]  # fmt: skip
    known = id_registry.values_of(conn, FIELD) if asked else []
    return Month(seen, of_channels({**connections, HUB: HUB}), frozenset(normalised(str(v)) for v in known))


def _asks_level(hub: Hub) -> bool:
    rules: Sequence[Any] = (*grading.KIND.of(hub.policies).rules, *routing.KIND.of(hub.policies).routing.rules)
    return any(rule.condition.levels for rule in rules)


def findings_of(answer: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """(policy, rule, what is wrong, what to do) of a report, in order."""
    return [
        (name, each["id"], problem["message"], problem["hint"])
        for name in ("rules", "grading", "routing")
        for each in answer[name]
        for problem in each["problems"]
    ]
