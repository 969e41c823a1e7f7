"""The example company as U8 knows it: what to insert into which table. All days are counted back from `today`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connectors.example_company import CUSTOMERS, DEVICES, ITEMS, SUPPLIERS

Rows = tuple[str, str, list[tuple[Any, ...]]]
"""Table, its columns separated by commas, rows."""
ACCOUNT = "001"
UNITS = {"个": "01", "根": "02", "套": "03", "桶": "04", "台": "05"}
SUBSTITUTE = "BRG-6205-ZZ"
"""What may be used instead of the bearing BRG-6205."""
DELIVERIES = 20
"""Deliveries of each supplier so far; how many were in time is told by the example company."""
PRODUCTS = {device.model: (device.name, device.spare) for device in DEVICES}
_PARTS = [*(item.code for item in ITEMS), SUBSTITUTE, *PRODUCTS]


def system(account: str, database: str, year: int) -> Iterator[Rows]:
    """UFSystem: the company's account set, and another for trials."""
    names = [(account, "东海精密装备有限公司", year - 1, 1), ("999", "演示账套", year, 1)]
    yield _rows("UA_Account", names)
    yield _rows("UA_AccountDatabase", [(account, year, None, database)])
    days = [(date(year, m, 1), (date(year, m, 28) + timedelta(4)).replace(day=1) - timedelta(1)) for m in range(1, 13)]
    periods = [(account, year, number, str(a), str(b)) for number, (a, b) in enumerate(days, 1)]
    yield _rows("UA_Period", periods)


def company(account: str, today: date) -> Iterator[Rows]:
    """An account set's database."""
    yield _rows("ComputationUnit", [(code, name) for name, code in UNITS.items()])
    yield _rows("Warehouse", [("01", "备件库", 0), ("02", "原料库", 0)])
    yield from _base_data(today)
    yield from _stock()
    yield from _purchases(today)
    yield from _sales(today)
    yield from _bills_of_material(today)
    yield _rows("VoucherHistory", [("27", None, None, None, "100")])
    yield _rows("gl_mend", [(today.year, m, 0, 0) for m in range(1, 13)])
    yield _rows("UA_Identity", [(account, "PuApp", 100, 200)])


def _base_data(today: date) -> Iterator[Rows]:
    changed = str(today - timedelta(90))
    items: list[tuple[Any, ...]] = [
        (i.code, i.name, i.specification, "0101", UNITS[i.unit], i.supplier, i.warehouse, str(i.safety), str(i.low),
         str(i.top), 7, str(i.price), 1, 0, 1, 0, changed)
        for i in ITEMS
    ]  # fmt: skip
    items.append(
        (SUBSTITUTE, "深沟球轴承", "6205-ZZ", "0101", "01", "V001", "01", "0", "0", "0", 7, "17.2", 1, 0, 1, 0, changed)
    )
    for model, (name, _) in PRODUCTS.items():
        items.append((model, name, model, "0201", "05", None, "02", "0", "0", "0", 30, "0", 0, 1, 1, 0, changed))
    yield _rows("Inventory", items)
    customers: list[tuple[Any, ...]] = [
        (c.erp, c.name, c.short_name, c.credit_code or None, "01", c.city, c.phone, "S01", "500000", changed)
        for c in CUSTOMERS
    ]
    yield _rows("Customer", customers)
    yield _rows("Vendor", [(v.code, v.name, v.name[:6], v.credit_code, "01", v.phone, "A", changed) for v in SUPPLIERS])


def _stock() -> Iterator[Rows]:
    rows: list[tuple[Any, ...]] = []
    for item in ITEMS:  # two batches each, as U8 keeps them
        first = (item.stock / 3).to_integral_value()
        for batch, quantity in (("2605", first), ("2609", item.stock - first)):
            rows.append((item.warehouse, item.code, 0, batch, "", 0, "", str(quantity), "0", "0", "0", "0", "0"))
    rows.append(("01", SUBSTITUTE, 0, "", "", 0, "", "40", "0", "0", "0", "0", "0"))
    yield _rows("CurrentStock", rows)


def _purchases(today: date) -> Iterator[Rows]:
    """Twenty deliveries of each supplier, so many in time as the example company says, and one open order."""
    heads: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    arrivals: list[tuple[Any, ...]] = []
    arrived: list[tuple[Any, ...]] = []
    number = 0
    for supplier in SUPPLIERS:
        items = [item for item in ITEMS if item.supplier == supplier.code]
        for count in range(DELIVERIES + 1):
            number += 1
            is_open = count == DELIVERIES
            ordered = today - timedelta(10 if is_open else 30 + (DELIVERIES - count) * 15)
            due = ordered + timedelta(14)
            came = due - timedelta(1) if count < supplier.on_time else due + timedelta(4)
            item, code, quantity = items[count % len(items)], f"PO{number:08d}", Decimal(10 + count)
            done = Decimal(0) if is_open else quantity
            state, closer = (1, None) if is_open else (2, "张敏")
            buyers = ("P01", "01", "普通采购", state, "李强", "王磊", closer, "人民币")
            heads.append((number, code, str(ordered), supplier.code, *buyers))
            amounts = (str(quantity), str(item.price), str(quantity * item.price), str(due), str(done), str(done))
            lines.append((number, number, code, 1, item.code, *amounts, closer))
            if not is_open:
                arrivals.append((number, f"DH{number:08d}", str(came), supplier.code, "普通采购", 0, "李强", "王磊"))
                arrived.append(
                    (number, number, item.code, item.warehouse, "", str(quantity), str(quantity), "0", number, code)
                )
    yield _rows("PO_Pomain", heads)
    yield _rows("PO_Podetails", lines)
    yield _rows("PU_ArrivalVouch", arrivals)
    yield _rows("PU_ArrivalVouchs", arrived)


def _sales(today: date) -> Iterator[Rows]:
    """What the customers bought within a year: the first every two months, the others less often."""
    heads: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    number = 0
    for customer, orders in zip(CUSTOMERS, (6, 2, 3), strict=True):
        for count in range(orders):
            number += 1
            day = today - timedelta(20 + count * 360 // orders)
            item, quantity = ITEMS[count % len(ITEMS)], Decimal(2 + count)
            code, sent = f"SO{number:08d}", quantity if count else Decimal(0)
            heads.append(
                (number, code, str(day), customer.erp, "S01", "01", "人民币", 1, "赵云", "王磊", None, str(day))
            )
            lines.append((number, number, number, 1, code, item.code, str(quantity), str(sent),
                          str(quantity * item.price * 2), str(day + timedelta(20))))  # fmt: skip
    yield _rows("SO_SOMain", heads)
    yield _rows("SO_SODetails", lines)


def _bills_of_material(today: date) -> Iterator[Rows]:
    """Each machine contains the part that wears out first, and oil; the bearing has a substitute."""
    part = {code: number for number, code in enumerate(_PARTS, 1)}
    valid = str(today - timedelta(700))
    boms: list[tuple[Any, ...]] = []
    parents: list[tuple[Any, ...]] = []
    components: list[tuple[Any, ...]] = []
    for number, (model, (_, spare)) in enumerate(PRODUCTS.items(), 1):
        boms.append((number, 1, 10, valid, 3))
        parents.append((part[model], number))
        for place, (code, quantity) in enumerate(((spare, "2"), ("OIL-46", "0.5"))):
            components.append(
                (number * 10 + place, number, part[code], (place + 1) * 10, quantity, "1", "0", valid, "2099-12-31")
            )
    yield _rows("bas_part", [(number, code, "") for code, number in part.items()])
    yield _rows("bom_bom", boms)
    yield _rows("bom_parent", parents)
    yield _rows("bom_opcomponent", components)
    replaced = next(row[0] for row in components if row[2] == part["BRG-6205"])
    yield _rows("bom_opcomponentsub", [(1, replaced, 1, part[SUBSTITUTE], "1", valid, "2099-12-31", 0)])


def _rows(table: str, rows: list[tuple[Any, ...]]) -> Rows:
    return table, _COLUMNS[table], rows


_COLUMNS = {
    "UA_Account": "cAcc_Id, cAcc_Name, iYear, iMonth",
    "UA_AccountDatabase": "cAcc_Id, iBeginYear, iEndYear, cDatabase",
    "UA_Period": "cAcc_Id, iYear, iId, dBegin, dEnd",
    "ComputationUnit": "cComunitCode, cComUnitName",
    "Warehouse": "cWhCode, cWhName, bFreeze",
    "Inventory": "cInvCode, cInvName, cInvStd, cInvCCode, cComUnitCode, cVenCode, cDefWareHouse, iSafeNum, iLowSum, iTopSum,"
    " iAdvanceDate, iInvNCost, bPurchase, bSelf, bSale, bInvBatch, dModifyDate",
    "Customer": "cCusCode, cCusName, cCusAbbName, cCusRegCode, cCCCode, cCusAddress, cCusPhone, cCusPPerson, iCusCreLine,"
    " dModifyDate",
    "Vendor": "cVenCode, cVenName, cVenAbbName, cVenRegCode, cVCCode, cVenPhone, iVenCreGrade, dModifyDate",
    "CurrentStock": "cWhCode, cInvCode, ItemId, cBatch, cVMIVenCode, iSoType, iSodid, iQuantity, fStopQuantity, fOutQuantity,"
    " fTransOutQuantity, fInQuantity, fTransInQuantity",
    "PO_Pomain": "POID, cPOID, dPODate, cVenCode, cPersonCode, cPTCode, cBusType, cState, cMaker, cVerifier, cCloser, cexch_name",
    "PO_Podetails": "ID, POID, cPOID, ivouchrowno, cInvCode, iQuantity, iTaxPrice, iSum, dArriveDate, iArrQTY, iReceivedQTY,"
    " cbCloser",
    "PU_ArrivalVouch": "ID, cCode, dDate, cVenCode, cBusType, iBillType, cMaker, cverifier",
    "PU_ArrivalVouchs": "Autoid, ID, cInvCode, cWhCode, cBatch, iQuantity, fValidQuantity, fRefuseQuantity, iPOsID, cordercode",
    "SO_SOMain": "ID, cSOCode, dDate, cCusCode, cPersonCode, cSTCode, cexch_name, iStatus, cMaker, cVerifier, cCloser,"
    " dmodifysystime",
    "SO_SODetails": "AutoID, ID, iSOsID, iRowNo, cSOCode, cInvCode, iQuantity, iFHQuantity, iSum, dPreDate",
    "VoucherHistory": "CardNumber, cContent, cContentRule, cSeed, cNumber",
    "gl_mend": "iyear, iperiod, bflag_PU, bflag_ST",
    "UA_Identity": "cAcc_Id, cVouchType, iFatherId, iChildId",
    "bas_part": "PartId, InvCode, Free1",
    "bom_bom": "BomId, BomType, Version, VersionEffDate, Status",
    "bom_parent": "ParentId, BomId",
    "bom_opcomponent": "OpComponentId, BomId, ComponentId, SortSeq, BaseQtyN, BaseQtyD, CompScrap, EffBegDate, EffEndDate",
    "bom_opcomponentsub": "ComponentSubId, OpComponentId, Sequence, PartId, Factor, EffBegDate, EffEndDate, ReplaceFlag",
}
