"""What a connector gave, held to the contract: anything else raises TypeError or ValueError, a bug of the connector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from connectors.contract import Command, Event, Merged, Receipt

T = TypeVar("T")


def one(kind: type, value: T) -> T:
    """The value, which must be of this kind."""
    if not isinstance(value, kind):
        raise TypeError(f"gave {type(value).__name__} instead of {kind.__name__}")
    return value


def maybe(kind: type, value: T | None) -> T | None:
    return None if value is None else one(kind, value)


def events(values: Sequence[Event]) -> list[Event]:
    return [one(Event, value) for value in values]


def receipt(value: Receipt, command: Command) -> Receipt:
    """A receipt for this very command."""
    if one(Receipt, value).command_id != command.id:
        raise ValueError(f"gave the receipt of command {value.command_id} for {command.id}")
    return value


def receipt_or_none(value: Receipt | None, command: Command) -> Receipt | None:
    return None if value is None else receipt(value, command)


def merged(value: Merged, commands: Sequence[Command]) -> Merged:
    """One command for some of these."""
    covers = set(one(Merged, value).covers)
    if not covers or len(covers) != len(value.covers) or not covers <= {command.id for command in commands}:
        raise ValueError(f"merged {[c.id for c in commands]} into one for {value.covers}")
    return value
