"""U8 passes the whole exam: read over ODBC, requisitions written by the OpenAPI, and by SQL."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import httpx

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, FaultyTransport, Kind, Known, OwnFault
from connectors.contract import Ask, Command, Connector
from connectors.settings import parse_config
from connectors.u8 import U8Connector
from connectors.u8.sandbox import Sandbox
from connectors.u8.sandbox_schema import version_column
from tests.real.odbc import FaultyOdbc

TODAY = date(2026, 11, 22)
FAR = "2099-12-31"

TRUTH = {
    "items": "SELECT cInvCode, cInvName, iSafeNum FROM Inventory WHERE cInvName <> ''",
    "stock": "SELECT cInvCode, cWhCode, SUM(iQuantity), SUM(iQuantity) - SUM(COALESCE(fStopQuantity, 0))"
    " FROM CurrentStock WHERE cWhCode <> '' GROUP BY cInvCode, cWhCode",
    "customers": "SELECT cCusCode, cCusName FROM Customer WHERE cCusName <> ''",
    "vendors": "SELECT cVenCode, cVenName FROM Vendor WHERE cVenName <> ''",
    "purchase_orders": "SELECT d.ID, h.cPOID, d.iQuantity FROM PO_Podetails d JOIN PO_Pomain h ON h.POID = d.POID"
    " WHERE h.cPOID <> ''",
    "sales_orders": "SELECT d.iSOsID, h.cSOCode, d.iQuantity FROM SO_SODetails d JOIN SO_SOMain h ON h.ID = d.ID"
    " WHERE h.cSOCode <> ''",
    "arrivals": "SELECT d.Autoid, h.cCode, d.iQuantity, h.cverifier FROM PU_ArrivalVouchs d"
    " JOIN PU_ArrivalVouch h ON h.ID = d.ID WHERE h.cCode <> ''",
    "bom": "SELECT p.ParentId, o.OpComponentId, c.InvCode, o.BaseQtyN FROM bom_opcomponent o"
    " JOIN bom_parent p ON p.BomId = o.BomId JOIN bas_part c ON c.PartId = o.ComponentId WHERE c.InvCode <> ''",
    "bom_substitutes": "SELECT p.ParentId, r.ComponentSubId, x.InvCode, r.Factor FROM bom_opcomponentsub r"
    " JOIN bom_opcomponent o ON o.OpComponentId = r.OpComponentId JOIN bom_parent p ON p.BomId = o.BomId"
    " JOIN bas_part x ON x.PartId = r.PartId WHERE x.InvCode <> ''",
}
FIELDS = {
    "items": ("cInvCode", "cInvName", "iSafeNum"),
    "stock": ("cInvCode", "cWhCode", "iQuantity", "fAvailable"),
    "customers": ("cCusCode", "cCusName"),
    "vendors": ("cVenCode", "cVenName"),
    "purchase_orders": ("ID", "cPOID", "iQuantity"),
    "sales_orders": ("iSOsID", "cSOCode", "iQuantity"),
    "arrivals": ("Autoid", "cCode", "iQuantity", "cverifier"),
    "bom": ("ParentId", "OpComponentId", "InvCode", "BaseQtyN"),
    "bom_substitutes": ("ParentId", "ComponentSubId", "InvCode", "Factor"),
}
NUMBERS = {"iSafeNum", "iQuantity", "fAvailable", "BaseQtyN", "Factor"}
TOUCHES = {
    "items": "UPDATE Inventory SET iSafeNum = ? WHERE cInvCode = (SELECT MIN(cInvCode) FROM Inventory)",
    "stock": "UPDATE CurrentStock SET iQuantity = ? WHERE AutoID = (SELECT MIN(AutoID) FROM CurrentStock)",
    "customers": "UPDATE Customer SET cCusName = ? WHERE cCusCode = 'C0001'",
    "vendors": "UPDATE Vendor SET cVenName = ? WHERE cVenCode = 'V001'",
    "purchase_orders": "UPDATE PO_Podetails SET iQuantity = ? WHERE ID = 1",
    "sales_orders": "UPDATE SO_SODetails SET iQuantity = ? WHERE iSOsID = 1",
    "arrivals": "UPDATE PU_ArrivalVouch SET cverifier = ? WHERE ID = 1",
    "bom": "UPDATE bom_opcomponent SET BaseQtyN = ? WHERE OpComponentId = 10",
    "bom_substitutes": "UPDATE bom_opcomponentsub SET Factor = ? WHERE ComponentSubId = 1",
}
SPOILT = {
    "items": "UPDATE Inventory SET cInvName = '' WHERE cInvCode = ?",
    "stock": "UPDATE CurrentStock SET cWhCode = '' WHERE cInvCode = ?",
    "customers": "UPDATE Customer SET cCusName = '' WHERE cCusCode = ?",
    "vendors": "UPDATE Vendor SET cVenName = '' WHERE cVenCode = ?",
    "purchase_orders": "UPDATE PO_Pomain SET cPOID = '' WHERE cPOID = ?",
    "sales_orders": "UPDATE SO_SOMain SET cSOCode = '' WHERE cSOCode = ?",
    "arrivals": "UPDATE PU_ArrivalVouch SET cCode = '' WHERE cCode = ?",
    "bom": "UPDATE bas_part SET InvCode = '' WHERE InvCode = ?",
    "bom_substitutes": "UPDATE bas_part SET InvCode = '' WHERE InvCode = ?",
}


class U8World:
    """SQLite files read through their ODBC driver; the OpenAPI writes into the same database."""

    connector_type: ClassVar[type[Connector]] = U8Connector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS - {
        "rate"
    }  # no database says so; the OpenAPI's 429 has a test of its own
    way: ClassVar[str] = "openapi"

    def __init__(self) -> None:
        self.sandbox = self.make()
        self.store = self.sandbox.data
        self._faults = Faults()
        self._odbc = FaultyOdbc(self._faults)
        self._inner = httpx.MockTransport(self.sandbox.handle)
        self._numbers = itertools.count(1)
        self._seeded: dict[str, list[str]] = {}
        self._connectors: list[U8Connector] = []

    def make(self) -> Sandbox:
        return Sandbox(today=TODAY)

    def place(self) -> dict[str, Any]:
        return {"driver": "sqlite", "server": str(self.sandbox.folder), "account": "001"}

    def config(self) -> dict[str, Any]:
        app = self.sandbox.api.application
        who = {
            "username": "weft",
            "password": "pa55-word/with+signs",
            "app_key": app.app_key,
            "app_secret": app.app_secret,
        }
        accounts = {"from_account": app.from_account, "to_account": app.to_account}
        portal = {"portal_url": "https://u8.example.test/{database}/{object}/{code}"}
        bounds = {"timeout_s": 0.5, "page_size": 5}
        return {**self.place(), **who, **accounts, **portal, **bounds, "requisitions": self.way}

    def connector(self, **changes: Any) -> U8Connector:
        config: Any = parse_config(U8Connector, {**self.config(), **changes})
        transport = FaultyTransport(self._inner, self._faults)
        made = U8Connector(config, opener=self._odbc, transport=transport)
        self._connectors.append(made)
        return made

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return int(self.store.run("SELECT COUNT(*) FROM PU_AppVouch")[0][0])

    def without_rights(self) -> None:
        self.store.run("ALTER TABLE PU_ArrivalVouch RENAME TO hidden")

    def close(self) -> None:
        for connector in self._connectors:
            connector.close()
        self.sandbox.close()

    def own_faults(self) -> Sequence[OwnFault]:
        older = partial(self.store.run, "ALTER TABLE Inventory DROP COLUMN iTopSum")
        return [
            OwnFault("a version without the column", older, "items", after=0),
            *(OwnFault("a page changes under us", partial(self.touch, s), s) for s in ("items", "purchase_orders")),
            *self.own_faults_of_writing(),
        ]

    def own_faults_of_writing(self) -> Sequence[OwnFault]:
        return [OwnFault("the token ran out", self.sandbox.api.expire_tokens, self.commands()[0])]

    # -- reading ----------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        tables: set[str] = set()
        for _ in range(n):
            tables |= self._add(stream, next(self._numbers)).keys()
        if same_time:
            version = self.store.run("SELECT MAX(pubufts) FROM Inventory")[0][0]
            for table in tables:
                if column := version_column(table):
                    self.store.run(f"UPDATE {table} SET {column} = ?", (version,))

    def touch(self, stream: str) -> None:
        number = next(self._numbers)
        self.store.run(
            TOUCHES[stream], (f"新名 {number}" if "Name" in TOUCHES[stream] or "cver" in TOUCHES[stream] else number,)
        )

    def late(self, stream: str) -> None:
        """A transaction takes its row version, another is faster, and then it commits."""
        version = self._take_version()
        self.touch(stream)
        self._add(stream, next(self._numbers), version)
        self.store.run("DELETE FROM active_rowversion")

    def _take_version(self) -> int:
        self.store.run("UPDATE dbts SET value = value + 1")
        self.store.run("INSERT INTO active_rowversion SELECT value FROM dbts")
        return int(self.store.run("SELECT value FROM dbts")[0][0])

    def remove(self, stream: str) -> None:
        raise AssertionError("no stream shows deletes")

    def spoil(self, stream: str) -> None:
        self.store.run(SPOILT[stream], (self._seeded[stream][10],))

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        keys = {"stock": 2, "bom": 2, "bom_substitutes": 2}.get(stream, 1)
        found = {}
        for row in self.store.run(TRUTH[stream]):
            values = {
                name: Decimal(str(value)) if name in NUMBERS and value is not None else value
                for name, value in zip(FIELDS[stream], row, strict=True)
            }
            found[tuple(values[name] for name in FIELDS[stream][:keys])] = values
        return found

    def _add(self, stream: str, number: int, version: int | None = None) -> dict[str, dict[str, Any]]:
        code, key = f"T{number:04}", 100_000 + number
        self._seeded.setdefault(stream, []).append(code)
        dated = {} if version is None else {"": version}
        line = {"cInvCode": "BRG-6205", "iQuantity": number}
        rows: dict[str, dict[str, dict[str, Any]]] = {
            "items": {"Inventory": {"cInvCode": code, "cInvName": f"件 {code}", "iSafeNum": number}},
            "stock": {"CurrentStock": {"cInvCode": code, "cWhCode": "01", "cBatch": "", "iQuantity": number}},
            "customers": {"Customer": {"cCusCode": code, "cCusName": f"客户 {code}"}},
            "vendors": {"Vendor": {"cVenCode": code, "cVenName": f"供应商 {code}"}},
            "purchase_orders": {
                "PO_Pomain": {"POID": key, "cPOID": code, "cState": 0},
                "PO_Podetails": {"ID": key, "POID": key, **line},
            },
            "sales_orders": {
                "SO_SOMain": {"ID": key, "cSOCode": code},
                "SO_SODetails": {"AutoID": key, "ID": key, "iSOsID": key, **line},
            },
            "arrivals": {
                "PU_ArrivalVouch": {"ID": key, "cCode": code, "iBillType": 0},
                "PU_ArrivalVouchs": {"Autoid": key, "ID": key, **line},
            },
            "bom": {
                "bas_part": {"PartId": key, "InvCode": code},
                "bom_bom": {"BomId": key, "Status": 3},
                "bom_parent": {"ParentId": 1, "BomId": key},
                "bom_opcomponent": {
                    "OpComponentId": key, "BomId": key, "ComponentId": key, "BaseQtyN": number, "BaseQtyD": 1,
                },
            },
            "bom_substitutes": {
                "bas_part": {"PartId": key, "InvCode": code},
                "bom_opcomponentsub": {"ComponentSubId": key, "OpComponentId": 10, "PartId": key, "Factor": number},
            },
        }  # fmt: skip
        tables = dict(rows[stream])
        if stream == "stock":
            tables = {"Inventory": {"cInvCode": code, "cInvName": code, "iSafeNum": 1}, **tables}
        for table, row in tables.items():
            column = version_column(table)
            values = {**row, **({column: dated[""]} if dated and column else {})}
            self.store.fill(table, ", ".join(values), [tuple(values.values())])
        return tables

    # -- answering --------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        bearing, customer = {"item": "BRG-6205"}, {"customer": "C0001"}
        return [
            Known(
                Ask("stock", bearing, 5),
                {"quantity": Decimal(12), "safety_stock": Decimal(20), "below_safety": True, "short_by": Decimal(8)},
            ),
            Known(
                Ask("bom", bearing, 5),
                {"used_in": [{"product": "YZ-400", "name": "7 号冲压机", "quantity": Decimal(2), "level": 1}]},
            ),
            Known(Ask("open_purchase_orders", bearing, 5), {"lines": 1, "quantity": Decimal(30), "late_lines": 0}),
            Known(Ask("suppliers", bearing, 5), {"usual_supplier": "V001"}),
            Known(Ask("purchase_frequency", customer, 5), {"orders_12_months": 6, "mean_days_between": Decimal(60)}),
            Known(Ask("last_orders", customer, 5), {"name": "杭州精工机械有限公司"}),
        ]

    def unknown(self) -> Sequence[Ask]:
        items = ("stock", "bom", "open_purchase_orders", "suppliers")
        asks = [Ask(q, {"item": code}, 5) for q in items for code in ("NO-SUCH", "it's'; --")]
        return [*asks, *(Ask(q, {"customer": "C9999"}, 5) for q in ("purchase_frequency", "last_orders"))]

    # -- writing ----------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        due = str(TODAY + timedelta(14))
        first = {"item": "BRG-6205", "quantity": Decimal("88"), "required_date": due, "supplier": "V001"}
        return [self._command([first, {"item": "OIL-46", "quantity": "2.5"}], memo="轴承低于安全库存")]

    def _command(self, lines: list[dict[str, Any]], **more: Any) -> Command:
        number = next(self._numbers)
        key = {"ticket": f"TKT-2026-{number:06}"}
        return Command(f"c-{number}", "create_requisition", key, {"lines": lines, **more})

    def refusals(self) -> Sequence[Command]:
        return [self._command([{"item": item, "quantity": 1}]) for item in ("NO-SUCH", "YZ-400")]

    def effects(self, command: Command) -> int:
        marker = f"%weft:{command.idempotency_key}%"
        return int(self.store.run("SELECT COUNT(*) FROM PU_AppVouch WHERE cMemo LIKE ?", (marker,))[0][0])


class U8SqlWorld(U8World):
    """Requisitions are written straight into the database."""

    way = "sql"

    def own_faults_of_writing(self) -> Sequence[OwnFault]:
        deadlock = partial(self.break_next, Break("transient", effect=True))
        return [OwnFault("a deadlock", deadlock, self.commands()[0])]


class TestU8WithOpenApi(Conformance):
    world_type = U8World


class TestU8WithSql(Conformance):
    world_type = U8SqlWorld
