"""Figures of how the work was done: how many hands it went through, what was written down, how much moved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal

from core_tickets.figures.metric import Fact, Scene, fact
from core_tickets.figures.story import Beat, Round, Story, person_of

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
STEP = Decimal("0.000000001")
HOUR = 3_600_000_000
EDITS = frozenset({"set", "assign", "detach", "add_child", "remove_child", "link", "unlink"})
PLAIN = ("device", "customer", "url", "cause", "resolution", "description")
"""Fields that are one fact each when they hold something."""


def collaboration_entropy(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Σ over the stays of a round, from opening or reopening to resolving, of `hours × ln(people)`: `people` are the
    distinct persons who held the ticket or acted on it during the stay, at least 1, so that a stay in one hand adds
    nothing and an hour among e people adds 1. Natural logarithm, summed exactly to 60 digits and then rounded to
    10⁻⁹ (half to even). Unit: hour·nat per resolved round; counts for who held it, on the day of the resolving."""
    for one in story.rounds:
        if one.end is None:
            continue
        lengths: dict[int, int] = {}
        read: list[int] = []
        for stay in story.stays:
            if stay.last is None or not one.begin.entry.id <= stay.first.id < one.end.entry.id:
                continue
            people = max(1, len(stay.people))
            lengths[people] = lengths.get(people, 0) + max(0, stay.last.at - stay.begin)
            read += [stay.first.id, stay.last.id]
        total = Decimal(0)
        for people, length in sorted(lengths.items()):
            total = EXACT.add(total, EXACT.multiply(Decimal(length), Decimal(people).ln(EXACT)))
        value = EXACT.divide(total, Decimal(HOUR)).quantize(STEP, context=EXACT)
        yield fact(one.end.entry.at, value, 1, dict.fromkeys(read), one.end.before)


def value_density(story: Story, _scene: Scene) -> Iterator[Fact]:
    """What is known of a ticket at its resolving, for each entry it took to get there. Known are: device, customer, link,
    cause, resolution and description, each label, each attachment and each answered question to another system. Entries:
    all of its timeline up to the resolving."""
    for one in story.rounds:
        if one.end is None:
            continue
        until, told = one.end.entry, one.end.after
        entries = [b.entry for b in story.beats if b.entry.id <= until.id]
        known = sum(1 for name in PLAIN if told[name]) + len(told["labels"] or {})
        known += sum(1 for e in entries if e.name == "attach") - sum(1 for e in entries if e.name == "detach")
        known += len({s.key for s in story.signals if s.name == "answered" and s.at <= until.at})
        yield fact(until.at, max(0, known), len(entries), (story.opened.entry.id, until.id), one.end.before)


def _moves(one: Round, name: str) -> list[int]:
    """The entries of the photos, edits or customer views of a round."""
    wanted = {"photos": _photo, "edits": _edit, "views": _view}[name]
    return [b.entry.id for b in one.beats if b is not one.begin and wanted(b)]


def _view(beat: Beat) -> bool:
    return beat.entry.name == "customer_view"


def _photo(beat: Beat) -> bool:
    return beat.entry.name == "attach" and str(beat.entry.data.get("media_type", "")).startswith("image/")


def _edit(beat: Beat) -> bool:
    return person_of(beat.entry) is not None and beat.entry.name in EDITS


def _per_round(story: Story, names: tuple[str, ...]) -> Iterator[Fact]:
    for one in story.rounds:
        if one.end is not None:
            read = [i for name in names for i in _moves(one, name)]
            yield fact(one.end.entry.at, len(read), 1, (*read, one.end.entry.id), one.end.before)


def photos(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Pictures attached in a round."""
    yield from _per_round(story, ("photos",))


def edits(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Changes of the ticket by persons in a round that move no stage: fields, holder, links, parts."""
    yield from _per_round(story, ("edits",))


def customer_views(story: Story, _scene: Scene) -> Iterator[Fact]:
    """How often the customer looked at the ticket in a round (notes `customer_view`)."""
    yield from _per_round(story, ("views",))


def action_temperature(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Photos, edits and customer views of a round together: how much it moved. 0: nobody did anything but click."""
    yield from _per_round(story, ("photos", "edits", "views"))


def context_completeness(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Of the questions asked of other systems about tickets, those that were answered ("nothing is known of it" is an
    answer). Counts on the day of asking, so it may still rise afterwards."""
    answered = {s.key for s in story.signals if s.name == "answered"}
    for signal in story.signals:
        if signal.name == "asked":
            yield fact(signal.at, int(signal.key in answered), 1, (), story.at(signal.at))


def repeat_share(story: Story, _scene: Scene) -> Iterator[Fact]:
    """Of what arrived (tickets opened, and alerts that told what an open ticket stands for already), the repeats."""
    yield fact(story.opened.entry.at, 0, 1, (story.opened.entry.id,), story.opened.after)
    for signal in story.signals:
        if signal.name == "repeat":
            yield fact(signal.at, signal.n, signal.n, (), story.at(signal.at))
