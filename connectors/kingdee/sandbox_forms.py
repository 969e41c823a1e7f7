"""The forms of the stand-in: their fields, what base form a field refers to (`>`), and which are required (`!`)."""

from __future__ import annotations

from connectors.kingdee.sandbox_state import FormType, form

_BASE = "FName FUseOrgId>ORG_Organizations FCreateOrgId>ORG_Organizations"


def all_forms() -> tuple[FormType, ...]:
    """Master data first."""
    return (
        form("ORG_Organizations", "组织机构", "FOrgID", "FName"),
        form("BD_UNIT", "计量单位", "FUNITID", _BASE),
        form("BD_Currency", "币别", "FCURRENCYID", _BASE),
        form("BD_STOCK", "仓库", "FStockId", _BASE),
        form("BD_StockStatus", "库存状态", "FStockStatusId", _BASE),
        form("BD_BatchMainFile", "批号主档", "FLOTID", _BASE),
        form("BD_MATERIALGROUP", "物料分组", "FID", "FName"),
        form("BD_Department", "部门", "FDEPTID", _BASE),
        form("BD_Empinfo", "员工", "FID", _BASE),
        form("BOS_BillType", "单据类型", "FBillTypeID", "FName"),
        form("BOS_ASSISTANTDATA", "辅助资料", "FENTRYID", "FName"),
        form("BD_Rate", "汇率类型", "FRATETYPEID", "FName"),
        form(
            "BD_MATERIAL",
            "物料",
            "FMATERIALID",
            f"{_BASE} FSpecification FMaterialGroup>BD_MATERIALGROUP FBaseUnitId>BD_UNIT FPurchaseUnitId>BD_UNIT "
            "FDefaultVendor>BD_Supplier FIsBatchManage FFixLeadTime FIsEnableSafeStock FSafeStock FIsEnableMinStock "
            "FMinStock FIsEnableMaxStock FMaxStock FIsEnableReOrder FReOrderGood FEconReOrderQty FRefCost "
            "FStockId>BD_STOCK",
        ),
        form(
            "BD_Customer",
            "客户",
            "FCUSTID",
            f"{_BASE} FShortName FSOCIALCRECODE FTAXREGISTERCODE FTEL FADDRESS FCOUNTRY>BOS_ASSISTANTDATA "
            "FGroup>BD_MATERIALGROUP FSELLER>BD_Empinfo FTRADINGCURRID>BD_Currency",
        ),
        form(
            "BD_Supplier",
            "供应商",
            "FSupplierId",
            f"{_BASE} FShortName FSOCIALCRECODE FAddress FCountry>BOS_ASSISTANTDATA FGroup>BD_MATERIALGROUP "
            "FSupplierGrade>BOS_ASSISTANTDATA",
        ),
        form(
            "STK_Inventory",
            "即时库存",
            "FInventoryRow",
            "FMaterialId>BD_MATERIAL FStockOrgId>ORG_Organizations FStockId>BD_STOCK FLot>BD_BatchMainFile "
            "FStockStatusId>BD_StockStatus FBaseUnitId>BD_UNIT FBaseQty FQty FBaseAVBQty FExpiryDate FProduceDate",
            number="FInventoryKey",
        ),
        *_orders(),
        *_movements(),
    )


def _orders() -> tuple[FormType, ...]:
    return (
        form(
            "PUR_Requisition",
            "采购申请单",
            "FID",
            "FBillTypeID>BOS_BillType! FApplicationDate! FRequestType! FApplicationOrgId>ORG_Organizations! "
            "FApplicationDeptId>BD_Department FApplicantId>BD_Empinfo FCurrencyId>BD_Currency! FExchangeTypeId>BD_Rate "
            "FNote FCloseStatus",
            number="FBillNo",
            entry="FEntity",
            lines="FMaterialId>BD_MATERIAL! FUnitId>BD_UNIT! FReqQty! FApproveQty FPriceUnitId>BD_UNIT FArrivalDate! "
            "FRequireOrgId>ORG_Organizations! FPurchaseOrgId>ORG_Organizations! FReceiveOrgId>ORG_Organizations! "
            "FSuggestSupplierId>BD_Supplier FStockId>BD_STOCK FEvaluatePrice",
        ),
        form(
            "PUR_PurchaseOrder",
            "采购订单",
            "FID",
            "FDate FSupplierId>BD_Supplier FPurchaseOrgId>ORG_Organizations FPurchaserId>BD_Empinfo "
            "FSettleCurrId>BD_Currency FCloseStatus",
            number="FBillNo",
            entry="FPOOrderEntry",
            lines="FMaterialId>BD_MATERIAL FUnitId>BD_UNIT FQty FPrice FTaxPrice FAllAmount FDeliveryDate FReceiveQty "
            "FStockInQty FMRPCloseStatus FMRPTerminateStatus",
        ),
        form(
            "SAL_SaleOrder",
            "销售订单",
            "FID",
            "FDate FCustId>BD_Customer FSaleOrgId>ORG_Organizations FSalerId>BD_Empinfo FSettleCurrId>BD_Currency "
            "FCloseStatus",
            number="FBillNo",
            entry="FSaleOrderEntry",
            lines="FMaterialId>BD_MATERIAL FUnitId>BD_UNIT FQty FTaxPrice FAllAmount FDeliveryDate FStockOutQty "
            "FMRPCloseStatus FMRPTerminateStatus",
        ),
    )


def _movements() -> tuple[FormType, ...]:
    return (
        form(
            "PUR_ReceiveBill",
            "收料通知单",
            "FID",
            "FDate FSupplierId>BD_Supplier FPurOrgId>ORG_Organizations",
            number="FBillNo",
            entry="FDetailEntity",
            lines="FMaterialId>BD_MATERIAL FUnitId>BD_UNIT FLot>BD_BatchMainFile FActReceiveQty FActlandQty FMustQty "
            "FPreDeliveryDate FOrderBillNo FSrcBillNo FPOORDERENTRYID",
        ),
        form(
            "STK_InStock",
            "采购入库单",
            "FID",
            "FDate FSupplierId>BD_Supplier FPurchaseOrgId>ORG_Organizations",
            number="FBillNo",
            entry="FInStockEntry",
            lines="FMaterialId>BD_MATERIAL FUnitId>BD_UNIT FLot>BD_BatchMainFile FStockId>BD_STOCK FRealQty FPOOrderNo "
            "FPOORDERENTRYID",
        ),
        form(
            "ENG_BOM",
            "物料清单",
            "FID",
            "FUseOrgId>ORG_Organizations FBOMCategory FMATERIALID>BD_MATERIAL",
            entry="FTreeEntity",
            lines="FMATERIALIDCHILD>BD_MATERIAL FCHILDUNITID>BD_UNIT FNUMERATOR FDENOMINATOR FFIXSCRAPQTY FSCRAPRATE "
            "FEFFECTDATE FEXPIREDATE FPOSITIONNO FMATERIALTYPE FREPLACEGROUP",
        ),
    )
