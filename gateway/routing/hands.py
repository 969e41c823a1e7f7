"""Who takes a ticket, and to whom it is handed: completed from who asks, and checked against the people there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

import core_tickets
from gateway.config.hub import Hub
from gateway.errors import Problem, Refused
from gateway.policies import routing as policy
from mappings.suggestions import among


def completed(
    conn: Connection, hub: Hub, number: int, action: str, args: Mapping[str, Any], actor: str
) -> Mapping[str, Any]:
    """The arguments as the ticket core takes them. Raises Refused: there is nobody by that name, or they may not receive."""
    if action == "claim":
        by = actor.removeprefix("token:")
        _check_person(hub, by, "by", "claim it with a token of a person: weft token create --person ID")
        return {"by": by}
    if action not in ("hand_over", "assign"):
        return args
    person, group = args.get("assignee"), args.get("group")
    check(hub, person, group)
    if action == "assign":
        return args
    known = hub.roster.people.get(person or "")
    if known is None or group is not None or not known.groups:
        return args
    current = core_tickets.get(conn, number).group
    return args if current in known.groups else {**args, "group": min(known.groups)}


def check(hub: Hub, person: str | None, group: str | None) -> None:
    """May they have a ticket? Raises Refused with what to write instead."""
    if person is not None:
        _check_person(hub, person, "assignee", among(str(person), hub.roster.people))
    if group is not None:
        _check_group(hub, group)


def _check_person(hub: Hub, person: str, path: str, hint: str) -> None:
    """Once there are people and it is said who may receive, nobody else gets a ticket."""
    routing = policy.KIND.of(hub.policies).routing
    if not hub.roster.people or not routing.active:
        return
    known = hub.roster.people.get(person)
    if known is None:
        raise Refused("Nobody would have it.", [Problem(path, f"there is no person {person!r}", hint)])
    if not known.active:
        raise Refused("Nobody would have it.", [Problem(path, f"{person} works here no more", "name somebody else")])
    if not routing.receives(known.roles):
        told = ", ".join(sorted(known.roles)) or "none"
        problem = Problem(
            path, f"{person} may not receive tickets: their roles are {told}",
            f"give them one of {', '.join(sorted(routing.receivers))}, or name somebody else",
        )  # fmt: skip
        raise Refused("This role does not let people receive tickets.", [problem])


def _check_group(hub: Hub, group: str) -> None:
    if not hub.roster.groups or not policy.KIND.of(hub.policies).routing.active:
        return
    if group not in hub.roster.groups:
        problem = Problem("group", f"there is no group {group!r}", among(group, hub.roster.groups))
        raise Refused("Nobody would have it.", [problem])
    if not hub.roster.members(group):
        raise Refused("Nobody would have it.", [Problem("group", f"nobody works in {group!r}", "name another group")])
