"""One question's way to the database, and what the questions about items share."""

from __future__ import annotations

import time
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connectors.errors import Transient
from connectors.u8.client import Database
from connectors.u8.config import U8Config
from connectors.u8.rows import moment, number


class Asker:
    """One question's way to the database: every query gets what is left of the deadline."""

    def __init__(self, database: Database, config: U8Config, until: float, today: date) -> None:
        self.database = database
        self.config = config
        self.today = today
        self._until = until

    def rows(self, sql: str, *parameters: Any, top: int = 0) -> list[dict[str, Any]]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Transient("The deadline passed before U8 could be asked.")
        return self.database.rows(self.database.dialect.top(sql, top) if top else sql, parameters, left)

    def day(self, value: Any) -> date | None:
        return None if value is None else moment(value, self.config.zone).date()

    def moment(self, value: Any) -> datetime | None:
        return None if value is None else moment(value, self.config.zone)

    def need(self, *tables: str) -> None:
        """:raises MissingObject: this U8 lacks one of them."""
        schema = self.database.schema
        schema.need([table for table in tables if not schema.has(table)], "this question")


def item(asker: Asker, code: str) -> dict[str, Any] | None:
    """What the item is, None if U8 does not know it."""
    found = asker.rows(_ITEM, code)
    return found[0] if found else None


def named(row: dict[str, Any]) -> dict[str, Any]:
    """How an answer begins."""
    return {"item": row["code"], "name": row["name"], "specification": row["specification"], "unit": row["unit"]}


def quantity(value: Any) -> Decimal:
    """A quantity of the database, none as zero."""
    return Decimal(0) if value is None else number(value)


_ITEM = (
    "SELECT i.cInvCode AS code, i.cInvName AS name, i.cInvStd AS specification, u.cComUnitName AS unit,"
    " i.iSafeNum AS safety, i.iLowSum AS lowest, i.iTopSum AS highest, i.cVenCode AS supplier"
    " FROM Inventory i LEFT JOIN ComputationUnit u ON u.cComunitCode = i.cComUnitCode WHERE i.cInvCode = ?"
)
