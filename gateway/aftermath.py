"""What follows, within the same transaction, from what happened to tickets. Whoever changes tickets calls `follow`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from gateway.automation.check_jobs import plan_checks
from gateway.bridge.happened import Happened
from gateway.bridge.planning import plan_commands
from gateway.clock import Serial
from gateway.collaboration.noticing import tell
from gateway.config.hub import Hub
from gateway.escalation.planning import plan as plan_escalation
from gateway.notify.reaction import notify
from gateway.routing.again import route_again
from gateway.stuck.watching import watch

Reaction = Callable[[Connection, Hub, Sequence[Happened], int], None]
"""Takes what happened in order, and now. It writes rows and calls nobody; a constant number of statements."""

REACTIONS: tuple[Reaction, ...] = (notify, watch, tell, plan_escalation)


def follow(conn: Connection, hub: Hub, happened: Sequence[Happened], serial: Serial, now: int) -> None:
    """New hands for what came back, checks, commands to other systems, and every reaction of the house. A cause that was
    planned before is not planned again."""
    if not happened:
        return
    happened = [*happened, *route_again(conn, hub, happened, now)]
    plan_checks(conn, hub, happened, now)
    plan_commands(conn, hub, happened, serial, now)
    for react in REACTIONS:
        react(conn, hub, happened, now)
