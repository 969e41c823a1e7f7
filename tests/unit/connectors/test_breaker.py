"""The circuit breaker counts what became of calls and is never held while one runs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connectors.errors import CircuitOpen
from connectors.runtime.breaker import Breaker, Permit
from tests.unit.connectors.fakes import Clock


def _opened(clock: Clock) -> Breaker:
    breaker = Breaker(3, 60, clock)
    for _ in range(3):
        breaker.admit().failed()
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_says_for_how_long() -> None:
    clock = Clock()
    breaker = _opened(clock)
    clock.now += 20
    with pytest.raises(CircuitOpen) as refusal:
        breaker.admit()
    assert refusal.value.retry_after == 40
    assert breaker.circuit == "open"


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker(3, 60, Clock())
    for went_well in (False, False, True, False, False):
        permit = breaker.admit()
        permit.went_well() if went_well else permit.failed()
    assert breaker.circuit == "closed"


def test_after_its_time_one_single_call_probes() -> None:
    clock = Clock()
    breaker = _opened(clock)
    clock.now += 60
    probe = breaker.admit()
    with pytest.raises(CircuitOpen) as refusal:
        breaker.admit()
    assert refusal.value.retry_after == 1
    probe.went_well()
    assert breaker.circuit == "closed"
    breaker.admit()


def test_a_failed_probe_opens_it_for_as_long_again() -> None:
    clock = Clock()
    breaker = _opened(clock)
    clock.now += 60
    breaker.admit().failed()
    assert breaker.closes_in_s == 60


def test_a_probe_that_proves_nothing_leaves_room_for_the_next() -> None:
    clock = Clock()
    breaker = _opened(clock)
    clock.now += 60
    breaker.admit().proves_nothing()
    breaker.admit().went_well()
    assert breaker.circuit == "closed"


def test_a_straggler_from_before_does_not_close_it() -> None:
    clock = Clock()
    breaker = Breaker(3, 60, clock)
    straggler = breaker.admit()
    for _ in range(3):
        breaker.admit().failed()
    straggler.went_well()
    assert breaker.circuit == "open"


def test_a_call_that_hangs_holds_up_no_other() -> None:
    breaker, go = Breaker(3, 60, Clock()), threading.Event()

    def hang() -> None:
        permit = breaker.admit()
        go.wait(30)
        permit.went_well()

    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(hang)
        for _ in range(100):
            breaker.admit().went_well()
        assert not hanging.done()
        go.set()


class BreakerMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order: it never jams, and never lets two probes run."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(2, 10, self.clock)
        self.running: list[Permit] = []

    @rule()
    def begin(self) -> None:
        before = self.breaker.circuit
        try:
            self.running.append(self.breaker.admit())
        except CircuitOpen as refusal:
            refused = refusal.retry_after
        else:
            return
        assert before != "closed"
        assert refused is not None
        assert 0 < refused <= 10

    @precondition(lambda self: self.running)
    @rule()
    def end_well(self) -> None:
        self.running.pop(0).went_well()

    @precondition(lambda self: self.running)
    @rule()
    def end_badly(self) -> None:
        self.running.pop().failed()

    @rule()
    def time_passes(self) -> None:
        self.clock.now += 4

    @invariant()
    def it_never_jams(self) -> None:
        if not self.running and self.breaker.closes_in_s == 0:
            self.breaker.admit().proves_nothing()


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
