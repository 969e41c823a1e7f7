"""What one more message means for a signal: pure, so that late, doubled and swapped messages can be reasoned about.

A *signal* is one series of alerts in its source (its fingerprint). It has episodes, each firing once and ending once.
Messages of one signal may arrive twice, late, or in the wrong order; only the newest episode moves the state.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from gateway.automation.specs import Flap


class Move(enum.StrEnum):
    """What the message asks of the ticket."""

    open = "open"  # a new episode of a quiet signal: a ticket must stand (opened or reopened)
    merge = "merge"  # it is firing already: belongs to its ticket
    resolve = "resolve"  # the newest episode ended
    settle = "settle"  # it ended, but the signal flaps: wait until it stays quiet
    late = "late"  # about an episode that is over: changes nothing
    unknown = "unknown"  # the end of something never seen firing
    update = "update"  # an acknowledgement or comment in the source


@dataclass(slots=True)
class Signal:
    """The state of one signal; `stored` tells an INSERT from an UPDATE."""

    key: str
    connection_id: str
    rule: str
    status: str
    episode: str
    started_at: int
    ended_at: int | None
    seen_at: int
    ticket_id: int | None = None
    flips: list[int] = field(default_factory=list)
    settle_at: int | None = None
    folded: bool = False
    stored: bool = False
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Observed:
    """What a message says of its signal. `starts_at` None: the source does not tell; then arrival counts."""

    key: str
    connection_id: str
    rule: str
    status: str
    episode: str
    starts_at: int
    ends_at: int | None
    now: int


def advance(signal: Signal | None, seen: Observed, flap: Flap | None) -> tuple[Signal | None, Move]:
    """The next state and what it asks of the ticket. A given signal is changed in place and returned."""
    if seen.status == "update":
        return signal, Move.update if signal is not None else Move.unknown
    if signal is None:
        ended = seen.status == "resolved"
        new = Signal(
            seen.key, seen.connection_id, seen.rule, seen.status, seen.episode, seen.starts_at,
            (seen.ends_at or seen.now) if ended else None, seen.now, None, [seen.now],
        )  # fmt: skip
        return new, Move.unknown if ended else Move.open
    if is_over(signal, seen.episode, seen.starts_at):
        return signal, Move.late
    same = signal.episode == seen.episode
    signal.seen_at, signal.changed = seen.now, True
    if seen.status == "firing":
        return _fire(signal, seen, same, flap)
    return _end(signal, seen, same, flap)


def is_over(signal: Signal, episode: str, starts_at: int) -> bool:
    """Is this episode over, as far as the signal knows? Then nothing about it is news."""
    if episode == signal.episode:
        return signal.status == "resolved"
    return _order(starts_at, episode) < _order(signal.started_at, signal.episode)


def _order(starts_at: int, episode: str) -> tuple[int, int, str]:
    """Episodes by their beginning; of two in one moment the greater id is the newer (ids that are numbers included)."""
    return starts_at, len(episode), episode


def _fire(signal: Signal, seen: Observed, same: bool, flap: Flap | None) -> tuple[Signal, Move]:
    was_firing = signal.status == "firing"
    signal.status, signal.ended_at, signal.settle_at = "firing", None, None
    if not same:
        signal.episode, signal.started_at, signal.rule = seen.episode, seen.starts_at, seen.rule
        _flip(signal, seen.now, flap)
    # a new episode asks again even if we missed the last one's end: a person may have resolved the ticket meanwhile
    return signal, Move.merge if same and was_firing else Move.open


def _end(signal: Signal, seen: Observed, same: bool, flap: Flap | None) -> tuple[Signal, Move]:
    if not same and signal.status == "resolved":
        # a whole episode of which we only see the end
        signal.episode, signal.started_at, signal.ended_at = seen.episode, seen.starts_at, seen.ends_at or seen.now
        return signal, Move.unknown
    if not same:
        signal.episode, signal.started_at = seen.episode, seen.starts_at
    signal.status, signal.ended_at = "resolved", seen.ends_at or seen.now
    _flip(signal, seen.now, flap)
    if is_flapping(signal, flap):
        assert flap is not None
        signal.settle_at = seen.now + flap.settle
        return signal, Move.settle
    return signal, Move.resolve


def _flip(signal: Signal, now: int, flap: Flap | None) -> None:
    if flap is not None:
        signal.flips = [*(t for t in signal.flips if t > now - flap.within), now][-flap.changes :]


def is_flapping(signal: Signal, flap: Flap | None) -> bool:
    """Did the signal change its status as often within the window as the rule calls flapping?"""
    return flap is not None and len(signal.flips) >= flap.changes and signal.flips[0] > signal.seen_at - flap.within
