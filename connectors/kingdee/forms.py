"""The forms (FormId) the hub reads, and which of their fields, by Kingdee's own keys.

A field marked `?` is left out where a site's version does not know it. A dotted key is a property of a base record
(`FMaterialId.FNumber`); the record nests it: `{"FMaterialId": {"FNumber": ...}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.kingdee.config import StreamName

Kind = Literal["text", "number", "int", "flag", "time"]
_SCHEMA: Mapping[Kind, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "int": {"type": ["integer", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a form. `time`: the server's local time, aware and in UTC once read."""

    key: str
    kind: Kind = "text"
    optional: bool = False

    @classmethod
    def parse(cls, text: str) -> Column:
        """From `FQty:number?`."""
        name, _, kind = text.rstrip("?").partition(":")
        kinds: dict[str, Kind] = {k: k for k in _SCHEMA}
        return cls(name, kinds[kind or "text"], text.endswith("?"))


def columns(text: str) -> tuple[Column, ...]:
    """Fields, written one after the other."""
    return tuple(Column.parse(part) for part in text.split())


@dataclass(frozen=True, slots=True)
class Form:
    """One form as a stream. `row`: the whole number that identifies a row for ever and orders the pages; `org`: the
    field that names the organisation; `changed`: the times by one of which every change shows."""

    stream: StreamName
    form: str
    title_zh: str
    key: tuple[str, ...]
    row: str
    org: str
    columns: tuple[Column, ...]
    changed: tuple[str, ...] = ("FModifyDate", "FApproveDate", "FCreateDate")

    def schema(self, extra: tuple[str, ...] = ()) -> dict[str, Any]:
        """JSON Schema of a record."""
        properties: dict[str, Any] = {}
        for column in (*self.columns, *(Column(k) for k in extra)):
            owner, _, inner = column.key.partition(".")
            if not inner:
                properties[owner] = _SCHEMA[column.kind]
                continue
            base = properties.setdefault(owner, {"type": ["object", "null"], "properties": {}})
            base["properties"][inner] = _SCHEMA[column.kind]
        return {"type": "object", "properties": properties, "required": list(self.key)}


def _form(
    stream: StreamName, form: str, title_zh: str, key: str, row: str, org: str, fields: str
) -> tuple[StreamName, Form]:
    return stream, Form(stream, form, title_zh, tuple(key.split()), row, org, columns(fields))


_STATE = "FDocumentStatus FModifyDate:time FApproveDate:time? FCreateDate:time?"

FORMS: Mapping[StreamName, Form] = dict(
    (
        _form(
            "items",
            "BD_MATERIAL",
            "物料",
            "FNumber",
            "FMATERIALID",
            "FUseOrgId.FNumber",
            f"FMATERIALID:int FNumber FName FSpecification FMaterialGroup.FName? FBaseUnitId.FNumber FBaseUnitId.FName "
            f"FPurchaseUnitId.FNumber? FDefaultVendor.FNumber? FIsBatchManage:flag? FFixLeadTime:number? "
            f"FIsEnableSafeStock:flag FSafeStock:number FIsEnableMinStock:flag FMinStock:number FIsEnableMaxStock:flag "
            f"FMaxStock:number FIsEnableReOrder:flag FReOrderGood:number FEconReOrderQty:number? FRefCost:number? "
            f"FStockId.FNumber? FForbidStatus {_STATE}",
        ),
        _form(
            "customers",
            "BD_Customer",
            "客户",
            "FNumber",
            "FCUSTID",
            "FUseOrgId.FNumber",
            f"FCUSTID:int FNumber FName FShortName FSOCIALCRECODE? FTAXREGISTERCODE? FTEL? FADDRESS? FCOUNTRY.FNumber? "
            f"FGroup.FName? FSELLER.FNumber? FTRADINGCURRID.FNumber? FForbidStatus {_STATE}",
        ),
        _form(
            "suppliers",
            "BD_Supplier",
            "供应商",
            "FNumber",
            "FSupplierId",
            "FUseOrgId.FNumber",
            f"FSupplierId:int FNumber FName FShortName FSOCIALCRECODE? FAddress? FCountry.FNumber? FGroup.FName? "
            f"FSupplierGrade.FName? FForbidStatus {_STATE}",
        ),
        _form(
            "purchase_orders",
            "PUR_PurchaseOrder",
            "采购订单",
            "FPOOrderEntry_FEntryId",
            "FPOOrderEntry_FEntryId",
            "FPurchaseOrgId.FNumber",
            f"FID:int FBillNo FPOOrderEntry_FEntryId:int FPOOrderEntry_FSeq:int? FDate:time FSupplierId.FNumber "
            f"FSupplierId.FName FPurchaserId.FNumber? FSettleCurrId.FNumber? FMaterialId.FNumber FMaterialId.FName "
            f"FUnitId.FName FQty:number FTaxPrice:number? FAllAmount:number? FDeliveryDate:time FReceiveQty:number "
            f"FStockInQty:number FCloseStatus FMRPCloseStatus? FMRPTerminateStatus? FCancelStatus? {_STATE}",
        ),
        _form(
            "sales_orders",
            "SAL_SaleOrder",
            "销售订单",
            "FSaleOrderEntry_FEntryID",
            "FSaleOrderEntry_FEntryID",
            "FSaleOrgId.FNumber",
            f"FID:int FBillNo FSaleOrderEntry_FEntryID:int FSaleOrderEntry_FSeq:int? FDate:time FCustId.FNumber "
            f"FCustId.FName FSalerId.FNumber? FSettleCurrId.FNumber? FMaterialId.FNumber FMaterialId.FName "
            f"FUnitId.FName FQty:number FTaxPrice:number? FAllAmount:number? FDeliveryDate:time FStockOutQty:number? "
            f"FCloseStatus FMRPCloseStatus? FMRPTerminateStatus? FCancelStatus? {_STATE}",
        ),
        _form(
            "arrivals",
            "PUR_ReceiveBill",
            "收料通知单",
            "FDetailEntity_FEntryID",
            "FDetailEntity_FEntryID",
            "FPurOrgId.FNumber",
            f"FID:int FBillNo FDetailEntity_FEntryID:int FDate:time FSupplierId.FNumber FSupplierId.FName "
            f"FMaterialId.FNumber FMaterialId.FName FUnitId.FName FLot.FNumber? FActReceiveQty:number "
            f"FActlandQty:number? FPreDeliveryDate:time FOrderBillNo? FPOORDERENTRYID:int? FCancelStatus? {_STATE}",
        ),
        _form(
            "receipts",
            "STK_InStock",
            "采购入库单",
            "FInStockEntry_FEntryID",
            "FInStockEntry_FEntryID",
            "FPurchaseOrgId.FNumber",
            f"FID:int FBillNo FInStockEntry_FEntryID:int FDate:time FSupplierId.FNumber FSupplierId.FName "
            f"FMaterialId.FNumber FMaterialId.FName FUnitId.FName FLot.FNumber? FStockId.FNumber? FRealQty:number "
            f"FPOOrderNo? FPOORDERENTRYID:int? FCancelStatus? {_STATE}",
        ),
        _form(
            "bom",
            "ENG_BOM",
            "物料清单",
            "FTreeEntity_FENTRYID",
            "FTreeEntity_FENTRYID",
            "FUseOrgId.FNumber",
            f"FID:int FNumber FTreeEntity_FENTRYID:int FTreeEntity_FSEQ:int? FMATERIALID.FNumber FMATERIALID.FName "
            f"FMATERIALIDCHILD.FNumber FMATERIALIDCHILD.FName FCHILDUNITID.FName FNUMERATOR:number FDENOMINATOR:number "
            f"FFIXSCRAPQTY:number? FSCRAPRATE:number? FEFFECTDATE:time? FEXPIREDATE:time? FPOSITIONNO? "
            f"FMATERIALTYPE? FREPLACEGROUP:int? FForbidStatus {_STATE}",
        ),
    )
)
"""Every stream but `stock`, which is put together from two forms (`connectors.kingdee.stock`)."""
REQUISITION = "PUR_Requisition"
