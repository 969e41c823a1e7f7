"""What came of messages: receipts are kept, and where a channel failed, or took too long, the next one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, and_, or_, select, update

import core_tickets
from gateway.config.hub import Hub
from gateway.notify.addressing import INBOX
from gateway.notify.tables import OPEN, notice_delivery
from gateway.notify.telling import Telling, delivery_row, finish
from gateway.policies.notification import KIND
from gateway.service import Gateway
from gateway.tables import notice, outbox

MOST = 500
OVER = ("done", "refused", "person")
_D, _N, _O = notice_delivery.c, notice.c, outbox.c


def settle(gateway: Gateway, hub: Hub, now: int) -> int:
    """Keep what came of commands that are over; answers how many deliveries that settled."""
    with gateway.transaction() as conn:
        over = _over(conn)
        overdue = _overdue(conn, hub, now)
        unsendable = _unsendable(conn)
        if not (over or overdue or unsendable):
            return 0
        telling = Telling(conn, hub, now)
        for row in over:
            _keep(conn, row, now)
        gone, late = [row.id for row in unsendable], [row.id for row in overdue]
        conn.execute(update(notice_delivery).where(_D.id.in_(gone)).values(state="failed", done_at=now))
        conn.execute(update(notice_delivery).where(_D.id.in_(late)).values(moved_on=True))
        _go_on(telling, {(r.notice_id, r.person) for r in (*over, *overdue, *unsendable)})
    return len(over) + len(overdue) + len(unsendable)


def _over(conn: Connection) -> Sequence[Any]:
    query = (
        select(_D.id, _D.notice_id, _D.person, _D.address, _D.sent_at, _O.state, _O.reason, _O.receipt, _O.must_confirm)
        .join_from(notice_delivery, outbox, _O.id == _D.command_id)
        .where(_D.state == "sending", _O.state.in_(OVER))
        .order_by(_D.id).limit(MOST).with_for_update(skip_locked=True, of=notice_delivery)
    )  # fmt: skip
    return conn.execute(query).all()


def _overdue(conn: Connection, hub: Hub, now: int) -> Sequence[Any]:
    """Those that are still on their way although their tier's patience is over."""
    tiers = KIND.of(hub.policies).tiers
    late = or_(*(and_(_N.tier == n, _D.sent_at <= now - tier.patience) for n, tier in enumerate(tiers)))
    query = (
        select(_D.id, _D.notice_id, _D.person)
        .join_from(notice_delivery, notice, _N.id == _D.notice_id)
        .join(outbox, _O.id == _D.command_id)
        .where(_D.state == "sending", _D.moved_on.is_(False), _O.state.not_in(OVER), late)
        .order_by(_D.id).limit(MOST).with_for_update(skip_locked=True, of=notice_delivery)
    )  # fmt: skip
    return conn.execute(query).all()


def _unsendable(conn: Connection) -> Sequence[Any]:
    """Those whose channel was gone when they should have been sent; their reason says how."""
    query = select(_D.id, _D.notice_id, _D.person).where(_D.state == "sending", _D.command_id.is_(None))
    return conn.execute(query.order_by(_D.id).limit(MOST).with_for_update(skip_locked=True)).all()


def _keep(conn: Connection, row: Any, now: int) -> None:
    """One delivery by its command: taken, refused, or for a person to find out."""
    receipt: Mapping[str, Any] = orjson.loads(row.receipt) if row.receipt else {}
    values: dict[str, Any] = {"done_at": now, "reason": row.reason, "receipt": str(receipt.get("external_id") or "")}
    if row.state == "done":
        left_out = _left_out(receipt.get("values") or {}, row.address)
        values |= {"state": "failed", "reason": left_out} if left_out else {"state": "delivered"}
    else:
        doubt = row.state == "person" and row.must_confirm
        values["state"] = "doubtful" if doubt else "failed"
    conn.execute(update(notice_delivery).where(_D.id == row.id).values(values))


def _left_out(told: Mapping[str, Any], address: str) -> str:
    """Why this reader was left out of a message that went to several; empty: he was not.

    WeCom names whom it left out in texts (`invaliduser: a|b`), mail servers in a map (`left_out: {address: why}`)."""
    if not address:
        return ""
    for name, value in told.items():
        if isinstance(value, str) and address in value.replace(",", "|").split("|") and name != "task_id":
            return f"left out: {name}"
        if isinstance(value, Mapping) and address in value:
            return f"left out: {value[address]}"
    return ""


def _go_on(telling: Telling, whom: set[tuple[int, str]]) -> None:
    """Begin the next step for those who were not reached yet; tell how notices ended whose every row is over."""
    conn = telling.conn
    ids = sorted({notice_id for notice_id, _ in whom})
    notices = {n.id: n for n in conn.execute(select(notice).where(_N.id.in_(ids)))}
    found = conn.execute(
        select(notice_delivery).where(_D.notice_id.in_(ids), _D.channel != INBOX).order_by(_D.id)
    ).all()
    rows: dict[tuple[int, str], list[Any]] = {}
    for row in found:
        rows.setdefault((row.notice_id, row.person), []).append(row)
    new: list[dict[str, Any]] = []
    for notice_id, person in sorted(whom):
        new += _next_step(telling, notices[notice_id], person, rows.get((notice_id, person), []))
    if new:
        conn.execute(notice_delivery.insert(), new)
    going_on = {row["notice_id"] for row in new if row["state"] in OPEN}
    going_on |= {row.notice_id for row in found if row.state in OPEN}
    ended = [n for n in notices.values() if n.id not in going_on and n.state == "telling"]
    tickets = core_tickets.get_many(conn, {n.ticket_id for n in ended})
    for each in ended:
        if each.ticket_id in tickets:
            finish(telling, each, tickets[each.ticket_id])


def _next_step(telling: Telling, told: Any, person: str, mine: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of the next step, if all of this one is over or took too long, and none of it arrived."""
    last = max((row.step for row in mine), default=-1)
    here = [row for row in mine if row.step == last]
    if any(row.state == "delivered" for row in mine) or any(row.state in OPEN and not row.moved_on for row in here):
        return []
    if person not in telling.roster.people:
        return []
    taken = frozenset(row.channel for row in mine)
    planned = telling.plan(person, told.tier, last + 1, taken)
    return [delivery_row(told.id, told.ticket_id, person, each, telling.now) for each in planned]
