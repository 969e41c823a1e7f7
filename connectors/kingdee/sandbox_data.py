"""Filling the stand-in: the base records every data centre has, and the example company with two years of business."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.example_company import CUSTOMERS, DEVICES, ITEMS, SUPPLIERS, ExampleItem
from connectors.kingdee.sandbox_state import Doc, State

ORG = "100"
UNITS = {"Pcs": "个", "Gen": "根", "Set": "套", "Barrel": "桶"}
STOCKS = {"01": "备件一库", "02": "备件二库"}
STATES = {"KCZT01_SYS": "可用", "KCZT02_SYS": "待检", "KCZT03_SYS": "冻结", "KCZT05_SYS": "在途"}
LINE = "FPOOrderEntry"


class Filler:
    """Puts documents in by their numbers, as a user of Kingdee would."""

    def __init__(self, state: State) -> None:
        self._state = state

    def base(self) -> None:
        """Organisation, units, warehouses and the like."""
        add = self._state.add
        add("ORG_Organizations", FNumber=ORG, FName="总公司")
        add("ORG_Organizations", FNumber="200", FName="苏州分公司")
        for number, name in UNITS.items():
            add("BD_UNIT", FNumber=number, FName=name)
        for number, name in STOCKS.items():
            add("BD_STOCK", FNumber=number, FName=name)
        for number, name in STATES.items():
            add("BD_StockStatus", FNumber=number, FName=name)
        for form, number, name in (
            ("BD_Currency", "PRE001", "人民币"),
            ("BD_Currency", "PRE003", "欧元"),
            ("BD_Rate", "HLTX01_SYS", "固定汇率"),
            ("BOS_BillType", "CGSQD01_SYS", "标准采购申请"),
            ("BD_Department", "BM001", "设备部"),
            ("BD_Empinfo", "YG001", "王磊"),
            ("BD_MATERIALGROUP", "SP", "备件"),
            ("BD_MATERIALGROUP", "FG", "整机"),
        ):
            add(form, FNumber=number, FName=name)

    def ref(self, form: str, number: str | None) -> int | None:
        """The id of a base record, which must be there."""
        if not number:
            return None
        found = self._state.id_of(form, number)
        assert found is not None, f"{form} {number}"
        return found

    def item(self, number: str, name: str, *, unit: str = "Pcs", org: str = ORG, **more: Any) -> Doc:
        off: dict[str, Any] = dict.fromkeys(
            ("FIsEnableSafeStock", "FIsEnableMinStock", "FIsEnableMaxStock", "FIsEnableReOrder"), False
        )
        zero: dict[str, Any] = dict.fromkeys(("FSafeStock", "FMinStock", "FMaxStock", "FReOrderGood"), Decimal(0))
        unit_id = self.ref("BD_UNIT", unit)
        values: dict[str, Any] = {"FNumber": number, "FName": name, "FUseOrgId": self.ref("ORG_Organizations", org)}
        values |= {"FBaseUnitId": unit_id, "FPurchaseUnitId": unit_id, "FIsBatchManage": False, **off, **zero}
        return self._state.add("BD_MATERIAL", **(values | more))

    def stock(
        self, item: str, warehouse: str, quantity: Decimal | str, *, state: str = "KCZT01_SYS", lot: str = ""
    ) -> Doc:
        if lot and self._state.id_of("BD_BatchMainFile", lot) is None:
            self._state.add("BD_BatchMainFile", FNumber=lot, FName=lot)
        material = self._state.numbered("BD_MATERIAL", item)
        assert material is not None, item
        return self._state.add(
            "STK_Inventory",
            FInventoryKey=f"{item}/{warehouse}/{lot}/{state}",
            FMaterialId=material["fmaterialid"],
            FStockOrgId=self.ref("ORG_Organizations", ORG),
            FStockId=self.ref("BD_STOCK", warehouse),
            FLot=self.ref("BD_BatchMainFile", lot),
            FStockStatusId=self.ref("BD_StockStatus", state),
            FBaseUnitId=material["fbaseunitid"],
            FBaseQty=quantity,
            FBaseAVBQty=Decimal(0),  # as many sites answer
        )

    def customer(self, number: str, name: str, **more: Any) -> Doc:
        org = self.ref("ORG_Organizations", ORG)
        return self._state.add("BD_Customer", FNumber=number, FName=name, FUseOrgId=org, **more)

    def supplier(self, number: str, name: str, **more: Any) -> Doc:
        org = self.ref("ORG_Organizations", ORG)
        return self._state.add("BD_Supplier", FNumber=number, FName=name, FUseOrgId=org, **more)

    def purchase_order(
        self,
        number: str,
        supplier: str,
        item: str,
        quantity: Decimal,
        price: Decimal,
        day: datetime,
        due: datetime,
        **more: Any,
    ) -> Doc:
        """One with one line; `arrived` of it has come in, `closed` when all is done."""
        arrived = more.pop("arrived", Decimal(0))
        line = {
            **self._goods(item),
            "FQty": quantity,
            "FTaxPrice": price,
            "FAllAmount": quantity * price,
            "FDeliveryDate": due,
            "FReceiveQty": arrived,
            "FStockInQty": arrived,
            "FMRPCloseStatus": "B" if arrived >= quantity else "A",
            "FMRPTerminateStatus": "A",
        }
        return self._state.add(
            "PUR_PurchaseOrder",
            [line],
            FBillNo=number,
            FDate=day,
            FSupplierId=self.ref("BD_Supplier", supplier),
            FPurchaseOrgId=self.ref("ORG_Organizations", ORG),
            FSettleCurrId=self.ref("BD_Currency", "PRE001"),
            FCloseStatus="B" if arrived >= quantity else "A",
            **more,
        )

    def arrival(self, number: str, order: Doc, day: datetime, **more: Any) -> Doc:
        """A receiving note for the whole of an order's line."""
        line = order["entries"][0]
        goods = {"FMaterialId": line["fmaterialid"], "FUnitId": line["funitid"], "FActReceiveQty": line["fqty"]}
        told = {"FPreDeliveryDate": line["fdeliverydate"], "FOrderBillNo": order["fbillno"]}
        return self._state.add(
            "PUR_ReceiveBill",
            [{**goods, **told, "FActlandQty": line["fqty"], "FPOORDERENTRYID": line["fpoorderentry_fentryid"]}],
            FBillNo=number,
            FDate=day,
            FSupplierId=order["fsupplierid"],
            FPurOrgId=order["fpurchaseorgid"],
            **more,
        )

    def receipt(self, number: str, order: Doc, day: datetime, **more: Any) -> Doc:
        """What was put into stock of an order's line."""
        line = order["entries"][0]
        goods = {"FMaterialId": line["fmaterialid"], "FUnitId": line["funitid"], "FRealQty": line["fqty"]}
        told = {"FPOOrderNo": order["fbillno"], "FPOORDERENTRYID": line["fpoorderentry_fentryid"]}
        return self._state.add(
            "STK_InStock",
            [{**goods, **told, "FStockId": self.ref("BD_STOCK", "01")}],
            FBillNo=number,
            FDate=day,
            FSupplierId=order["fsupplierid"],
            FPurchaseOrgId=order["fpurchaseorgid"],
            **more,
        )

    def sale(
        self, number: str, customer: str, lines: list[tuple[str, Decimal, Decimal]], day: datetime, **more: Any
    ) -> Doc:
        due = day + timedelta(days=14)
        entries = [
            {
                **self._goods(item),
                "FQty": quantity,
                "FTaxPrice": price,
                "FAllAmount": quantity * price,
                "FDeliveryDate": due,
                "FStockOutQty": Decimal(0),
            }
            for item, quantity, price in lines
        ]
        return self._state.add(
            "SAL_SaleOrder",
            entries,
            FBillNo=number,
            FDate=day,
            FCustId=self.ref("BD_Customer", customer),
            FSaleOrgId=self.ref("ORG_Organizations", ORG),
            FSettleCurrId=self.ref("BD_Currency", "PRE001"),
            FCloseStatus="A",
            **more,
        )

    def bom(self, number: str, parent: str, parts: list[tuple[str, Decimal, Decimal, str]], **more: Any) -> Doc:
        """`parts`: (component, numerator, denominator, position)."""
        lines = []
        for component, above, below, position in parts:
            goods = self._goods(component)
            line = {"FMATERIALIDCHILD": goods["FMaterialId"], "FCHILDUNITID": goods["FUnitId"], "FPOSITIONNO": position}
            lines.append({**line, "FNUMERATOR": above, "FDENOMINATOR": below, "FSCRAPRATE": Decimal(0)})
        org = self.ref("ORG_Organizations", ORG)
        return self._state.add(
            "ENG_BOM", lines, FNumber=number, FMATERIALID=self.ref("BD_MATERIAL", parent), FUseOrgId=org, **more
        )

    def _goods(self, item: str) -> Doc:
        material = self._state.numbered("BD_MATERIAL", item)
        assert material is not None, item
        return {"FMaterialId": material["fmaterialid"], "FUnitId": material["fbaseunitid"]}

    # -- the example company ----------------------------------------------------------------------------------------------

    def example_company(self) -> None:
        """Everything `connectors.example_company` tells, and orders of the last two years around it."""
        today = self._state.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        for each in SUPPLIERS:
            self.supplier(each.code, each.name, FShortName=each.name[:4], FSOCIALCRECODE=each.credit_code)
        for customer in CUSTOMERS:
            codes = {"FSOCIALCRECODE": customer.credit_code, "FTAXREGISTERCODE": customer.credit_code}
            self.customer(
                customer.erp,
                customer.name,
                FShortName=customer.short_name,
                FTEL=customer.phone,
                FADDRESS=customer.city,
                FTRADINGCURRID=self.ref("BD_Currency", "PRE003" if customer.city == "Hamburg" else "PRE001"),
                **codes,
            )
        unit_of = {name: number for number, name in UNITS.items()}
        for item in ITEMS:
            self._example_item(item, unit_of[item.unit])
        for device in DEVICES:
            self.item(device.model, device.name, unit="Set", FMaterialGroup=self.ref("BD_MATERIALGROUP", "FG"))
            parts = [(device.spare, Decimal(4), Decimal(1), "M-1"), ("OIL-46", Decimal(1), Decimal(2), "H-1")]
            self.bom(f"{device.model}_V1.0", device.model, parts)
        self._purchases(today)
        self._sales(today)

    def _example_item(self, item: ExampleItem, unit: str) -> None:
        limits: dict[str, Any] = {
            "FSafeStock": item.safety,
            "FMinStock": item.low,
            "FMaxStock": item.top,
            "FReOrderGood": item.safety,
        }
        on: dict[str, Any] = dict.fromkeys(("FIsEnableSafeStock", "FIsEnableMinStock", "FIsEnableMaxStock"), True)
        self.item(
            item.code,
            item.name,
            unit=unit,
            FSpecification=item.specification,
            FMaterialGroup=self.ref("BD_MATERIALGROUP", "SP"),
            FDefaultVendor=self.ref("BD_Supplier", item.supplier),
            FFixLeadTime=Decimal(10),
            FRefCost=item.price,
            FStockId=self.ref("BD_STOCK", item.warehouse),
            **limits,
            **on,
        )
        self.stock(item.code, item.warehouse, item.stock)

    def _purchases(self, today: datetime) -> None:
        """Twenty deliveries of each supplier, as punctual as it is, and one order of each that is still open."""
        number = 0
        for supplier in SUPPLIERS:
            items = [item for item in ITEMS if item.supplier == supplier.code]
            for n in range(20):
                number += 1
                item, due = items[n % len(items)], today - timedelta(days=20 + 30 * n)
                came = due + timedelta(days=-1 if n < supplier.on_time else 5)
                quantity = Decimal(10 + n)
                order = self.purchase_order(
                    f"CGDD{number:06d}", supplier.code, item.code, quantity, item.price, due - timedelta(days=12), due,
                    arrived=quantity, FModifyDate=came, FApproveDate=due - timedelta(days=12),
                )  # fmt: skip
                self.arrival(f"CGSL{number:06d}", order, came, FModifyDate=came)
                self.receipt(f"CGRK{number:06d}", order, came, FModifyDate=came)
            number += 1
            first, due = items[0], today + timedelta(days=6)
            self.purchase_order(
                f"CGDD{number:06d}", supplier.code, first.code, Decimal(40), first.price, today - timedelta(days=4), due,
                FModifyDate=today - timedelta(days=4),
            )  # fmt: skip

    def _sales(self, today: datetime) -> None:
        """Each customer buys spare parts for its machines: the first monthly, the others more rarely."""
        number = 0
        for place, customer in enumerate(CUSTOMERS):
            own = [d.spare for d in DEVICES if d.customer == customer.erp] or ["OIL-46"]
            for n in range(12 // (place + 1)):
                number += 1
                day = today - timedelta(days=10 + 30 * (place + 1) * n)
                lines = [(code, Decimal(2 + n % 3), self._price(code)) for code in own]
                self.sale(f"XSDD{number:06d}", customer.erp, lines, day, FModifyDate=day + timedelta(hours=9))

    @staticmethod
    def _price(code: str) -> Decimal:
        return next(item.price for item in ITEMS if item.code == code) * 2
