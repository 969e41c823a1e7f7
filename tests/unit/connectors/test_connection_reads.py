"""Reading through a connection: retried at this one level, from the last safe cursor, and bounded."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.contract import Batch, Cursor, Policy, Stream
from connectors.errors import AuthProblem, BadRecord, Busy, CircuitOpen, ConnectorBug, Transient
from connectors.runtime import Connection
from tests.unit.connectors.fakes import SECRET, STREAM, Clock, connect

PATIENT = Policy(rate_per_s=1000, breaker_failures=1000, attempts=3, backoff_s=1, backoff_max_s=60)


class Pages:
    """A stream of numbered pages. `fails`: how often reading each page fails before it works."""

    def __init__(self, count: int, fails: dict[int, int] | None = None, *, resumable: bool = True) -> None:
        self.count = count
        self.resumable = resumable
        self.fails = dict(fails or {})
        self.error: Callable[[], Exception] = lambda: Transient("cut")
        self.opened: list[Cursor] = []
        self.closed = 0

    def __call__(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        self.opened.append(cursor)
        try:
            for page in range(0 if cursor is None else int(str(cursor)), self.count):
                if self.fails.get(page, 0):
                    self.fails[page] -= 1
                    raise self.error()
                yield Batch([{"id": page}], cursor=page + 1 if self.resumable else None)
        finally:
            self.closed += 1


def _ids(batches: Iterator[Batch]) -> list[Any]:
    return [record["id"] for batch in batches for record in batch.records]


def _read(pages: Pages, policy: Policy = PATIENT, clock: Clock | None = None) -> Iterator[Batch]:
    return connect(clock, policy=policy, read=pages).read(STREAM, None)


def test_all_pages_come_in_order() -> None:
    assert _ids(_read(Pages(5))) == [0, 1, 2, 3, 4]


def test_after_a_failure_it_goes_on_from_the_last_safe_cursor() -> None:
    pages = Pages(5, {2: 1, 4: 2})
    assert _ids(_read(pages)) == [0, 1, 2, 3, 4]
    assert pages.opened == [None, 2, 4, 4]


def test_what_has_no_cursor_yet_is_read_again() -> None:
    assert _ids(_read(Pages(3, {2: 1}, resumable=False))) == [0, 1, 0, 1, 2]


def test_failures_without_progress_are_bounded_and_what_came_before_is_good() -> None:
    pages = Pages(5, {2: 99})
    batches = _read(pages)
    assert [next(batches).records[0]["id"] for _ in range(2)] == [0, 1]
    with pytest.raises(Transient, match="cut"):
        next(batches)
    assert len(pages.opened) == 3


def test_a_stream_that_never_gets_past_a_page_without_cursors_ends_too() -> None:
    pages = Pages(3, {2: 99}, resumable=False)
    with pytest.raises(Transient):
        _ids(_read(pages))
    assert len(pages.opened) == 3


def test_a_long_stream_may_fail_more_often_than_that_in_all() -> None:
    pages = Pages(12, dict.fromkeys(range(12), 2))
    assert _ids(_read(pages)) == list(range(12))


def test_it_waits_longer_each_time_and_as_long_as_the_system_says() -> None:
    clock, pages = Clock(), Pages(3, {1: 2})
    _ids(_read(pages, clock=clock))
    assert len(clock.pauses) == 2
    assert 0.5 <= clock.pauses[0] <= 1 <= clock.pauses[1] <= 2
    clock, pages = Clock(), Pages(3, {1: 1})
    pages.error = lambda: Transient("slow down", retry_after=33)
    _ids(_read(pages, clock=clock))
    assert clock.pauses == [33]


def test_a_system_that_wants_a_long_rest_ends_the_run() -> None:
    clock, pages = Clock(), Pages(3, {1: 1})
    pages.error = lambda: Transient("come back tomorrow", retry_after=86400)
    with pytest.raises(Transient) as raised:
        _ids(_read(pages, clock=clock))
    assert raised.value.retry_after == 86400
    assert clock.pauses == []


@pytest.mark.parametrize("error", [AuthProblem("no"), KeyError("x")], ids=repr)
def test_nothing_but_a_passing_failure_is_tried_again(error: Exception) -> None:
    pages = Pages(3, {1: 1})
    pages.error = lambda: error
    with pytest.raises((AuthProblem, ConnectorBug)):
        _ids(_read(pages))
    assert pages.opened == [None]


def test_an_open_circuit_is_waited_for() -> None:
    clock, pages = Clock(), Pages(3, {1: 2})
    policy = Policy(rate_per_s=1000, breaker_failures=2, breaker_open_s=20, attempts=9, backoff_s=1, backoff_max_s=60)
    assert _ids(_read(pages, policy, clock)) == [0, 1, 2]
    assert clock.now - 1000 >= 20


def test_a_circuit_open_for_longer_than_the_bound_ends_the_run_with_the_time() -> None:
    pages = Pages(3, {1: 9})
    with pytest.raises(CircuitOpen) as raised:
        _ids(
            _read(pages, Policy(rate_per_s=1000, breaker_failures=2, breaker_open_s=999, backoff_max_s=60, attempts=9))
        )
    assert raised.value.retry_after is not None
    assert 990 < raised.value.retry_after <= 999


def test_pages_are_paced() -> None:
    clock = Clock()
    _ids(_read(Pages(5), Policy(rate_per_s=1), clock))
    assert clock.now - 1000 >= 4


def test_a_reader_that_stops_early_lets_the_connector_clean_up() -> None:
    pages = Pages(5)
    batches = _read(pages)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert pages.closed == 1


def test_bad_records_lose_their_secrets() -> None:
    def read(stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        yield Batch([], cursor=1, bad=[BadRecord(f"no {SECRET}", record={"note": SECRET})])

    (batch,) = connect(read=read).read(STREAM, None)
    assert SECRET not in repr((batch.bad, vars(batch.bad[0])))


def test_something_that_is_no_batch_is_a_bug() -> None:
    with pytest.raises(ConnectorBug, match="instead of Batch"):
        list(connect(read=lambda *_: iter([[1, 2]])).read(STREAM, None))


def test_closing_the_connection_ends_a_run_that_waits() -> None:
    from tests.unit.connectors.fakes import Fake, FakeConfig

    pages = Pages(3, {1: 99})
    connection = Connection("x", Fake(read=pages), FakeConfig(), Policy(rate_per_s=1000, backoff_s=30))
    batches = connection.read(STREAM, None)
    next(batches)
    connection.close()
    with pytest.raises(Busy, match="closed"):
        next(batches)
