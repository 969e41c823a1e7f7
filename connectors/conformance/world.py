"""A World: one remote system that the exam can fill, change behind the connector's back, and break.

Write one class with `World`'s members and those of each protocol below that your connector's capabilities call for.
Every instance is a new, empty system. Use the real thing, a container or your `sandbox.py`: the exam can't tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from connectors.contract import Answer, Ask, Command, Connector, Delivery, Record

Kind = Literal["transient", "rate", "auth", "cut", "timeout", "ambiguous", "junk"]
ALL_KINDS: frozenset[Kind] = frozenset({"transient", "rate", "auth", "cut", "timeout", "ambiguous", "junk"})


@dataclass(frozen=True, slots=True)
class Break:
    """How the next remote call goes wrong.

    - `transient`: the system says "not now" (503) and does nothing
    - `rate`: it says "too often, come back in `retry_after` seconds" (429) and does nothing
    - `auth`: it refuses the credentials, at this and every later call
    - `cut`: the connection can't be made or breaks before the request got through; nothing happened
    - `timeout`: it stays silent for `seconds`, then the line drops; nothing happened
    - `ambiguous`: it does what was asked, but the answer is lost
    - `junk`: an unreadable answer (a proxy's HTML page with status 200); nothing happened
    """

    kind: Kind
    after: int = 0
    """This many calls still go well before."""
    effect: bool = False
    """Count only calls that change something: a connector may read before it writes."""
    retry_after: float = 7
    seconds: float = 0.1


@dataclass(frozen=True, slots=True)
class OwnFault:
    """A fault that no `Break` tells because only this vendor has it: a session that ends between two pages, a row that
    changes under the reader, an answer in GBK, a success that did nothing."""

    name: str
    arrange: Callable[[], object]
    """Makes it happen from now on, once or for good."""
    of: str | Command
    """The stream that is read, or the command that is written."""
    after: int = 1
    """So many batches of the stream are read before; 0: it is there from the beginning."""
    refused: bool = False
    """Of a command: it ends with a refusal that says why, and is done when a person sends it again."""


@runtime_checkable
class World(Protocol):
    """What every World has. `breaks`: the kinds of failure this system can have (an MQTT broker knows no 429). One may
    also have `own_faults() -> Sequence[OwnFault]`, the same ones in the same order in every new world."""

    connector_type: ClassVar[type[Connector]]
    breaks: ClassVar[frozenset[Kind]]

    def config(self) -> dict[str, Any]:
        """Settings as a person fills them in, with every secret the connector knows set to some literal text of 12
        characters or more, and timeouts between 0.3 and 1 second."""
        ...

    def connector(self, **changes: Any) -> Any:
        """A new connector on this system, built from `config()` with these settings changed."""
        ...

    def break_next(self, how: Break) -> None: ...

    @property
    def calls(self) -> int:
        """Remote calls (requests, packets that ask for something) so far, the broken ones included."""
        ...

    @property
    def changes(self) -> int:
        """How many changes the system has made so far because a connector asked for them."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class ReadingWorld(Protocol):
    """For connectors that read. Pages are small: at most 10 records a remote call. A World may have `one_answer`, a set
    of the names of streams that its system gives in one answer, whatever their length."""

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        """Add n records, older than the stream's lookback by far and spread in time; `same_time`: all with one and the
        same value of what the cursor is made of."""
        ...

    def touch(self, stream: str) -> None:
        """Change one record now; for a stream without updates, add one now."""
        ...

    def late(self, stream: str) -> None:
        """Commit a record whose time lies behind the newest one, within the stream's lookback."""
        ...

    def remove(self, stream: str) -> None:
        """Delete one record (only called when the stream says how deletes show)."""
        ...

    def spoil(self, stream: str) -> None:
        """Make one record unusable, e.g. its quantity "abc" (called only after `seed`)."""
        ...

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        """What a complete read must amount to: the values of the stream's key fields → fields the record must have
        (some of them are enough; at least one beside the key). Without spoilt records."""
        ...


@runtime_checkable
class ReceivingWorld(Protocol):
    """For connectors that receive. A World may have `readable`, a set of the names of `cases.receives.JUNK` that do
    mean something to this system (a bare number is a fine MQTT reading)."""

    def deliveries(self) -> Sequence[Delivery]:
        """At least three different genuine messages, together of every kind the system sends, with `received_at`."""
        ...

    def forged(self) -> Sequence[Delivery]:
        """Genuine messages with a wrong, a missing and any other bad proof of origin. Empty only for a connector that
        merely subscribes, where the broker checks who sends."""
        ...

    def sent(self, body: bytes) -> Delivery:
        """This body as the genuine sender would send it: same headers and topic as usual, rightly signed."""
        ...


@runtime_checkable
class SubscribingWorld(Protocol):
    """For connectors that subscribe. `Break("cut")` drops the running subscription's line at once."""

    def publish(self, n: int) -> Sequence[bytes]:
        """The system sends n new messages to whoever subscribes; returns their bodies as a delivery will hold them."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """A question whose answer the world knows: the answer's values must hold all of these."""

    ask: Ask
    values: Record


@runtime_checkable
class AnsweringWorld(Protocol):
    """For connectors that answer."""

    def asks(self) -> Sequence[Known]:
        """At least one for every question of the connector, with a deadline of some seconds."""
        ...

    def unknown(self) -> Sequence[Ask]:
        """Well-formed questions about things the system has never heard of."""
        ...


@runtime_checkable
class WritingWorld(Protocol):
    """For connectors that write."""

    def commands(self) -> Sequence[Command]:
        """At least one for every operation, each possible now; new ids and new remote objects at every call."""
        ...

    def refusals(self) -> Sequence[Command]:
        """Commands the system refuses for good: unknown object, not allowed in its state."""
        ...

    def effects(self, command: Command) -> int:
        """How many times what this command asks for has been done to its object."""
        ...


@runtime_checkable
class EchoingWorld(Protocol):
    """For connectors that both write and receive."""

    def echoes(self, command: Command) -> Sequence[Delivery]:
        """What the system sends back because this command, already written, took effect. Empty: it sends nothing."""
        ...


@runtime_checkable
class ProbingWorld(Protocol):
    """For connectors that probe."""

    def impossible(self) -> Sequence[Command]:
        """Commands whose object exists but does not allow the operation right now."""
        ...


__all__ = [
    "ALL_KINDS",
    "Answer",
    "AnsweringWorld",
    "Break",
    "EchoingWorld",
    "Kind",
    "Known",
    "OwnFault",
    "ProbingWorld",
    "ReadingWorld",
    "ReceivingWorld",
    "SubscribingWorld",
    "World",
    "WritingWorld",
]
