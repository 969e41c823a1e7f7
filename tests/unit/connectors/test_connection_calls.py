"""Receiving, checking, asking: what leaves a connection is typed, in time, and tells no secret."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.contract import Answer, Ask, Delivery, Event, Health, Policy
from connectors.errors import (
    AuthProblem,
    BadRecord,
    Busy,
    CircuitOpen,
    ConfigProblem,
    ConnectorBug,
    ConnectorError,
    DeadlineExceeded,
    TooLarge,
    Transient,
)
from connectors.runtime import Connection
from tests.unit.connectors.fakes import SECRET, Clock, Ear, Fake, FakeConfig, connect, raising

ASK = Ask("load", {"device": "p"}, 0.2)
DELIVERY = Delivery(b"{}")


def _answer(*_: Any) -> Answer:
    return Answer({}, datetime(2026, 1, 1, tzinfo=UTC))


# -- receive ----------------------------------------------------------------------------------------------------------


def test_events_pass_through() -> None:
    event = Event("1", "alarm", {"a": 1})
    assert connect(receive=lambda _: (event,)).receive(DELIVERY) == [event]


def test_a_delivery_over_the_bound_is_refused_before_the_connector_sees_it() -> None:
    connection = connect(policy=Policy(max_delivery_bytes=3), receive=raising(AssertionError("it was seen")))
    with pytest.raises(TooLarge, match="4 bytes"):
        connection.receive(Delivery(b"1234"))


@pytest.mark.parametrize("error", [AuthProblem("no"), BadRecord("no", record={"a": 1})])
def test_what_is_wrong_with_a_delivery_is_passed_on(error: ConnectorError) -> None:
    with pytest.raises(type(error)):
        connect(receive=raising(error)).receive(DELIVERY)


@pytest.mark.parametrize("error", [KeyError("id"), Transient("network in receive"), AssertionError()], ids=repr)
def test_anything_else_from_receive_is_a_bug_with_its_type(error: Exception) -> None:
    with pytest.raises(ConnectorBug) as bug:
        connect(receive=raising(error)).receive(DELIVERY)
    assert bug.value.kind == type(error).__name__
    assert "fake.receive" in str(bug.value)


def test_something_that_is_no_event_is_a_bug() -> None:
    with pytest.raises(ConnectorBug, match="instead of Event"):
        connect(receive=lambda _: [{"id": 1}]).receive(DELIVERY)


def test_forged_deliveries_say_nothing_about_the_systems_health() -> None:
    connection, ear = connect(receive=raising(AuthProblem("no"))), Ear()
    with capture_logs() as logs:
        for _ in range(20):
            with pytest.raises(AuthProblem):
                connection.receive(DELIVERY)
    assert (connection.condition.status, connection.condition.circuit) == ("unknown", "closed")
    assert logs == []
    assert ear.changes == []


# -- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Transient, AuthProblem, BadRecord, ConfigProblem])
def test_no_secret_leaves_in_an_error(kind: type[ConnectorError]) -> None:
    error = kind(f"login weft:{SECRET} failed", hint=f"try {SECRET}")
    error.url = {"u": [f"http://x?p={SECRET}"]}  # type: ignore[attr-defined]
    error.__cause__ = OSError(f"GET /?password={SECRET}")
    with pytest.raises(kind) as raised:
        connect(lookup=raising(error)).lookup(ASK)
    told = raised.value
    assert SECRET not in repr((told, told.args, vars(told)))
    assert told.__cause__ is None
    assert told.__context__ is None
    assert any(note.startswith("caused by builtins.OSError") for note in told.__notes__)


def test_no_secret_leaves_in_a_bug_or_its_log_line() -> None:
    with capture_logs() as logs, pytest.raises(ConnectorBug) as raised:
        connect(lookup=raising(ValueError(f"bad {SECRET}"))).lookup(ASK)
    assert SECRET not in repr((raised.value, vars(raised.value), logs))
    assert "ValueError" in raised.value.trace


def test_a_connector_that_cannot_be_made_says_so_without_its_secrets() -> None:
    class Stillborn(Fake):
        def __init__(self, config: Any) -> None:
            raise RuntimeError(f"cannot use {config.password.get_secret_value()}")

    with pytest.raises(ConnectorBug) as raised:
        Connection.make("x", Stillborn, FakeConfig())
    assert SECRET not in repr((raised.value, vars(raised.value)))
    assert Connection.make("x", Fake, FakeConfig()).id == "x"


# -- lookup -----------------------------------------------------------------------------------------------------------


def test_an_answer_in_time_passes_through() -> None:
    assert connect(lookup=_answer).lookup(ASK) == _answer()
    assert connect(lookup=lambda _: None).lookup(ASK) is None


def test_a_slow_lookup_ends_at_its_deadline() -> None:
    release = threading.Event()
    connection = connect(lookup=lambda _: release.wait(30))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        connection.lookup(ASK)
    assert time.monotonic() - began < 5
    release.set()


def test_the_connector_is_told_the_time_that_is_left() -> None:
    seen: list[float] = []
    connection = connect(lookup=lambda ask: seen.append(ask.deadline_s))
    connection.lookup(ASK)
    assert 0 < seen[0] <= 0.2


def test_a_timeout_error_of_the_connector_itself_is_its_bug() -> None:
    with pytest.raises(ConnectorBug) as bug:
        connect(lookup=raising(TimeoutError("mine"))).lookup(ASK)
    assert bug.value.kind == "TimeoutError"


def test_questions_beyond_the_bound_are_turned_away_at_once() -> None:
    release = threading.Event()
    connection = connect(lookup=lambda _: release.wait(30), policy=Policy(rate_per_s=1000, breaker_failures=1000))
    results: list[str] = []

    def ask() -> None:
        try:
            connection.lookup(Ask("load", {}, 1.0))
        except (DeadlineExceeded, Busy) as error:
            results.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release.set()
    assert sum("too many questions wait" in text for text in results) == 10
    assert sum("DeadlineExceeded" in text for text in results) == 4
    assert sum("no thread came free" in text for text in results) == 16


def test_a_system_that_hangs_delays_no_other_connection() -> None:
    release = threading.Event()
    hanging, well = connect(lookup=lambda _: release.wait(30)), connect(lookup=_answer)
    outcome: list[str] = []

    def ask() -> None:
        try:
            hanging.lookup(Ask("load", {}, 1))
        except DeadlineExceeded as error:
            outcome.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    began = time.monotonic()
    assert well.lookup(ASK) is not None
    assert time.monotonic() - began < 0.9
    thread.join()
    release.set()
    assert outcome == ["no answer within 1 s"]


def test_after_enough_failures_the_system_is_not_even_asked() -> None:
    clock, asked = Clock(), []

    def fail(ask: Ask) -> None:
        asked.append(ask)
        raise Transient("down")

    connection = connect(clock, lookup=fail)
    for _ in range(3):
        with pytest.raises(Transient, match="down"):
            connection.lookup(ASK)
    with pytest.raises(CircuitOpen) as refusal:
        connection.lookup(ASK)
    assert refusal.value.retry_after == 60
    assert len(asked) == 3
    assert connection.condition.retry_in_s == 60


def test_a_bad_question_does_not_open_the_circuit() -> None:
    connection = connect(lookup=raising(BadRecord("no device")))
    for _ in range(9):
        with pytest.raises(BadRecord):
            connection.lookup(ASK)
    assert connection.condition.circuit == "closed"


def test_a_lookup_over_the_rate_is_busy_rather_than_late() -> None:
    connection = connect(policy=Policy(rate_per_s=0.1), lookup=_answer)
    connection.lookup(ASK)
    with pytest.raises(Busy) as busy:
        connection.lookup(ASK)
    assert busy.value.retry_after == 10
    assert connection.condition.status == "ok"


# -- check, health ----------------------------------------------------------------------------------------------------


def test_check_answers_no_with_the_reason_and_the_remedy() -> None:
    health = connect(check=raising(AuthProblem("refused", hint="renew it"))).check()
    assert not health.ok
    assert health.message == "refused (renew it)"


def test_a_good_check_closes_the_circuit() -> None:
    connection = connect(lookup=raising(Transient("down")), check=lambda: Health(ok=True))
    for _ in range(3):
        with pytest.raises(Transient):
            connection.lookup(ASK)
    assert connection.condition.retry_in_s > 0
    assert connection.check().ok
    assert connection.condition.circuit == "closed"


def test_a_check_that_answers_nothing_is_a_bug() -> None:
    with pytest.raises(ConnectorBug):
        connect(check=lambda: None).check()


def test_failing_and_recovering_are_each_logged_once_and_told_once() -> None:
    clock, ear = Clock(), Ear()
    broken = [True]

    def lookup(ask: Ask) -> None:
        if broken[0]:
            raise Transient("down")

    connection = connect(clock, ear, lookup=lookup)
    with capture_logs() as logs:
        for _ in range(6):
            with pytest.raises(Transient):
                connection.lookup(ASK)
        clock.now += 61
        broken[0] = False
        for _ in range(3):
            connection.lookup(ASK)
    assert [entry["event"] for entry in logs] == [
        "connection fails",
        "connection is left alone",
        "connection works again",
    ]
    assert ear.changes == ["failing", "ok"]
    assert ear.calls.count(("lookup", "transient")) == 3
    assert ear.calls.count(("lookup", "ok")) == 3


def test_what_a_person_must_mend_shows_as_that() -> None:
    connection = connect(lookup=raising(AuthProblem("expired")))
    with pytest.raises(AuthProblem):
        connection.lookup(ASK)
    assert (connection.condition.status, connection.condition.reason) == ("needs_person", "expired")


def test_probing_masks_reasons_and_keeps_its_deadline() -> None:
    connection = connect(probe=lambda _: {"close": f"locked by {SECRET}", "note": ""})
    told = connection.probe({"id": "7"}, 1)
    assert told["note"] == ""
    assert SECRET not in told["close"]


def test_closing_ends_the_connector() -> None:
    connection = connect(lookup=_answer)
    connection.lookup(ASK)
    connection.close()
    assert isinstance(connection.connector, Fake)
    assert connection.connector.closed == 1
    with pytest.raises(Busy, match="closed"):
        connection.lookup(ASK)
