"""What is on order for an article, who delivers it, and how punctually."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

from connectors.kingdee.config import CAP, KingdeeConfig
from connectors.kingdee.forms import Column, columns
from connectors.kingdee.records import quoted

SUPPLIERS = 5
"""Suppliers told of: those ordered from last."""
DELIVERIES = 20
"""Latest deliveries of a supplier, of whatever article, that its on-time rate is of."""
BACK = timedelta(days=730)

_OPEN = columns(
    "FPOOrderEntry_FEntryId:int FBillNo FDate:time FSupplierId.FNumber FSupplierId.FName FUnitId.FName "
    "FQty:number FReceiveQty:number FStockInQty:number FTaxPrice:number? FDeliveryDate:time FDocumentStatus "
    "FMRPCloseStatus? FMRPTerminateStatus? FCancelStatus?"
)
_ORDERED = columns("FSupplierId.FNumber FSupplierId.FName FDate:time FTaxPrice:number? FDocumentStatus")
_ARRIVED = columns("FDetailEntity_FEntryID:int FDate:time FPreDeliveryDate:time")
_STOCKED = columns("FInStockEntry_FEntryID:int FDate:time FPOORDERENTRYID:int")
_PROMISED = columns("FPOOrderEntry_FEntryId:int FDeliveryDate:time")


class Rows(Protocol):
    def __call__(
        self, form: str, shape: Sequence[Column], where: str, *, limit: int, order: str = ""
    ) -> list[dict[str, Any]]: ...


class Purchasing:
    """Answers about one article's purchases in one organisation, as of `now`."""

    def __init__(self, rows: Rows, config: KingdeeConfig, now: datetime) -> None:
        self._rows = rows
        self._config = config
        self._now = now
        self._org = quoted(config.organization)

    def open_orders(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Order lines that are not closed and of which something has yet to arrive."""
        where = f"FPurchaseOrgId.FNumber = {self._org} and FMaterialId.FNumber = {quoted(item['FNumber'])}"
        where += " and FCloseStatus = 'A' and FDocumentStatus <> 'Z'"
        found = self._rows("PUR_PurchaseOrder", _OPEN, where, limit=CAP // 10, order="FDeliveryDate ASC")
        lines = [line for each in found if (line := self._open(each)) is not None]
        return {
            "lines": len(lines),
            "quantity": sum((line["open"] for line in lines), Decimal(0)),
            "next_due": min((line["due_at"] for line in lines if line["due_at"]), default=None),
            "late_lines": sum(line["late"] for line in lines),
            "orders": lines,
        }

    def _open(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        ended = line["FMRPCloseStatus"] == "B" or line["FMRPTerminateStatus"] == "B" or line["FCancelStatus"] == "B"
        ordered, arrived = line["FQty"] or Decimal(0), line["FReceiveQty"] or Decimal(0)
        arrived = max(arrived, line["FStockInQty"] or Decimal(0))  # some sites skip the receiving note
        if ended or ordered <= arrived:
            return None
        due = line["FDeliveryDate"]
        return {
            "order": line["FBillNo"],
            "line": str(line["FPOOrderEntry_FEntryId"]),
            "supplier": line["FSupplierId"]["FNumber"],
            "supplier_name": line["FSupplierId"]["FName"],
            "quantity": ordered,
            "received": arrived,
            "open": ordered - arrived,
            "unit": line["FUnitId"]["FName"],
            "price": line["FTaxPrice"],
            "ordered_at": line["FDate"],
            "due_at": due,
            "late": due is not None and self._day(due) < self._day(self._now),
            "audited": line["FDocumentStatus"] == "C",
        }

    def suppliers(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Who was ordered from in the last two years, the usual supplier first."""
        begin = quoted((self._now - BACK).astimezone(self._config.zone).strftime("%Y-%m-%d 00:00:00"))
        where = f"FPurchaseOrgId.FNumber = {self._org} and FMaterialId.FNumber = {quoted(item['FNumber'])}"
        where += f" and FDate >= {begin} and FDocumentStatus = 'C'"
        lines = self._rows("PUR_PurchaseOrder", _ORDERED, where, limit=CAP // 10, order="FDate DESC")
        usual = item["FDefaultVendor"]["FNumber"]
        found: dict[str, dict[str, Any]] = {}
        for line in lines:
            number = line["FSupplierId"]["FNumber"]
            if number and number not in found:  # the newest line comes first
                latest = {"last_ordered_at": line["FDate"], "last_price": line["FTaxPrice"]}
                found[number] = {"supplier": number, "name": line["FSupplierId"]["FName"], "usual": False, **latest}
        if usual:
            nothing = {"supplier": usual, "name": None, "last_ordered_at": None, "last_price": None}
            found = {
                usual: found.get(usual, nothing) | {"usual": True},
                **{n: f for n, f in found.items() if n != usual},
            }
        told = list(found.values())[:SUPPLIERS]
        return {"suppliers": [supplier | self._punctuality(supplier["supplier"]) for supplier in told]}

    def _punctuality(self, supplier: str) -> dict[str, Any]:
        """How many of the latest deliveries came on the day promised or before."""
        who = f"FSupplierId.FNumber = {quoted(supplier)} and FDocumentStatus = 'C'"
        arrived = self._rows(
            "PUR_ReceiveBill",
            _ARRIVED,
            f"FPurOrgId.FNumber = {self._org} and {who}",
            limit=DELIVERIES,
            order="FDate DESC, FDetailEntity_FEntryID DESC",
        )
        dates = [(a["FDate"], a["FPreDeliveryDate"]) for a in arrived] or self._from_receipts(who)
        judged = [(came, due) for came, due in dates if came is not None and due is not None]
        on_time = sum(self._day(came) <= self._day(due) for came, due in judged)
        rate = Decimal(on_time) / len(judged) if judged else None
        exact = None if rate is None else rate.quantize(Decimal("0.0001"), ROUND_HALF_UP)
        return {"deliveries": len(judged), "on_time": on_time, "on_time_rate": exact}

    def _from_receipts(self, who: str) -> list[tuple[datetime | None, datetime | None]]:
        """The same of a site without receiving notes: when it was put into stock, against the order line's date."""
        stocked = self._rows(
            "STK_InStock",
            _STOCKED,
            f"FPurchaseOrgId.FNumber = {self._org} and {who}",
            limit=DELIVERIES,
            order="FDate DESC, FInStockEntry_FEntryID DESC",
        )
        entries = sorted({str(s["FPOORDERENTRYID"]) for s in stocked if s["FPOORDERENTRYID"]})
        if not entries:
            return []
        lines = self._rows(
            "PUR_PurchaseOrder", _PROMISED, f"FPOOrderEntry_FEntryId in ({','.join(entries)})", limit=len(entries)
        )
        promised = {line["FPOOrderEntry_FEntryId"]: line["FDeliveryDate"] for line in lines}
        return [(s["FDate"], promised.get(s["FPOORDERENTRYID"])) for s in stocked]

    def _day(self, at: datetime) -> Any:
        return at.astimezone(self._config.zone).date()
