"""Answering: true, dated, in time, and never a change."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from connectors.conformance.case import Cases, case
from connectors.conformance.values import faults_of, is_chinese, is_recent, lacking, texts_of
from connectors.conformance.world import Break
from connectors.contract import Answer
from connectors.errors import AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient

answers = partial(case, needs="answers")
SLACK_S = 1.0
"""How much later than its deadline a lookup may come back on a busy machine."""


class AnswerCases(Cases):
    @answers()
    def test_every_question_is_described_in_both_languages(self, world: Any) -> None:
        questions = world.connector().questions()
        assert questions
        names = [question.name for question in questions]
        assert len(names) == len(set(names)), "two questions share a name"
        for question in questions:
            assert question.title, f"{question.name} has no title"
            assert is_chinese(question.title_zh), f"{question.name}: title_zh is not Chinese"
            assert question.needs, f"{question.name} needs no input: about what is it asked?"

    @answers()
    def test_known_things_are_answered_truly(self, world: Any) -> None:
        asks = world.asks()
        unasked = {question.name for question in world.connector().questions()} - {known.ask.question for known in asks}
        assert not unasked, f"asks() has no example for {sorted(unasked)}"
        for known in asks:
            answer = world.connector().lookup(known.ask)
            assert isinstance(answer, Answer), f"{known.ask.question}: {answer!r} is no Answer"
            wrong = lacking(answer.values, known.values)
            assert not wrong, f"{known.ask.question}: {wrong}"

    @answers()
    def test_answers_are_exact_and_dated(self, world: Any) -> None:
        for known in world.asks():
            answer = world.connector().lookup(known.ask)
            faults = list(faults_of(answer.values, known.ask.question))
            assert not faults, "\n".join(faults)
            assert is_recent(answer.as_of, datetime.now(UTC)), f"as_of {answer.as_of!r} has no zone or is yet to come"

    @answers()
    def test_what_the_system_does_not_know_is_none(self, world: Any) -> None:
        assert world.unknown(), "unknown() gives nothing"
        for ask in world.unknown():
            assert world.connector().lookup(ask) is None, f"{ask} was answered"

    @answers()
    def test_a_missing_input_is_named(self, world: Any) -> None:
        needs = {question.name: question.needs for question in world.connector().questions()}
        for known in world.asks():
            for name in needs[known.ask.question]:
                inputs = {key: value for key, value in known.ask.inputs.items() if key != name}
                with pytest.raises(BadRecord) as refusal:
                    world.connector().lookup(replace(known.ask, inputs=inputs))
                assert name in str(refusal.value), f"the refusal does not name the missing input {name!r}"

    @answers()
    def test_an_unknown_question_is_refused(self, world: Any) -> None:
        with pytest.raises((BadRecord, ConfigProblem)):
            world.connector().lookup(replace(world.asks()[0].ask, question="no_such_question"))

    @answers()
    def test_looking_up_changes_nothing(self, world: Any) -> None:
        asks, changes = world.asks(), world.changes
        for known in asks:
            world.connector().lookup(known.ask)
        assert world.changes == changes

    @answers()
    def test_no_answer_holds_a_secret(self, world: Any) -> None:
        scrubber = self.scrubber(world)
        for known in world.asks():
            answer = world.connector().lookup(known.ask)
            assert not any(scrubber.leaks(text) for text in texts_of([answer.values, answer.link, answer.key]))

    @answers(breaks=["timeout"])
    def test_a_lookup_keeps_its_deadline(self, world: Any) -> None:
        for known in world.asks():
            patient = {"timeout_s": 20} if "timeout_s" in world.connector_type.Config.model_fields else {}
            connector = world.connector(**patient)
            world.break_next(Break("timeout", seconds=4))
            began = time.monotonic()
            with pytest.raises(Transient):
                connector.lookup(replace(known.ask, deadline_s=0.3))
            took = time.monotonic() - began
            assert took < 0.3 + SLACK_S, (
                f"{known.ask.question}: asked for an answer in 0.3 s, came back after {took:.1f}"
            )

    @answers(breaks=["transient"])
    def test_a_passing_failure_of_a_lookup_is_transient(self, world: Any) -> None:
        for known in world.asks():
            _raises(world, known.ask, Break("transient"), Transient)

    @answers(breaks=["cut"])
    def test_a_lookup_over_a_cut_line_is_transient(self, world: Any) -> None:
        for known in world.asks():
            _raises(world, known.ask, Break("cut"), Transient)

    @answers(breaks=["rate"])
    def test_a_lookup_tells_when_to_come_back(self, world: Any) -> None:
        for known in world.asks():
            error = _raises(world, known.ask, Break("rate", retry_after=11), Transient)
            assert getattr(error, "retry_after", None) == 11, "the system's Retry-After is lost"

    @answers(breaks=["junk"])
    def test_an_unreadable_answer_is_a_typed_error(self, world: Any) -> None:
        for known in world.asks():
            _raises(world, known.ask, Break("junk"), ConnectorError)

    @answers(breaks=["auth"])
    def test_refused_credentials_stop_a_lookup(self, world: Any) -> None:
        _raises(world, world.asks()[0].ask, Break("auth"), AuthProblem)

    @answers("gold")
    def test_every_answer_links_into_its_source(self, world: Any) -> None:
        for known in world.asks():
            answer = world.connector().lookup(known.ask)
            assert answer.link.startswith(("http://", "https://")), f"{known.ask.question}: where can a person look?"


def _raises(world: Any, ask: Any, how: Break, kind: type[ConnectorError]) -> ConnectorError:
    connector = world.connector()
    world.break_next(how)
    with pytest.raises(kind) as raised:
        connector.lookup(ask)
    return raised.value
