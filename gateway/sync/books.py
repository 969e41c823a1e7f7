"""Where a run writes down that it still holds what it reads, how far it came, and what it counted: for a stream as a
whole, or for one of its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from gateway import clock, leases
from gateway.sync import rounds, state
from gateway.sync.state import Counts


class Book(Protocol):
    """All within the run's own transactions."""

    def hold(self, conn: Connection, *, beat: bool = False) -> bool:
        """Still ours? If so nobody else takes it until the transaction ends. `beat`: a transaction for this alone."""

    def count(self, conn: Connection, counts: Counts) -> None: ...

    def reached(self, conn: Connection, cursor: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class StreamBook:
    """Of a run that reads a stream as a whole, and has it for itself."""

    run: int
    connection: str
    stream: str
    owner: str

    def hold(self, conn: Connection, *, beat: bool = False) -> bool:
        return leases.renew(
            conn, state.lease_name(self.connection, self.stream), self.owner, clock.shared(conn), state.LEASE
        )

    def count(self, conn: Connection, counts: Counts) -> None:
        state.save_counts(conn, self.run, counts)

    def reached(self, conn: Connection, cursor: Any) -> None:
        state.save_cursor(conn, self.connection, self.stream, cursor)


@dataclass(frozen=True, slots=True)
class PartBook:
    """Of a run that reads a part: the part is its own, the stream is its round's. What earlier tries counted is `before`."""

    of: rounds.Round
    part: str
    owner: str
    before: Counts = field(default_factory=Counts)

    def hold(self, conn: Connection, *, beat: bool = False) -> bool:
        """The stream's lease is only looked at, so that those who read other parts do not wait for this commit."""
        now = clock.shared(conn)
        if beat and not leases.renew(conn, self.of.lease, self.of.owner, now, rounds.LEASE):
            return False
        if not beat and not leases.shared(conn, self.of.lease, self.of.owner):
            return False
        return leases.renew(conn, self.of.lease_of(self.part), self.owner, now, state.LEASE)

    def count(self, conn: Connection, counts: Counts) -> None:
        rounds.save_part(conn, self.of, self.part, counts=self.before + counts)

    def reached(self, conn: Connection, cursor: Any) -> None:
        rounds.save_part(conn, self.of, self.part, cursor=cursor)
