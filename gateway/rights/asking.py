"""From a token, a person or a role to who asks."""

from __future__ import annotations

from collections.abc import Collection

import id_registry
from core_tickets.rights import EVERYBODY, RELATIONS, Asker
from gateway.config.hub import Hub
from gateway.errors import Forbidden, NotFound, Problem, Refused
from gateway.policies.rights import KIND
from gateway.tokens import Bearer
from mappings.suggestions import among

CUSTOMER = "customer"


def asker_of(hub: Hub, who: Bearer) -> Asker:
    """Who a token speaks for. One without person, business roles and customer is a machine's or an administrator's, and
    sees all that its role may. Raises Forbidden for a person who is not there any more."""
    if who.person is None and who.roles is None and who.customer is None:
        return EVERYBODY
    roles = who.roles
    if roles is None and who.person is None:
        roles = frozenset({CUSTOMER})
    return _asker(hub, who.person, roles, who.customer)


def asker_as(hub: Hub, person: str) -> Asker:
    """As this person would. Raises NotFound, Forbidden."""
    if person not in hub.roster.people:
        raise NotFound(f"The roster has no person {person!r}; {among(person, sorted(hub.roster.people))}.")
    return _asker(hub, person, None, None)


def asker_in_role(role: str) -> Asker:
    """As a role itself, such as a system that is written to: however it may stand to a ticket. A role that the policy
    does not have sees nothing."""
    return Asker(roles=frozenset({role}), stands=frozenset(RELATIONS))


def check_holder(hub: Hub, person: str | None, roles: Collection[str], customer: str | None) -> int | None:
    """Can a token be for these? Answers the customer's number. Raises Refused with every problem."""
    known, people = KIND.of(hub.policies).roles, hub.roster.people
    problems = [
        Problem("roles", f"the policy rights has no role {role!r}", among(role, sorted(known)))
        for role in sorted(roles)
        if role not in known
    ]
    if person is not None and people and person not in people:
        problems.append(Problem("person", f"the roster has no person {person!r}", among(person, sorted(people))))
    number = None
    if customer is not None:
        try:
            number = id_registry.parse_id(customer)
        except id_registry.RegistryError:
            number = 0
        if not number or id_registry.kind_of(number) != "customer":
            problems.append(Problem("customer", f"{customer!r} is no customer's id", "one reads CUST-2026-000001"))
    if problems:
        raise Refused("The token cannot be for these.", problems)
    return number


def _asker(hub: Hub, person: str | None, roles: frozenset[str] | None, customer: int | None) -> Asker:
    roster = hub.roster
    if person is None:
        return Asker(None, roles or frozenset(), frozenset(), customer)
    found = roster.people.get(person)
    if found is None and roster.people:
        raise Forbidden(f"{person} is not in the roster any more.")
    if found is not None and not found.active:
        raise Forbidden(f"{person} is not active any more.")
    groups = found.groups if found is not None else frozenset()
    leads = {g.id for g in roster.groups.values() if person in (g.lead, g.director)}
    own = found.roles if found is not None else frozenset()
    return Asker(person, own if roles is None else roles, groups | leads, customer)
