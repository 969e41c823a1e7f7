"""Rules look at what is held already: because they are new, or because a record's time has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

import lineage
from gateway import clock
from gateway.automation.records import base_names
from gateway.automation.watching import Verdict, Watcher
from gateway.config.hub import Hub, Live
from gateway.service import Gateway
from gateway.sync import store
from gateway.sync.keeping import News
from gateway.sync.store import Shelf
from gateway.sync.tables import replica, replica_stream, watch
from gateway.sync.telling import tell
from gateway.sync.values import loaded

AT_ONCE = 5_000
_R, _S, _W = replica.c, replica_stream.c, watch.c


class Swept(NamedTuple):
    """The last row that was looked at (None: there are no more), and the messages that rules made."""

    last: int | None
    told: int


def sweep(
    conn: Connection, hub: Hub, serial: clock.Serial, live: Live, stream: str, shelf: Shelf, after: int | None, now: int
) -> Swept:
    """Ask the rules about some thousand live rows behind `after`."""
    rows = store.live_rows(conn, shelf.id, after, AT_ONCE)
    news = [
        News(r.id if r.whole is None else r.whole, r.key, loaded(shelf.record, r._mapping[_R["values"]]), r.landing, {},
             whole=r.whole)
        for r in rows
    ]  # fmt: skip
    watcher = _watcher(conn, hub, live, stream, shelf, now)
    verdicts = _with_raw(conn, live, stream, watcher.judge(news, still=False))
    tell(conn, hub, serial, live, stream, verdicts, [], now)
    return Swept(rows[-1].id if len(rows) == AT_ONCE else None, len(verdicts))


def fire_due(gateway: Gateway, hub: Hub, now: int) -> int:
    """Conditions that have held long enough; answers how many there were."""
    due = (
        select(_W.stream, _W.id, _W.rule, _S.connection_id, _S.stream.label("name"))
        .join_from(watch, replica_stream, _S.id == _W.stream)
        .where(_W.due_at <= now)
        .order_by(_W.due_at)
        .limit(200)
    )
    with gateway.reading() as conn:
        found = list(conn.execute(due))
    fired = 0
    for row in found:
        live = hub.connections.get(row.connection_id)
        if live is None or row.name not in live.mappings:
            _let_go(gateway, row)
            continue
        fired += gateway.transact(lambda conn, r=row, of=live: _fire(conn, gateway, hub, of, r, now))  # type: ignore[misc]
    if fired:
        gateway.wake_worker.set()
    return len(found)


def _fire(conn: Connection, gateway: Gateway, hub: Hub, live: Live, row: Any, now: int) -> int:
    """One whose time has come, if it still stands: told as the record's own connection would tell it."""
    shelf = store.shelf(conn, row.connection_id, row.name)
    rule = hub.rules.named(row.rule)
    held = _newest(conn, row.stream, row.id)
    if shelf is None or rule is None or rule.template is None or held is None or rule.spec.on != shelf.record:
        conn.execute(watch.delete().where(_W.stream == row.stream, _W.id == row.id, _W.rule == row.rule))
        return 0
    values = loaded(shelf.record, held._mapping[_R["values"]])
    news = News(row.id, held.key, values, held.landing, {}, whole=held.whole)
    watcher = _watcher(conn, hub, live, row.name, shelf, now)
    verdicts = _with_raw(conn, live, row.name, watcher.due(news, rule))
    tell(conn, hub, gateway.serial, live, row.name, verdicts, [], now)
    return len(verdicts)


def _newest(conn: Connection, stream: int, number: int) -> Any:
    """The live row of this number, or the part of this whole that changed last."""
    rows = select(_R.key, _R["values"], _R.landing, _R.whole).where(_R.stream == stream, _R.deleted_at.is_(None))
    own = conn.execute(rows.where(_R.id == number)).first()
    return own or conn.execute(rows.where(_R.whole == number).order_by(_R.read_at.desc(), _R.id).limit(1)).first()


def _let_go(gateway: Gateway, row: Any) -> None:
    """Its connection is gone, and nothing of it will be read any more."""
    gateway.transact(
        lambda conn: conn.execute(watch.delete().where(_W.stream == row.stream, _W.id == row.id, _W.rule == row.rule))
    )


def _watcher(conn: Connection, hub: Hub, live: Live, stream: str, shelf: Shelf, now: int) -> Watcher:
    base = base_names(live, stream, shelf.record)
    return Watcher(conn, hub.rules, shelf.id, shelf.record, base, now, live.spec.codes)


def _with_raw(conn: Connection, live: Live, stream: str, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same with what the source had said, and what today's mapping makes of it: that is what is drilled down to."""
    landed = lineage.fetch(conn, [v.news.landing for v in verdicts])
    told = []
    for verdict in verdicts:
        source = landed.get(verdict.news.landing)
        if source is None or source.problem or not isinstance(source.record, dict):
            continue  # erased or damaged: nothing can be said with an origin
        made = live.mappings[stream].run(source.record)
        if made.dead is None and made.matched:
            told.append(replace(verdict, news=replace(verdict.news, raw=source.record, values=made.values)))
    return told
