"""Current stock: one record per article, warehouse and batch, with the limits that the article's master data set.

STK_Inventory has no row number and no time of change, and its rows come and go with every movement, so it is read as a
whole, article by article: a page is cut between two articles, never by position. Rows that differ only in owner, place,
state or auxiliary property are added up. An article that has a limit but nothing in stock has no row at all; it gets
one with quantity 0, or nobody would ever hear that it has run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from connectors.contract import Batch, Record, Stream
from connectors.errors import BadRecord
from connectors.kingdee.config import CAP, KingdeeConfig
from connectors.kingdee.forms import Column, columns
from connectors.kingdee.records import among, quoted, record
from connectors.kingdee.selecting import Selector

FORM = "STK_Inventory"
USABLE, UNDERWAY = "KCZT01_SYS", "KCZT05_SYS"
"""FStockStatusId: 可用, and 在途 (counted there, but not here yet)."""
AMONG = 200
"""Numbers in one `in (...)`."""
_ID = Column("FMaterialId", "int")
ROWS = columns(
    "FMaterialId.FNumber FMaterialId.FName FStockId.FNumber FStockId.FName FLot.FNumber? "
    "FStockStatusId.FNumber? FBaseUnitId.FName FBaseQty:number FExpiryDate:time?"
)
LIMITS = columns(
    "FMATERIALID:int FNumber FName FBaseUnitId.FName FStockId.FNumber? FIsEnableSafeStock:flag "
    "FSafeStock:number FIsEnableMinStock:flag FMinStock:number FIsEnableMaxStock:flag FMaxStock:number "
    "FIsEnableReOrder:flag FReOrderGood:number"
)
_SWITCHED = (
    ("safety_stock", "FIsEnableSafeStock", "FSafeStock"),
    ("low_stock", "FIsEnableMinStock", "FMinStock"),
    ("top_stock", "FIsEnableMaxStock", "FMaxStock"),
    ("reorder_point", "FIsEnableReOrder", "FReOrderGood"),
)
_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": ["string", "null"]}
STREAM = Stream(
    name="stock",
    key=("item", "warehouse", "batch"),
    schema_={
        "type": "object",
        "properties": {
            "item": {"type": "string"},
            "item_name": _TEXT,
            "warehouse": {"type": "string"},
            "warehouse_name": _TEXT,
            "batch": {"type": "string"},
            "unit": _TEXT,
            "expires_at": {"type": ["string", "null"], "format": "date-time"},
            **dict.fromkeys(("quantity", "available", "in_transit", "item_total"), _NUMBER),
            **dict.fromkeys((name for name, _, _ in _SWITCHED), _NUMBER),
        },
    },
    mode="snapshot",
    deletes="absence",
)
Limits = dict[str, Any]


class Stock:
    """What lies where in one organisation."""

    def __init__(self, selector: Selector, config: KingdeeConfig) -> None:
        self._selector = selector
        self._config = config
        self._org = quoted(config.organization)

    def read(self) -> Iterator[Batch]:
        """The whole stock, one batch a page; then what has run out."""
        seen: set[str] = set()
        after: int | None = None
        while True:
            rows, after = self._whole_articles(after)
            records, bad = self._records(rows, until=None)
            seen.update(r["item"] for r in records)
            seen.update(str(b.record.get("FMaterialId.FNumber")) for b in bad if isinstance(b.record, dict))
            if records or bad:
                yield from self._batches(records, bad)
            if after is None:
                break
        yield from self._run_out(seen)

    def of(self, items: Sequence[str], *, until: float | None) -> list[dict[str, Any]]:
        """The records of some articles now; those without stock and without limits have none.

        :raises BadRecord: Kingdee's answer holds a quantity that is none.
        """
        rows = self._all(among("FMaterialId.FNumber", items), until)
        records, bad = self._records(rows, until=until, items=items)
        if bad:
            raise bad[0]
        return records

    # -- pages ----------------------------------------------------------------------------------------------------------

    def _whole_articles(self, after: int | None) -> tuple[list[Any], int | None]:
        """The rows of the next articles, all rows of each, and the last article's id; None: there are no more."""
        size, where = self._config.page_size, f"FMaterialId > {after or 0}"
        rows = self._rows(where, start=0)
        if len(rows) < min(size, CAP):
            return rows, None
        last = _id(rows[-1])
        whole = [row for row in rows if _id(row) != last]
        if whole:
            return whole, _id(whole[-1])
        return self._all(f"FMaterialId = {last}", None), last  # one article fills more than a page

    def _all(self, where: str, until: float | None) -> list[Any]:
        rows: list[Any] = []
        while True:
            page = self._rows(where, start=len(rows), until=until)
            rows += page
            if len(page) < min(self._config.page_size, CAP):
                return rows

    def _rows(self, where: str, *, start: int, until: float | None = None) -> list[Any]:
        return self._selector.rows(
            FORM,
            (_ID, *ROWS),
            lambda absent: f"FStockOrgId.FNumber = {self._org} and {where}",
            order="FMaterialId ASC, FStockId.FNumber ASC, FBaseQty ASC",
            start=start,
            limit=self._config.page_size,
            until=until,
        )

    def _batches(self, records: Sequence[Record], bad: Sequence[BadRecord]) -> Iterator[Batch]:
        size = self._config.page_size
        for begin in range(0, max(len(records), 1), size):
            yield Batch([*map(self._told, records[begin : begin + size])], None, bad if begin == 0 else ())

    def _told(self, record: Record) -> Record:
        """Without the total of all warehouses, where a limit is held against each of them."""
        if self._config.safety_stock_by == "item":
            return record
        return {name: value for name, value in record.items() if name != "item_total"}

    def _run_out(self, seen: set[str]) -> Iterator[Batch]:
        """Articles with a limit and without a row. Asked for their rows once more: they may have come in meanwhile."""
        switched = " or ".join(f"{switch} = '1'" for _, switch, _ in _SWITCHED)
        after = 0
        while True:
            page = self._limits(f"({switched}) and FMATERIALID > {after}", limit=self._config.page_size)
            gone = [limits for limits in page if limits["FNumber"] not in seen]
            for begin in range(0, len(gone), AMONG):
                numbers = [limits["FNumber"] for limits in gone[begin : begin + AMONG]]
                records = self.of(numbers, until=None)
                yield from self._batches(records, ())
            if len(page) < min(self._config.page_size, CAP):
                return
            after = max(limits["FMATERIALID"] for limits in page)

    # -- records --------------------------------------------------------------------------------------------------------

    def _records(
        self, rows: Sequence[Any], *, until: float | None, items: Sequence[str] = ()
    ) -> tuple[list[dict[str, Any]], list[BadRecord]]:
        good: list[dict[str, Any]] = []
        bad: list[BadRecord] = []
        for row in rows:
            try:
                good.append(_of_an_article(record(ROWS, _behind_the_id(row), self._config.zone)))
            except BadRecord as reason:
                bad.append(reason)
        numbers = sorted({r["FMaterialId"]["FNumber"] for r in good} | set(items))
        limits = {each["FNumber"]: each for each in self._limits_of(numbers, until)}
        spoilt = {_named(b).get("FMaterialId.FNumber") for b in bad}
        good = [r for r in good if r["FMaterialId"]["FNumber"] not in spoilt]  # half a sum would be a lie
        made = _added_up(good, limits)
        here = {r["item"] for r in made} | spoilt
        made += [_nothing(limits[n]) for n in items if n in limits and n not in here and _has_limit(limits[n])]
        return made, bad

    def _limits_of(self, numbers: Sequence[str], until: float | None) -> Iterator[Limits]:
        for begin in range(0, len(numbers), AMONG):
            part = numbers[begin : begin + AMONG]
            yield from self._limits(among("FNumber", part), limit=AMONG, until=until)

    def _limits(self, where: str, *, limit: int, until: float | None = None) -> list[Limits]:
        rows = self._selector.rows(
            "BD_MATERIAL",
            LIMITS,
            lambda _: f"FUseOrgId.FNumber = {self._org} and FForbidStatus = 'A' and {where}",
            order="FMATERIALID ASC",
            limit=limit,
            until=until,
        )
        return [record(LIMITS, row, self._config.zone) for row in rows]


def _of_an_article(row: dict[str, Any]) -> dict[str, Any]:
    if not row["FMaterialId"]["FNumber"]:
        raise BadRecord("a row of the stock without an article", record=row)
    return row


def _added_up(rows: Iterable[Record], limits: dict[str, Limits]) -> list[dict[str, Any]]:
    """One record per article, warehouse and batch."""
    made: dict[tuple[str, str, str], dict[str, Any]] = {}
    totals: dict[str, Decimal] = {}
    for row in rows:
        item, quantity = row["FMaterialId"]["FNumber"], row["FBaseQty"] or Decimal(0)
        state = (row.get("FStockStatusId") or {}).get("FNumber")
        warehouse = (row["FStockId"] or {}).get("FNumber") or "-"
        batch = (row.get("FLot") or {}).get("FNumber") or ""
        key = (item, warehouse, batch)
        if key not in made:
            made[key] = {
                "item": item,
                "item_name": row["FMaterialId"]["FName"],
                "warehouse": warehouse,
                "warehouse_name": (row["FStockId"] or {}).get("FName"),
                "batch": batch,
                "unit": row["FBaseUnitId"]["FName"],
                "quantity": Decimal(0),
                "available": Decimal(0),
                "in_transit": Decimal(0),
                "expires_at": None,
            } | _limits_in_force(limits.get(item, {}))
        told = made[key]
        told["in_transit" if state == UNDERWAY else "quantity"] += quantity
        told["available"] += quantity if state in (USABLE, None) else 0
        told["expires_at"] = min(filter(None, (told["expires_at"], row.get("FExpiryDate"))), default=None)
        totals[item] = totals.get(item, Decimal(0)) + (0 if state == UNDERWAY else quantity)
    for told in made.values():
        told["item_total"] = totals[told["item"]]
    return list(made.values())


def _nothing(limits: Limits) -> dict[str, Any]:
    """The record of an article that has run out, in its usual warehouse."""
    zero = dict.fromkeys(("quantity", "available", "in_transit", "item_total"), Decimal(0))
    usual = (limits.get("FStockId") or {}).get("FNumber") or "-"
    return {
        "item": limits["FNumber"],
        "item_name": limits["FName"],
        "warehouse": usual,
        "warehouse_name": None,
        "batch": "",
        "unit": limits["FBaseUnitId"]["FName"],
        "expires_at": None,
        **zero,
        **_limits_in_force(limits),
    }


def _limits_in_force(limits: Limits) -> dict[str, Decimal | None]:
    """A limit counts only while its switch is on."""
    return {name: limits.get(value) if limits.get(switch) else None for name, switch, value in _SWITCHED}


def _has_limit(limits: Limits) -> bool:
    return any(value is not None for value in _limits_in_force(limits).values())


def _id(row: Any) -> int:
    return int(row[0]) if isinstance(row, list) and row and isinstance(row[0], int) else 0


def _behind_the_id(row: Any) -> Any:
    return row[1:] if isinstance(row, list) and len(row) == len(ROWS) + 1 else row


def _named(bad: BadRecord) -> dict[str, Any]:
    return bad.record if isinstance(bad.record, dict) else {}
