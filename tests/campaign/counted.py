"""Do the figures that the workers kept equal an SQL over the raw entries that knows nothing of them?"""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, text

from core_tickets.figures import METRICS, version
from gateway import clock
from gateway.figures import keeping, rounds
from gateway.policies.figures import KIND
from gateway.service import Gateway
from tests.integration.figures import by_hand

DIMENSIONS = ("all", "person", "group", "kind", "priority", "stage")
QUERIES = by_hand.QUERIES | by_hand.SIGNALS
Sums = dict[tuple[str, str, str, str], tuple[int, int]]


def settle(gateway: Gateway, now: int) -> None:
    """Let a worker's turn be taken until no day waits."""
    policy = KIND.of(gateway.hub.policies)
    for _ in range(10_000):
        rounds.run(gateway, now)
        with gateway.reading() as conn:
            if not keeping.due(conn, policy, now):
                return
    raise AssertionError("days wait to be computed for ever")


def kept(conn: Connection, gateway: Gateway) -> Sums:
    """The sums of `figure_value`, of the versions in force."""
    terms = KIND.of(gateway.hub.policies).terms
    found: Sums = {}
    for name in QUERIES:
        query = text(
            "SELECT day, dimension, groups FROM figure_value WHERE metric = :metric AND version = :version AND basis = 'now'"
        )
        for row in conn.execute(query, {"metric": name, "version": version(METRICS[name], terms)}):
            if row.dimension in DIMENSIONS:
                for key, (numerator, denominator, _) in orjson.loads(row.groups).items():
                    found[name, row.day, row.dimension, key] = (int(numerator), denominator)
    return found


def figures_equal_sql(gateway: Gateway, now: int) -> list[str]:
    """Every sum of every day that is over, by person, group, kind, priority and stage."""
    settle(gateway, now)
    today = by_hand.day(now)
    with gateway.reading() as conn:
        ours = {place: one for place, one in kept(conn, gateway).items() if place[1] < today and one != (0, 0)}
    with gateway.transaction() as conn:  # it makes tables of its own
        sums = by_hand.figures(conn, now, QUERIES)
        conn.rollback()
    theirs = {place: one for place, one in sums.items() if place[1] < today and one != (0, 0)}
    found = []
    for place in sorted(ours.keys() | theirs.keys()):
        if ours.get(place) != theirs.get(place):
            name, day, dimension, key = place
            found.append(f"{name} of {day} by {dimension} {key!r}: kept {ours.get(place)}, by SQL {theirs.get(place)}")
    if not theirs:
        found.append("there are no figures to compare")
    return found


def figures_after(end: int) -> int:
    """So long after the end that even a day which is computed rarely is computed again."""
    return end + 2 * clock.DAY
