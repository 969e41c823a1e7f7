"""Limits of figures: a figure that stays beyond its limit opens one ticket, which ends when the figure is good again.

Only days that are over count, as known when they ended, so that nobody is called for a number that is still moving. Days
with fewer cases than `at_least` neither begin nor end a breach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from sqlalchemy import Connection, insert, select, update

import core_tickets
import id_registry
import lineage
from core_tickets.figures import METRICS, Sum, Terms, day_of, value, version
from gateway.aftermath import follow
from gateway.bridge.happened import Happened, of
from gateway.config.hub import Hub
from gateway.figures.indexing import LATE
from gateway.figures.keeping import THEN, unpacked
from gateway.figures.tables import figure_breach, figure_value
from gateway.policies.figures import KIND, Threshold
from gateway.service import Gateway

LOOK = 100
"""Days looked back: a breach that quiet days hide longer than that begins anew."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One day of one group: its figure, and whether it was beyond the limit."""

    day: str
    value: Decimal
    broken: bool


@dataclass(frozen=True, slots=True)
class Breach:
    """The days, all beyond the limit, that call for a ticket."""

    threshold: Threshold
    key: str
    days: tuple[Judged, ...]

    @property
    def since(self) -> str:
        return self.days[0].day


def judge(threshold: Threshold, days: Mapping[str, Mapping[str, Sum]]) -> dict[str, list[Judged]]:
    """Each group's days that tell anything, in order. Pure."""
    metric = METRICS[threshold.metric]
    found: dict[str, list[Judged]] = {}
    for day in sorted(days):
        for key, one in days[day].items():
            enough = (one.facts if metric.adds else one.denominator) >= threshold.at_least
            if enough and (figure := value(metric, one)) is not None:
                found.setdefault(key, []).append(Judged(day, figure, threshold.broken(figure)))
    return found


def standing(threshold: Threshold, judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The latest days in a row that are beyond the limit, if there are enough of them. Pure."""
    last: list[Judged] = []
    for one in reversed(judged):
        if not one.broken:
            break
        last.append(one)
    return tuple(reversed(last)) if len(last) >= threshold.days else ()


def watch(gateway: Gateway, now: int) -> int:
    """Open and end tickets for all thresholds; answers how many. Once per breach, however many workers there are."""
    policy = KIND.of(gateway.hub.policies)
    if not policy.thresholds:
        return 0
    return gateway.transact(lambda conn: sum(_watch(conn, gateway, t, policy.terms, now) for t in policy.thresholds))


def _watch(conn: Connection, gateway: Gateway, threshold: Threshold, terms: Terms, now: int) -> int:
    judged = judge(threshold, _days_over(conn, threshold, terms, now))
    b, done = figure_breach.c, 0
    running = {
        row.key: row
        for row in conn.execute(select(figure_breach).where(b.threshold == threshold.id, b.ended.is_(None)))
    }
    for key, days in judged.items():
        if key in running:
            good = next((d for d in days if not d.broken and d.day > running[key].since), None)
            if good is not None:
                _end(conn, gateway, threshold, running[key].ticket_id, good, now)
                mine = (b.threshold == threshold.id, b.key == key, b.since == running[key].since)
                conn.execute(update(figure_breach).where(*mine).values(ended=good.day))
                done += 1
        elif (found := standing(threshold, days)) and not _known(conn, threshold, key, found[0].day):
            ticket = _open(conn, gateway, Breach(threshold, key, found), now)
            row = {"threshold": threshold.id, "key": key, "since": found[0].day, "ticket_id": ticket}
            conn.execute(insert(figure_breach).values(row))
            done += 1
    return done


def _known(conn: Connection, threshold: Threshold, key: str, since: str) -> bool:
    b = figure_breach.c
    mine = (b.threshold == threshold.id, b.key == key, b.since == since)
    return conn.execute(select(b.ticket_id).where(*mine)).first() is not None


def _days_over(conn: Connection, threshold: Threshold, terms: Terms, now: int) -> dict[str, dict[str, Sum]]:
    """The sums of the days that are over, as known when they ended."""
    metric, v = METRICS[threshold.metric], figure_value.c
    oldest = (date.fromisoformat(day_of(now, terms.zone)) - timedelta(days=LOOK)).isoformat()
    query = select(v.day, v.groups).where(
        v.metric == metric.name, v.version == version(metric, terms), v.basis == THEN, v.dimension == threshold.by,
        v.day >= oldest, v.as_of <= now - LATE,
    )  # fmt: skip
    return {day: unpacked(groups) for day, groups in conn.execute(query)}


def _open(conn: Connection, gateway: Gateway, breach: Breach, now: int) -> int:
    """The ticket of a breach, through the ticket core like any other. Answers its number."""
    hub, threshold, metric = gateway.hub, breach.threshold, METRICS[breach.threshold.metric]
    number = id_registry.mint(conn, "ticket", 1, now)[0]
    whose = "" if threshold.by == "all" else f" · {threshold.by} {breach.key or '—'}"
    title = threshold.open.title or f"{metric.title.zh}{whose} {_said(threshold, breach.days[-1])} {metric.title.en}"
    draft = core_tickets.Draft(
        id=number, kind=threshold.open.kind, priority=int(threshold.open.priority[1]), title=title,
        description="\n".join(_told(hub, breach)), assignee=threshold.open.assignee,
        group=threshold.open.group or (breach.key if threshold.by == "group" else None) or None,
        labels={"figure": metric.name, "threshold": threshold.id},
        fingerprint=f"figure/{threshold.id}/{breach.key}/{breach.since}", source_key=threshold.id,
        url=_link(hub, breach, breach.days[-1].day), actor=f"threshold:{threshold.id}", actor_kind="rule",
        why=f"{metric.name}{whose}: {len(breach.days)} days {_said(threshold, breach.days[-1])}",
    )  # fmt: skip
    opened = core_tickets.open_or_merge(conn, [draft], now, policy=hub.promises)[0]
    data = {
        "figure": metric.name, "threshold": threshold.id, "by": threshold.by, "key": breach.key,
        "limit": str(threshold.above if threshold.above is not None else threshold.below),
        "days": [{"day": d.day, "value": str(d.value), "tickets": _link(hub, breach, d.day)} for d in breach.days],
    }  # fmt: skip
    core_tickets.note(conn, [core_tickets.Note(opened.ticket_id, "figure_breach", data, draft.actor, now, "rule")])
    facts = {"kind": draft.kind, "priority": threshold.open.priority, "title": title, "description": draft.description,
             "labels": dict(draft.labels), "url": draft.url, "status": "pending", "group": draft.group,
             "assignee": draft.assignee}  # fmt: skip
    given = {name: held for name, held in facts.items() if held not in (None, "")}
    lineage.record(conn, [lineage.Write(opened.ticket_id, None, list(given), [], given, draft.actor, now)])
    follow(conn, hub, [Happened(e, opened.ticket_id, opened.version, "") for e in opened.events], gateway.serial, now)
    return opened.ticket_id


def _end(conn: Connection, gateway: Gateway, threshold: Threshold, ticket: int, good: Judged, now: int) -> None:
    """Resolve the ticket of a breach that is over; one that somebody has resolved stays as it is."""
    figure = METRICS[threshold.metric].title
    text = f"{good.day} 起恢复正常：{figure.zh} {good.value}。Good again since {good.day}: {figure.en} {good.value}."
    actor = f"threshold:{threshold.id}"
    command = core_tickets.Command(
        ticket, "resolve", {"resolution": text, "cause": "recovered"}, actor=actor, actor_kind="rule",
        why="the figure is within its limit again",
    )  # fmt: skip
    applied = core_tickets.apply(conn, [command], now, policy=gateway.hub.promises)[0]
    if applied.error is not None or applied.ticket is None:
        return
    facts = {"status": "resolved", "resolution": text, "cause": "recovered"}
    lineage.record(conn, [lineage.Write(ticket, None, list(facts), [], facts, actor, now)])
    follow(conn, gateway.hub, of([applied]), gateway.serial, now)


def _said(threshold: Threshold, last: Judged) -> str:
    if threshold.above is not None:
        return f"{last.value} > {threshold.above}"
    return f"{last.value} < {threshold.below}"


def _told(hub: Hub, breach: Breach) -> Iterator[str]:
    """What the ticket says: the limit, every day beyond it, and where its tickets are listed."""
    metric, threshold = METRICS[breach.threshold.metric], breach.threshold
    limit = f"> {threshold.above}" if threshold.above is not None else f"< {threshold.below}"
    yield f"{metric.title.zh}连续 {len(breach.days)} 天越限（{limit}）。{metric.about.zh}"
    yield f"{metric.title.en} beyond its limit ({limit}) for {len(breach.days)} days. {metric.about.en}"
    for one in breach.days:
        yield f"- {one.day}: {one.value} {metric.unit} — {_link(hub, breach, one.day)}"


def _link(hub: Hub, breach: Breach, day: str) -> str:
    """Where the tickets behind a day's figure are listed."""
    asked = {"day": day, "as_of": THEN}
    if breach.threshold.by != "all":
        asked[breach.threshold.by] = breach.key
    return f"{hub.public_url}/v1/figures/{breach.threshold.metric}/tickets?{urlencode(asked)}"
