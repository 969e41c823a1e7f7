"""What a ticket is about, and what each system calls it: the names `local.*` of questions and bridges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
from gateway.config.hub import Hub, codes_of
from gateway.sync.subjects import KINDS, named_by
from gateway.sync.tables import replica, replica_stream
from id_registry import Key, Xref

LOCAL = ("device", "customer", "item", "supplier")
_FOLLOWS = (
    ("customer", "device", "Device", "customer"),
    ("item", "device", "Device", "spare"),
    ("supplier", "item", "Article", "supplier"),
)
"""A thing the ticket does not name follows from another, by a field of that one's records: the customer whose device it
is, the article that wears out first in it, the supplier of the article."""
_R, _S = replica.c, replica_stream.c


@dataclass
class Things:
    """The things of one ticket, looked up when they are first asked for. `source`: the connection it came from."""

    conn: Connection
    hub: Hub
    ticket: core_tickets.Ticket
    source: str
    kind: str
    record: Mapping[str, Any]

    def local(self, system: str) -> dict[str, str | None]:
        """This system's own ids of the ticket's things; null: it does not know them."""
        return {name: self._local(name, system) for name in LOCAL}

    def unknown(self, name: str, system: str) -> str:
        """Why `local.<name>` is null there, in words; empty when the ticket has no such thing."""
        told = self._own.get(name)
        if name not in self._gids and told is None:
            return ""
        if told is None:
            return f"{name} {id_registry.format_id(self._gids[name])} is not known in {system}"
        return f"{name} {told} of {self.source} is not known in {system}"

    def _local(self, name: str, system: str) -> str | None:
        own, codes = self._own.get(name), codes_of(self.hub, system, name)
        if own is not None and codes == codes_of(self.hub, self.source, name):
            return own
        there = [x for x in self._names(name) if x.system == codes]
        return max(there, key=lambda x: (x.last_seen, x.local)).local if there else None

    @cached_property
    def _own(self) -> dict[str, str]:
        return named_by(self.kind, self.record)

    @cached_property
    def _crosswalks(self) -> dict[str, list[Xref]]:
        return {}

    def _names(self, name: str) -> list[Xref]:
        if name not in self._gids:
            return []
        if name not in self._crosswalks:
            self._crosswalks[name] = id_registry.crosswalk(self.conn, self._gids[name])
        return self._crosswalks[name]

    @cached_property
    def _gids(self) -> dict[str, int]:
        """What the ticket holds, else what its record names, else what follows from these."""
        keys = {name: self._key(name, self.source, local) for name, local in self._own.items()}
        known = id_registry.lookup(self.conn, keys.values()) if keys else {}
        gids = {name: known[key] for name, key in keys.items() if key in known}
        for name in ("device", "customer"):
            held = getattr(self.ticket, name)
            if held is not None:
                gids[name] = held
        for name, by, record, field in _FOLLOWS:
            if name not in gids and name not in self._own and by in gids:
                found = self._following(name, gids[by], record, field)
                if found is not None:
                    gids[name] = found
        return gids

    def _key(self, name: str, connection: str, local: str) -> Key:
        return Key(KINDS[name], codes_of(self.hub, connection, name), local)

    def _following(self, name: str, gid: int, record: str, field: str) -> int | None:
        births = [x.birth for x in id_registry.crosswalk(self.conn, gid)]
        held = (
            select(_S.connection_id, _R["values"])
            .join_from(replica, replica_stream, _S.id == _R.stream)
            .where(_R.gid.in_(births), _S.record == record, _R.deleted_at.is_(None))
            .order_by(_R.read_at.desc())
        )
        keys = [
            self._key(name, connection, str(local))
            for connection, text in self.conn.execute(held)
            if (local := orjson.loads(text).get(field))
        ]
        known = id_registry.lookup(self.conn, keys) if keys else {}
        return next((known[key] for key in keys if key in known), None)
