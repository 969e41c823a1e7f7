"""What the worker does for learning: a round every hour, the slow parts once a day. What a round was cut short of, the next
one does; who begins one twice finds the same."""

from __future__ import annotations

import structlog

from gateway import clock
from gateway.clock import DAY, HOUR
from gateway.config.hub import Hub
from gateway.learning import effects, memory, problems, proposals
from gateway.learning.kinds import KINDS
from gateway.learning.outcomes import MEDIANS, learn_medians
from gateway.learning.proposals import ProposalKind
from gateway.policies.learning import KIND as LEARNING
from gateway.service import Gateway

log = structlog.get_logger(__name__)

HOURLY, DAILY = "hourly", "daily"
ONCE_A_DAY = frozenset({"promise"})
STANDING = 1_000
"""Proposals of one kind that are looked at whether they still hold."""
LEASE = 10 * clock.MINUTE


def run_due(gateway: Gateway, hub: Hub, now: int) -> int:
    """The round of this hour or day, unless it was done; answers how many proposals stand up for decision because of it."""
    with gateway.reading() as conn:
        last, last_daily = memory.last(conn, HOURLY), memory.last(conn, DAILY)
    if not last:
        with gateway.transaction() as conn:  # a hub that has just begun has nothing to learn from
            for name in (HOURLY, DAILY):
                memory.remember(conn, name, {}, now)
        return 0
    daily = last_daily + DAY <= now
    return run(gateway, hub, now, daily=daily) if daily or last + HOUR <= now else 0


def run(gateway: Gateway, hub: Hub, now: int, *, daily: bool = True) -> int:
    """One round; answers how many proposals were put up or renewed."""
    if daily:
        with gateway.reading() as conn:
            medians = learn_medians(conn, now)
        with gateway.transaction() as conn:
            memory.remember(conn, MEDIANS, medians, now)
    problems.read_texts(gateway, now)
    found = problems.find_problems(gateway, hub, now)
    _effects(gateway, hub, now)
    put = sum(_propose(gateway, hub, kind, now) for kind in KINDS.values() if daily or kind.name not in ONCE_A_DAY)
    with gateway.transaction() as conn:
        for name in (HOURLY, DAILY) if daily else (HOURLY,):
            memory.remember(conn, name, {"problems": found, "proposals": put}, now)
    log.info("learning.round", problems=found, proposals=put, daily=daily)
    return put


def _effects(gateway: Gateway, hub: Hub, now: int) -> None:
    with gateway.transaction() as conn:
        effects.learn_shown(conn, now)
    with gateway.reading() as conn:
        learned = effects.learn_effects(conn, now, LEARNING.of(hub.policies).solved.held)
    with gateway.transaction() as conn:
        effects.keep(conn, learned, now)


def _propose(gateway: Gateway, hub: Hub, kind: ProposalKind, now: int) -> int:
    """Take down what holds no more, put up what was found."""
    with gateway.reading() as conn:
        standing = proposals.listed(conn, [kind.name], ["proposed"], limit=STANDING).items
        gone = kind.stale(conn, hub, standing, now)
    found = kind.find(gateway, hub, now)
    with gateway.transaction() as conn:
        proposals.retire(conn, gone, now)
        return proposals.propose(conn, kind.name, found, now)
