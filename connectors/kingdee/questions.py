"""What Kingdee can tell for a ticket: about an article (stock, bill of material, orders, suppliers) and a customer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from connectors.contract import Answer, Ask, Question
from connectors.errors import BadRecord
from connectors.kingdee.config import CAP, KingdeeConfig
from connectors.kingdee.forms import Column, columns
from connectors.kingdee.purchasing import Purchasing
from connectors.kingdee.records import LOCAL, quoted, record
from connectors.kingdee.selecting import Selector
from connectors.kingdee.stock import Stock

LATEST = 10
"""Orders that `last_orders` shows."""
YEAR = timedelta(days=365)


def _question(name: str, needs: str, title: str, title_zh: str) -> Question:
    return Question(name=name, needs=(needs,), title=title, title_zh=title_zh, record=f"kingdee.{name}")


QUESTIONS = (
    _question("stock", "item", "Stock of the article, with its limits", "物料库存（含安全库存）"),
    _question("bom", "item", "Bill of material: what it is made of and goes into", "物料清单（BOM）"),
    _question("open_purchase_orders", "item", "Open purchase orders of the article", "未完成的采购订单"),
    _question("suppliers", "item", "Suppliers of the article, with their on-time rate", "供应商及准时交货率"),
    _question("last_orders", "customer", "The customer's latest orders", "客户最近订单"),
    _question("purchase_frequency", "customer", "How often the customer buys", "客户采购频率"),
)
_FORM_OF = {
    "stock": "STK_Inventory",
    "bom": "ENG_BOM",
    "open_purchase_orders": "PUR_PurchaseOrder",
    "suppliers": "PUR_ReceiveBill",
    "last_orders": "SAL_SaleOrder",
    "purchase_frequency": "SAL_SaleOrder",
}


_ITEM = columns("FNumber FName FSpecification FBaseUnitId.FName FDefaultVendor.FNumber?")
_CUSTOMER = columns("FNumber FName")
_PART = columns(
    "FTreeEntity_FENTRYID:int FNumber FMATERIALID.FNumber FMATERIALID.FName FMATERIALIDCHILD.FNumber "
    "FMATERIALIDCHILD.FName FCHILDUNITID.FName FNUMERATOR:number FDENOMINATOR:number FSCRAPRATE:number? FPOSITIONNO?"
)
_SALE = columns(
    "FSaleOrderEntry_FEntryID:int FBillNo FDate:time FDocumentStatus FCloseStatus FMaterialId.FNumber FMaterialId.FName "
    "FUnitId.FName FQty:number FStockOutQty:number? FAllAmount:number? FDeliveryDate:time FSettleCurrId.FNumber?"
)
_BOUGHT = columns("FSaleOrderEntry_FEntryID:int FBillNo FDate:time FAllAmount:number?")


class Asker:
    """Answers one question within its deadline; every call to Kingdee gets what is left of it."""

    def __init__(self, selector: Selector, config: KingdeeConfig, ask: Ask, clock: Callable[[], datetime]) -> None:
        self._selector = selector
        self._config = config
        self._ask = ask
        self._now = clock()
        self._until = time.monotonic() + ask.deadline_s
        self._org = quoted(config.organization)

    def answer(self) -> Answer | None:
        """The answer, None when Kingdee knows no such article or customer in this organisation.

        :raises BadRecord: no such question, or its input is missing, or a number of the answer can't be read.
        """
        asked: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "stock": self._stock,
            "bom": self._bom,
            "open_purchase_orders": lambda item: self._purchasing().open_orders(item),
            "suppliers": lambda item: self._purchasing().suppliers(item),
            "last_orders": self._last_orders,
            "purchase_frequency": self._purchase_frequency,
        }
        name = self._ask.question
        if name not in asked:
            raise BadRecord(f"No question {name!r}; there are {', '.join(asked)}.")
        needs = next(q.needs[0] for q in QUESTIONS if q.name == name)
        given = self._ask.inputs.get(needs)
        if given is None or not str(given).strip():
            raise BadRecord(f"{name} needs the input `{needs}`: its number in Kingdee.")
        form, shape = ("BD_MATERIAL", _ITEM) if needs == "item" else ("BD_Customer", _CUSTOMER)
        found = self.rows(form, shape, f"FUseOrgId.FNumber = {self._org} and FNumber = {quoted(str(given))}", limit=1)
        if not found:
            return None
        values = {needs: found[0]["FNumber"], "name": found[0]["FName"]}
        if needs == "item":
            values |= {"specification": found[0]["FSpecification"], "unit": found[0]["FBaseUnitId"]["FName"]}
        values |= asked[name](found[0])
        key = f"{_FORM_OF[name]}:{found[0]['FNumber']}"
        return Answer(values, self._now, link=f"{self._config.url}html5/index.aspx", key=key)

    def rows(
        self, form: str, shape: Sequence[Column], where: str, *, limit: int, order: str = ""
    ) -> list[dict[str, Any]]:
        """Records of a query."""
        found = self._selector.rows(form, shape, lambda _: where, order=order, limit=limit, until=self._until)
        return [record(shape, row, self._config.zone) for row in found]

    def _purchasing(self) -> Purchasing:
        return Purchasing(self.rows, self._config, self._now)

    # -- about an article ---------------------------------------------------------------------------------------------

    def _stock(self, item: Mapping[str, Any]) -> dict[str, Any]:
        lots = Stock(self._selector, self._config).of([item["FNumber"]], until=self._until)
        first = lots[0] if lots else {}
        total = first.get("item_total", Decimal(0))
        floor = first.get("safety_stock") or first.get("low_stock") or Decimal(0)
        return {
            "quantity": total,
            "available": sum((lot["available"] for lot in lots), Decimal(0)),
            "in_transit": sum((lot["in_transit"] for lot in lots), Decimal(0)),
            "safety_stock": first.get("safety_stock"),
            "lowest_stock": first.get("low_stock"),
            "highest_stock": first.get("top_stock"),
            "reorder_point": first.get("reorder_point"),
            "below_safety": total < floor,
            "short_by": max(floor - total, Decimal(0)),
            "warehouses": [
                {n: lot[n] for n in ("warehouse", "warehouse_name", "batch", "quantity", "available", "expires_at")}
                for lot in lots
            ],
        }

    def _bom(self, item: Mapping[str, Any]) -> dict[str, Any]:
        number = quoted(item["FNumber"])
        today = quoted(self._now.astimezone(self._config.zone).strftime(LOCAL))
        valid = f"FUseOrgId.FNumber = {self._org} and FDocumentStatus = 'C' and FForbidStatus = 'A'"
        valid += f" and (FEXPIREDATE is null or FEXPIREDATE >= {today})"
        order = "FNumber ASC, FTreeEntity_FENTRYID ASC"
        parts = self.rows("ENG_BOM", _PART, f"{valid} and FMATERIALID.FNumber = {number}", limit=CAP, order=order)
        uses = self.rows("ENG_BOM", _PART, f"{valid} and FMATERIALIDCHILD.FNumber = {number}", limit=CAP, order=order)
        return {
            "components": [
                {
                    "bom": part["FNumber"],
                    "component": part["FMATERIALIDCHILD"]["FNumber"],
                    "name": part["FMATERIALIDCHILD"]["FName"],
                    "quantity": quantity_per(part),
                    "unit": part["FCHILDUNITID"]["FName"],
                    "scrap": part["FSCRAPRATE"],
                    "position": part["FPOSITIONNO"],
                }
                for part in parts
            ],
            "used_in": [
                {
                    "product": use["FMATERIALID"]["FNumber"],
                    "name": use["FMATERIALID"]["FName"],
                    "quantity": quantity_per(use),
                    "unit": use["FCHILDUNITID"]["FName"],
                }
                for use in uses
            ],
        }

    # -- about a customer ---------------------------------------------------------------------------------------------

    def _last_orders(self, customer: Mapping[str, Any]) -> dict[str, Any]:
        where = f"FSaleOrgId.FNumber = {self._org} and FCustId.FNumber = {quoted(customer['FNumber'])}"
        lines = self.rows("SAL_SaleOrder", _SALE, where, limit=CAP // 10, order="FDate DESC, FID DESC")
        orders: dict[str, list[dict[str, Any]]] = {}
        for line in lines:
            orders.setdefault(line["FBillNo"], []).append(line)
        return {"orders": [_order(number, orders[number]) for number in list(orders)[:LATEST]]}

    def _purchase_frequency(self, customer: Mapping[str, Any]) -> dict[str, Any]:
        """Counts the audited orders of the last 365 days."""
        begin = (self._now - YEAR).astimezone(self._config.zone).strftime("%Y-%m-%d 00:00:00")
        where = f"FSaleOrgId.FNumber = {self._org} and FCustId.FNumber = {quoted(customer['FNumber'])}"
        where += f" and FDocumentStatus = 'C' and FDate >= {quoted(begin)}"
        days: dict[str, datetime] = {}
        amount, after, size = Decimal(0), 0, self._config.page_size
        while True:
            above = f"{where} and FSaleOrderEntry_FEntryID > {after}"
            page = self.rows("SAL_SaleOrder", _BOUGHT, above, limit=size, order="FSaleOrderEntry_FEntryID ASC")
            for line in page:
                days[line["FBillNo"]] = line["FDate"]
                amount += line["FAllAmount"] or 0
            if len(page) < min(size, CAP):
                break
            after = page[-1]["FSaleOrderEntry_FEntryID"]
        dates = sorted(day for day in days.values() if day is not None)
        gaps = [(b - a).days for a, b in pairwise(dates)]
        return {
            "orders_12_months": len(days),
            "orders_per_month": rounded(Decimal(len(days)) / 12),
            "amount_12_months": amount,
            "mean_days_between": rounded(Decimal(sum(gaps)) / len(gaps)) if gaps else None,
            "first_order_at": dates[0] if dates else None,
            "last_order_at": dates[-1] if dates else None,
            "days_since_last": (self._now - dates[-1]).days if dates else None,
        }


def _order(number: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "order": number,
        "ordered_at": lines[0]["FDate"],
        "status": lines[0]["FDocumentStatus"],
        "closed": lines[0]["FCloseStatus"] == "B",
        "amount": sum((line["FAllAmount"] or Decimal(0) for line in lines), Decimal(0)),
        "currency": lines[0]["FSettleCurrId"]["FNumber"],
        "lines": [
            {
                "item": line["FMaterialId"]["FNumber"],
                "name": line["FMaterialId"]["FName"],
                "quantity": line["FQty"],
                "delivered": line["FStockOutQty"],
                "unit": line["FUnitId"]["FName"],
                "due_at": line["FDeliveryDate"],
            }
            for line in lines
        ],
    }


def quantity_per(part: Mapping[str, Any]) -> Decimal | None:
    """How much of the component goes into one of the parent."""
    above, below = part["FNUMERATOR"], part["FDENOMINATOR"]
    return None if above is None or not below else Decimal(above / below).normalize() + 0


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)
