"""The contract of a connector: the only module a connector package must import.

A connector is a class with `name`, `Config`, `policy`, `check()` and `close()`, and any of five capabilities, each
being the mere presence of its methods: it *reads* (`streams`, `read`), *receives* (`receive`), *subscribes*
(`subscribe`), *answers* context questions (`questions`, `lookup`) and *writes* (`operations`, `write`, `confirm`).

It speaks the vendor's language only. It never sleeps, retries, stores state or logs a secret: the runtime
(`connectors.runtime`) does the first three, and nobody does the last. Quantities are `Decimal`, times are aware.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue

from connectors.errors import BadRecord

CONTRACT = 1

Record: TypeAlias = Mapping[str, Any]
"""JSON-like: str, int, Decimal, bool, None, aware datetime, and lists and mappings of these. Never a float."""
Cursor: TypeAlias = JsonValue
"""Opaque to everyone but its connector; survives a JSON round trip. None: from the beginning."""
DELETED = "_deleted"
"""A tombstone is a record of a stream's key fields and `{DELETED: True}`."""


class Settings(BaseModel):
    """Base of every `Config`. Its JSON Schema is the form an integrator fills in; a `SecretStr` is a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# -- what a connector says about itself and its system ------------------------------------------------------------


class MissingRight(BaseModel):
    """One right the account lacks: what for, and where to grant it."""

    model_config = ConfigDict(frozen=True)
    right: str
    needed_for: str
    grant_at: str


class Health(BaseModel):
    """The answer of `check()`: a real login happened (or why not), nothing was changed."""

    model_config = ConfigDict(frozen=True)
    ok: bool
    message: str = ""
    remote_version: str = ""
    missing_rights: tuple[MissingRight, ...] = ()


class Stream(BaseModel):
    """One kind of record that can be read. `key` names the fields that identify a record; `schema_` is JSON Schema."""

    model_config = ConfigDict(frozen=True)
    name: str
    key: tuple[str, ...]
    schema_: dict[str, Any]
    mode: Literal["incremental", "snapshot"] = "incremental"
    deletes: Literal["never", "tombstone", "absence"] = "never"
    lookback: timedelta = timedelta(0)
    """How far behind its cursor a read starts again, for rows committed late."""
    every: timedelta = timedelta(minutes=5)
    """How often it is worth reading, where a connection's settings say nothing else (alerts: `poll_every_s`)."""


class Part(BaseModel):
    """A part of a stream, by what a field of its records holds: `among` these values; `others`: none of them, or null; or
    `low <= field < high`, or, of times, `since <= field < until`; where there is no lower bound null lies in it, too. The
    parts of one division are disjoint, and together the stream. `name` is unique among them and stays the same from run
    to run."""

    model_config = ConfigDict(frozen=True)
    name: str
    field: str
    among: tuple[str | int, ...] = ()
    others: bool = False
    low: str | int | None = None
    high: str | int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def lower(self) -> str | int | datetime | None:
        return self.low if self.since is None else self.since

    @property
    def upper(self) -> str | int | datetime | None:
        return self.high if self.until is None else self.until


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds that the runtime enforces per connection; a connector only states its defaults."""

    timeout_s: float = 30
    attempts: int = 5
    backoff_s: float = 1
    backoff_max_s: float = 300
    rate_per_s: float = 10
    window_calls: int = 0
    """At most so many calls within any `window_s` seconds, for systems that count exactly; 0: `rate_per_s` says it all."""
    window_s: float = 60
    heartbeat_s: float = 0
    """How often the hub calls `check()` by itself, to find what is wrong before it matters; 0: only when asked."""
    breaker_failures: int = 5
    breaker_open_s: float = 60
    batch_rows: int = 2000
    max_delivery_bytes: int = 1 << 20


# -- coming in ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a stream. `cursor`: safe to resume from once this batch and all before it are committed; None:
    not resumable yet. `bad`: records of this page that could not be used."""

    records: Sequence[Record]
    cursor: Cursor = None
    bad: Sequence[BadRecord] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a webhook or a subscription handed us, as it came. Header names are lower case. `received_at` is the hub's
    clock, so that `receive` stays pure. `path_token` is the last part of /v1/inbound/{connection}/{path_token}.
    `verified`: the hub checked the signature when it came and read it from its own store; do not check it again."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    topic: str = ""
    path_token: str = ""
    received_at: datetime | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a delivery tells. `id` is the sender's own id of this *message*, else a digest of its content: the
    inbox takes repeats by it. `key` names the object in the sender's system."""

    id: str
    stream: str
    record: Record
    key: str = ""
    op: Literal["upsert", "delete"] = "upsert"
    bad: BadRecord | None = None
    """It cannot be used; the others of its delivery can. It alone goes to the dead letters."""
    part: int | None = None
    """Of a delivery that packs several messages: which of them told it, from 0 on."""


class Sink(Protocol):
    """Where a subscription hands its deliveries. `offer` never blocks for long and may be called from any thread;
    `acknowledge` is called by the runtime, from any thread, once the delivery is committed. False: the inbox is full,
    hand it over again later (do not acknowledge)."""

    def offer(self, delivery: Delivery, acknowledge: Callable[[], None]) -> bool: ...


class Subscription(Protocol):
    """A running subscription. `alive()` is False when it can't recover by itself; the runtime then opens a new one."""

    def alive(self) -> bool: ...
    def detail(self) -> Mapping[str, Any]: ...
    def close(self) -> None: ...


# -- context ------------------------------------------------------------------------------------------------------


class Question(BaseModel):
    """A question this connector can answer for a ticket's snapshot. `needs` names the inputs (`device`, `customer`, a
    label …) as the caller must give them; `title` is shown to people."""

    model_config = ConfigDict(frozen=True)
    name: str
    needs: tuple[str, ...]
    title: str
    title_zh: str
    record: str = ""
    """The shape of the answer, for the schema lineage: a canonical record's name or the connector's own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question with its inputs, asked by `deadline_s` seconds from now at the latest."""

    question: str
    inputs: Mapping[str, Any]
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, as of when, and where a person can look at it in the source. `key` names the source's object."""

    values: Record
    as_of: datetime
    link: str = ""
    key: str = ""


# -- going out ------------------------------------------------------------------------------------------------------


class Operation(BaseModel):
    """One remote effect this connector offers, e.g. `close_problem`. `body_schema` is the JSON Schema of the body."""

    model_config = ConfigDict(frozen=True)
    name: str
    title: str
    title_zh: str
    body_schema: dict[str, Any] = {}
    can_confirm: bool = True
    repeats_within_s: float = 0
    """For so many seconds after a command was asked for, the system itself swallows its repeat: when in doubt the hub
    writes again instead of confirming."""


@dataclass(frozen=True, slots=True)
class Command:
    """One remote effect to bring about. `id` is unique for ever; `key` names the remote object; `body` the values."""

    id: str
    op: str
    key: Mapping[str, Any]
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def idempotency_key(self) -> str:
        """32 hex digits, the same at every try of this command."""
        return hashlib.sha256(orjson.dumps([self.op, self.id])).hexdigest()[:32]


class Outcome(enum.StrEnum):
    """`applied` now, `duplicate` (it was so before: also success), `rejected` (the system refuses, for good)."""

    applied = "applied"
    duplicate = "duplicate"
    rejected = "rejected"


@dataclass(frozen=True, slots=True)
class Echo:
    """A message the remote system will send back because of our own write; `key` equals `Event.key`, and every item
    of `match` equals the record's field of that (dotted) path."""

    stream: str
    key: str
    match: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a command. `echoes`: what the system is expected to send back because of it."""

    command_id: str
    outcome: Outcome
    external_id: str = ""
    reason: str = ""
    echoes: tuple[Echo, ...] = ()
    values: Record = field(default_factory=dict)


# -- the protocols ----------------------------------------------------------------------------------------------------


@runtime_checkable
class Connector(Protocol):
    """What every connector has. `namespace` names the remote system in lineage (`prometheus://host:9090`)."""

    name: ClassVar[str]
    title: ClassVar[str]
    title_zh: ClassVar[str]
    Config: ClassVar[type[Settings]]
    policy: ClassVar[Policy]

    @property
    def namespace(self) -> str: ...
    def check(self) -> Health: ...
    def close(self) -> None: ...


@runtime_checkable
class Reads(Protocol):
    def streams(self) -> Sequence[Stream]: ...
    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]: ...


@runtime_checkable
class ReadsParts(Protocol):
    """Optional beside Reads: `read_part` gives what `read` would give, of this part only, so that several may read one
    stream at once. Its cursors are the part's own; one of `read` is good for every part, as all before it was given.
    Raises ConfigProblem where the stream has no such field."""

    def read_part(self, stream: Stream, part: Part, cursor: Cursor) -> Iterator[Batch]: ...


@runtime_checkable
class Receives(Protocol):
    def receive(self, delivery: Delivery) -> Sequence[Event]: ...


@runtime_checkable
class Subscribes(Protocol):
    def subscribe(self, sink: Sink) -> Subscription: ...


@runtime_checkable
class Answers(Protocol):
    def questions(self) -> Sequence[Question]: ...
    def lookup(self, ask: Ask) -> Answer | None: ...


@runtime_checkable
class Writes(Protocol):
    def operations(self) -> Sequence[Operation]: ...
    def write(self, command: Command) -> Receipt: ...
    def confirm(self, command: Command) -> Receipt | None: ...


@runtime_checkable
class Probes(Protocol):
    """Optional beside Writes: what is possible for this object right now, asked before a person is offered it. The
    answer maps an operation's name to "" (possible) or the reason why not, in words for a person."""

    def probe(self, key: Mapping[str, Any]) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Merged:
    """One command that stands for several. `covers`: the ids of those it stands for; the others wait for the next."""

    command: Command
    covers: tuple[str, ...]


@runtime_checkable
class Merges(Protocol):
    """Optional beside Writes: commands of one operation and key that wait because the connection's window is full may
    go as one. `merge` is pure; it covers at least one of the given, and the receipt of its command settles all that it
    covers. Merged commands bring no echoes."""

    def merge(self, commands: Sequence[Command]) -> Merged: ...


_CAPABILITIES: Mapping[str, tuple[str, ...]] = {
    "reads": ("streams", "read"),
    "receives": ("receive",),
    "subscribes": ("subscribe",),
    "answers": ("questions", "lookup"),
    "writes": ("operations", "write", "confirm"),
}


def capabilities(connector: object) -> frozenset[str]:
    """The capabilities of a connector (class or instance): those whose methods it has."""
    kind = connector if isinstance(connector, type) else type(connector)
    return frozenset(
        name for name, methods in _CAPABILITIES.items() if all(callable(getattr(kind, m, None)) for m in methods)
    )
