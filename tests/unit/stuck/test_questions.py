"""When a ticket counts as stuck, and which one question is put to its holder. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_tickets import Ticket
from core_tickets.stuck import ANSWERS, Facts, Purchase, Question, Rule, choose, rule_for, stuck_at
from core_tickets.vocabulary import REASONS, STATUSES
from gateway.errors import BadConfiguration
from gateway.policies import build
from gateway.policies.stuck import KIND

HOUR = 3_600_000_000
BUILT_IN = KIND.of(build([])).rules
TICKET = Ticket(1, "incident", 0, "in_progress", "t", 10 * HOUR, 10 * HOUR, 10 * HOUR, 10 * HOUR, assignee="ann")
BEARING = Purchase(7, "TKT-2026-000007 bearing", linked=True)


def facts(**more: Any) -> Facts:
    ticket = replace(TICKET, **{k: more.pop(k) for k in list(more) if k in Ticket.__dataclass_fields__})
    return Facts(ticket, "ann", 5 * HOUR, **more)


@pytest.mark.parametrize(
    ("known", "about", "first"),
    [({}, "no_progress", "working"),
     ({"status": "pending"}, "not_begun", "start"),
     ({"asked_customer": True}, "asked_customer", "waiting_for_customer"),
     ({"purchase": BEARING}, "open_purchase", "wait_for_purchase"),
     ({"purchase": BEARING, "asked_customer": True}, "open_purchase", "wait_for_purchase"),
     ({"holder_there": False, "purchase": BEARING}, "off_shift", "hand_back"),
     ({"status": "blocked", "blocked_reason": "waiting_for_part"}, "part_not_ordered", "need_part"),
     ({"status": "blocked", "blocked_reason": "waiting_for_part", "purchase": BEARING}, "part_ordered", "resume"),
     ({"status": "blocked", "blocked_reason": "waiting_for_customer", "holder_there": False}, "waiting_for_customer", "resume"),
     ({"status": "blocked", "blocked_reason": "other", "blocked_text": "crane"}, "other", "resume"),
     ({"holder_active": False, "status": "blocked"}, "holder_gone", "hand_back")],
)  # fmt: skip
def test_the_question_follows_from_what_is_known(known: dict[str, Any], about: str, first: str) -> None:
    question = choose(facts(**known))
    assert (question.about, question.answers[0]) == (about, first)


@given(
    st.sampled_from(["pending", "in_progress", "blocked"]), st.sampled_from([None, *REASONS]), st.booleans(), st.booleans(),
    st.sampled_from([None, BEARING]), st.booleans(), st.integers(0, 10**15),
)  # fmt: skip
def test_whatever_is_known_there_is_one_question_with_answers_that_mean_something(
    status: str, reason: str | None, there: bool, active: bool, purchase: Purchase | None, asked: bool, quiet: int
) -> None:
    ticket = replace(TICKET, status=status, blocked_reason=reason if status == "blocked" else None)
    question = choose(Facts(ticket, "ann", quiet, there, active, purchase, asked))
    assert len(question.answers) >= 2
    assert set(question.answers) <= ANSWERS.keys()
    assert ("resume" in question.answers) <= (status == "blocked")
    assert ("start" in question.answers) <= (status == "pending")
    assert ("wait_for_purchase" in question.answers) == (question.about == "open_purchase")
    assert Question.of(orjson.loads(orjson.dumps(question.as_dict()))) == question
    assert question.zh
    assert question.en


def test_it_is_counted_from_the_last_doing_of_a_person_or_the_opening_or_the_reopening() -> None:
    rule = Rule(after=HOUR, answer_within=HOUR)
    assert stuck_at(rule, TICKET, None, None) == 11 * HOUR
    assert stuck_at(rule, TICKET, 20 * HOUR, None) == 21 * HOUR
    assert stuck_at(rule, replace(TICKET, reopened_at=30 * HOUR), 20 * HOUR, None) == 31 * HOUR


def test_what_its_holder_promised_counts_until_then_but_never_shortens_the_time() -> None:
    rule = Rule(after=2 * HOUR, answer_within=HOUR)
    assert stuck_at(rule, TICKET, 20 * HOUR, 40 * HOUR) == 40 * HOUR
    assert stuck_at(rule, TICKET, 20 * HOUR, 21 * HOUR) == 22 * HOUR


@given(
    st.sampled_from(range(4)), st.sampled_from(sorted(STATUSES)), st.sampled_from(["incident", "spare_part_purchase"])
)
def test_the_first_rule_that_fits_holds(priority: int, status: str, kind: str) -> None:
    ticket = replace(TICKET, priority=priority, status=status, kind=kind)
    found = rule_for(BUILT_IN, ticket)
    assert found is not None
    assert found == next(r for r in BUILT_IN if r.fits(ticket))


def test_a_kind_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadConfiguration) as caught:
        build([{"policy": "stuck", "rules": [{"after": "1h", "kinds": ["incidents"]}]}])
    (problem,) = caught.value.problems
    assert problem.path == "policies[0].rules[0].kinds"
    assert "incident" in problem.hint


def test_without_rules_nobody_is_ever_asked() -> None:
    assert KIND.of(build([{"policy": "stuck", "rules": []}])).soonest is None
