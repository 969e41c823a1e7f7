"""What a worker does again and again within seconds, as a table: what, how often, held by which lease.

Without a lease every worker does it, since its rows are claimed one by one. Under a lease one worker does it, and what it
writes is fenced: another that takes the lease over meanwhile wins. What runs by the hour or the day is in
`gateway.scheduling.jobs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway import announcing, clock
from gateway.automation import checks, timers
from gateway.collaboration import attachments, conduct, reminders
from gateway.config.hub import Hub
from gateway.escalation import firing as escalation
from gateway.escalation.auditing import Auditor
from gateway.figures import rounds as figures
from gateway.notify import tick as notices
from gateway.routing.relief import Relief
from gateway.search.feeding import Feeder
from gateway.service import Gateway
from gateway.storm import events as storm_events
from gateway.stuck import asking
from gateway.telemetry import keeping as telemetry

LEASE = 15 * clock.SECOND
IDLE_S = 0.5

Work = Callable[[Hub, int], object]


@dataclass(frozen=True, slots=True)
class Periodic:
    """`lease`: empty, or whose holder does it; several may share one. `counts`: what it finds makes the worker look again
    at once. `wanted`: whether there is anything of the kind in this configuration."""

    name: str
    every_s: float
    work: Work
    lease: str = ""
    counts: bool = False
    wanted: Callable[[Hub], bool] = lambda _hub: True


def periodic(gateway: Gateway) -> tuple[Periodic, ...]:
    """Everything, for one worker; what it remembers between two rounds is its own."""
    auditor, relief, feeder = Auditor(), Relief(), Feeder(gateway.search, gateway.settings.home)
    own = (
        Periodic("escalation", 1.0, lambda _hub, now: escalation.tick(gateway, now)),
        Periodic("auditor", 30.0, lambda _hub, now: auditor.round(gateway, now), "auditor"),
        Periodic("timers", 1.0, lambda _hub, now: timers.tick(gateway, now), "timers", counts=True),
        Periodic("relief", 5.0, lambda _hub, now: relief.tick(gateway, now), "relief"),
        Periodic(
            "checks", 5.0, lambda hub, now: checks.run_due(gateway, hub, now), wanted=lambda hub: bool(hub.checks)
        ),
        Periodic("notices", IDLE_S, lambda hub, now: notices.tick(gateway, hub, now), "notices"),
        Periodic("together", 2.0, lambda hub, now: reminders.tick(gateway, hub, now), "together"),
        Periodic("storms", 2.0, lambda hub, now: storm_events.tick(gateway, hub, now), "together"),
        Periodic("conduct", 600.0, lambda hub, now: conduct.look(gateway, hub, now), "conduct"),
        Periodic("attachments", 3600.0, lambda _hub, now: attachments.sweep(gateway, now), "attachments"),
        Periodic(
            "old telemetry",
            3600.0,
            lambda _hub, now: gateway.transact(lambda conn: telemetry.forget(conn, now)),
            "telemetry",
        ),
        Periodic("stuck", 10.0, lambda hub, now: asking.tick(gateway, hub, now), "stuck"),
        Periodic("search", 5.0, lambda _hub, _now: feeder.feed(gateway)),
        Periodic("figures", 10.0, lambda _hub, now: figures.run(gateway, now), "figures"),
    )
    emitter = announcing.emitter_of(gateway.settings.openlineage_url)
    if emitter is None:
        return own
    tell = Periodic("openlineage", 10.0, lambda hub, _now: announcing.announce(gateway, hub, emitter), "openlineage")
    return (*own, tell)
