"""What U8 knows about buying an item: what is on order, and who delivers it how reliably."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.contract import Record
from connectors.u8.lookups import Asker, item, named, quantity

SHOWN = 20
ROWS = 500
"""How many order or arrival lines are looked at, newest first."""


def open_purchase_orders(asker: Asker, code: str) -> Record | None:
    """What has been ordered and not yet put away, soonest first. `late`: promised for before today."""
    known = item(asker, code)
    if known is None:
        return None
    asker.need("PO_Pomain", "PO_Podetails")
    orders = [_open_line(asker, row) for row in asker.rows(_OPEN, code, top=ROWS)]
    return {
        **named(known),
        "lines": len(orders),
        "quantity": sum((order["open"] for order in orders), Decimal(0)),
        "next_due": next((order["due_at"] for order in orders if order["due_at"] is not None), None),
        "late_lines": sum(order["late"] for order in orders),
        "orders": orders[:SHOWN],
    }


def _open_line(asker: Asker, row: dict[str, Any]) -> dict[str, Any]:
    ordered, received, due = quantity(row["quantity"]), quantity(row["received"]), asker.day(row["due"])
    return {
        "order": row["code"],
        "line": None if row["line"] is None else int(row["line"]),
        "supplier": row["supplier"],
        "supplier_name": row["name"],
        "ordered_at": asker.moment(row["ordered"]),
        "due_at": asker.moment(row["due"]),
        "quantity": ordered,
        "received": received,
        "open": ordered - received,
        "late": due is not None and due < asker.today,
        "audited": row["state"] is not None and int(row["state"]) >= 1,
    }


def suppliers(asker: Asker, code: str) -> Record | None:
    """Who has delivered the item, most reliable first, judged by the last 500 arrival lines: an arrival is in time on
    the day promised in its order, or before. Rates are null where there is nothing to judge by."""
    known = item(asker, code)
    if known is None:
        return None
    asker.need("PO_Pomain", "PO_Podetails", "PU_ArrivalVouch", "PU_ArrivalVouchs", "Vendor")
    by_supplier: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in asker.rows(_ARRIVED, code, top=ROWS):
        by_supplier[str(row["supplier"])].append(row)
    found = [_judged(asker, supplier, rows) for supplier, rows in by_supplier.items()]
    found.sort(key=lambda each: (-(each["on_time_rate"] or Decimal(-1)), -each["deliveries"], each["supplier"]))
    return {**named(known), "usual_supplier": known["supplier"] or None, "suppliers": found[:SHOWN]}


def _judged(asker: Asker, supplier: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """`rows`: the supplier's arrival lines, newest first."""
    days = [(asker.day(r["ordered"]), asker.day(r["due"]), asker.day(r["arrived"])) for r in rows]
    promised = [(due, came) for _, due, came in days if due is not None and came is not None]
    in_time = sum(came <= due for due, came in promised)
    waits = [(came - ordered).days for ordered, _, came in days if ordered is not None and came is not None]
    delivered = sum((quantity(r["quantity"]) for r in rows), Decimal(0))
    refused = sum((quantity(r["refused"]) for r in rows), Decimal(0))
    return {
        "supplier": supplier,
        "name": rows[0]["name"],
        "deliveries": len(rows),
        "on_time": in_time,
        "on_time_rate": _rate(Decimal(in_time), Decimal(len(promised))),
        "mean_delay_days": _mean([max(_days_late(due, came), 0) for due, came in promised]),
        "mean_days_to_deliver": _mean(waits),
        "refused_rate": _rate(refused, delivered),
        "last_delivery": asker.moment(rows[0]["arrived"]),
        "last_price": None if rows[0]["price"] is None else quantity(rows[0]["price"]),
    }


def _days_late(due: date, came: date) -> int:
    return (came - due).days


def _mean(values: list[int]) -> Decimal | None:
    return round(Decimal(sum(values)) / len(values), 1) if values else None


def _rate(part: Decimal, whole: Decimal) -> Decimal | None:
    return round(part / whole, 3) if whole else None


_OPEN = (
    "SELECT h.cPOID AS code, d.ivouchrowno AS line, h.cVenCode AS supplier, v.cVenName AS name, h.dPODate AS ordered,"
    " d.dArriveDate AS due, d.iQuantity AS quantity, d.iReceivedQTY AS received, h.cState AS state"
    " FROM PO_Podetails d JOIN PO_Pomain h ON h.POID = d.POID LEFT JOIN Vendor v ON v.cVenCode = h.cVenCode"
    " WHERE d.cInvCode = ? AND COALESCE(d.cbCloser, '') = '' AND COALESCE(h.cCloser, '') = ''"
    " AND COALESCE(h.cState, 0) < 2 AND d.iQuantity > COALESCE(d.iReceivedQTY, 0)"
    " ORDER BY d.dArriveDate, d.ID"
)
_ARRIVED = (
    "SELECT h.cVenCode AS supplier, v.cVenName AS name, h.dDate AS arrived, p.dArriveDate AS due, o.dPODate AS ordered,"
    " d.iQuantity AS quantity, d.fRefuseQuantity AS refused, p.iTaxPrice AS price"
    " FROM PU_ArrivalVouchs d JOIN PU_ArrivalVouch h ON h.ID = d.ID AND COALESCE(h.iBillType, 0) = 0"
    " LEFT JOIN PO_Podetails p ON p.ID = d.iPOsID LEFT JOIN PO_Pomain o ON o.POID = p.POID"
    " LEFT JOIN Vendor v ON v.cVenCode = h.cVenCode WHERE d.cInvCode = ? ORDER BY h.dDate DESC, d.Autoid DESC"
)
