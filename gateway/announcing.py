"""OpenLineage events: one RunEvent for each source that made tickets since the last time, with column lineage.

Events go to a file or an OpenLineage receiver (`WEFT_OPENLINEAGE_URL`). What could not be delivered is announced again
together with what came after it; the hub's own lineage does not depend on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

import lineage
from gateway import clock, tables
from gateway.config.hub import HUB, Hub, Live
from gateway.service import Gateway

if TYPE_CHECKING:
    from lineage import openlineage

log = structlog.get_logger(__name__)

_M, _S = tables.message.c, tables.sync_state.c
_STREAM = "openlineage"
SETTLED = 30 * clock.SECOND


def emitter_of(url: str) -> openlineage.Emitter | None:
    """Where events go: an http(s) URL, a file, or nowhere."""
    if not url:
        return None
    from lineage import openlineage  # its client is 12 MB that a hub without a receiver does not need

    if url.startswith(("http://", "https://")):
        return openlineage.HttpEmitter(url)
    path = Path(url.removeprefix("file://"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return openlineage.FileEmitter(path)


def announce(gateway: Gateway, hub: Hub, emitter: openlineage.Emitter) -> int:
    """Tell what became of messages since the last announcement; answers the number of events sent."""
    with gateway.reading() as conn:
        since = _watermark(conn)
        # numbers are taken before the commit: a slower transaction may still bring older ones
        settled = clock.Serial.first_at(clock.now() - SETTLED)
        until = conn.execute(select(func.max(_M.id)).where(_M.id < settled)).scalar() or since
        made = select(_M.connection_id, _M.stream, _M.rule).where(_M.id > since, _M.id <= until, _M.end == "ticketed")
        found = [tuple(row) for row in conn.execute(made.distinct())]
    sent = 0
    for connection, stream in sorted({(c, s) for c, s, _ in found}):
        rules = sorted(rule for c, s, rule in found if (c, s) == (connection, stream))
        if not _tell(gateway, hub, emitter, connection, stream, rules):
            return sent  # all of it is told again next time
        sent += 1
    if until > since:
        with gateway.transaction() as conn:
            _advance(conn, until)
    return sent


def _tell(
    gateway: Gateway, hub: Hub, emitter: openlineage.Emitter, connection: str, stream: str, rules: list[str]
) -> bool:
    from lineage import openlineage

    live = hub.internal if connection == HUB else hub.connections.get(connection)
    mapping = live.mappings.get(stream) if live else None
    if live is None or mapping is None:
        return True  # removed since; nothing can be said of it any more
    templates = [r.template for r in map(hub.rules.named, rules) if r is not None and r.template is not None]
    source = openlineage.DatasetName(live.namespace, stream)
    target = openlineage.DatasetName("weft://hub", "Ticket")
    facts = {"ids": openlineage.DatasetName("weft://hub", "registry")}
    now = clock.now()
    with gateway.transaction() as conn:
        run = lineage.open_run(conn, f"{connection}.{stream}", now)
        flows = [openlineage.Flow(lineage.plan(conn, [mapping, t]), source, target, facts) for t in templates]
        lineage.close_run(conn, run, now)
    if not flows:
        return True
    failed = emitter.emit(openlineage.run_event(run, flows, now, namespace="weft"))
    if failed is not None:
        log.warning("openlineage.not_delivered", connection=connection, stream=stream, reason=str(failed))
    return failed is None


def announce_sync(gateway: Gateway, live: Live, stream: str, emitter: openlineage.Emitter, parent: str = "") -> bool:
    """Tell that a stream was read into the hub, column by column; `parent`: the run of a scheduler that began it
    (`namespace/job/run id`). False: it could not be delivered."""
    from lineage import openlineage

    mapping, now = live.mappings[stream], clock.now()
    source, target = (
        openlineage.DatasetName(live.namespace, stream),
        openlineage.DatasetName("weft://hub", mapping.target),
    )
    with gateway.transaction() as conn:
        run = lineage.open_run(conn, f"{live.id}.{stream}", now)
        flows = [openlineage.Flow(lineage.plan(conn, [mapping]), source, target, {})]
        lineage.close_run(conn, run, now)
    failed = emitter.emit(openlineage.run_event(run, flows, now, namespace="weft", parent=parent))
    if failed is not None:
        log.warning("openlineage.not_delivered", connection=live.id, stream=stream, reason=str(failed))
    return failed is None


def _watermark(conn: Connection) -> int:
    text = conn.execute(select(_S.cursor).where(_S.connection_id == HUB, _S.stream == _STREAM)).scalar()
    return int(orjson.loads(text)) if text else 0


def _advance(conn: Connection, until: int) -> None:
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {"cursor": str(until), "finished_at": clock.now()}
    statement = insert(tables.sync_state).values(connection_id=HUB, stream=_STREAM, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["connection_id", "stream"], set_=values))
