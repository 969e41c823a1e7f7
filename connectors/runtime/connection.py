"""The runtime of one connection: the only way the hub calls a connector."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from connectors.contract import (
    Answer,
    Answers,
    Ask,
    Batch,
    Command,
    Connector,
    Cursor,
    Delivery,
    Event,
    Health,
    Merged,
    Merges,
    Operation,
    Outcome,
    Part,
    Policy,
    Probes,
    Question,
    Reads,
    ReadsParts,
    Receipt,
    Receives,
    Settings,
    Sink,
    Stream,
    Subscribes,
    Subscription,
    Writes,
)
from connectors.errors import (
    Ambiguous,
    AuthProblem,
    BadRecord,
    ConnectorBug,
    ConnectorError,
    TooLarge,
    Transient,
)
from connectors.runtime import given
from connectors.runtime.fates import ConfirmFate, Done, MustConfirm, NeedsPerson, NotDone, Refused, RetryAt, WriteFate
from connectors.runtime.guard import Guard, bug, clean
from connectors.runtime.pace import backoff_s
from connectors.runtime.reading import Reading
from connectors.runtime.state import Condition, Listener, Silence, result_of
from connectors.scrub import Scrubber
from connectors.settings import secret_values

T = TypeVar("T")


class Connection:
    """One configured system. All methods are safe from any thread.

    What leaves here, results and errors, is one of the contract's types with every literal secret of `config` masked.
    Whatever else a connector raises becomes `ConnectorBug`. `clock`: monotonic seconds. `policy`: instead of the
    connector's own defaults. `pause`: instead of waiting.
    """

    def __init__(
        self,
        id: str,
        connector: Connector,
        config: Settings,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        listener: Listener | None = None,
        dice: random.Random | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        policy = policy or connector.policy
        self.id = id
        self.connector = connector
        self.policy = replace(policy, timeout_s=max(policy.timeout_s, getattr(config, "timeout_s", 0)))
        self._clock = clock
        self._dice = dice or random.Random()
        self._guard = Guard(id, connector.name, self.policy, _scrubber(config), clock, listener or Silence(), pause)

    @classmethod
    def make(
        cls, id: str, kind: type[Connector], config: Settings, policy: Policy | None = None, **rest: Any
    ) -> Connection:
        """With a new connector of this kind; `rest` as in the constructor.

        :raises ConfigProblem: the connector can't be made with these settings. :raises ConnectorBug: for other reasons.
        """
        made: Any = kind
        try:
            connector = made(config)
        except ConnectorError as error:
            told = clean(_scrubber(config), error)
        except Exception as error:  # noqa: BLE001 - whatever else comes out of a connector is a bug, to be named as one
            told = bug(_scrubber(config), f"{kind.__name__}(config)", error)
        else:
            return cls(id, connector, config, policy, **rest)
        raise told

    def __repr__(self) -> str:
        return f"Connection({self.id!r}, {self.connector.name!r})"

    @property
    def condition(self) -> Condition:
        """How it is doing right now."""
        return self._guard.condition()

    def masked(self, value: Any) -> Any:
        """A text or JSON-like value with this connection's secrets masked."""
        return self._guard.scrub.value(value)

    def end_waiting(self) -> None:
        """No pause between tries lasts any longer, no question waits; a call that is under way comes to its end."""
        self._guard.close()

    def close(self) -> None:
        """End waiting runs and questions, then the connector."""
        self.end_waiting()
        self._guard.quietly("close", self.connector.close)

    # -- itself -------------------------------------------------------------------------------------------------------

    def check(self) -> Health:
        """Log in for real, now: neither circuit nor rate holds it back, and a yes closes the circuit.

        A typed failure is the answer `ok=False`, not an error. At most `policy.timeout_s`.

        :raises ConnectorBug: the connector broke the contract.
        """
        check = self._guard.in_time(lambda: given.one(Health, self.connector.check()), self.policy.timeout_s)
        try:
            health = self._guard.attempt("check", check, patience_s=0, gated=False)
        except ConnectorBug:
            raise
        except ConnectorError as error:
            return Health(ok=False, message=f"{error} ({error.hint})" if error.hint else str(error))
        if health.ok:
            self._guard.breaker.reset()
        return health.model_copy(update={"message": self.masked(health.message)})

    def streams(self) -> Sequence[Stream]:
        return self._guard.quietly("streams", cast(Reads, self.connector).streams)

    def questions(self) -> Sequence[Question]:
        return self._guard.quietly("questions", cast(Answers, self.connector).questions)

    def operations(self) -> Sequence[Operation]:
        return self._guard.quietly("operations", cast(Writes, self.connector).operations)

    # -- coming in ----------------------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> list[Event]:
        """Verify and split one delivery. Says nothing about the system's health: anyone may send us anything.

        :raises AuthProblem: it does not prove where it comes from.
        :raises BadRecord: it can't be understood (`TooLarge`: it is over the bound).
        :raises ConnectorBug: anything else.
        """
        size, bound = len(delivery.body), self.policy.max_delivery_bytes
        if size > bound:
            raise TooLarge(f"{size} bytes; this connection takes {bound} at most")
        receives, began = cast(Receives, self.connector), self._clock()
        events, told = self._guard.tried("receive", lambda: given.events(receives.receive(delivery)))
        if isinstance(told, ConnectorError) and not isinstance(told, (AuthProblem, BadRecord, ConnectorBug)):
            told = self._guard.bug("receive", told)
        self._guard.watch.count("receive", result_of(told), self._clock() - began)
        if told is not None:
            raise told
        return events or []

    def subscribe(self, sink: Sink) -> Subscription:
        """Open a subscription; when it is no longer `alive()`, open a new one (see `connectors.runtime.Kept`)."""
        subscribes = cast(Subscribes, self.connector)
        return self._guard.attempt("subscribe", lambda: subscribes.subscribe(sink), patience_s=60)

    def read(self, stream: Stream, cursor: Cursor, part: Part | None = None) -> Iterator[Batch]:
        """The batches of a stream, or of a part of it, from a cursor on, pulled one by one. After a passing failure it
        waits and goes on from the last cursor given out, so a batch without a cursor may come twice.

        :raises Transient: it kept failing (`CircuitOpen`: it is left alone for now). Every batch given out is good.
        :raises ConfigProblem: a person must act. :raises ConnectorBug: the connector broke the contract.
        """
        guard, patience_s = self._guard, self.policy.backoff_max_s
        connector = self.connector
        run = Reading(
            stream,
            cursor,
            open_=cast(Reads, connector).read
            if part is None
            else lambda stream, cursor: cast(ReadsParts, connector).read_part(stream, part, cursor),
            guarded=lambda pull: guard.attempt("read", lambda: given.maybe(Batch, pull()), patience_s=patience_s),
            policy=self.policy,
            pause=guard.pause,
            dice=self._dice,
        )
        try:
            while (batch := run.pull()) is not None:
                bad = [cast(BadRecord, clean(guard.scrub, record)) for record in batch.bad]
                yield replace(batch, bad=bad) if bad else batch
        finally:
            run.close()

    # -- context ------------------------------------------------------------------------------------------------------

    def lookup(self, ask: Ask) -> Answer | None:
        """The answer, or None when the system knows nothing of it; never later than the ask's deadline.

        :raises DeadlineExceeded: the system did not answer in time.
        :raises Transient: it can't now (`CircuitOpen`, `Busy`: it was not even asked).
        :raises ConfigProblem: a person must act. :raises BadRecord: the question is no good. :raises ConnectorBug: so.
        """
        answers, until = cast(Answers, self.connector), self._clock() + ask.deadline_s

        def work() -> Answer | None:
            return given.maybe(
                Answer, answers.lookup(replace(ask, deadline_s=_left(until - self._clock(), ask.deadline_s)))
            )

        return self._guard.attempt("lookup", self._guard.in_time(work, ask.deadline_s), patience_s=ask.deadline_s)

    def probe(self, key: Mapping[str, Any], deadline_s: float) -> Mapping[str, str]:
        """What is possible for this object now: operation → "" or why not. Raises as `lookup`. Empty: it can't say."""
        if not isinstance(self.connector, Probes):
            return {}
        probes = self.connector
        work = self._guard.in_time(lambda: dict(probes.probe(key)), deadline_s)
        told = self._guard.attempt("probe", work, patience_s=deadline_s)
        return {name: str(self.masked(reason)) for name, reason in told.items()}

    # -- going out ----------------------------------------------------------------------------------------------------

    def write(self, command: Command, attempt: int = 1) -> WriteFate:
        """One try, never more: repeating it is the outbox's business. `attempt` counts the tries so far, this one
        included, and only makes the waits longer."""
        writes = cast(Writes, self.connector)
        try:
            receipt = self._guard.attempt("write", lambda: given.receipt(writes.write(command), command), patience_s=0)
        except Transient as error:
            return RetryAt(self._wait_s(error, attempt), str(error))
        except Ambiguous as error:
            return MustConfirm(backoff_s(self.policy, attempt, self._dice), str(error))
        except BadRecord as error:
            return Refused(Receipt(command.id, Outcome.rejected, reason=str(error)))
        except ConnectorError as error:
            return _for_a_person(error)
        return self._fate(receipt)

    @property
    def room(self) -> int | None:
        """How many calls its window allows right now; None: it has none (`Policy.window_calls`)."""
        return self._guard.room

    def merge(self, commands: Sequence[Command]) -> Merged | None:
        """One command for several that wait (see `Merges`); None: this connector merges nothing.

        :raises ConnectorBug: it covers none of them, or another.
        """
        if not isinstance(self.connector, Merges):
            return None
        merges = self.connector
        return self._guard.quietly("merge", lambda: given.merged(merges.merge(commands), commands))

    def confirm(self, command: Command, attempt: int = 1, age_s: float = math.inf) -> ConfirmFate:
        """Ask once whether a command took effect. `age_s`: seconds since it was asked for; where the system swallows
        repeats for longer (`Operation.repeats_within_s`), the answer is to write it again."""
        if any(o.name == command.op and o.repeats_within_s > age_s for o in self.operations()):
            return NotDone()
        writes = cast(Writes, self.connector)
        try:
            receipt = self._guard.attempt(
                "confirm", lambda: given.receipt_or_none(writes.confirm(command), command), patience_s=0
            )
        except (Transient, Ambiguous) as error:
            return MustConfirm(self._wait_s(error, attempt), str(error))
        except (AuthProblem, ConnectorBug) as error:
            return replace(_for_a_person(error), in_doubt=True)
        except ConnectorError as error:
            return NeedsPerson("unconfirmable", str(error), error.hint, in_doubt=True)
        return NotDone() if receipt is None else self._fate(receipt)

    def _fate(self, receipt: Receipt) -> Done | Refused:
        receipt = replace(receipt, reason=self.masked(receipt.reason))
        return Refused(receipt) if receipt.outcome is Outcome.rejected else Done(receipt)

    def _wait_s(self, error: Transient | Ambiguous, attempt: int) -> float:
        told = error.retry_after if isinstance(error, Transient) else None
        return backoff_s(self.policy, attempt, self._dice) if told is None else told


def _scrubber(config: Settings) -> Scrubber:
    return Scrubber(secret_values(config), [str(getattr(config, "username", ""))])


def _left(seconds: float, at_most: float) -> float:
    """Never zero or less, which some clients take for "for ever"."""
    return max(0.001, min(seconds, at_most))


def _for_a_person(error: ConnectorError) -> NeedsPerson:
    if isinstance(error, ConnectorBug):
        return NeedsPerson("bug", str(error), error.hint, in_doubt=True)
    return NeedsPerson("auth" if isinstance(error, AuthProblem) else "config", str(error), error.hint)
