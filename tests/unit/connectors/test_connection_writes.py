"""Writing through a connection: one try, and a fate that says what the outbox does next."""

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.contract import Command, Merged, Operation, Outcome, Policy, Receipt
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorBug, Transient, Unfinished
from connectors.runtime import Connection, Done, MustConfirm, NeedsPerson, NotDone, Refused, RetryAt
from tests.unit.connectors.fakes import COMMAND, SECRET, Clock, Fake, FakeConfig, connect, raising


def _receipt(outcome: Outcome = Outcome.applied, **more: Any) -> Any:
    return lambda command: Receipt(command.id, outcome, **more)


@pytest.mark.parametrize("outcome", [Outcome.applied, Outcome.duplicate])
def test_what_took_effect_is_done(outcome: Outcome) -> None:
    assert connect(write=_receipt(outcome)).write(COMMAND) == Done(Receipt("c-1", outcome))


def test_what_the_system_refuses_is_over() -> None:
    fate = connect(write=_receipt(Outcome.rejected, reason=f"no, {SECRET}")).write(COMMAND)
    assert isinstance(fate, Refused)
    assert SECRET not in fate.receipt.reason


def test_a_command_that_cannot_be_expressed_is_over_too() -> None:
    fate = connect(write=raising(BadRecord("too long"))).write(COMMAND)
    assert fate == Refused(Receipt("c-1", Outcome.rejected, reason="too long"))


def test_a_passing_failure_comes_back_when_the_system_says() -> None:
    assert connect(write=raising(Transient("busy", retry_after=17))).write(COMMAND) == RetryAt(17, "busy")


def test_without_a_word_from_the_system_waits_grow_with_each_try() -> None:
    connection = connect(write=raising(Transient("down")), policy=Policy(rate_per_s=100, breaker_failures=100))
    waits = [connection.write(COMMAND, attempt) for attempt in (1, 3, 5, 7)]
    seconds = [fate.seconds for fate in waits if isinstance(fate, RetryAt)]
    assert seconds == sorted(seconds)
    assert len(seconds) == 4
    assert seconds[-1] >= 32


def test_a_write_is_tried_once_and_never_again_by_itself() -> None:
    tries: list[Command] = []

    def write(command: Command) -> Receipt:
        tries.append(command)
        raise Transient("down")

    clock = Clock()
    connect(clock, write=write).write(COMMAND)
    assert tries == [COMMAND]
    assert clock.pauses == []


def test_a_lost_answer_must_be_confirmed() -> None:
    assert isinstance(connect(write=raising(Ambiguous("no answer"))).write(COMMAND), MustConfirm)


def test_refused_credentials_need_a_person_and_nothing_is_in_doubt() -> None:
    fate = connect(write=raising(AuthProblem("expired", hint="renew"))).write(COMMAND)
    assert fate == NeedsPerson("auth", "expired", "renew")
    assert connect(write=raising(ConfigProblem("wrong"))).write(COMMAND) == NeedsPerson("config", "wrong")


@pytest.mark.parametrize(
    "write",
    [raising(KeyError("x")), lambda _: None, lambda _: Receipt("another", Outcome.applied), lambda _: "done"],
    ids=["escaped", "nothing", "another's receipt", "no receipt"],
)
def test_a_bug_leaves_it_in_doubt(write: Any) -> None:
    fate = connect(write=write).write(COMMAND)
    assert isinstance(fate, NeedsPerson)
    assert (fate.why, fate.in_doubt) == ("bug", True)


def test_while_the_circuit_is_open_a_write_waits_for_it() -> None:
    connection = connect(write=raising(Transient("down")))
    for _ in range(3):
        connection.write(COMMAND)
    fate = connection.write(COMMAND)
    assert isinstance(fate, RetryAt)
    assert fate.seconds == 60


def test_over_the_rate_a_write_waits_for_a_token_in_the_outbox() -> None:
    clock = Clock()
    connection = connect(clock, write=_receipt(), policy=Policy(rate_per_s=0.5))
    assert isinstance(connection.write(COMMAND), Done)
    assert connection.write(COMMAND) == RetryAt(2.0, "the connection's rate limit is reached")
    assert clock.pauses == []


def test_confirming_says_done_or_not_done() -> None:
    assert connect(confirm=_receipt()).confirm(COMMAND) == Done(Receipt("c-1", Outcome.applied))
    assert connect(confirm=lambda _: None).confirm(COMMAND) == NotDone()


@pytest.mark.parametrize("error", [Transient("down", retry_after=5), Ambiguous("eh?")], ids=repr)
def test_a_confirmation_that_fails_is_asked_again(error: Exception) -> None:
    fate = connect(confirm=raising(error)).confirm(COMMAND)
    assert isinstance(fate, MustConfirm)
    assert fate.seconds > 0


def test_a_system_that_cannot_be_asked_needs_a_person() -> None:
    fate = connect(confirm=raising(ConfigProblem("no way to look it up"))).confirm(COMMAND)
    assert isinstance(fate, NeedsPerson)
    assert (fate.why, fate.in_doubt) == ("unconfirmable", True)


@pytest.mark.parametrize(("error", "why"), [(AuthProblem("expired"), "auth"), (KeyError("x"), "bug")], ids=repr)
def test_whatever_stops_a_confirmation_leaves_it_in_doubt(error: Exception, why: str) -> None:
    fate = connect(confirm=raising(error)).confirm(COMMAND)
    assert isinstance(fate, NeedsPerson)
    assert (fate.why, fate.in_doubt) == (why, True)


def test_a_step_of_several_goes_on_after_a_confirmation_and_is_no_failure() -> None:
    connection = connect(write=raising(Unfinished("saved; submit comes next")))
    fates = [connection.write(COMMAND) for _ in range(6)]
    assert all(isinstance(fate, MustConfirm) and fate.reason == "saved; submit comes next" for fate in fates)
    assert connection.condition.status == "ok"
    assert connection.condition.circuit == "closed"


# -- merging, and what may be repeated ---------------------------------------------------------------------------------


class Merging(Fake):
    """Says what its reply says of commands that are merged, and has one operation that may be repeated for an hour."""

    def merge(self, commands: Sequence[Command]) -> Merged:
        return self.replies["merge"](commands)  # type: ignore[no-any-return]

    def operations(self) -> Sequence[Operation]:
        return (Operation(name="close", title="Close", title_zh="关闭", can_confirm=False, repeats_within_s=3600),)


def _merging(**replies: Any) -> Connection:
    config = FakeConfig()
    return Connection("fake-1", Merging(config, **replies), config, Policy(window_calls=2), clock=Clock())


def test_a_connector_without_merge_merges_nothing() -> None:
    assert connect().merge([COMMAND]) is None


@pytest.mark.parametrize("covers", [(), ("c-9",), ("c-1", "c-1")])
def test_merging_into_nothing_or_for_others_is_a_bug(covers: tuple[str, ...]) -> None:
    with pytest.raises(ConnectorBug):
        _merging(merge=lambda commands: Merged(COMMAND, covers)).merge([COMMAND])


def test_what_is_merged_comes_back_as_the_connector_made_it() -> None:
    merged = Merged(Command("c-1+c-2", "close", {}), ("c-1", "c-2"))
    assert _merging(merge=lambda commands: merged).merge([COMMAND, Command("c-2", "close", {})]) == merged


def test_as_long_as_a_repeat_is_swallowed_a_doubt_is_written_again_without_asking() -> None:
    connection = _merging(confirm=raising(ConfigProblem("nobody can ask")))
    assert connection.confirm(COMMAND, age_s=3599) == NotDone()
    assert isinstance(connection.confirm(COMMAND, age_s=3600), NeedsPerson)
    assert isinstance(connection.confirm(COMMAND), NeedsPerson)


def test_a_full_window_sends_a_write_back_until_it_opens() -> None:
    connection = _merging(write=_receipt())
    assert connection.room == 2
    assert [type(connection.write(COMMAND)) for _ in range(3)] == [Done, Done, RetryAt]
    assert (connection.room, connect().room) == (0, None)
