"""How fast, and how long between tries."""

import random

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Policy
from connectors.runtime.pace import Bucket, Window, backoff_s
from tests.unit.connectors.fakes import Clock


def test_a_rested_bucket_gives_a_seconds_worth_at_once_and_then_says_when() -> None:
    clock = Clock()
    bucket = Bucket(10, clock)
    assert [bucket.take() for _ in range(10)] == [0.0] * 10
    assert bucket.take() == 0.1
    clock.now += 0.1
    assert bucket.take() == 0


def test_less_than_one_a_second_is_kept_too() -> None:
    clock = Clock()
    bucket = Bucket(0.5, clock)
    assert bucket.take() == 0
    assert bucket.take() == 2


@given(st.floats(0.1, 200), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_never_more_than_the_rate_and_one_burst(rate: float, steps: list[float]) -> None:
    clock = Clock()
    bucket, began, taken = Bucket(rate, clock), clock.now, 0
    for step in steps:
        clock.now += step
        while bucket.take() == 0:
            taken += 1
    burst = max(1, round(rate))
    assert taken <= burst + (clock.now - began) * rate * 1.01 + 1


@given(st.integers(1, 10_000), st.integers())
def test_waits_grow_but_never_over_the_bound_and_never_to_nothing(attempt: int, seed: int) -> None:
    policy = Policy(backoff_s=1, backoff_max_s=300)
    wait = backoff_s(policy, attempt, random.Random(seed))
    whole = min(300, 2.0 ** min(attempt - 1, 60))
    assert whole / 2 <= wait <= whole


def test_a_window_gives_its_calls_at_once_and_then_says_when_the_eldest_leaves_it() -> None:
    clock = Clock()
    window = Window(3, 60, clock)
    assert [window.take() for _ in range(3)] == [0.0] * 3
    clock.now += 10
    assert (window.room, window.take()) == (0, 50.0)
    clock.now += 50
    assert (window.room, window.take()) == (3, 0.0)


@given(st.integers(1, 20), st.lists(st.floats(0, 30), min_size=1, max_size=80))
def test_in_no_stretch_of_a_windows_length_are_there_more_calls_than_it_allows(calls: int, steps: list[float]) -> None:
    clock = Clock()
    window, taken = Window(calls, 60, clock), []
    for step in steps:
        clock.now += step
        while window.take() == 0:
            taken.append(clock.now)
    for n, began in enumerate(taken):
        assert sum(1 for at in taken[n:] if at < began + 60) <= calls
