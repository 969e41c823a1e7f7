"""The company that every stand-in tells about: the same customers, machines and parts, under each system's own codes.

A trial shows one global ID for one thing only if all sandboxes know the same things. Codes differ on purpose, as they
do in life: the ERP counts, the CRM has its own format, the monitoring system names hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ExampleCustomer:
    """A customer: `erp` is its code in U8 and Kingdee, `crm` its number in Salesforce."""

    erp: str
    crm: str
    name: str
    short_name: str
    credit_code: str
    phone: str
    city: str
    tier: str


@dataclass(frozen=True, slots=True)
class ExampleDevice:
    """A machine: `id` is its host name in monitoring, its topic in MQTT and its equipment id in the MES."""

    id: str
    name: str
    serial: str
    model: str
    customer: str
    spare: str
    """The article that wears out first."""


@dataclass(frozen=True, slots=True)
class ExampleItem:
    """An article of the ERP systems. `stock` is what lies in `warehouse`; below `safety` it must be bought."""

    code: str
    name: str
    specification: str
    unit: str
    safety: Decimal
    low: Decimal
    top: Decimal
    warehouse: str
    stock: Decimal
    supplier: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class ExampleSupplier:
    """A supplier. `on_time`: deliveries in time of the last twenty."""

    code: str
    name: str
    credit_code: str
    phone: str
    on_time: int


CUSTOMERS = (
    ExampleCustomer(
        "C0001",
        "EC-20260215-8891",
        "杭州精工机械有限公司",
        "杭州精工",
        "91330100MA27X0001E",
        "0571-88990001",
        "杭州",
        "gold",
    ),
    ExampleCustomer(
        "C0002",
        "EC-20250708-1032",
        "苏州恒信电子股份有限公司",
        "恒信电子",
        "91320500MA1P00002L",
        "0512-66880002",
        "苏州",
        "silver",
    ),
    ExampleCustomer(
        "C0003", "EC-20241130-0457", "Nordhafen Pumpen GmbH", "Nordhafen", "", "+49 40 5550003", "Hamburg", "gold"
    ),
)
DEVICES = (
    ExampleDevice("press-7", "7 号冲压机", "SN-PR7-20190412", "YZ-400", "C0001", "BRG-6205"),
    ExampleDevice("cnc-3", "3 号加工中心", "SN-CN3-20210903", "VMC-850", "C0001", "SPD-BELT-12"),
    ExampleDevice("pump-12", "Feed pump 12", "SN-PU12-20230117", "NH-90", "C0003", "SEAL-40"),
)
ITEMS = (
    ExampleItem(
        "BRG-6205",
        "深沟球轴承",
        "6205-2RS",
        "个",
        Decimal(20),
        Decimal(10),
        Decimal(200),
        "01",
        Decimal(12),
        "V001",
        Decimal("18.5000"),
    ),
    ExampleItem(
        "SPD-BELT-12",
        "主轴皮带",
        "12PK1850",
        "根",
        Decimal(5),
        Decimal(2),
        Decimal(40),
        "01",
        Decimal(9),
        "V002",
        Decimal("96.0000"),
    ),
    ExampleItem(
        "SEAL-40",
        "机械密封",
        "DN40",
        "套",
        Decimal(8),
        Decimal(4),
        Decimal(60),
        "02",
        Decimal(30),
        "V001",
        Decimal("142.7500"),
    ),
    ExampleItem(
        "OIL-46",
        "抗磨液压油",
        "L-HM 46",
        "桶",
        Decimal(6),
        Decimal(3),
        Decimal(50),
        "02",
        Decimal(18),
        "V002",
        Decimal("1180.0000"),
    ),
)
SUPPLIERS = (
    ExampleSupplier("V001", "宁波东海轴承有限公司", "91330200MA2800003U", "0574-87650003", 17),
    ExampleSupplier("V002", "上海沪东传动设备有限公司", "91310115MA1K00004F", "021-58760004", 19),
)
