"""Drafts, words, errors and replay: the pure rest."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from core_tickets import (
    ACTOR_KINDS,
    CAUSES,
    KINDS,
    PRIORITIES,
    REASONS,
    SHOWN,
    STATUSES,
    Change,
    Draft,
    Entry,
    InvalidInput,
    NotAllowed,
    Opened,
    TicketError,
    UnknownTicket,
    VersionConflict,
    format_priority,
    parse_priority,
    replay,
    shown,
)

GOOD: dict[str, Any] = {"id": 1, "kind": "incident", "priority": 2, "title": "Fan slow"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 0),
        ("id", "1"),
        ("id", 2**63),
        ("kind", "incidnt"),
        ("priority", 4),
        ("priority", "P1"),
        ("priority", True),
        ("title", "   "),
        ("title", "a\0b"),
        ("title", "\ud800"),
        ("title", None),
        ("fingerprint", ""),
        ("fingerprint", "x" * 513),
        ("reopen_within", -1),
        ("device", "DEV-2026-000001"),
        ("labels", [1]),
        ("labels", {"a": 1}),
        ("labels", {1: "a"}),
        ("seen_at", 1.5),
        ("actor_kind", "robot"),
    ],
)
def test_a_draft_that_would_harm_its_batch_cannot_be_made(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        Draft(**GOOD | {field: value})
    assert refused.value.path.split(".")[0].split(" ")[0] == field
    assert refused.value.hint


def test_a_draft_keeps_its_own_labels() -> None:
    labels = {"line": "A"}
    draft = Draft(**GOOD, labels=labels)
    labels["line"] = "B"
    assert draft.labels == {"line": "A"}


@pytest.mark.parametrize("terms", [STATUSES, SHOWN, KINDS, PRIORITIES, REASONS, CAUSES, ACTOR_KINDS])
def test_every_term_reads_in_both_languages(terms: dict[Any, Any]) -> None:
    for label in terms.values():
        assert label.en.isascii()
        assert any("\u4e00" <= character <= "\u9fff" for character in label.zh)


def test_people_see_three_states() -> None:
    assert {s: SHOWN[shown(s)].zh for s in STATUSES} == {
        "pending": "进行中",
        "in_progress": "进行中",
        "blocked": "已阻塞",
        "resolved": "已完成",
        "closed": "已完成",
    }


def test_priorities_are_written_p0_to_p3() -> None:
    assert [parse_priority(format_priority(p)) for p in PRIORITIES] == [0, 1, 2, 3]
    for wrong in ("P4", "1", "", "P11", "high"):
        with pytest.raises(InvalidInput, match="write P0, P1, P2 or P3"):
            parse_priority(wrong)


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput("title", "is empty", hint="write a text"),
        UnknownTicket(7),
        NotAllowed(7, "close", "pending", ("start", "comment")),
        VersionConflict(7, 1, 2),
        TicketError(),
    ],
)
def test_errors_survive_pickling(error: TicketError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
    assert str(error)


def test_a_refusal_says_what_is_allowed() -> None:
    assert str(NotAllowed(7, "close", "pending", ("start", "comment"))) == (
        "cannot close ticket 7: the ticket is pending; allowed now: start, comment"
    )


def test_outcomes_name_their_events() -> None:
    raised = (Change("priority", 2, 0),)
    assert Opened(1, "opened", 1).events == ("ticket.opened",)
    assert Opened(1, "merged", 1).events == ()
    assert Opened(1, "merged", 2, raised).events == ("ticket.priority_changed",)
    assert Opened(1, "reopened", 2, raised).events == ("ticket.reopened", "ticket.priority_changed")


def entry(number: int, name: str, *changes: Change) -> Entry:
    return Entry(number, 1, 0, "change", name, "li", "person", "", number, changes, {})


def test_a_trail_replays_to_the_last_values() -> None:
    trail = [
        entry(1, "open", Change("title", None, "a"), Change("status", None, "pending")),
        entry(2, "set", Change("title", "a", "b")),
        entry(3, "set", Change("title", "b", "c"), Change("device", None, 5)),
    ]
    assert replay(trail)["title"] == "c"
    assert replay(trail)["device"] == 5


def test_a_trail_with_a_missing_entry_does_not_replay() -> None:
    trail = [entry(1, "open", Change("title", None, "a")), entry(3, "set", Change("title", "b", "c"))]
    with pytest.raises(ValueError, match="entry 3 says title was 'b', but it was 'a'"):
        replay(trail)
