"""A hub with an ERP, a CRM and a MES of plain lists, and what it holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from gateway.config import documents
from gateway.config.hub import Live
from gateway.sync import tables
from gateway.sync.values import loaded
from gateway.usecases import dead, syncing
from tests.integration.gateway.books.connector import Shelves
from tests.integration.gateway.in_process import House

COUNTS = ("read", "added", "changed", "unchanged", "deleted", "skipped", "bad", "absent")


@dataclass
class Keep:
    """The house and its shelves."""

    house: House
    world: dict[str, Shelves]

    @property
    def erp(self) -> Shelves:
        return self.world["erp"]

    @property
    def crm(self) -> Shelves:
        return self.world["crm"]

    @property
    def mes(self) -> Shelves:
        return self.world["mes"]

    def live(self, connection: str = "erp") -> Live:
        return self.house.gateway.hub.connection(connection)

    def apply(self, config: Mapping[str, Any]) -> None:
        self.house.gateway.apply(documents.validate(dict(config)))

    def run(self, stream: str, connection: str = "erp", **more: Any) -> dict[str, Any]:
        """One run with whatever came of it."""
        return syncing.run(self.house.gateway, self.live(connection), stream, **more)

    def sync(self, stream: str, connection: str = "erp", **more: Any) -> dict[str, int]:
        """One run that must go well; its counts. The audit must be clean."""
        told = self.run(stream, connection, **more)
        assert told["error"] == ""
        self.house.ends()
        return {name: told[name] for name in COUNTS}

    def push(self, stream: str, record: Mapping[str, Any], op: str = "upsert", connection: str = "erp") -> None:
        number = len(self.house.sent)
        body = orjson.dumps([{"id": f"push-{number}", "stream": stream, "record": record, "op": op}])
        self.house.deliver(body, connection=connection)

    def rows(self, stream: str, connection: str = "erp") -> dict[str, Any]:
        r, s = tables.replica.c, tables.replica_stream.c
        query = select(tables.replica).join_from(tables.replica, tables.replica_stream, s.id == r.stream)
        mine = (s.connection_id == connection, s.stream == stream, r.deleted_at.is_(None))
        with self.house.gateway.reading() as conn:
            return {row.key: row for row in conn.execute(query.where(*mine))}

    def held(self, stream: str, connection: str = "erp") -> dict[str, dict[str, Any]]:
        """The live canonical records, by key."""
        target = self.live(connection).mappings[stream].target
        return {key: loaded(target, row._mapping["values"]) for key, row in self.rows(stream, connection).items()}

    def letters(self) -> list[dead.DeadLetter]:
        with self.house.gateway.reading() as conn:
            return dead.listed(conn, limit=500)
