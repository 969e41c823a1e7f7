"""Data that are older than was promised become a ticket, which ends by itself once they are fresh again."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from gateway import clock, tables
from gateway.config.durations import show
from gateway.config.hub import Hub
from gateway.scheduling import upkeep
from gateway.service import Gateway
from gateway.sync.planned import planned
from gateway.sync.tables import sync_run

_R, _C, _S = sync_run.c, tables.config_item.c, tables.schedule_state.c
RULE = "data-late"
_PREFIX = "fresh/"


def look(gateway: Gateway, hub: Hub, now: int) -> list[str]:
    """Tell of every stream that became late or fresh; answers those that are late."""
    promised = {sync.name: sync for sync in planned(hub) if sync.fresh_within is not None}
    with gateway.reading() as conn:
        as_of = ages(conn)
        told = [name.removeprefix(f"told:{_PREFIX}") for name in _told(conn)]
    late = []
    for name, sync in promised.items():
        assert sync.fresh_within is not None
        since = as_of.get(name, now)
        if is_late := now > since + sync.fresh_within:
            late.append(name)
        described = (
            f"连接 connection {sync.live.id}，数据流 stream {sync.stream.name}；数据截至 data as of {clock.rfc3339(since)}，"
            f"承诺不超过 promised within {show(sync.fresh_within)}\nweft sync status"
        )
        title = f"数据逾期 Data are late：{name}"
        upkeep.tell(
            gateway,
            hub,
            upkeep.Subject(f"{_PREFIX}{name}", RULE, title, described, sync.live.id),
            standing=is_late,
            now=now,
        )
    for name in told:
        if name not in promised:  # nobody promises it any more
            connection = name.partition("/")[0]
            gone = upkeep.Subject(f"{_PREFIX}{name}", RULE, f"数据逾期 Data are late：{name}", connection=connection)
            upkeep.tell(gateway, hub, gone, standing=False, now=now)
    return late


def ages(conn: Connection) -> dict[str, int]:
    """Of when what is held of each stream is: the beginning of its last complete reading; of one that was never complete,
    when it was first asked for."""
    complete = select(_R.connection_id, _R.stream, func.max(_R.started_at)).where(_R.state == "complete")
    asked = dict(conn.execute(select(_C.id, _C.updated_at).where(_C.kind == "sync")).all())
    first = select(_R.connection_id, _R.stream, func.min(_R.started_at)).group_by(_R.connection_id, _R.stream)
    begun = {f"{c}/{s}": at for c, s, at in conn.execute(first)}
    done = {f"{c}/{s}": at for c, s, at in conn.execute(complete.group_by(_R.connection_id, _R.stream))}
    never = {name: min(at, begun.get(name, at)) for name, at in asked.items() if name not in done}
    return {**begun, **never, **done}


def _told(conn: Connection) -> list[str]:
    names = select(_S.name).where(_S.name.startswith(f"told:{_PREFIX}", autoescape=True))
    return list(conn.execute(names).scalars())
