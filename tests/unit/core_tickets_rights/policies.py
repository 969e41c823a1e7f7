"""A small policy and a ticket, for tests that are about one thing of it."""

from __future__ import annotations

from typing import Any

from core_tickets import Ticket
from core_tickets.rights import Asker, DataKind, Grant, Rights, Role, Sight, Vocabulary, words_of

PHONE = DataKind(
    "customer.phone", tuple(map(words_of, ("phone", "mobile", "tel", "电话"))), frozenset({"microphone"}), "phone"
)
EMAIL = DataKind("customer.email", (("email",), ("e", "mail")), looks="email")
ADDRESS = DataKind("customer.address", tuple(map(words_of, ("address", "street", "地址"))), frozenset({"ip", "mac"}))
DATA = Vocabulary((PHONE, EMAIL, ADDRESS))
NEVER = {"customer.phone": 3, "customer.email": 4, "customer.address": 5}


def rights(*roles: Role, without_role: str = "") -> Rights:
    return Rights({role.name: role for role in roles}, DATA, without_role)


def ticket(**fields: Any) -> Ticket:
    base: dict[str, Any] = {"id": 1, "kind": "incident", "priority": 1, "status": "pending", "title": "t", "opened_at": 1,
                            "updated_at": 1, "first_seen": 1, "last_seen": 1}  # fmt: skip
    return Ticket(**{**base, **fields})


def sight(*grants: Grant, never: dict[str, int] | None = None, person: str = "li.na") -> Sight:
    """Of somebody of the role technician with these grants."""
    held = rights(Role("technician", grants or (Grant(read=("*",)),), NEVER if never is None else never, line=1))
    return held.sight(Asker(person, frozenset({"technician"})), ticket())
