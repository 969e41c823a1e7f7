"""What U8 knows about an item: how much there is, where it is used, what may replace it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.contract import Record
from connectors.u8.lookups import Asker, item, named, quantity
from connectors.u8.rows import number
from connectors.u8.statements import available


def stock(asker: Asker, code: str) -> Record | None:
    """On hand and free to use, in all and by warehouse, against the item's safety stock."""
    known = item(asker, code)
    if known is None:
        return None
    asker.need("CurrentStock")
    free = available(asker.database.schema, asker.config, "s")
    total = asker.database.dialect.total
    rows = asker.rows(_STOCK.format(quantity=total("s.iQuantity"), available=total(free)), code)
    amounts = [(quantity(row["quantity"]), quantity(row["available"])) for row in rows]
    places = [
        {"warehouse": row["warehouse"], "name": row["name"], "quantity": on_hand, "available": free_to_use}
        for row, (on_hand, free_to_use) in zip(rows, amounts, strict=True)
    ]
    there = sum((on_hand for on_hand, _ in amounts), Decimal(0))
    safety = quantity(known["safety"])
    return {
        **named(known),
        "quantity": there,
        "available": sum((free_to_use for _, free_to_use in amounts), Decimal(0)),
        "safety_stock": safety,
        "lowest_stock": quantity(known["lowest"]),
        "highest_stock": quantity(known["highest"]),
        "below_safety": there < safety,
        "short_by": max(safety - there, Decimal(0)),
        "warehouses": places,
    }


MAX_LEVELS = 6
"""How far up a part is followed, from assembly to assembly."""


def bom(asker: Asker, code: str) -> Record | None:
    """Which assemblies contain the item, of what it is made, and what may be used in its place, by audited BOMs."""
    known = item(asker, code)
    if known is None:
        return None
    asker.need("bas_part", "bom_bom", "bom_parent", "bom_opcomponent")
    return {
        **named(known),
        "used_in": _used_in(asker, known["code"]),
        "components": [_line(row, "component") for row in asker.rows(_COMPONENTS, code, top=50)],
        "substitutes": [_substitute(row) for row in _if_there(asker, _SUBSTITUTES, code)],
        "substitute_for": [_substitute(row) for row in _if_there(asker, _SUBSTITUTE_FOR, code)],
    }


def _if_there(asker: Asker, sql: str, code: str) -> list[dict[str, Any]]:
    return asker.rows(sql, code, top=50) if asker.database.schema.has("bom_opcomponentsub") else []


def _used_in(asker: Asker, code: str) -> list[dict[str, Any]]:
    """The assemblies this part goes into, and those that these go into, each once: a circle in the data ends."""
    found: list[dict[str, Any]] = []
    seen, level = {code.casefold(): Decimal(1)}, [code]
    for depth in range(1, MAX_LEVELS + 1):
        above: list[str] = []
        rows = asker.rows(_USED_IN.format(", ".join("?" * len(level))), *level, top=100) if level else []
        for row in rows:
            product = str(row["product"])
            if product.casefold() not in seen:  # U8's collation knows no case
                needed = seen[str(row["component"]).casefold()] * _per_one(row)
                seen[product.casefold()] = needed
                found.append({"product": product, "name": row["name"], "quantity": needed, "level": depth})
                above.append(product)
        level = above
    return found


def _per_one(row: dict[str, Any]) -> Decimal:
    """How much of the component one product takes, scrap included."""
    share = quantity(row["base_n"]) / (quantity(row["base_d"]) or 1) * (1 + quantity(row["scrap"]) / 100)
    return number(round(share, 6))


def _line(row: dict[str, Any], what: str) -> dict[str, Any]:
    return {what: row[what], "name": row["name"], "quantity": _per_one(row)}


def _substitute(row: dict[str, Any]) -> dict[str, Any]:
    return {"item": row["item"], "name": row["name"], "factor": quantity(row["factor"]), "product": row["product"]}


_STOCK = (
    "SELECT s.cWhCode AS warehouse, w.cWhName AS name, {quantity} AS quantity, {available} AS available"
    " FROM CurrentStock s LEFT JOIN Warehouse w ON w.cWhCode = s.cWhCode WHERE s.cInvCode = ?"
    " GROUP BY s.cWhCode, w.cWhName ORDER BY s.cWhCode"
)
_BOM = (
    " FROM bom_opcomponent o JOIN bom_bom b ON b.BomId = o.BomId AND b.Status = 3 JOIN bom_parent p ON p.BomId = o.BomId"
    " JOIN bas_part m ON m.PartId = p.ParentId JOIN bas_part c ON c.PartId = o.ComponentId"
)
_QUANTITY = "o.BaseQtyN AS base_n, o.BaseQtyD AS base_d, o.CompScrap AS scrap"
_USED_IN = (
    f"SELECT m.InvCode AS product, c.InvCode AS component, i.cInvName AS name, {_QUANTITY}{_BOM}"
    " LEFT JOIN Inventory i ON i.cInvCode = m.InvCode WHERE c.InvCode IN ({}) ORDER BY m.InvCode"
)
_COMPONENTS = (
    f"SELECT c.InvCode AS component, i.cInvName AS name, {_QUANTITY}{_BOM}"
    " LEFT JOIN Inventory i ON i.cInvCode = c.InvCode WHERE m.InvCode = ? ORDER BY o.SortSeq"
)
_REPLACED = (
    f"{_BOM} JOIN bom_opcomponentsub r ON r.OpComponentId = o.OpComponentId JOIN bas_part x ON x.PartId = r.PartId"
)
_SUBSTITUTES = (
    f"SELECT x.InvCode AS item, i.cInvName AS name, r.Factor AS factor, m.InvCode AS product{_REPLACED}"
    " LEFT JOIN Inventory i ON i.cInvCode = x.InvCode WHERE c.InvCode = ? ORDER BY r.Sequence"
)
_SUBSTITUTE_FOR = (
    f"SELECT c.InvCode AS item, i.cInvName AS name, r.Factor AS factor, m.InvCode AS product{_REPLACED}"
    " LEFT JOIN Inventory i ON i.cInvCode = c.InvCode WHERE x.InvCode = ? ORDER BY m.InvCode"
)
