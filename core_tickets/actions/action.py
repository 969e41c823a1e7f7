"""One action on a ticket, as data: from where, to where, who answers by it, and what it sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core_tickets import checks
from core_tickets.model import Ticket
from core_tickets.promises import Policy
from core_tickets.vocabulary import Label

OPEN = ("pending", "in_progress", "blocked")
UNCLOSED = (*OPEN, "resolved")
ANY = (*UNCLOSED, "closed")

Args = Mapping[str, Any]
Outcome = tuple[dict[str, Any], Mapping[str, Any]]
"""The fields to set, and what else the entry keeps."""


def _nothing(_ticket: Ticket, _args: Args, _now: int, _policy: Policy) -> Outcome:
    return {}, {}


def _fits(_ticket: Ticket) -> Label | None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """`do` is pure; it raises InvalidInput for wrong args. A new action is one more line in its family's file."""

    sources: tuple[str, ...]
    """The states it may be done in."""
    target: str | None
    """The state it leads to; None: the state stays."""
    event: str
    """Its name for bridges."""
    args: tuple[str, ...] = ()
    do: Callable[[Ticket, Args, int, Policy], Outcome] = field(default=_nothing, repr=False)
    why_not: Callable[[Ticket], Label | None] = field(default=_fits, repr=False)
    """What it asks of a ticket besides its state: the reason why it does not fit."""
    answers: frozenset[str] = frozenset()
    """The kinds of actor (person, connector) whose doing this is the first response."""


BY_PERSON = frozenset({"person"})
BY_ANYBODY = frozenset({"person", "connector"})


def optional_text(path: str, value: Any) -> str | None:
    return None if value is None else checks.text(path, value, required=True)


def optional_number(path: str, value: Any) -> int | None:
    return None if value is None else checks.number(path, value)
