"""Accepting and rejecting proposals. Doing either twice is doing it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from gateway import clock
from gateway.errors import Conflict, Forbidden, Problem, Refused
from gateway.learning import proposals
from gateway.learning.kinds import KINDS
from gateway.learning.proposals import Proposal
from gateway.service import Gateway
from gateway.tokens import RIGHTS, Right
from mappings.suggestions import among

May = Callable[[Right], bool]


def accept(gateway: Gateway, number: int, actor: str, may: May, given: Mapping[str, Any] | None = None) -> Proposal:
    """Do what is proposed and say so. One that was accepted already is answered as it was. Raises NotFound, Forbidden,
    Conflict for one that was rejected or holds no more, and what the hub itself refuses."""
    changed = dict(given or {})

    def do(conn: Connection) -> Proposal:
        found, now = proposals.get(conn, number, locked=True), clock.now()
        kind = KINDS[found.kind]
        _allowed(kind.right, may)
        if unknown := sorted(set(changed) - kind.takes):
            problems = [Problem(name, f"a proposal of kind {kind.name} takes no {name}", among(name, sorted(kind.takes)))
                        for name in unknown]  # fmt: skip
            raise Refused("This cannot be changed when accepting.", problems)
        if found.state == "accepted":
            return found
        if found.state != "proposed":
            raise _closed(found)
        gone = kind.stale(conn, gateway.hub, [found], now)
        if found.id in gone:
            proposals.retire(conn, gone, now)
        else:
            effect = kind.accept(conn, gateway, found, changed, actor, now)
            proposals.decide(conn, number, "accepted", actor, "", now, effect)
        return proposals.get(conn, number)

    done = gateway.transact(do)
    if done.state == "stale":  # told after it was written down
        raise _closed(done)
    gateway.reload()
    gateway.wake_worker.set()
    return done


def reject(gateway: Gateway, number: int, actor: str, may: May, why: str = "") -> Proposal:
    """Not this, and not again. Raises NotFound, Forbidden, Conflict for one that was accepted."""

    def do(conn: Connection) -> Proposal:
        found = proposals.get(conn, number, locked=True)
        _allowed(KINDS[found.kind].right, may)
        if found.state == "accepted":
            raise _closed(found)
        if found.state != "rejected":
            proposals.decide(conn, number, "rejected", actor, why, clock.now())
        return proposals.get(conn, number)

    return gateway.transact(do)


def _allowed(right: Right, may: May) -> None:
    if not may(right):
        roles = ", ".join(role.value for role, rights in RIGHTS.items() if right in rights)
        raise Forbidden(f"Deciding this takes one of the roles {roles}.")


def _closed(found: Proposal) -> Conflict:
    said = f"by {found.by}" if found.by else ""
    because = f": {found.why}" if found.why else "."
    when = clock.rfc3339(found.decided_at)
    return Conflict(
        " ".join(part for part in (f"Proposal {found.id} is {found.state}", said, f"since {when}{because}") if part)
    )
