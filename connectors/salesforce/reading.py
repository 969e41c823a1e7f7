"""Reading a stream in the order of (SystemModstamp, Id), the deleted included.

Every page is a query of its own that goes on behind the last record, so neither a session that ends nor a record that
changes meanwhile tears a gap: a changed record only moves to the end. Salesforce sets SystemModstamp when a transaction
writes and shows it when it commits, so each run starts `lookback` before its cursor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import Batch, Cursor, Record
from connectors.errors import BadRecord, ConfigProblem, Transient
from connectors.salesforce import soql
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.objects import Object, Reader, moment


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The last record read: its SystemModstamp and Id. An empty Id: everything of that time is still to be read."""

    at: datetime
    id: str

    @classmethod
    def load(cls, cursor: Cursor) -> Position | None:
        if cursor is None:
            return None
        try:
            if not isinstance(cursor, dict):
                raise TypeError("no object")
            at = moment(cursor["at"])
            if at is None:
                raise TypeError("no time")
            return cls(at, str(cursor["id"]))
        except (BadRecord, KeyError, TypeError) as error:
            raise ConfigProblem(
                f"The cursor is none of this connector: {error}.", hint="Start the sync anew."
            ) from error

    def dump(self) -> Cursor:
        return {"at": soql.moment(self.at), "id": self.id}

    @property
    def condition(self) -> str:
        """What lies behind it; the first part alone narrows the search, as SystemModstamp has an index."""
        at = soql.moment(self.at)
        return f"SystemModstamp >= {at}" + (f" AND (SystemModstamp > {at} OR Id > '{self.id}')" if self.id else "")


def read(
    client: SalesforceClient, config: SalesforceConfig, of: Object, cursor: Cursor, lookback: timedelta
) -> Iterator[Batch]:
    """The batches from a cursor on; each batch's cursor is safe to resume from."""
    position = Position.load(cursor)
    if position is not None and lookback:
        position = Position(position.at - lookback, "")
    closed = _closed_statuses(client) if of.with_history else frozenset()
    while True:
        where = (position.condition,) if position else ()
        asked = soql.select(of.selected, of.name, *where, order="SystemModstamp, Id", limit=config.page_size)
        page = client.query(asked, deleted=True, sparing=True)
        if not page.records:
            return
        last = _position(page.records[-1])
        if position is not None and last <= position:
            raise Transient(f"Salesforce gives {of.name} {last.id} again, which lies before what was asked for.")
        position = last
        records, bad = _sorted_out(Reader(of, config, client.base, closed), page.records)
        yield Batch(records, position.dump(), bad)
        if page.done and len(page.records) < config.page_size:
            return


def _position(row: dict[str, Any]) -> Position:
    try:
        at = moment(row.get("SystemModstamp"))
    except BadRecord as error:
        raise Transient(f"SystemModstamp of {row.get('Id')}: {error}") from error
    if at is None or not isinstance(row.get("Id"), str):
        raise Transient("Salesforce's answer holds a record without Id or SystemModstamp.")
    return Position(at, row["Id"])


def _sorted_out(reader: Reader, rows: list[dict[str, Any]]) -> tuple[list[Record], list[BadRecord]]:
    good: list[Record] = []
    bad: list[BadRecord] = []
    for row in rows:
        try:
            good.append(reader.record(row))
        except BadRecord as error:
            bad.append(error)
    return good, bad


def _closed_statuses(client: SalesforceClient) -> frozenset[str]:
    """Names of the statuses that mean closed, as the history of a case writes them."""
    found = client.query(soql.select(["MasterLabel", "ApiName"], "CaseStatus", "IsClosed = true")).records
    return frozenset(str(row[name]) for row in found for name in ("MasterLabel", "ApiName") if row.get(name))
