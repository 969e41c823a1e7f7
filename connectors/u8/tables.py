"""What is read from which tables of U8: the streams, their columns, and the columns that carry row versions.

A column's line reads `alias.column kind role: what it is`, with `=name` behind the column where the record names it
differently; kinds are text, number, whole, flag and time; roles are `key`
(part of what identifies a record), `needed` (a row without it is unusable, a U8 without it too old) and none (null
where this version of U8 has no such column). Row versions are named differently: `ufts` in heads, stock and BOM,
`pubufts` in base data, `dUfts` in lines. A line counts as changed when its head has changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.contract import Stream

_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "whole": {"type": ["integer", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a stream's records, and where it comes from."""

    name: str
    alias: str
    column: str
    kind: str
    role: str
    title: str

    @property
    def required(self) -> bool:
        return self.role in ("key", "needed")


@dataclass(frozen=True, slots=True)
class Join:
    """A table joined to the others. An optional one that this U8 does not have is left out, with its columns."""

    alias: str
    table: str
    on: str
    optional: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """A stream and the tables it is made of. `versions`: (alias, column) of the row versions that date a record."""

    name: str
    alias: str
    table: str
    joins: tuple[Join, ...]
    versions: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.role == "key")

    @property
    def tables(self) -> dict[str, str]:
        return {self.alias: self.table, **{join.alias: join.table for join in self.joins}}

    @property
    def stream(self) -> Stream:
        fields = {column.name: {**_KINDS[column.kind], "title": column.title} for column in self.columns}
        return Stream(name=self.name, key=self.key, schema_={"type": "object", "properties": fields})


def _columns(text: str) -> tuple[Column, ...]:
    found = []
    for line in text.strip().splitlines():
        place, _, title = line.strip().partition(": ")
        words = re.split(r"\s+", place)
        alias, _, named = words[0].partition(".")
        column, _, name = named.partition("=")
        found.append(Column(name or column, alias, column, words[1], words[2] if len(words) > 2 else "", title))
    return tuple(found)


_UNIT = Join("u", "ComputationUnit", "u.cComunitCode = i.cComUnitCode")

ITEMS = Source(
    "items",
    "i",
    "Inventory",
    (_UNIT,),
    (("i", "pubufts"),),
    _columns("""
        i.cInvCode text key: 存货编码 item code
        i.cInvName text needed: 存货名称 name
        i.cInvStd text: 规格型号 specification
        i.cInvCCode text: 存货分类编码 class
        i.cComUnitCode text: 主计量单位编码 unit code
        u.cComUnitName text: 主计量单位 unit
        i.cVenCode text: 主要供货单位 usual supplier
        i.cDefWareHouse text: 默认仓库 default warehouse
        i.iSafeNum number: 安全库存量 safety stock
        i.iLowSum number: 最低库存 lowest stock
        i.iTopSum number: 最高库存 highest stock
        i.fSubscribePoint number: 再订货点 reorder point
        i.fMinSupply number: 最小供应量 least order quantity
        i.iAdvanceDate number: 固定提前期 lead time in days
        i.iInvNCost number: 最新成本 latest cost
        i.bPurchase flag: 是否外购 is bought
        i.bSelf flag: 是否自制 is made
        i.bSale flag: 是否内销 is sold
        i.bInvBatch flag: 是否批次管理 counted per batch
        i.dEDate time: 停用日期 stopped on
        i.dModifyDate time: 变更日期 changed at
    """),
)
STOCK = Source(
    "stock",
    "s",
    "CurrentStock",
    (
        Join("i", "Inventory", "i.cInvCode = s.cInvCode", optional=False),
        Join("t", "CurrentStock", "t.cInvCode = s.cInvCode", optional=False),
        Join("w", "Warehouse", "w.cWhCode = s.cWhCode"),
        _UNIT,
    ),
    (("t", "ufts"), ("i", "pubufts")),  # all warehouses of an item at once, so that its totals agree
    _columns("""
        s.cInvCode text key: 存货编码 item
        s.cWhCode text key: 仓库编码 warehouse
        s.cBatch text: 批号 batch, with `stock_by_batch`
        i.cInvName text: 存货名称 item name
        w.cWhName text: 仓库名称 warehouse name
        u.cComUnitName text: 主计量单位 unit
        s.iQuantity number needed: 现存量 on hand
        s.fAvailable number: 可用量 free to use, by the setting `available`
        s.fStopQuantity number: 冻结量 stopped
        s.fOutQuantity number: 待发货量 to be delivered
        s.fTransOutQuantity number: 调拨待发量 to be moved away
        s.fInQuantity number: 到货待入库量 arrived, not yet put away
        s.fTransInQuantity number: 调拨在途量 on its way from another warehouse
        t.iTotalQuantity number: 全部仓库现存量 on hand in all warehouses
        t.fTotalAvailable number: 全部仓库可用量 free to use in all warehouses
        i.iSafeNum number: 安全库存量 safety stock of the item
        i.iLowSum number: 最低库存 lowest stock of the item
        i.iTopSum number: 最高库存 highest stock of the item
        i.dEDate time: 停用日期 item stopped on
    """),
)
CUSTOMERS = Source(
    "customers",
    "c",
    "Customer",
    (),
    (("c", "pubufts"),),
    _columns("""
        c.cCusCode text key: 客户编码 customer code
        c.cCusName text needed: 客户名称 name
        c.cCusAbbName text: 客户简称 short name
        c.cCusRegCode text: 纳税人登记号 tax number, also the unified social credit code
        c.cCCCode text: 客户分类 class
        c.cDCCode text: 地区 region
        c.cTrade text: 所属行业 industry
        c.cCusAddress text: 地址 address
        c.cCusPhone text: 电话 phone
        c.cCusHand text: 手机 mobile
        c.cCusEmail text: 邮箱 mail
        c.cCusPerson text: 联系人 contact
        c.cCusPPerson text: 专管业务员 salesman
        c.iCusCreLine number: 信用额度 credit limit
        c.dEndDate time: 停用日期 stopped on
        c.dModifyDate time: 变更日期 changed at
    """),
)
VENDORS = Source(
    "vendors",
    "v",
    "Vendor",
    (),
    (("v", "pubufts"),),
    _columns("""
        v.cVenCode text key: 供应商编码 supplier code
        v.cVenName text needed: 供应商名称 name
        v.cVenAbbName text: 供应商简称 short name
        v.cVenRegCode text: 纳税人登记号 tax number, also the unified social credit code
        v.cVCCode text: 供应商分类 class
        v.cVenAddress text: 地址 address
        v.cVenPhone text: 电话 phone
        v.cVenHand text: 手机 mobile
        v.cVenEmail text: 邮箱 mail
        v.cVenPerson text: 联系人 contact
        v.iVenCreGrade text: 信用等级 grade
        v.dEndDate time: 停用日期 stopped on
        v.dModifyDate time: 变更日期 changed at
    """),
)
PURCHASE_ORDERS = Source(
    "purchase_orders",
    "d",
    "PO_Podetails",
    (
        Join("h", "PO_Pomain", "h.POID = d.POID", optional=False),
        Join("i", "Inventory", "i.cInvCode = d.cInvCode"),
        _UNIT,
    ),
    (("d", "dUfts"), ("h", "ufts")),
    _columns("""
        d.ID whole key: 采购订单子表标识 line id
        h.cPOID text needed: 订单编号 order number
        d.ivouchrowno whole: 行号 line number
        h.dPODate time: 订单日期 ordered on
        h.cVenCode text: 供应商编码 supplier
        h.cPersonCode text: 业务员 buyer
        h.cexch_name text: 币种 currency
        h.cState whole: 状态 0 open, 1 audited, 2 closed
        h.cVerifier text: 审核人 audited by
        h.cCloser text: 关闭人 order closed by
        d.cbCloser text: 行关闭人 line closed by
        d.cInvCode text needed: 存货编码 item
        i.cInvName text: 存货名称 item name
        u.cComUnitName text: 主计量单位 unit
        d.iQuantity number: 数量 ordered
        d.iArrQTY number: 累计到货数量 arrived
        d.iReceivedQTY number: 累计入库数量 put away
        d.iTaxPrice number: 含税单价 price with tax
        d.iSum number: 价税合计 value with tax
        d.dArriveDate time: 计划到货日期 promised for
        d.iAppIds whole: 请购单子表标识 line of the requisition
    """),
)
SALES_ORDERS = Source(
    "sales_orders",
    "d",
    "SO_SODetails",
    (
        Join("h", "SO_SOMain", "h.ID = d.ID", optional=False),
        Join("i", "Inventory", "i.cInvCode = d.cInvCode"),
        _UNIT,
    ),
    (("d", "dufts"), ("h", "ufts")),
    _columns("""
        d.iSOsID whole key: 销售订单子表标识 line id
        h.cSOCode text needed: 订单号 order number
        d.iRowNo whole: 行号 line number
        h.dDate time: 单据日期 ordered on
        h.cCusCode text: 客户编码 customer
        h.cPersonCode text: 业务员 salesman
        h.cexch_name text: 币种 currency
        h.iStatus whole: 状态 0 open, 1 audited
        h.cVerifier text: 审核人 audited by
        h.cCloser text: 关闭人 order closed by
        d.cSCloser text: 行关闭人 line closed by
        d.cInvCode text needed: 存货编码 item
        i.cInvName text: 存货名称 item name
        u.cComUnitName text: 主计量单位 unit
        d.iQuantity number: 数量 ordered
        d.iFHQuantity number: 累计发货数量 delivered
        d.iSum number: 价税合计 value with tax
        d.dPreDate time: 预发货日期 promised for
        h.dmodifysystime time: 修改时间 changed at
    """),
)
ARRIVALS = Source(
    "arrivals",
    "d",
    "PU_ArrivalVouchs",
    (
        Join("h", "PU_ArrivalVouch", "h.ID = d.ID", optional=False),
        Join("p", "PO_Podetails", "p.ID = d.iPOsID"),
        Join("i", "Inventory", "i.cInvCode = d.cInvCode"),
        _UNIT,
    ),
    (("h", "ufts"),),  # the lines have none: their ufts_source is a text
    _columns("""
        d.Autoid whole key: 到货单子表标识 line id
        h.cCode text needed: 到货单号 arrival number
        h.iBillType whole: 单据类型 0 arrival, 1 return, 2 refused
        h.dDate time: 到货日期 arrived on
        h.cVenCode text: 供应商编码 supplier
        h.cverifier text: 审核人 audited by
        d.cordercode text: 采购订单号 order number
        d.iPOsID whole: 采购订单子表标识 line of the order
        d.cInvCode text needed: 存货编码 item
        i.cInvName text: 存货名称 item name
        u.cComUnitName text: 主计量单位 unit
        d.cWhCode text: 仓库编码 warehouse
        d.cBatch text: 批号 batch
        d.iQuantity number: 数量 arrived
        d.fValidQuantity number: 合格数量 accepted
        d.fRefuseQuantity number: 拒收数量 refused
        p.dArriveDate time: 计划到货日期 promised for
    """),
)
BOM = Source(
    "bom",
    "o",
    "bom_opcomponent",
    (
        Join("b", "bom_bom", "b.BomId = o.BomId", optional=False),
        Join("p", "bom_parent", "p.BomId = o.BomId", optional=False),
        Join("m", "bas_part", "m.PartId = p.ParentId", optional=False),
        Join("c", "bas_part", "c.PartId = o.ComponentId", optional=False),
        Join("i", "Inventory", "i.cInvCode = c.InvCode"),
        _UNIT,
    ),
    (("o", "Ufts"), ("b", "Ufts")),
    _columns("""
        p.ParentId whole key: 母件物料标识 part id of the product
        o.OpComponentId whole key: 子件标识 line id
        b.BomId whole: 物料清单标识 id
        m.InvCode=ProductCode text needed: 母件编码 product
        c.InvCode text needed: 子件编码 component
        i.cInvName text: 子件名称 name of the component
        u.cComUnitName text: 主计量单位 unit of the component
        b.Version whole: 版本代号 version
        b.VersionEffDate time: 版本日期 version valid from
        b.Status whole: 状态 1 new, 3 audited, 4 stopped
        o.SortSeq whole: 子件行号 line
        o.BaseQtyN number: 基本用量 quantity, numerator
        o.BaseQtyD number: 基础数量 quantity, denominator
        o.CompScrap number: 子件损耗率 scrap, percent
        o.EffBegDate time: 子件生效日期 component valid from
        o.EffEndDate time: 子件失效日期 component valid until
    """),
)
SUBSTITUTES = Source(
    "bom_substitutes",
    "r",
    "bom_opcomponentsub",
    (
        Join("o", "bom_opcomponent", "o.OpComponentId = r.OpComponentId", optional=False),
        Join("b", "bom_bom", "b.BomId = o.BomId", optional=False),
        Join("p", "bom_parent", "p.BomId = o.BomId", optional=False),
        Join("m", "bas_part", "m.PartId = p.ParentId", optional=False),
        Join("c", "bas_part", "c.PartId = o.ComponentId", optional=False),
        Join("x", "bas_part", "x.PartId = r.PartId", optional=False),
        Join("i", "Inventory", "i.cInvCode = x.InvCode"),
        _UNIT,
    ),
    (("r", "Ufts"), ("o", "Ufts"), ("b", "Ufts")),
    _columns("""
        p.ParentId whole key: 母件物料标识 part id of the product
        r.ComponentSubId whole key: 替代料标识 line id
        m.InvCode=ProductCode text needed: 母件编码 product
        c.InvCode=ReplacedCode text needed: 被替代子件编码 component that may be replaced
        x.InvCode text needed: 替代料编码 substitute
        i.cInvName text: 替代料名称 name of the substitute
        u.cComUnitName text: 主计量单位 unit of the substitute
        b.Status whole: 状态 1 new, 3 audited, 4 stopped
        r.Sequence whole: 替代序号 order of preference
        r.Factor number: 替代比例 how many stand in for one
        o.BaseQtyN number: 基本用量 quantity of the component, numerator
        o.BaseQtyD number: 基础数量 quantity, denominator
        r.EffBegDate time: 生效日期 valid from
        r.EffEndDate time: 失效日期 valid until
    """),
)
_ALL = (ITEMS, STOCK, CUSTOMERS, VENDORS, PURCHASE_ORDERS, SALES_ORDERS, ARRIVALS, BOM, SUBSTITUTES)
SOURCES: dict[str, Source] = {source.name: source for source in _ALL}
