"""What U8 knows about a customer's buying: how often, and what last."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connectors.contract import Record
from connectors.u8.lookups import Asker, quantity

DAYS = 365
EVER = date(1990, 1, 1)
ROWS = 1000
SHOWN = 5


def purchase_frequency(asker: Asker, code: str) -> Record | None:
    """Orders of the last 365 days, of at most the last 1,000 order lines. `mean_days_between`: null for fewer than two."""
    known = _customer(asker, code)
    if known is None:
        return None
    since = asker.today - timedelta(DAYS)
    rows = asker.rows(_LINES, code, since, top=ROWS)
    days = sorted({(day, row["code"]) for row in rows if (day := asker.day(row["ordered"])) is not None})
    between = round(Decimal((days[-1][0] - days[0][0]).days) / (len(days) - 1), 1) if len(days) > 1 else None
    return {
        **known,
        "orders_12_months": len(days),
        "orders_per_month": round(Decimal(len(days)) / 12, 2),
        "mean_days_between": between,
        "days_since_last": (asker.today - days[-1][0]).days if days else None,
        "amount_12_months": sum((quantity(row["amount"]) for row in rows), Decimal(0)),
        "items": _most_bought(rows),
    }


def _most_bought(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    bought: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        bought[str(row["item"])].append(row)
    most = sorted(bought.items(), key=lambda each: (-len(each[1]), each[0]))[:SHOWN]
    return [
        {
            "item": item,
            "name": lines[0]["name"],
            "lines": len(lines),
            "quantity": sum((quantity(line["quantity"]) for line in lines), Decimal(0)),
        }
        for item, lines in most
    ]


def last_orders(asker: Asker, code: str) -> Record | None:
    """The latest five orders with their lines, newest first."""
    known = _customer(asker, code)
    if known is None:
        return None
    orders: dict[str, dict[str, Any]] = {}
    for row in asker.rows(_LINES, code, EVER, top=ROWS):
        if row["code"] not in orders and len(orders) == SHOWN:
            break
        order = orders.setdefault(
            row["code"],
            {"order": row["code"], "ordered_at": asker.moment(row["ordered"]), "amount": Decimal(0), "lines": []},
        )
        order["amount"] += quantity(row["amount"])
        order["lines"].append(_line(asker, row))
    for order in orders.values():
        order["delivered"] = all(line["delivered"] >= line["quantity"] for line in order["lines"])
    return {**known, "orders": list(orders.values())}


def _line(asker: Asker, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "item": row["item"],
        "name": row["name"],
        "quantity": quantity(row["quantity"]),
        "delivered": quantity(row["delivered"]),
        "due_at": asker.moment(row["due"]),
    }


def _customer(asker: Asker, code: str) -> dict[str, Any] | None:
    asker.need("Customer", "SO_SOMain", "SO_SODetails")
    found = asker.rows("SELECT c.cCusCode AS customer, c.cCusName AS name FROM Customer c WHERE c.cCusCode = ?", code)
    return found[0] if found else None


_LINES = (
    "SELECT h.cSOCode AS code, h.dDate AS ordered, d.cInvCode AS item, i.cInvName AS name, d.iQuantity AS quantity,"
    " d.iFHQuantity AS delivered, d.iSum AS amount, d.dPreDate AS due"
    " FROM SO_SODetails d JOIN SO_SOMain h ON h.ID = d.ID LEFT JOIN Inventory i ON i.cInvCode = d.cInvCode"
    " WHERE h.cCusCode = ? AND h.dDate >= ? ORDER BY h.dDate DESC, h.ID DESC, d.AutoID"
)
