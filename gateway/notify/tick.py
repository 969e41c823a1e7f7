"""What a worker does for notices, again and again: cheap as long as there is nothing to tell."""

from __future__ import annotations

from sqlalchemy import exists, select

from gateway.config.hub import Hub
from gateway.notify import sending, settling, telling
from gateway.notify.tables import OPEN, notice_delivery
from gateway.service import Gateway
from gateway.tables import notice


def tick(gateway: Gateway, hub: Hub, now: int) -> int:
    """Give out, send and settle all that is due; answers how much that was."""
    with gateway.reading() as conn:
        waits = conn.execute(select(exists().where(notice.c.state == "waiting"))).scalar()
        open_ = conn.execute(select(exists().where(notice_delivery.c.state.in_(OPEN)))).scalar()
    found = telling.give_out(gateway, hub, now) if waits else 0
    if open_ or found:
        found += settling.settle(gateway, hub, now)
        found += sending.send_due(gateway, hub, now)
    return found
