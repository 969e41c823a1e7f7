"""The faults that only this vendor has: whatever they are, nothing is lost when read, and a write has one effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.conformance.case import Cases, case
from connectors.conformance.cases.reads import ROWS, Store, is_true
from connectors.conformance.cases.writes import DONE, bring_about
from connectors.conformance.world import OwnFault
from connectors.contract import Command, Outcome
from connectors.errors import Transient

TRIES = 3


class OwnFaultCases(Cases):
    @case(needs="reads", member="own_faults")
    def test_the_systems_own_faults_lose_nothing_that_is_read(self, world: Any) -> None:
        for other, fault in self._faults(world, str):
            stream = next(s for s in other.connector().streams() if s.name == fault.of)
            other.seed(stream.name, ROWS)
            connector, store, due = other.connector(), Store(stream), [fault.arrange]
            for _ in range(TRIES):
                try:
                    if not fault.after:
                        _once(due)
                    for count, batch in enumerate(connector.read(stream, store.cursor), 1):
                        store.take(batch)
                        if count == fault.after:
                            _once(due)
                    break
                except Transient:
                    store = store if stream.mode == "incremental" else Store(stream)
            assert not due, f"{fault.name}: the run ended before it could happen"
            if stream.mode == "incremental":
                store.read(connector)  # what changed behind the first run's back
            is_true(other, store, fault.name)

    @case(needs="writes", member="own_faults")
    def test_the_systems_own_faults_leave_one_effect_of_a_write(self, world: Any) -> None:
        for other, fault in self._faults(world, Command):
            command: Any = fault.of
            name, same = f"{command.op}, {fault.name}", _always(other.connector())
            same().check()  # has whatever session or token it may need
            fault.arrange()
            receipt = bring_about(same, command)
            if fault.refused:
                assert receipt.outcome is Outcome.rejected, f"{name}: nobody hears of it"
                assert receipt.reason, f"{name}: refused without a reason"
                receipt = bring_about(same, command)
            assert receipt.outcome in DONE, f"{name}: {receipt.reason}"
            found = other.effects(command)
            assert found == 1, f"{name}: {found} effects"

    def _faults(self, world: Any, of: type) -> Iterator[tuple[Any, OwnFault]]:
        """Each fault of a stream or of a command, in a new world."""
        places = [place for place, fault in enumerate(world.own_faults()) if isinstance(fault.of, of)]
        if not places:
            pytest.skip("this system has none of this kind")
        for place in places:
            with self.fresh() as other:
                yield other, other.own_faults()[place]


def _always(connector: Any) -> Callable[[], Any]:
    return lambda: connector


def _once(due: list[Any]) -> None:
    while due:
        due.pop()()
