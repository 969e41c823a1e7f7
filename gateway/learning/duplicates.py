"""Open tickets about one trouble that their fingerprints could not tell: near-same title, one device, one time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection

import core_tickets
import id_registry
from core_tickets.rows import SELECT_TICKET, ticket_of
from core_tickets.tables import ticket as ticket_table
from gateway import clock
from gateway.clock import rfc3339
from gateway.config.hub import Hub
from gateway.learning.closing import settle
from gateway.learning.proposals import Found, Proposal, ProposalKind, decided
from gateway.learning.terms import alike, numbers, terms
from gateway.policies.learning import KIND as LEARNING
from gateway.policies.learning import Duplicates
from gateway.service import Gateway
from gateway.tokens import Right
from gateway.usecases import tickets as working

NAME = "duplicate"
MOST = 500
LOOKED_AT = 5_000
NEIGHBOURS = 50
"""Tickets of one device and kind that one ticket is compared with: the ones opened right before it."""
_T = ticket_table.c
_PROGRESS = {"pending": 0, "blocked": 1, "in_progress": 2}


class Pair(NamedTuple):
    """`keep` stays, `drop` is closed. `share` of the terms of their titles is the same."""

    keep: core_tickets.Ticket
    drop: core_tickets.Ticket
    share: float


def find(gateway: Gateway, hub: Hub, now: int) -> list[Found]:
    """Pairs of open tickets, the latest first, without those that are linked or that a person has decided on."""
    policy = LEARNING.of(hub.policies).duplicates
    with gateway.reading() as conn:
        query = SELECT_TICKET.where(_T.status.in_(core_tickets.OPEN), _T.opened_at > now - policy.window)
        rows = conn.execute(query.order_by(_T.opened_at.desc(), _T.id.desc()).limit(LOOKED_AT))
        pairs = pairs_of([ticket_of(row) for row in rows], policy)
        linked = core_tickets.links(conn, [pair.drop.id for pair in pairs])
        known = decided(conn, [NAME], [_subject(pair) for pair in pairs])
    free = [p for p in pairs if p.keep.id not in linked.get(p.drop.id, ()) and (NAME, _subject(p)) not in known]
    return [Found(_subject(pair), _evidence(pair)) for pair in free[:MOST]]


def pairs_of(tickets: Iterable[core_tickets.Ticket], policy: Duplicates) -> list[Pair]:
    """Who repeats whom; each ticket is dropped at most once, and none that is dropped is kept for another. Pure; the
    order of the tickets does not matter."""
    open_ = [t for t in tickets if t.status in core_tickets.OPEN and t.storm_id is None]
    open_.sort(key=lambda t: (_place(t), t.opened_at, t.id))
    pairs: list[Pair] = []
    for place, same in groupby(open_, key=_place):
        if place[1:] == (0, 0):  # nothing says that they are about one thing
            continue
        told = [(t, terms(t.title), numbers(t.title)) for t in same]
        dropped: set[int] = set()
        kept: set[int] = set()
        for n, (later, its_terms, its_numbers) in enumerate(told):
            for earlier, other_terms, other_numbers in told[max(0, n - NEIGHBOURS) : n]:
                share = alike(its_terms, other_terms)
                close = later.opened_at - earlier.opened_at <= policy.within
                if not close or its_numbers != other_numbers or share < policy.alike or _one_trouble(earlier, later):
                    continue
                keep, drop = _ordered(earlier, later)
                if not {keep.id, drop.id} & dropped and drop.id not in kept:
                    pairs.append(Pair(keep, drop, round(share, 3)))
                    dropped.add(drop.id)
                    kept.add(keep.id)
    return sorted(pairs, key=lambda p: (-p.drop.opened_at, -p.drop.id))


def _place(t: core_tickets.Ticket) -> tuple[str, int, int]:
    """A device tells more than a customer, who may have many."""
    return t.kind, t.device or 0, 0 if t.device else t.customer or 0


def _one_trouble(a: core_tickets.Ticket, b: core_tickets.Ticket) -> bool:
    """One fingerprint is one ticket already; the core sees to that."""
    return a.fingerprint is not None and a.fingerprint == b.fingerprint


def _ordered(
    earlier: core_tickets.Ticket, later: core_tickets.Ticket
) -> tuple[core_tickets.Ticket, core_tickets.Ticket]:
    """Who has got further stays, else who came first."""
    if _PROGRESS[later.status] > _PROGRESS[earlier.status]:
        return later, earlier
    return earlier, later


def _subject(pair: Pair) -> str:
    low, high = sorted((pair.keep.id, pair.drop.id))
    return f"{id_registry.format_id(low)}/{id_registry.format_id(high)}"


def _evidence(pair: Pair) -> dict[str, Any]:
    keep, drop = pair.keep, pair.drop
    apart = abs(keep.opened_at - drop.opened_at) // clock.MINUTE
    thing = "device" if keep.device else "customer"
    return {
        "ticket": id_registry.format_id(drop.id), "of": id_registry.format_id(keep.id), "share": pair.share,
        "tickets": [_told(t) for t in (keep, drop)], thing: id_registry.format_id(getattr(keep, thing)),
        "reasons": [{
            "name": "alike",
            "zh": f"同一{'设备' if thing == 'device' else '客户'}，相隔 {apart} 分钟，标题 {pair.share:.0%} 相同",
            "en": f"the same {thing}, {apart} minutes apart, {pair.share:.0%} of their titles the same",
        }],
        "would": {"action": "link and close", "cause": "other", "resolution": _resolution(id_registry.format_id(keep.id))},
    }  # fmt: skip


def _told(t: core_tickets.Ticket) -> dict[str, Any]:
    return {"id": id_registry.format_id(t.id), "title": t.title, "status": t.status, "source": t.source,
            "opened_at": rfc3339(t.opened_at)}  # fmt: skip


def _resolution(of: str) -> str:
    return f"与 {of} 重复，在那里处理 Duplicate of {of}, which goes on"


def stale(conn: Connection, hub: Hub, standing: Sequence[Proposal], now: int) -> dict[int, str]:
    ids = {p.id: [id_registry.parse_id(p.evidence[name]) for name in ("ticket", "of")] for p in standing}
    tickets = core_tickets.get_many(conn, [number for pair in ids.values() for number in pair])
    said = "其中一张已结束 one of the two is over"
    return {
        number: said
        for number, pair in ids.items()
        if any(t not in tickets or tickets[t].status not in core_tickets.OPEN for t in pair)
    }


def accept(
    conn: Connection, gateway: Gateway, found: Proposal, given: Mapping[str, Any], actor: str, now: int
) -> Mapping[str, Any]:
    drop, keep = (id_registry.parse_id(found.evidence[name]) for name in ("ticket", "of"))
    why = f"proposal {found.id} accepted"
    working.act(conn, gateway, drop, "link", {"other": keep}, actor=actor, why=why)
    would = found.evidence["would"]
    return settle(conn, gateway, drop, would["resolution"], would["cause"], actor, why) | {"of": found.evidence["of"]}


DUPLICATES = ProposalKind(NAME, Right.act, find, stale, accept)
