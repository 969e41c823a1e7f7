"""Salesforce passes the whole exam, logged in by SOAP and by OAuth."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from connectors.conformance import ALL_KINDS, Break, Conformance, Faults, Kind, Known, OwnFault
from connectors.contract import Ask, Command, Connector
from connectors.salesforce import SalesforceConnector
from connectors.salesforce.config import Login
from connectors.salesforce.operations import mark
from connectors.salesforce.sandbox import Sandbox
from connectors.settings import parse_config
from tests.unit.connectors_salesforce.faulty import FaultyAdapter

NAMES = {"accounts": "Account", "contacts": "Contact", "cases": "Case", "tasks": "Task", "events": "Event"}
TIMES = {"accounts": "CreatedDate", "contacts": "CreatedDate", "cases": "ClosedDate", "tasks": "CompletedDateTime",
         "events": "StartDateTime"}  # fmt: skip


class SalesforceWorld:
    """An organization of one customer, reached by user name, password and security token."""

    connector_type: ClassVar[type[Connector]] = SalesforceConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS
    login: ClassVar[Login] = "password"

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.state = self.sandbox.state
        self._faults = Faults()
        self._adapter = FaultyAdapter(self.sandbox, self._faults)
        self._numbers = itertools.count(1)
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._spoilt: set[str] = set()
        old = self._now - timedelta(days=50)
        self._account = self.state.put("Account", old, Name="杭州精工", Phone="0571-88990001", Health_Score__c="71.5")[
            "Id"
        ]
        self.state.put("Case", old, AccountId=self._account, Subject="划伤", Type="投诉", Priority="High")
        for days in (2, 30, 40, 49):
            at = self._now - timedelta(days=days)
            values = {"WhatId": self._account, "Status": "Completed", "TaskSubtype": "Call"}
            self.state.put("Task", at, Subject=f"call {days}", **values)

    def config(self) -> dict[str, Any]:
        fields = self.sandbox.login(self.login)
        return {"url": self.sandbox.origin, "timeout_s": 0.5, "page_size": 7, **fields}

    def connector(self, **changes: Any) -> Any:
        kind: Any = self.connector_type
        return kind(parse_config(kind, {**self.config(), **changes}), adapter=self._adapter)

    def break_next(self, how: Break) -> None:
        self._faults.add(how)

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.state.changes

    def without_rights(self) -> None:
        self.state.objects["Case"].updateable = False
        self.state.objects["Contact"].readable = False
        self.state.objects["Account"].columns["Health_Score__c"].read_only = True
        self.state.objects["Account"].columns["Credit_Code__c"].hidden = True

    def close(self) -> None:
        pass

    def own_faults(self) -> Sequence[OwnFault]:
        lost, commands = self.sandbox.account.sessions.clear, self.commands()
        return [
            *(OwnFault("the session is lost between two pages", lost, s) for s in ("accounts", "tasks")),
            *(OwnFault("the session is lost before the write", lost, command) for command in commands),
            *self.other_faults(),
        ]

    def other_faults(self) -> Sequence[OwnFault]:
        """Those that one survives without a new login."""
        locked = partial(self.sandbox.fail, "UNABLE_TO_LOCK_ROW", writes=True)
        return [
            *(OwnFault("a page changes under us", partial(self.touch, s), s) for s in ("accounts", "cases")),
            *(OwnFault("the row is locked", locked, command) for command in self.commands()),
        ]

    # -- reading ----------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        for number in range(n):
            self._put(stream, self._now - timedelta(hours=200 if same_time else 200 - number), f"{number}")

    def _put(self, stream: str, at: datetime, text: str) -> None:
        values: dict[str, dict[str, Any]] = {
            "accounts": {"Name": f"客户 {text}", "Customer_No__c": f"EC-20260215-{text}"},
            "contacts": {"LastName": f"联系人 {text}", "AccountId": self._account},
            "cases": {"Subject": f"个案 {text}", "AccountId": self._account},
            "tasks": {"Subject": f"任务 {text}", "WhatId": self._account, "Status": "Completed"},
            "events": {"Subject": f"会议 {text}", "WhatId": self._account, "StartDateTime": at.isoformat()},
        }
        self.state.put(NAMES[stream], at, **values[stream])

    def touch(self, stream: str) -> None:
        self._now += timedelta(minutes=20)
        name = NAMES[stream]
        first = min(i for i, row in self.state.tables[name].items() if not row["IsDeleted"] and i not in self._spoilt)
        column = {"accounts": "Phone", "contacts": "Title"}.get(stream, "Subject")
        self.state.change(name, first, self._now, **{column: f"changed {next(self._numbers)}"})

    def late(self, stream: str) -> None:
        self._put(stream, self._now - timedelta(minutes=2), "late")

    def remove(self, stream: str) -> None:
        self._now += timedelta(minutes=20)
        self.state.remove(NAMES[stream], max(self.state.tables[NAMES[stream]]), self._now)

    def spoil(self, stream: str) -> None:
        rows = self.state.tables[NAMES[stream]]
        spoilt = sorted(rows)[20]
        rows[spoilt][TIMES[stream]] = "yesterday"
        self._spoilt.add(spoilt)

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        columns = {"accounts": ("Name", "Phone", "Customer_No__c"), "contacts": ("Name", "Title", "AccountId")}.get(
            stream, ("Subject", "AccountId", "OwnerId")
        )
        rows = self.state.tables[NAMES[stream]]
        return {
            (i,): {name: row[name] for name in columns}
            for i, row in rows.items()
            if not row["IsDeleted"] and i not in self._spoilt
        }

    # -- answering --------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        about = {"customer": self._account}
        return [
            Known(Ask("account", about, 5), {"Name": "杭州精工", "Phone": "0571-88990001"}),
            Known(Ask("last_interactions", {"customer": self._account[:15]}, 5), {}),
            Known(Ask("open_complaints", about, 5), {"count": 1}),
            Known(
                Ask("health_inputs", about, 5), {"open_cases": 1, "interactions_90d": 4, "days_since_interaction": 2}
            ),
        ]

    def unknown(self) -> Sequence[Ask]:
        nobody = ("001WF9999999999", "C0001", "no'such")
        return [Ask(known.ask.question, {"customer": n}, 5) for known in self.asks() for n in nobody]

    # -- writing ----------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        case = self.state.put("Case", Subject="a case", AccountId=self._account)["Id"]
        account = self.state.put("Account", Name="a customer")["Id"]
        ticket = f"TKT-2026-{next(self._numbers):06} a/b?c#d"
        body = {"Subject": "7 号冲压机过热", "Status": "New", "AccountId": self._account}
        return [
            self._command("upsert_case", {"ticket": ticket}, body),
            self._command("update_case", {"case_id": case}, {"Status": "Closed", "Priority": "High"}),
            self._command("comment_case", {"case_id": case}, {"comment": "修好了 done"}),
            self._command("set_health", {"account_id": account}, {"score": "62.5"}),
        ]

    def _command(self, op: str, key: dict[str, str], body: dict[str, Any]) -> Command:
        return Command(f"c-{next(self._numbers)}", op, key, body)

    def refusals(self) -> Sequence[Command]:
        case = self.state.put("Case", Subject="a case")["Id"]
        gone = self.state.put("Case", Subject="gone")["Id"]
        self.state.remove("Case", gone)
        return [
            self._command("update_case", {"case_id": case}, {"Status": "Erledigt"}),
            self._command("update_case", {"case_id": gone}, {"Status": "Closed"}),
            self._command("comment_case", {"ticket": "TKT-2026-999999"}, {"comment": "hello"}),
            self._command("set_health", {"account_id": "001WF9999999999"}, {"score": 5}),
            self._command("set_health", {"account_id": self._account}, {"score": "101"}),
        ]

    def effects(self, command: Command) -> int:
        tables, key, body = self.state.tables, command.key, command.body
        if command.op == "upsert_case":
            return sum(row["Weft_Ticket__c"] == key["ticket"] for row in tables["Case"].values())
        if command.op == "comment_case":
            end = mark(command.idempotency_key)
            return sum(str(row["CommentBody"]).endswith(end) for row in tables["CaseComment"].values())
        if command.op == "update_case":
            row = tables["Case"][key["case_id"]]
            return int(row["Status"] == body["Status"])
        row = tables["Account"].get(key["account_id"], {})
        return int(str(row.get("Health_Score__c")) == body["score"])


class ApplicationWorld(SalesforceWorld):
    """Reached as an application: OAuth client credentials."""

    login = "client_credentials"


class TokenWorld(SalesforceWorld):
    """Reached with an access token that can't be renewed."""

    login = "token"

    def own_faults(self) -> Sequence[OwnFault]:
        return self.other_faults()


class TestSalesforce(Conformance):
    world_type = SalesforceWorld


class TestSalesforceAsApplication(Conformance):
    world_type = ApplicationWorld


class TestSalesforceWithToken(Conformance):
    world_type = TokenWorld
