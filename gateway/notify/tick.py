"""What a worker does for notices, again and again: cheap as long as there is nothing to tell."""

from __future__ import annotations

from sqlalchemy import exists, select

from gateway.config.hub import Hub
from gateway.notify import sending, settling, telling
from gateway.notify.tables import notice_delivery
from gateway.service import Gateway
from gateway.tables import notice

_D = notice_delivery.c


def tick(gateway: Gateway, hub: Hub, now: int) -> int:
    """Give out, send and settle all that is due; answers how much that was. With nothing due it only reads."""
    with gateway.reading() as conn:
        waits, sent, due = conn.execute(
            select(
                exists().where(notice.c.state == "waiting"),
                exists().where(_D.state == "sending"),
                exists().where(_D.state.in_(("waiting", "held")), _D.due_at <= now),
            )
        ).one()
    found = telling.give_out(gateway, hub, now) if waits else 0
    if sent:
        found += settling.settle(gateway, hub, now)
    if due or found:
        found += sending.send_due(gateway, hub, now)
    return found
