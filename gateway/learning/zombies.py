"""Open tickets nobody will ever finish: idle for long, and their source ended, fell silent or is gone, or the device is.

They are counted as open work, pull every figure down and hide what matters; but only a person may say that they are over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, or_, select

import core_tickets
import id_registry
from core_tickets.batch import among
from core_tickets.rows import SELECT_TICKET, ticket_of
from core_tickets.tables import ticket as ticket_table
from gateway import tables
from gateway.clock import DAY, rfc3339
from gateway.config.hub import HUB, Hub
from gateway.learning.closing import settle
from gateway.learning.proposals import Found, Proposal, ProposalKind, decided
from gateway.policies.learning import KIND as LEARNING
from gateway.service import Gateway
from gateway.sync.tables import replica, replica_stream
from gateway.tokens import Right

NAME = "zombie"
MOST = 500
PAGE, PAGES = 500, 20
_T, _S, _D, _R = ticket_table.c, tables.signal.c, tables.twin_device.c, replica.c


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a ticket will not be finished. A `certain` one counts at the limit of idleness, others at twice of it."""

    name: str
    zh: str
    en: str
    certain: bool

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "zh": self.zh, "en": self.en}


def find(gateway: Gateway, hub: Hub, now: int) -> list[Found]:
    """The eldest first, at most `MOST`, without those a person has decided on."""
    found: list[Found] = []
    after = 0
    for _ in range(PAGES):
        with gateway.reading() as conn:
            rows = conn.execute(_idle(hub, now).where(_T.id > after).order_by(_T.id).limit(PAGE)).all()
            tickets = [ticket_of(row) for row in rows]
            known = decided(conn, [NAME], [id_registry.format_id(t.id) for t in tickets])
            told = judge(conn, hub, [t for t in tickets if (NAME, id_registry.format_id(t.id)) not in known], now)
        found += [Found(id_registry.format_id(t.id), _evidence(t, told[t.id], now)) for t in tickets if t.id in told]
        if len(rows) < PAGE or len(found) >= MOST:
            break
        after = tickets[-1].id
    return found[:MOST]


def _idle(hub: Hub, now: int) -> Any:
    limits = LEARNING.of(hub.policies).zombies.idle
    idle = [
        and_(_T.priority == int(name[1]), _T.updated_at <= now - limit, _T.last_seen <= now - limit)
        for name, limit in limits.items()
    ]
    return SELECT_TICKET.where(_T.status.in_(core_tickets.OPEN), or_(*idle))


def judge(
    conn: Connection, hub: Hub, tickets: Sequence[core_tickets.Ticket], now: int
) -> dict[int, tuple[Reason, ...]]:
    """Why each of these is a zombie; those that are none are absent. Four statements at most."""
    if not tickets:
        return {}
    signals: dict[int, list[Any]] = {}
    asked = select(_S.ticket_id, _S.status, _S.seen_at, _S.ended_at).where(
        among(conn, _S.ticket_id, [t.id for t in tickets])
    )
    for row in conn.execute(asked):
        signals.setdefault(row.ticket_id, []).append(row)
    devices = sorted({t.device for t in tickets if t.device is not None})
    last = select(_D.device_id, _D.seen_at).where(among(conn, _D.device_id, devices))
    heard = {row.device_id: row.seen_at for row in conn.execute(last)} if devices else {}
    alive, gone = _devices(conn, devices)
    limits = LEARNING.of(hub.policies).zombies.idle
    judged: dict[int, tuple[Reason, ...]] = {}
    for t in tickets:
        limit, idle = limits[f"P{t.priority}"], now - max(t.updated_at, t.last_seen)  # type: ignore[index]
        if t.status not in core_tickets.OPEN or idle < limit:
            continue
        reasons = list(_of_source(hub, t, signals.get(t.id, ()), now - limit))
        if t.device in gone and t.device not in alive:
            reasons.append(Reason("device_gone", "设备已从台账中删除", "its device is gone from the register", True))
        elif t.device in heard and heard[t.device] <= now - limit:
            since = (rfc3339(heard[t.device]) or "")[:10]
            reasons.append(
                Reason("device_silent", f"设备自 {since} 起没有数据", f"its device is silent since {since}", False)
            )
        if any(r.certain for r in reasons) or idle >= 2 * limit:
            days = idle // DAY
            first = Reason("idle", f"{days} 天没有任何进展", f"nothing has happened for {days} days", False)
            judged[t.id] = (first, *reasons)
    return judged


def _of_source(hub: Hub, t: core_tickets.Ticket, signals: Sequence[Any], before: int) -> list[Reason]:
    live = hub.connections.get(t.source or "")
    if t.source is not None and t.source != HUB and (live is None or not live.spec.enabled):
        return [
            Reason("source_gone", f"来源 {t.source} 已停用", f"its source {t.source} is switched off or gone", True)
        ]
    if signals and all(s.status == "resolved" for s in signals):
        return [Reason("ended", "来源已报告恢复", "its source said that it is over", True)]
    if signals and all(s.seen_at <= before for s in signals):
        return [Reason("source_silent", "来源没有再次报告", "its source has not repeated it", False)]
    return []


def _devices(conn: Connection, devices: Sequence[int]) -> tuple[set[int], set[int]]:
    """Those that some register still has, and those that one has no more."""
    query = (
        select(_R.gid, _R.deleted_at)
        .join(replica_stream, replica_stream.c.id == _R.stream)
        .where(replica_stream.c.record == "Device", among(conn, _R.gid, devices))
    )
    rows = conn.execute(query).all() if devices else []
    return {r.gid for r in rows if r.deleted_at is None}, {r.gid for r in rows if r.deleted_at is not None}


def _evidence(t: core_tickets.Ticket, reasons: Sequence[Reason], now: int) -> dict[str, Any]:
    ended = any(r.name == "ended" for r in reasons)
    return {
        "ticket": id_registry.format_id(t.id), "kind": t.kind, "priority": f"P{t.priority}", "status": t.status,
        "assignee": t.assignee, "group": t.group, "last_activity": rfc3339(max(t.updated_at, t.last_seen)),
        "reasons": [r.as_dict() for r in reasons],
        "would": {"action": "close", "cause": "recovered" if ended else "other", "resolution": _resolution(reasons)},
    }  # fmt: skip


def _resolution(reasons: Sequence[Reason]) -> str:
    zh, en = "；".join(r.zh for r in reasons), "; ".join(r.en for r in reasons)
    return f"清理：{zh} Cleaned up: {en}"


def stale(conn: Connection, hub: Hub, standing: Sequence[Proposal], now: int) -> dict[int, str]:
    numbers = {p.id: id_registry.parse_id(p.subject) for p in standing}
    tickets = core_tickets.get_many(conn, list(numbers.values()))
    told = judge(conn, hub, list(tickets.values()), now)
    said = "工单又有进展，或已结束 the ticket moved, or is over"
    return {p.id: said for p in standing if numbers[p.id] not in told}


def accept(
    conn: Connection, gateway: Gateway, found: Proposal, given: Mapping[str, Any], actor: str, now: int
) -> Mapping[str, Any]:
    would = found.evidence["would"]
    return settle(conn, gateway, id_registry.parse_id(found.subject), would["resolution"], would["cause"], actor,
                  f"proposal {found.id} accepted")  # fmt: skip


ZOMBIES = ProposalKind(NAME, Right.act, find, stale, accept)
