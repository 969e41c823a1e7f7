"""A subscription that dies is opened again."""

import random
from typing import Any

from connectors.contract import Policy
from connectors.errors import AuthProblem, Transient
from connectors.runtime import Kept
from tests.unit.connectors.fakes import SECRET, Clock, connect

POLICY = Policy(rate_per_s=1000, breaker_failures=1000, backoff_s=4, backoff_max_s=60)


class Line:
    """A subscription that lives until it is cut."""

    def __init__(self) -> None:
        self.up = True
        self.closed = 0

    def alive(self) -> bool:
        return self.up

    def detail(self) -> dict[str, Any]:
        return {"broker": f"mqtt://weft:{SECRET}@host"}

    def close(self) -> None:
        self.closed += 1
        self.up = False


class Lines:
    """What subscribing gives, one after the other: lines or errors."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.opened = 0

    def __call__(self, sink: Any) -> Any:
        self.opened += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _kept(clock: Clock, lines: Lines) -> Kept:
    return Kept(connect(clock, policy=POLICY, subscribe=lines), object(), clock, random.Random(1))  # type: ignore[arg-type]


def test_it_is_opened_once_and_left_alone_while_it_lives() -> None:
    clock, lines = Clock(), Lines(Line())
    kept = _kept(clock, lines)
    assert all(kept.tend() for _ in range(5))
    assert lines.opened == 1


def test_a_dead_one_is_closed_and_opened_again_after_a_while() -> None:
    clock, first, second = Clock(), Line(), Line()
    lines = Lines(first, second)
    kept = _kept(clock, lines)
    kept.tend()
    first.up = False
    assert not kept.tend()
    clock.now += 4
    assert kept.tend()
    assert (first.closed, lines.opened) == (1, 2)


def test_it_waits_longer_after_each_failure_and_as_told() -> None:
    clock, lines = Clock(), Lines(Transient("down"), Transient("down", retry_after=50), Line())
    kept = _kept(clock, lines)
    assert not kept.tend()
    clock.now += 4
    assert not kept.tend()
    clock.now += 49
    assert not kept.tend()
    assert lines.opened == 2
    clock.now += 1
    assert kept.tend()


def test_what_a_person_must_mend_is_tried_seldom_and_shown() -> None:
    clock, lines = Clock(), Lines(AuthProblem("expired"), Line())
    kept = _kept(clock, lines)
    kept.tend()
    assert kept.detail() == {"alive": False, "reason": "expired"}
    clock.now += 59
    assert not kept.tend()
    clock.now += 1
    assert kept.tend()


def test_its_detail_tells_no_secret() -> None:
    kept = _kept(Clock(), Lines(Line()))
    kept.tend()
    assert SECRET not in repr(kept.detail())
    assert kept.detail()["alive"] is True


def test_closed_it_stays_closed() -> None:
    line = Line()
    kept = _kept(Clock(), Lines(line))
    kept.tend()
    kept.close()
    assert not kept.tend()
    assert line.closed == 1
