"""Who may see and do what: roles, and what each may by the ticket's kind, its state and how one stands to it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from core_tickets.model import Ticket
from core_tickets.rights.data import Vocabulary
from core_tickets.vocabulary import STATUSES, Label

__all__ = ["RELATIONS", "Asker", "Decision", "Grant", "Level", "Rights", "Role", "Sight"]

RELATIONS = ("holder", "group", "watcher", "approver", "requester", "other")
"""How somebody stands to a ticket: holds it; is of its group, leads it or directs it; watches it; is asked to approve it;
asked for it; none of these."""


class Level(enum.IntEnum):
    """How much of a value is told."""

    hidden = 0
    masked = 1
    full = 2


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. `roles` as the policy names them; `groups`: those one is in, leads or directs."""

    person: str | None = None
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    customer: int | None = None
    unlimited: bool = False
    """Nobody in particular: an administrator's or a machine's token without business roles."""
    stands: frozenset[str] = frozenset()
    """Relations to every ticket, of who is nobody in particular but a role, such as a system that is written to."""

    @property
    def names(self) -> tuple[str, ...]:
        """What an approval may call the asker by: the person, `role:buyer`, `group:north`."""
        own = () if self.person is None else (self.person,)
        return (*own, *(f"role:{r}" for r in sorted(self.roles)), *(f"group:{g}" for g in sorted(self.groups)))

    def relations(self, ticket: Ticket, others: Collection[str] = ()) -> frozenset[str]:
        """`others`: those of watcher, approver and requester that the ticket itself does not tell."""
        if self.stands:
            return self.stands
        found = {
            "holder": self.person is not None and ticket.assignee == self.person,
            "group": ticket.group is not None and ticket.group in self.groups,
            "requester": self.customer is not None and ticket.customer == self.customer,
        }
        return frozenset(others) | {name for name, holds in found.items() if holds} or frozenset({"other"})


EVERYBODY = Asker(unlimited=True)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may with tickets of these kinds, in these states, to which one stands so (empty: any).

    `read`, `masked`, `hidden` and `do` are patterns: `title`, `labels.*`, `context.erp_*`, `timeline`, `history`, `*`.
    `masked` and `hidden` may also name kinds of data."""

    line: int = 0
    kinds: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()
    read: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    do: tuple[str, ...] = ()

    def fits(self, ticket: Ticket, relations: Collection[str]) -> bool:
        return (
            (not self.kinds or ticket.kind in self.kinds)
            and (not self.states or ticket.status in self.states)
            and (not self.relations or not self.relations.isdisjoint(relations))
        )

    def level(self, path: str) -> Level:
        if not _any(self.read, path) or _any(self.hidden, path):
            return Level.hidden
        return Level.masked if _any(self.masked, path) else Level.full

    def level_of(self, data: str) -> Level:
        if data in self.hidden:
            return Level.hidden
        return Level.masked if data in self.masked else Level.full


def _any(patterns: Iterable[str], path: str) -> bool:
    """A pattern is also every path below what it names."""
    return any(
        path == p
        or p == "*"
        or path.startswith(p + ".")
        or ("*" in p and (fnmatchcase(path, p) or fnmatchcase(path, p + ".*")))
        for p in patterns
    )


@dataclass(frozen=True, slots=True)
class Role:
    """`never`: kinds of data and fields hidden whatever else one is. `pages`: what else of the hub may be read, as
    beginnings of paths; `things`: kinds of things whose ids and records may be read."""

    name: str
    grants: tuple[Grant, ...] = ()
    never: Mapping[str, int] = field(default_factory=dict)
    """With the line each stands in."""
    pages: tuple[str, ...] = ()
    things: frozenset[str] = frozenset()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """May it be seen (how far), or done; and why not, in words."""

    level: Level
    why: str = ""
    why_zh: str = ""

    def __bool__(self) -> bool:
        return self.level is not Level.hidden


FULL = Decision(Level.full)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one asker sees of one ticket, or of something outside all tickets (`ticket` None). Immutable."""

    rights: Rights
    roles: tuple[Role, ...]
    grants: tuple[tuple[Role, Grant], ...]
    unlimited: bool = False
    least: bool = False
    """Outside all tickets protected data are told only as far as with any ticket."""

    @property
    def visible(self) -> bool:
        """Is the ticket there at all for who asks."""
        return self.unlimited or any(grant.read for _, grant in self.grants)

    def field(self, path: str) -> Decision:
        """Of a field of the ticket (`title`, `labels.site`), `timeline`, `history`, or `context.<section>.<field>`."""
        if self.unlimited:
            return FULL
        level = max((grant.level(path) for _, grant in self.grants), default=Level.hidden)
        return self._decided(path, level, path)

    def reaches(self, path: str) -> bool:
        """May anything below this path be seen: only public comments of the timeline?"""
        return any(p.startswith(path + ".") for _, grant in self.grants for p in grant.read)

    def data(self, kind: str) -> Decision:
        """Of a kind of data such as customer.phone, wherever it stands."""
        if self.unlimited:
            return FULL
        levels = [grant.level_of(kind) for _, grant in self.grants] or [Level.hidden]
        return self._decided(kind, min(levels) if self.least else max(levels), kind)

    def of(self, path: str) -> Decision:
        """Of a field, by its path and by the kind of data its name tells."""
        found = self.field(path)
        kind = self.rights.data.of_path(path)
        return found if kind is None or not found else min(found, self.data(kind), key=lambda d: d.level)

    def action(self, name: str, ticket: Ticket) -> Decision:
        if self.unlimited or any(_any(grant.do, name) for _, grant in self.grants):
            return FULL
        able = sorted(r.name for r in self.rights.roles.values() if any(_any(g.do, name) for g in r.grants))
        takes = f"it takes one of: {', '.join(able)}" if able else "no role may"
        mine = [r.name for r in self.roles if any(_any(g.do, name) for g in r.grants)]
        when = f"in state {ticket.status}, as it stands to you, " if mine else ""
        names = [role.name for role in self.roles]
        who, who_zh = _who(names)
        why = f"{who} may not {name} this ticket {when}({self._place()}); {takes}"
        needed = f"需要以下角色之一：{'、'.join(able)}" if able else "没有角色可以"
        so = f"工单处于“{STATUSES[ticket.status].zh}”，按您与它的关系，" if mine else ""
        return Decision(Level.hidden, why, f"{so}{who_zh}不能执行此操作（{self._place_zh()}）；{needed}")

    def _decided(self, what: str, level: Level, path: str) -> Decision:
        for role in self.roles:
            for denied, line in role.never.items():
                if denied == what or _any([denied], path):
                    return _told(Level.hidden, (role.name,), what, line)
        if level is Level.full:
            return FULL
        grants = [g for _, g in self.grants]
        line = grants[0].line if grants else self.roles[0].line if self.roles else 0
        return _told(level, [role.name for role in self.roles], what, line)

    def _place(self) -> str:
        lines = [str(role.line) for role in self.roles]
        return "policy rights" + (f", line {', '.join(lines)}" if lines else "")

    def _place_zh(self) -> str:
        lines = [str(role.line) for role in self.roles]
        return "权限策略 rights" + (f" 第 {'、'.join(lines)} 行" if lines else "")


def _who(roles: Sequence[str]) -> Label:
    if not roles:
        return Label("who has no role", "没有角色的人")
    return Label(f"role {', '.join(roles)}", f"角色 {'、'.join(roles)} ")


def _told(level: Level, roles: Sequence[str], what: str, line: int) -> Decision:
    who, who_zh = _who(roles)
    masked = level is Level.masked
    why = f"{level.name}: {who} may not {'see all of' if masked else 'see'} {what} (policy rights, line {line})"
    why_zh = f"{who_zh}{'只能看到部分的' if masked else '不能查看'} {what}（权限策略 rights 第 {line} 行）"
    return Decision(level, why, why_zh)


@dataclass(frozen=True)
class Rights:
    """The compiled policy."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    data: Vocabulary = field(default_factory=Vocabulary)
    without_role: str = ""
    """The role of a person to whom nobody gave one."""

    def roles_of(self, names: Collection[str]) -> tuple[Role, ...]:
        """Those the policy knows. Of names that it does not know none comes: who is only these sees nothing."""
        wanted = names or ({self.without_role} if self.without_role else ())
        return tuple(self.roles[name] for name in sorted(wanted) if name in self.roles)

    def sight(self, asker: Asker, ticket: Ticket | None, relations: Collection[str] = ("other",)) -> Sight:
        """What the asker sees of a ticket; None: of what belongs to no ticket, by all that the roles may anywhere."""
        if asker.unlimited:
            return Sight(self, (), (), unlimited=True)
        roles = self.roles_of(asker.roles)
        grants = tuple((r, g) for r in roles for g in r.grants if ticket is None or g.fits(ticket, relations))
        return Sight(self, roles, grants, least=ticket is None)
