"""Writing: one effect a call, the fate of a call told truly, and what comes back because of it foretold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from connectors.conformance.case import Cases, case
from connectors.conformance.values import at_path, body_faults, is_chinese, schema_faults, texts_of
from connectors.conformance.world import Break
from connectors.contract import Command, Echo, Event, Outcome, Receipt
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient

writes = partial(case, needs="writes")
DONE = (Outcome.applied, Outcome.duplicate)


class WriteCases(Cases):
    @writes()
    def test_every_operation_is_described_in_both_languages(self, world: Any) -> None:
        operations = world.connector().operations()
        names = [operation.name for operation in operations]
        assert names, "no operation"
        assert len(names) == len(set(names)), "two operations share a name"
        for operation in operations:
            assert operation.title, f"{operation.name} has no title"
            assert is_chinese(operation.title_zh), f"{operation.name}: title_zh is not Chinese"

    @writes()
    def test_every_operation_has_a_schema_that_its_commands_fit(self, world: Any) -> None:
        operations = {operation.name: operation for operation in world.connector().operations()}
        faults = [fault for operation in operations.values() for fault in schema_faults(operation)]
        faults += [fault for command in world.commands() for fault in body_faults(operations[command.op], command.body)]
        assert not faults, "\n".join(faults)

    @writes()
    def test_a_command_takes_effect_once(self, world: Any) -> None:
        commands = world.commands()
        untried = {operation.name for operation in world.connector().operations()} - {c.op for c in commands}
        assert not untried, f"commands() has none for {sorted(untried)}"
        for command in commands:
            changes = world.changes
            receipt = world.connector().write(command)
            assert isinstance(receipt, Receipt), f"{command.op}: {receipt!r} is no Receipt"
            assert receipt.command_id == command.id, f"{command.op}: the receipt is for another command"
            assert receipt.outcome in DONE, f"{command.op}: {receipt.outcome} {receipt.reason}"
            assert world.effects(command) == 1, f"{command.op}: {world.effects(command)} effects of one write"
            assert world.changes == changes + 1, f"{command.op}: one write made {world.changes - changes} changes"

    @writes()
    def test_nothing_is_confirmed_that_was_not_written(self, world: Any) -> None:
        for command in _confirmable(world):
            assert world.connector().confirm(command) is None, f"{command.op}: confirmed, yet never written"

    @writes()
    def test_a_written_command_is_confirmed_after_a_crash(self, world: Any) -> None:
        for command in _confirmable(world):
            world.connector().write(command)
            receipt = world.connector().confirm(command)
            assert receipt is not None, f"{command.op}: done, yet confirm() says it was not"
            assert receipt.outcome in DONE
            assert receipt.command_id == command.id

    @writes()
    def test_confirming_changes_nothing(self, world: Any) -> None:
        for command in _confirmable(world):
            changes = world.changes
            world.connector().confirm(command)
            assert world.changes == changes, f"{command.op}: confirm() changed the system"

    @writes()
    def test_an_operation_that_cannot_be_confirmed_says_so(self, world: Any) -> None:
        for command in _commands(world, can_confirm=False):
            with pytest.raises(ConfigProblem):
                world.connector().confirm(command)

    @writes()
    def test_a_refusal_is_a_receipt_with_its_reason(self, world: Any) -> None:
        refusals = world.refusals()
        if not refusals:
            pytest.skip("this system refuses nothing")
        for command in refusals:
            changes = world.changes
            receipt = world.connector().write(command)
            assert receipt.outcome is Outcome.rejected, f"{command.op}: the system refused, the receipt says otherwise"
            assert receipt.reason, f"{command.op}: rejected without a reason"
            assert world.changes == changes
            assert world.effects(command) == 0

    @writes()
    def test_a_command_that_fits_no_operation_is_refused_before_anything_happens(self, world: Any) -> None:
        command, changes = world.commands()[0], world.changes
        assert _turned_down(world, replace(command, op="no_such_operation")), "an unknown operation was carried out"
        assert _turned_down(world, replace(command, key={})), f"{command.op} without a key was carried out"
        required = {o.name: o.body_schema.get("required", ()) for o in world.connector().operations()}
        for each in world.commands():
            for name in required[each.op]:
                body = {key: value for key, value in each.body.items() if key != name}
                assert _turned_down(world, replace(each, body=body)), f"{each.op} without {name} was carried out"
        assert world.changes == changes

    @writes(breaks=["transient"])
    def test_a_write_that_surely_did_nothing_is_transient(self, world: Any) -> None:
        _fails(world, Break("transient", effect=True), Transient, effects=0)

    @writes(breaks=["rate"])
    def test_a_write_tells_when_to_come_back(self, world: Any) -> None:
        for error in _fails(world, Break("rate", effect=True, retry_after=11), Transient, effects=0):
            assert getattr(error, "retry_after", None) == 11, "the system's Retry-After is lost"

    @writes(breaks=["timeout"])
    def test_a_write_without_an_answer_is_ambiguous(self, world: Any) -> None:
        _fails(world, Break("timeout", effect=True), Ambiguous, effects=0)

    @writes(breaks=["ambiguous"])
    def test_a_write_whose_answer_is_lost_is_ambiguous(self, world: Any) -> None:
        _fails(world, Break("ambiguous"), Ambiguous, effects=1)

    @writes(breaks=["junk"])
    def test_a_write_with_an_unreadable_answer_is_ambiguous(self, world: Any) -> None:
        _fails(world, Break("junk", effect=True), Ambiguous, effects=0)

    @writes(breaks=["auth"])
    def test_refused_credentials_stop_a_write(self, world: Any) -> None:
        commands = world.commands()
        world.break_next(Break("auth"))
        for command in commands:
            with pytest.raises(AuthProblem):
                world.connector().write(command)
            assert world.effects(command) == 0

    @writes()
    def test_whatever_goes_wrong_the_effect_happens_once(self, world: Any) -> None:
        for kind in sorted(world.breaks - {"auth"}):
            for effect in (True, False):
                for command in _confirmable(world):
                    world.break_next(Break(kind, effect=effect))
                    receipt = bring_about(world.connector, command)
                    assert receipt.outcome in DONE, f"{command.op} after {kind}: {receipt.reason}"
                    found = world.effects(command)
                    assert found == 1, f"{command.op} after {kind}: {found} effects"

    @writes()
    def test_no_receipt_holds_a_secret(self, world: Any) -> None:
        scrubber = self.scrubber(world)
        for command in [*world.commands(), *world.refusals()]:
            receipt = world.connector().write(command)
            texts = texts_of([receipt.reason, receipt.external_id, receipt.values, *(e.match for e in receipt.echoes)])
            assert not any(scrubber.leaks(text) for text in texts)

    @case(needs="writes receives")
    def test_declared_echoes_are_what_comes_back(self, world: Any) -> None:
        for command in world.commands():
            receipt = world.connector().write(command)
            events = [e for delivery in world.echoes(command) for e in world.connector().receive(delivery)]
            for echo in receipt.echoes:
                assert any(_matches(echo, event) for event in events), f"{command.op}: {echo} never comes; {events}"
            foreign = [event for event in events if not any(_matches(echo, event) for echo in receipt.echoes)]
            assert not foreign, f"{command.op}: these come back because of it, undeclared: {foreign}"

    @case(needs="writes receives")
    def test_an_echo_matches_no_foreign_event(self, world: Any) -> None:
        others = [event for d in world.deliveries() for event in world.connector().receive(d)]
        for command in world.commands():
            for echo in world.connector().write(command).echoes:
                caught = [event for event in others if _matches(echo, event)]
                assert not caught, f"{command.op}: {echo} would swallow {caught}"

    @case(needs="writes probes")
    def test_what_is_possible_is_offered(self, world: Any) -> None:
        for command in world.commands():
            changes = world.changes
            told = world.connector().probe(command.key)
            assert set(told) <= {operation.name for operation in world.connector().operations()}
            assert told.get(command.op) == "", f"{command.op} is possible, probe() says {told.get(command.op)!r}"
            assert world.changes == changes, "probe() changed the system"
            assert world.connector().write(command).outcome in DONE

    @case(needs="writes probes")
    def test_what_is_impossible_is_not_offered_and_says_why(self, world: Any) -> None:
        assert world.impossible(), "impossible() gives nothing"
        for command in world.impossible():
            reason = world.connector().probe(command.key).get(command.op)
            assert reason, f"{command.op} is impossible for {command.key}, probe() offers it"

    @writes("gold")
    def test_every_operation_can_be_confirmed(self, world: Any) -> None:
        blind = [o.name for o in world.connector().operations() if not (o.can_confirm or o.repeats_within_s)]
        assert not blind, f"after a lost answer a person must look: {blind}"


def _commands(world: Any, *, can_confirm: bool) -> list[Command]:
    ability = {operation.name: operation.can_confirm for operation in world.connector().operations()}
    return [command for command in world.commands() if ability[command.op] is can_confirm]


def _confirmable(world: Any) -> list[Command]:
    return _commands(world, can_confirm=True)


def _fails(world: Any, how: Break, kind: type[ConnectorError], *, effects: int) -> list[ConnectorError]:
    """Every operation, broken once in this way, must raise this and have had so many effects."""
    errors = []
    for command in world.commands():
        connector = world.connector()
        world.break_next(how)
        with pytest.raises(kind) as raised:
            connector.write(command)
        found = world.effects(command)
        assert found == effects, f"{command.op}: {found} effects"
        errors.append(raised.value)
    return errors


def bring_about(connector: Callable[[], Any], command: Command) -> Receipt:
    """What the runtime does: try, confirm when in doubt, try again; each time with the connector it is given."""
    in_doubt = False
    for _ in range(4):
        try:
            if in_doubt and (receipt := connector().confirm(command)) is not None:
                return receipt  # type: ignore[no-any-return]
            in_doubt = False
            return connector().write(command)  # type: ignore[no-any-return]
        except Ambiguous:
            in_doubt = True
        except Transient:
            continue
    raise AssertionError(f"{command.op}: still failing after one single failure of the system")


def _turned_down(world: Any, command: Command) -> bool:
    try:
        receipt = world.connector().write(command)
    except (BadRecord, ConfigProblem):
        return True
    return bool(receipt.outcome is Outcome.rejected and receipt.reason)


def _matches(echo: Echo, event: Event) -> bool:
    """The hub's own rule (see `Echo`)."""
    return (
        echo.stream == event.stream
        and echo.key == event.key
        and all(at_path(event.record, path) == value for path, value in echo.match.items())
    )
