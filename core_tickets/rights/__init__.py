"""Who may see and do what with tickets: a pure policy, and what it leaves of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core_tickets.rights.data import DataKind, Vocabulary, words_of
from core_tickets.rights.policy import EVERYBODY, RELATIONS, Asker, Decision, Grant, Level, Rights, Role, Sight
from core_tickets.rights.sieve import HIDDEN, Sieve, protected_values

__all__ = [
    "EVERYBODY",
    "HIDDEN",
    "RELATIONS",
    "Asker",
    "DataKind",
    "Decision",
    "Grant",
    "Level",
    "Rights",
    "Role",
    "Sieve",
    "Sight",
    "Vocabulary",
    "protected_values",
    "visible",
    "words_of",
]


def visible(sight: Sight, values: Any, known: Mapping[str, str] | None = None) -> Any:
    """What of some values (any JSON: a notice, a record, a section) is told to whom this sight is; `known`: protected
    values by their text, with their kind of data."""
    return Sieve(sight, known or {}).clean(values)
