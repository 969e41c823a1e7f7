"""What can go wrong with a ticket, named by what must happen next.

TicketError
├── InvalidInput       mend what was sent: `path` names the field, `hint` says what to write instead
├── UnknownTicket      there is no ticket with this id
├── NotAllowed         choose one of `allowed`, or leave it
│   └── Incomplete       give what `missing` names, then do it again
└── VersionConflict    read the ticket again (it is at version `current`), then decide again

`apply` puts these on the item of the batch they belong to; every other function raises them. Anything the database
raises comes through unchanged: the caller owns the transaction and retries it whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Incomplete", "InvalidInput", "Missing", "NotAllowed", "TicketError", "UnknownTicket", "VersionConflict"]


class TicketError(Exception):
    """The ticket core could not do what was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[TicketError], args: tuple[Any, ...], state: dict[str, Any]) -> TicketError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidInput(TicketError):
    """A value cannot be used."""

    def __init__(self, path: str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: {problem}" + (f"; {hint}" if hint else ""))
        self.path = path
        self.problem = problem
        self.hint = hint


class UnknownTicket(TicketError):
    """There is no such ticket."""

    def __init__(self, ticket_id: int) -> None:
        super().__init__(f"there is no ticket {ticket_id}")
        self.ticket_id = ticket_id


class NotAllowed(TicketError):
    """The ticket's state does not allow this action."""

    def __init__(self, ticket_id: int, action: str, status: str, allowed: tuple[str, ...], reason: str = "") -> None:
        why = reason or f"the ticket is {status}"
        super().__init__(f"cannot {action} ticket {ticket_id}: {why}; allowed now: {', '.join(allowed)}")
        self.ticket_id = ticket_id
        self.action = action
        self.status = status
        self.allowed = allowed


class Missing(NamedTuple):
    """One thing an action still needs, in words, and how to give it. `tickets`: those that are in the way."""

    need: str
    en: str
    zh: str
    how: str = ""
    how_zh: str = ""
    tickets: tuple[int, ...] = ()


class Incomplete(NotAllowed):
    """Something that this action requires is missing."""

    def __init__(
        self, ticket_id: int, action: str, status: str, allowed: tuple[str, ...], missing: tuple[Missing, ...]
    ) -> None:
        said = "; ".join(f"{m.en} ({m.how})" if m.how else m.en for m in missing)
        super().__init__(ticket_id, action, status, allowed, f"missing: {said}")
        self.missing = missing


class VersionConflict(TicketError):
    """The ticket has changed since the caller read it."""

    def __init__(self, ticket_id: int, expected: int, current: int) -> None:
        super().__init__(f"ticket {ticket_id} is at version {current}, not {expected}: read it again")
        self.ticket_id = ticket_id
        self.expected = expected
        self.current = current
