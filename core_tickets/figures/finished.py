"""Figures of what came of the work: clicked as resolved, confirmed by the customer, repaired again, opened twice.

A technician's click is `resolved`; only the customer's confirmation (`confirm`) is finished. Both are kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from core_tickets.figures.metric import Fact, Scene, fact
from core_tickets.figures.story import WORK, Beat, Story, person_of

DAY = 86_400_000_000
NO_REPAIR = frozenset({"recovered", "false_alarm"})
"""Causes that say that nothing was repaired."""


def _things(story: Story) -> tuple[int, ...]:
    """What a ticket is about: its device, or, of one without a device, its customer."""
    told = story.latest
    return tuple(g for g in (told["device"] or told["customer"],) if g is not None)


def _beat(story: Story, name: str) -> Iterator[Beat]:
    return (b for b in story.beats if b.entry.name == name)


def opened(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Tickets that were opened."""
    yield fact(story.opened.entry.at, 1, 1, (story.opened.entry.id,), story.opened.after)


def resolved(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Resolvings; a ticket resolved again after a reopening counts again."""
    for one in story.rounds:
        if one.end is not None:
            yield fact(one.end.entry.at, 1, 1, (one.end.entry.id,), one.end.before)


def confirmed(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Confirmations by the customer, on their day."""
    for beat in _beat(story, "confirm"):
        yield fact(beat.entry.at, 1, 1, (beat.entry.id,), beat.before)


def confirmed_share(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Of the resolvings of a day, those the customer confirmed before any reopening; counts on the day of the resolving."""
    for beat, confirmation in _outcomes(story):
        read = (beat.entry.id,) if confirmation is None else (beat.entry.id, confirmation.entry.id)
        yield fact(beat.entry.at, int(confirmation is not None), 1, read, beat.before)


def _outcomes(story: Story) -> Iterator[tuple[Beat, Beat | None]]:
    """Each resolving with the customer's confirmation of it."""
    resolvings = [one.end for one in story.rounds if one.end is not None]
    reopenings = [one.begin.entry.id for one in story.rounds[1:]]
    for beat in resolvings:
        again = min((i for i in reopenings if i > beat.entry.id), default=1 << 62)
        yield beat, next((b for b in _beat(story, "confirm") if beat.entry.id < b.entry.id < again), None)


def time_to_confirm(story: Story, _scene: Scene) -> Iterator[Fact]:
    """From the opening to the customer's confirmation: how long it took until it was finished."""
    for beat in _beat(story, "confirm"):
        read = (story.opened.entry.id, beat.entry.id)
        yield fact(beat.entry.at, beat.entry.at - story.opened.entry.at, 1, read, beat.before)


def satisfaction(story: Story, _scene: Scene) -> Iterator[Fact]:
    """The scores (1 to 5) customers gave with their confirmations."""
    for beat in _beat(story, "confirm"):
        score = beat.entry.data.get("score")
        if type(score) is int:
            yield fact(beat.entry.at, score, 1, (beat.entry.id,), beat.before)


def repeat_repair(story: Story, scene: Scene) -> Iterator[Fact]:
    """Of the repairs (resolvings by a person, but those whose cause says that nothing was repaired), those that did not
    last: within `repeat_days` the ticket was reopened, or another of the same kind was opened about the same device (or
    customer, where there is no device), and not for a cause known to be another. Counts for the repairer's ticket, on the
    day of the repair."""
    for one in story.rounds:
        beat = one.end
        if beat is None or person_of(beat.entry) is None or beat.after["cause"] in NO_REPAIR:
            continue
        until = beat.entry.at + scene.terms.repeat_days * DAY
        again = [
            b.entry.id for b in (r.begin for r in story.rounds) if b.entry.id > beat.entry.id and b.entry.at < until
        ]
        if not again:
            again = _repairs_after(story, beat, until, scene)
        yield fact(beat.entry.at, int(bool(again)), 1, (beat.entry.id, *again[:1]), beat.before)


def _repairs_after(story: Story, beat: Beat, until: int, scene: Scene) -> list[int]:
    """The opening entries of the other tickets that make a repair a failed one, eldest first."""
    cause, found = beat.after["cause"], []
    for thing in _things(story):
        for other in scene.others.get(thing, ()):
            at, told = other.opened.entry.at, other.latest
            same = told["kind"] == story.latest["kind"] and thing in _things(other)
            another = cause is not None and told["cause"] is not None and told["cause"] != cause
            if other.ticket_id != story.ticket_id and same and beat.entry.at < at < until and not another:
                found.append((at, other.opened.entry.id))
    return [i for _, i in sorted(found)]


def duplicate_rate(story: Story, scene: Scene) -> Iterator[Fact]:
    """Of the tickets opened about a device (or a customer), those opened while another of the same kind about the same,
    opened at most `duplicate_days` before, was being worked on. What is folded into a storm is not counted."""
    if story.latest["storm_id"] is not None or not _things(story):
        return
    mine, since = story.opened.entry, story.opened.entry.at - scene.terms.duplicate_days * DAY
    found = []
    for thing in _things(story):
        for other in scene.others.get(thing, ()):
            theirs, told = other.opened.entry, other.latest
            before = since <= theirs.at and (theirs.at, theirs.id) < (mine.at, mine.id)
            same = told["kind"] == story.latest["kind"] and thing in _things(other)
            if before and same and other.at(mine.at)["status"] in WORK:
                found.append((theirs.at, theirs.id))
    yield fact(mine.at, int(bool(found)), 1, (mine.id, *(i for _, i in sorted(found)[:1])), story.opened.after)
