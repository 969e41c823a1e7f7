"""Several commands as one, when a connection can't take as many calls as wait for it (see `connectors.contract.Merges`).

The eldest leads: the others point to it (`merged_into`), are claimed by nobody while they do, and are settled with it,
in one transaction. If nothing happened they are free again, to be merged anew. As long as it is in doubt whether the
one was carried out, they stay together, so that it is the same command that is confirmed, or written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import structlog
from sqlalchemy import ColumnElement, and_, or_, select, update

from connectors.contract import Command
from connectors.errors import ConnectorError
from connectors.runtime import Connection as Runtime
from gateway import tables
from gateway.config.hub import Hub
from gateway.service import Gateway

if TYPE_CHECKING:
    from gateway.bridge.outbox import Claimed

log = structlog.get_logger(__name__)

_O = tables.outbox.c


def merge(gateway: Gateway, hub: Hub, claimed: Sequence[Claimed]) -> list[Claimed]:
    """The same commands, those that must share a call under their leader."""
    waiting: dict[str, list[Claimed]] = {}
    for each in claimed:
        if not each.in_doubt and not each.followers and each.draft is None:
            waiting.setdefault(each.connection_id, []).append(each)
    led: dict[int, Claimed] = {}
    following: set[int] = set()
    for connection_id, mine in waiting.items():
        live = hub.connections.get(connection_id)
        runtime = live.runtime if live is not None else None
        room = runtime.room if runtime is not None else None
        if runtime is None or room is None or len(mine) <= room:
            continue
        for group in _groups(runtime, mine):
            if _joined(gateway, group):
                led[group[0].id] = replace(group[0], followers=tuple(group[1:]))
                following.update(each.id for each in group[1:])
    return [led.get(each.id, each) for each in claimed if each.id not in following]


def command_of(runtime: Runtime, claimed: Claimed) -> Command | None:
    """The command to carry out: its own, or the one that it stands for with its followers. None: there is none any
    more, since the connection's settings have changed."""
    if not claimed.followers:
        return claimed.command
    commands = [each.command for each in claimed.all]
    try:
        merged = runtime.merge(commands)
    except ConnectorError:
        return None
    return merged.command if merged is not None and len(merged.covers) == len(commands) else None


def follows(follower: Claimed, leader: Claimed) -> ColumnElement[bool]:
    """Does it still go with its leader?"""
    return and_(_O.id == follower.id, _O.merged_into == leader.id)


def _groups(runtime: Runtime, waiting: Sequence[Claimed]) -> list[list[Claimed]]:
    """Which go as one: of the same operation and key, as many at once as the connector puts into one; eldest first."""
    alike: dict[tuple[str, bytes], list[Claimed]] = {}
    for each in waiting:
        key = orjson.dumps(each.key, option=orjson.OPT_SORT_KEYS, default=str)
        alike.setdefault((each.op, key), []).append(each)
    groups = []
    for rest in alike.values():
        while len(rest) > 1:
            try:
                merged = runtime.merge([each.command for each in rest])
            except ConnectorError as error:
                log.warning("outbox.not_merged", connection=runtime.id, reason=str(error))
                break
            if merged is None:
                break
            together = [each for each in rest if str(each.id) in merged.covers]
            if len(together) > 1:
                groups.append(together)
            rest = [each for each in rest if str(each.id) not in merged.covers]
    return groups


def _joined(gateway: Gateway, group: Sequence[Claimed]) -> bool:
    """Put them together, if all are still in our hands."""
    leader = group[0].id
    held = or_(*(and_(_O.id == each.id, _O.attempts == each.attempts + 1) for each in group))
    with gateway.transaction() as conn:
        mine = select(_O.id).where(held, _O.state == "sending", _O.merged_into.is_(None)).with_for_update()
        if len(conn.execute(mine.order_by(_O.id)).all()) != len(group):
            return False
        followers = [each.id for each in group[1:]]
        conn.execute(update(tables.outbox).where(_O.id.in_(followers)).values(merged_into=leader))
    return True
