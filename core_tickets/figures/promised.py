"""Figures of time: how soon somebody answered, whether promises were kept, how long tickets stay where they are."""

from __future__ import annotations

from collections.abc import Iterator

from core_tickets.figures.metric import Fact, Scene, fact
from core_tickets.figures.story import WORK, Beat, Story, person_of

GIVEN_BACK = frozenset({"return", "return_handoff"})


def _answer(story: Story) -> Beat | None:
    """The entry by which the first response was given."""
    for beat in story.beats:
        if beat.after["first_responded_at"] is not None:
            return beat
    return None


def first_response(story: Story, _scene: Scene) -> Iterator[Fact]:
    """From the opening to the first response; counts for who gave it, on the day it was given."""
    beat = _answer(story)
    if beat is not None:
        at = beat.after["first_responded_at"]
        read = (story.opened.entry.id, beat.entry.id)
        yield fact(at, at - story.opened.entry.at, 1, read, beat.after, person=person_of(beat.entry))


def first_response_deviation(story: Story, _scene: Scene) -> Iterator[Fact]:
    """The first response minus the time it was promised for, as promised just before it was given: by whoever took the
    ticket, else by the policy. Negative: earlier."""
    beat = _answer(story)
    if beat is not None and (promised := _promised(beat)) is not None:
        at = beat.after["first_responded_at"]
        read = (story.opened.entry.id, beat.entry.id)
        yield fact(at, at - promised, 1, read, beat.after, person=person_of(beat.entry))


def _promised(beat: Beat) -> int | None:
    given: int | None = beat.before.get("given_response_due")
    by_policy: int | None = beat.before["first_response_due"]
    return by_policy if given is None else given


def first_response_overdue(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Each promise of a first response is decided once: kept when the ticket is answered or resolved in time, broken at
    the moment it fell due before that."""
    for n, beat in enumerate(story.beats):
        done = beat.after["first_responded_at"] is not None or beat.after["status"] not in WORK
        if done:
            if n and beat.before["first_response_due"] is not None:
                yield fact(beat.entry.at, 0, 1, (beat.entry.id,), beat.before, person=person_of(beat.entry))
            return
        due = beat.after["first_response_due"]
        if due is not None and (at := max(due, beat.entry.at)) < _until(story, n):
            yield fact(at, 1, 1, (beat.entry.id,), beat.after)
            return


def overdue(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Each promise of a resolution (one per opening and reopening) is decided once: kept at the resolving in time, broken
    at the moment it fell due before that. A wait for the customer is no time of ours: nothing falls due in it."""
    for one in story.rounds:
        offset = story.beats.index(one.begin)
        for n, beat in enumerate(one.beats):
            if one.end is not None and beat is one.end:
                if beat.before["resolution_due"] is not None:
                    yield fact(beat.entry.at, 0, 1, (beat.entry.id,), beat.before)
                break
            due = beat.after["resolution_due"]
            if due is None or beat.after["paused_since"] is not None:
                continue
            if (at := max(due, beat.entry.at)) < _until(story, offset + n):
                yield fact(at, 1, 1, (beat.entry.id,), beat.after)
                break


def _until(story: Story, n: int) -> int:
    """How long what the n-th beat made stood, as far as is known."""
    return story.beats[n + 1].entry.at if n + 1 < len(story.beats) else story.as_of


def resolution_time(story: Story, _scene: Scene) -> Iterator[Fact]:
    """From the opening or reopening to the resolving, waits included; counts on the day it was resolved."""
    for one in story.rounds:
        if one.end is not None:
            read = (one.begin.entry.id, one.end.entry.id)
            yield fact(one.end.entry.at, one.end.entry.at - one.begin.entry.at, 1, read, one.end.before)


def stay_time(story: Story, _scene: Scene) -> Iterator[Fact]:
    """How long a visit of a stage lasted; counts for who held the ticket when it left, on the day it left."""
    for stay in story.stays:
        if stay.end is not None and stay.last is not None:
            length = max(0, stay.end - stay.begin)
            read = (stay.first.id, stay.last.id)
            yield fact(stay.end, length, 1, read, stay.at_end, stage=stay.stage, began=stay.begin)


def return_rate(story: Story, _scene: Scene) -> Iterator[Fact]:
    """The visits of a stage that came back to it from a later one, or in which somebody gave the ticket back."""
    for stay in story.stays:
        if stay.end is None or stay.last is None:
            continue
        back = [
            b.entry.id for b in story.beats if b.entry.name in GIVEN_BACK and stay.first.id < b.entry.id <= stay.last.id
        ]
        read = (stay.first.id, *back)
        yield fact(stay.end, int(stay.back or bool(back)), 1, read, stay.at_end, stage=stay.stage, began=stay.begin)
