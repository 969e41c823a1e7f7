"""Which tickets somebody sees at all, as a condition of SQL: lists, searches, counts and cursors know of no others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true

from core_tickets import tables
from core_tickets.collaboration import tables as together
from core_tickets.rights.policy import Asker, Grant, Level, Rights

__all__ = ["TOLD", "Scope", "scope", "told_of"]

_T = tables.ticket.c
_W, _A, _V, _E = together.watcher.c, together.approval.c, together.approver.c, tables.entry.c
TOLD: Mapping[str, ColumnElement[int]] = {"watcher": _W.ticket_id, "approver": _V.ticket_id, "requester": _E.ticket_id}
"""Relations that other tables tell, with the column of the ticket there."""


def told_of(relation: str, asker: Asker) -> Select[Any]:
    """The tickets to which one stands so: watches them, is asked to approve them, opened them by hand."""
    query = select(TOLD[relation])
    match relation:
        case "watcher":
            return query.where(_W.person == asker.person)
        case "approver":
            asked = query.join(together.approval, (_A.ticket_id == _V.ticket_id) & (_A.number == _V.number))
            return asked.where(_A.state == "open", _V.approver.in_(asker.names))
    return query.where(_E.name == "open", _E.actor == asker.person)


@dataclass(frozen=True, slots=True)
class Scope:
    """The grants that let an asker see tickets."""

    asker: Asker
    grants: tuple[Grant, ...]

    def condition(self) -> ColumnElement[bool]:
        """Of the table `ticket`. A grant for `other` is wider than the policy says: who looks at the tickets one by one
        leaves out what is more than that."""
        return or_(false(), *(self._of(grant) for grant in self.grants))

    def _of(self, grant: Grant) -> ColumnElement[bool]:
        asked: list[ColumnElement[bool]] = [true()]
        if grant.kinds:
            asked.append(_T.kind.in_(sorted(grant.kinds)))
        if grant.states:
            asked.append(_T.status.in_(sorted(grant.states)))
        if grant.relations:
            asked.append(or_(false(), *(self._stands(relation) for relation in sorted(grant.relations))))
        return and_(*asked)

    def _stands(self, relation: str) -> ColumnElement[bool]:
        person = self.asker.person
        match relation:
            case "holder":
                return false() if person is None else _T.assignee == person
            case "group":
                return _T.group.in_(sorted(self.asker.groups)) if self.asker.groups else false()
            case "watcher" | "approver":
                return exists(told_of(relation, self.asker).where(TOLD[relation] == _T.id))
            case "requester":
                of = false() if self.asker.customer is None else _T.customer == self.asker.customer
                return or_(of, exists(told_of(relation, self.asker).where(TOLD[relation] == _T.id)))
        return true()


def scope(rights: Rights, asker: Asker, fields: Collection[str] = ()) -> Scope | None:
    """What the asker may see of all tickets; None: everything. With `fields` (those a search asks about) only where they
    may be read in full, so that no search tells what reading does not."""
    if asker.unlimited:
        return None
    roles = rights.roles_of(asker.roles)
    never = {name for role in roles for name in role.never}
    if any(name == field or field.startswith(name + ".") for name in never for field in fields):
        return Scope(asker, ())
    grants = (grant for role in roles for grant in role.grants if grant.read)
    return Scope(asker, tuple(g for g in grants if all(g.level(field) is Level.full for field in fields)))
