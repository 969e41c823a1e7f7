"""Kingdee K3 Cloud passes the whole exam, signed call by call and with a session."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import httpx

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, FaultyTransport, Kind, Known, OwnFault
from connectors.contract import Ask, Command, Connector
from connectors.kingdee import KingdeeConnector
from connectors.kingdee.config import KingdeeConfig
from connectors.kingdee.drafts import number_of
from connectors.kingdee.forms import FORMS
from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, PASSWORD, USER, Sandbox
from connectors.settings import parse_config

FORM_OF: dict[str, str] = {str(name): form.form for name, form in FORMS.items()}
FORM_OF["stock"] = "STK_Inventory"
OLD = timedelta(days=2)


class KingdeeWorld:
    """Every call signed, as Kingdee's own SDK does it."""

    connector_type: ClassVar[type[Connector]] = KingdeeConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    login: ClassVar[str] = "headers"

    def __init__(self) -> None:
        self.sandbox = Sandbox(example=False)
        self.state = self.sandbox.state
        self._fill = self.sandbox.filler
        self._faults = Faults()
        self._inner = httpx.MockTransport(self.sandbox.handle)
        self._numbers = itertools.count(1)
        self._spoilt: list[int] = []
        self._basics()

    def _basics(self) -> None:
        """What orders and bills need to be about; older than anything that is read as a change."""
        self.state.backdate = self.state.clock() - timedelta(days=60)
        self._fill.item("BASE-1", "轴承'甲'")
        self._fill.supplier("V-1", "东海轴承")
        self._fill.customer("C-1", "杭州精工")
        self.state.backdate = None

    def credentials(self) -> dict[str, Any]:
        return {"app_id": APP_ID, "app_secret": APP_SECRET}

    def config(self) -> dict[str, Any]:
        common = {
            "url": "https://erp.example.test/k3cloud/",
            "data_center": ACCT,
            "username": USER,
            "login": self.login,
        }
        bounds = {"organization": "100", "timeout_s": 0.5, "page_size": 7, "password": PASSWORD}
        return {**common, **bounds, **self.credentials()}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        transport = FaultyTransport(self._inner, self._faults, _is_change)
        return kind(parse_config(kind, {**self.config(), **changes}), transport=transport)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.state.changes

    def without_rights(self) -> None:
        self.sandbox.user.denied |= {("ENG_BOM", "View"), ("PUR_Requisition", "Audit")}

    def close(self) -> None:
        self._inner.close()

    def own_faults(self) -> Sequence[OwnFault]:
        lost = self.state.sessions.clear
        whole = {"lines": [{"item": "BASE-1", "quantity": "2.5"}], "until": "audited"}
        steps = [partial(self.sandbox.bills.skips.append, step) for step in ("Submit", "Audit")]
        return [
            *(OwnFault("the session is lost between two pages", lost, s) for s in ("purchase_orders", "stock")),
            *(OwnFault("a page changes under us", partial(self.touch, s), s) for s in ("items", "sales_orders")),
            OwnFault("answers in GBK", partial(setattr, self.sandbox, "charset", "gbk"), "customers"),
            OwnFault("the session is lost before the write", lost, self._create(whole)),
            *(OwnFault("a step says yes and does nothing", step, self._create(whole), refused=True) for step in steps),
        ]

    # -- reading ----------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        begin = self.state.clock() - OLD
        for number in range(n):
            self._add(stream, begin + timedelta(seconds=0 if same_time else 60 * number))

    def _add(self, stream: str, changed: datetime) -> Any:
        self.state.backdate = changed
        n, day = next(self._numbers), changed.replace(hour=0, minute=0, second=0, microsecond=0)
        number = f"{stream[:2]}'{n:04d}"
        try:
            if stream == "items":
                return self._fill.item(number, f"物料 {n}", FSafeStock=Decimal("1.5"), FIsEnableSafeStock=True)
            if stream == "stock":
                self._fill.item(number, f"物料 {n}", FMinStock=Decimal(3), FIsEnableMinStock=n % 2 == 1)
                return self._fill.stock(number, "01", Decimal(n), lot="L1" if n % 5 == 0 else "")
            if stream == "customers":
                return self._fill.customer(number, f"客户 {n}")
            if stream == "suppliers":
                return self._fill.supplier(number, f"供应商 {n}")
            if stream == "sales_orders":
                return self._fill.sale(number, "C-1", [("BASE-1", Decimal(n), Decimal("2.5"))], day)
            if stream == "bom":
                self._fill.item(f"p{number}", f"整机 {n}")
                return self._fill.bom(number, f"p{number}", [("BASE-1", Decimal(n), Decimal(1), "")])
            order = self._fill.purchase_order(number, "V-1", "BASE-1", Decimal(n), Decimal("2.5"), day, day)
            if stream == "arrivals":
                return self._fill.arrival(number, order, day)
            return self._fill.receipt(number, order, day) if stream == "receipts" else order
        finally:
            self.state.backdate = None

    def _docs(self, stream: str) -> list[Any]:
        return list(self.state.docs(FORM_OF[stream]).values())

    def touch(self, stream: str) -> None:
        doc = self._docs(stream)[5]
        now = self.state.clock()
        if stream == "stock":
            doc["fbaseqty"] += 1
        elif stream in ("items", "customers", "suppliers"):
            doc |= {"fname": f"改名 {next(self._numbers)}", "fmodifydate": now}
        else:  # an audit leaves FModifyDate as it was
            doc |= {"fdocumentstatus": "D" if doc["fdocumentstatus"] == "C" else "C", "fapprovedate": now}

    def late(self, stream: str) -> None:
        self._add(stream, self.state.clock() - timedelta(minutes=5))

    def remove(self, stream: str) -> None:
        docs = self.state.docs(FORM_OF[stream])
        del docs[next(iter(docs))]

    def spoil(self, stream: str) -> None:
        doc = self._docs(stream)[10]
        doc["fbaseqty" if stream == "stock" else "fapprovedate"] = "abc"
        self._spoilt.append(id(doc))

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        docs = [doc for doc in self._docs(stream) if id(doc) not in self._spoilt]
        if stream == "stock":
            return self._stock(docs)
        if stream in ("items", "customers", "suppliers"):
            return {(d["fnumber"],): {"FName": d["fname"], "FDocumentStatus": "C"} for d in docs}
        quantity = {"arrivals": "FActReceiveQty", "receipts": "FRealQty", "bom": "FNUMERATOR"}.get(stream, "FQty")
        form = self.state.form(FORM_OF[stream])
        return {
            (line[form.entry_pk],): {"FDocumentStatus": d["fdocumentstatus"], quantity: line[quantity.lower()]}
            for d in docs
            for line in d["entries"]
        }

    def _stock(self, docs: Sequence[Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Every row, and a zero for each article with a limit and none."""
        items, lots = self.state.docs("BD_MATERIAL"), self.state.docs("BD_BatchMainFile")
        made: dict[tuple[Any, ...], dict[str, Any]] = {}
        for doc in docs:
            lot = lots[doc["flot"]]["fnumber"] if doc["flot"] else ""
            item = items[doc["fmaterialid"]]
            low = item["fminstock"] if item["fisenableminstock"] else None
            made[(item["fnumber"], "01", lot)] = {"quantity": doc["fbaseqty"], "low_stock": low}
        there = {doc["fmaterialid"] for doc in self._docs("stock")}
        limited = ("fisenableminstock", "fisenablesafestock")
        gone = [i for n, i in items.items() if any(i[switch] for switch in limited) and n not in there]
        return made | {(i["fnumber"], "-", ""): {"quantity": Decimal(0), "item_total": Decimal(0)} for i in gone}

    # -- answering --------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        today = self.state.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        if self.state.numbered("BD_MATERIAL", "A-1") is None:
            self._business(today)
        item, customer = {"item": "A-1"}, {"customer": "C'7"}
        return [
            Known(
                Ask("stock", item, 5),
                {
                    "quantity": Decimal("7.5"),
                    "available": Decimal("6.5"),
                    "safety_stock": Decimal(10),
                    "below_safety": True,
                    "short_by": Decimal("2.5"),
                    "unit": "个",
                },
            ),
            Known(
                Ask("bom", item, 5),
                {"used_in": [{"product": "M-1", "name": "整机", "quantity": Decimal("0.5"), "unit": "个"}]},
            ),
            Known(Ask("open_purchase_orders", item, 5), {"quantity": Decimal(30), "lines": 1, "late_lines": 0}),
            Known(
                Ask("suppliers", item, 5),
                {
                    "suppliers": [
                        {
                            "supplier": "V-7",
                            "name": "东海",
                            "usual": True,
                            "last_ordered_at": _utc(today - timedelta(days=1)),
                            "last_price": Decimal("3.0"),
                            "deliveries": 4,
                            "on_time": 3,
                            "on_time_rate": Decimal("0.7500"),
                        }
                    ]
                },
            ),
            Known(Ask("last_orders", customer, 5), {"name": "客户 '七'"}),
            Known(
                Ask("purchase_frequency", customer, 5),
                {
                    "orders_12_months": 3,
                    "orders_per_month": Decimal("0.25"),
                    "mean_days_between": Decimal("30.00"),
                    "amount_12_months": Decimal(150),
                    "days_since_last": 10,
                },
            ),
        ]

    def _business(self, today: datetime) -> None:
        """One article, bought four times and once again; one customer, who bought thrice in a year."""
        self._fill.supplier("V-7", "东海")
        usual = self._fill.ref("BD_Supplier", "V-7")
        self._fill.item("A-1", "轴承", FSafeStock=Decimal(10), FIsEnableSafeStock=True, FDefaultVendor=usual)
        self._fill.item("M-1", "整机")
        self._fill.bom("M-1_V1.0", "M-1", [("A-1", Decimal(1), Decimal(2), "")])
        self._fill.stock("A-1", "01", Decimal("5.5"))
        self._fill.stock("A-1", "02", Decimal("1"))
        self._fill.stock("A-1", "02", Decimal("1"), state="KCZT03_SYS")
        self._fill.stock("A-1", "02", Decimal("9"), state="KCZT05_SYS")
        for n in range(4):
            due = today - timedelta(days=30 * (n + 1))
            order = self._fill.purchase_order(
                f"PO-{n}", "V-7", "A-1", Decimal(10), Decimal(2), due - timedelta(days=9), due, arrived=Decimal(10)
            )
            self._fill.arrival(f"RE-{n}", order, due + timedelta(days=3 if n == 2 else 0))
        day = today - timedelta(days=1)
        self._fill.purchase_order("PO-9", "V-7", "A-1", Decimal(40), Decimal(3), day, today, arrived=Decimal(10))
        self._fill.customer("C'7", "客户 '七'")
        for n in (10, 40, 70, 500):
            self._fill.sale(f"SO-{n}", "C'7", [("A-1", Decimal(5), Decimal(10))], today - timedelta(days=n))

    def unknown(self) -> Sequence[Ask]:
        needs = {question.name: question.needs[0] for question in self.connector().questions()}
        return [Ask(name, {needs[name]: thing}, 5) for name in needs for thing in ("NO-SUCH", "no' or '1'='1")]

    # -- writing ----------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        lines = [{"item": "BASE-1", "quantity": "2.5", "required_date": "2026-12-01", "supplier": "V-1"}]
        create = self._create({"lines": lines, "memo": "急用 '备件'", "until": "saved"})
        return [create, self._on_bill("submit_requisition", "A"), self._on_bill("audit_requisition", "B")]

    def _create(self, body: dict[str, Any]) -> Command:
        n = next(self._numbers)
        return Command(f"c-{n}", "create_requisition", {"ticket": f"TKT-2026-{n:06d}"}, body)

    def _on_bill(self, op: str, status: str) -> Command:
        n = next(self._numbers)
        line = {"FMaterialId": self._fill.ref("BD_MATERIAL", "BASE-1"), "FReqQty": Decimal(1)}
        self.state.add("PUR_Requisition", [line], FBillNo=f"CGSQ-{n}", FDocumentStatus=status)
        return Command(f"c-{n}", op, {"number": f"CGSQ-{n}"})

    def refusals(self) -> Sequence[Command]:
        return [
            self._create({"lines": [{"item": "NO-SUCH", "quantity": 1}], "until": "saved"}),
            self._create({"lines": [{"item": "BASE-1", "quantity": 0}]}),
            self._on_bill("audit_requisition", "A"),
            Command(f"c-{next(self._numbers)}", "submit_requisition", {"number": "NO-SUCH"}),
        ]

    def impossible(self) -> Sequence[Command]:
        return [self._on_bill("submit_requisition", "C"), self._on_bill("audit_requisition", "A")]

    def effects(self, command: Command) -> int:
        config: Any = parse_config(self.connector_type, self.config())
        assert isinstance(config, KingdeeConfig)
        number = command.key.get("number") or number_of(command, config)
        done = {"create_requisition": "Save", "submit_requisition": "Submit", "audit_requisition": "Audit"}[command.op]
        return self.state.history.count((done, "PUR_Requisition", number))


class SessionWorld(KingdeeWorld):
    """A session, opened with a user's password."""

    login = "password"

    def credentials(self) -> dict[str, Any]:
        return {"app_secret": APP_SECRET}


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(ZoneInfo("UTC"))


def _is_change(request: httpx.Request) -> bool:
    """A step of a bill's life, and not the one by which check() tries its rights."""
    if not request.url.path.endswith(("Save.common.kdsvc", "Submit.common.kdsvc", "Audit.common.kdsvc")):
        return False
    numbers = json.loads(request.content)["data"].get("Numbers") or [""]
    return "NO-SUCH-BILL" not in numbers[0]


class TestKingdeeSigned(Conformance):
    world_type = KingdeeWorld


class TestKingdeeWithSession(Conformance):
    world_type = SessionWorld
