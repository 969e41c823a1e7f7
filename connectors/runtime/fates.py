"""What became of one attempt to write, or to confirm a write. The outbox keeps it and decides; nothing retries here.

| fate | the outbox then |
|---|---|
| `Done`, `Refused` | keeps the receipt; the command is over |
| `NotDone` (of confirm) | writes again: it did not happen, or a repeat does no harm |
| `RetryAt` | writes again after `seconds` |
| `MustConfirm` | confirms after `seconds`, before anything else |
| `NeedsPerson` | waits for a person; when `in_doubt`, confirms before it writes again |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from connectors.contract import Receipt


@dataclass(frozen=True, slots=True)
class Done:
    """It took effect, now or before (`receipt.outcome`)."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """The system refuses it for good; `receipt.reason` says why."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NotDone:
    """The system was asked: it did not take effect. Or it swallows repeats (`Operation.repeats_within_s`)."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Nothing happened; try again in `seconds`."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class MustConfirm:
    """It may or may not have taken effect; ask confirm() in `seconds`."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Nothing more happens by itself. `in_doubt`: it may have taken effect nevertheless."""

    why: Literal["auth", "config", "bug", "unconfirmable"]
    reason: str
    hint: str = ""
    in_doubt: bool = False


WriteFate: TypeAlias = Done | Refused | RetryAt | MustConfirm | NeedsPerson
ConfirmFate: TypeAlias = Done | Refused | NotDone | MustConfirm | NeedsPerson
