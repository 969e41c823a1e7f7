"""What can be asked about a customer, who is an Account by its Id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import Answer, Ask, Question
from connectors.errors import BadRecord
from connectors.exact import exact_number
from connectors.salesforce import soql
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.objects import moment

_NEEDS = ("customer",)
QUESTIONS = (
    Question(name="account", needs=_NEEDS, title="Customer in Salesforce", title_zh="客户档案（Salesforce）"),
    Question(
        name="last_interactions",
        needs=_NEEDS,
        title="Last three interactions",
        title_zh="最近三次互动",
        record="Interaction",
    ),
    Question(name="open_complaints", needs=_NEEDS, title="Open complaints", title_zh="未结投诉"),
    Question(
        name="health_inputs",
        needs=_NEEDS,
        title="What the health score is computed of",
        title_zh="健康度计算依据",
        record="salesforce.health_inputs",
    ),
)
INTERACTIONS = 3
COMPLAINTS = 50
"""How many are listed; `count` tells of all."""
WINDOW = timedelta(days=90)
_ACCOUNT_ID = re.compile(r"001[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")
_CASE_ID = re.compile(r"500[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")
_ACCOUNT = ("Name", "AccountNumber", "Type", "Industry", "Rating", "Phone", "Website", "BillingCity", "BillingCountry")


@dataclass(frozen=True, slots=True)
class Asker:
    """One question, asked at `now`."""

    client: SalesforceClient
    config: SalesforceConfig
    ask: Ask
    now: datetime

    def answer(self) -> Answer | None:
        """None: no such account, or the hub's user may not see it. Raises BadRecord for a question that is none."""
        asked = {
            "account": self._account,
            "last_interactions": self._last_interactions,
            "open_complaints": self._open_complaints,
            "health_inputs": self._health_inputs,
        }.get(self.ask.question)
        if asked is None:
            raise BadRecord(
                f"There is no question {self.ask.question!r}; there are {', '.join(q.name for q in QUESTIONS)}."
            )
        customer = self.ask.inputs.get("customer")
        if not isinstance(customer, str) or not customer.strip():
            raise BadRecord("The input customer is missing: the Id of an Account.", record=dict(self.ask.inputs))
        if not _ACCOUNT_ID.fullmatch(customer):
            return None
        with self.client.within(self.ask.deadline_s):
            asked_for = soql.select(self._columns(), "Account", f"Id = '{customer}'")
            found = self.client.query(asked_for).records
            if not found:
                return None
            account = found[0]
            values = asked(account)
            page = f"{self.client.base}/{account['Id']}"
        told = values.get("complaints")
        return Answer(values, self.now, told[0]["url"] if told else page, str(account["Id"]))

    def _columns(self) -> list[str]:
        own = [self.config.health_field] if self.config.health_field else []
        return [*dict.fromkeys(["Id", "Owner.Name", *_ACCOUNT, *own, *self.config.extra_columns.account])]

    # -- the questions ------------------------------------------------------------------------------------------------

    def _account(self, account: Mapping[str, Any]) -> dict[str, Any]:
        return dict(account) | {"health": self._health(account)}

    def _last_interactions(self, account: Mapping[str, Any]) -> dict[str, Any]:
        """Done tasks and past events, newest first."""
        of_customer = _of(account)
        tasks = soql.select(
            [
                "Id",
                "Subject",
                "Status",
                "TaskSubtype",
                "CallType",
                "CompletedDateTime",
                "CreatedDate",
                "Who.Name",
                "Owner.Name",
            ],
            "Task",
            of_customer,
            "IsClosed = true",
            order="CompletedDateTime DESC NULLS LAST, CreatedDate DESC",
            limit=INTERACTIONS,
        )
        events = soql.select(
            ["Id", "Subject", "Location", "StartDateTime", "CreatedDate", "Who.Name", "Owner.Name"],
            "Event",
            of_customer,
            self._past,
            order="StartDateTime DESC NULLS LAST",
            limit=INTERACTIONS,
        )
        found = [
            self._interaction("task", row, row.get("CompletedDateTime")) for row in self.client.query(tasks).records
        ]
        found += [
            self._interaction("event", row, row.get("StartDateTime")) for row in self.client.query(events).records
        ]
        found.sort(key=lambda each: (each["at"], each["id"]), reverse=True)
        return {"interactions": found[:INTERACTIONS]}

    def _interaction(self, kind: str, row: Mapping[str, Any], at: Any) -> dict[str, Any]:
        return {
            "id": row.get("Id"),
            "at": moment(at) or moment(row.get("CreatedDate")),
            "kind": str(row.get("TaskSubtype") or "task").lower() if kind == "task" else "meeting",
            "direction": {"Inbound": "inbound", "Outbound": "outbound"}.get(str(row.get("CallType"))),
            "subject": row.get("Subject"),
            "actor": (row.get("Owner") or {}).get("Name"),
            "contact": (row.get("Who") or {}).get("Name"),
            "url": f"{self.client.base}/{row.get('Id')}",
        }

    def _open_complaints(self, account: Mapping[str, Any]) -> dict[str, Any]:
        """Input `case` (optional): only this one."""
        where = [_of(account), "IsClosed = false", self._is_complaint]
        if (case := self.ask.inputs.get("case")) is not None:
            if not _CASE_ID.fullmatch(str(case)):
                return {"count": 0, "complaints": []}
            where.append(f"Id = '{case}'")
        columns = ["Id", "CaseNumber", "Subject", "Status", "Priority", "Type", "IsEscalated", "CreatedDate"]
        columns += [self.config.ticket_field] if self.config.ticket_field else []
        page = self.client.query(soql.select(columns, "Case", *where, order="CreatedDate, Id", limit=COMPLAINTS))
        count = page.total if page.total < COMPLAINTS else self.client.count(soql.count("Case", *where))
        return {"count": count, "complaints": [self._complaint(row) for row in page.records]}

    def _complaint(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row.get("Id"),
            "number": row.get("CaseNumber"),
            "subject": row.get("Subject"),
            "status": row.get("Status"),
            "priority": row.get("Priority"),
            "type": row.get("Type"),
            "escalated": row.get("IsEscalated"),
            "opened_at": moment(row.get("CreatedDate")),
            "ticket": row.get(self.config.ticket_field) or None,
            "url": f"{self.client.base}/{row.get('Id')}",
        }

    def _health_inputs(self, account: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers of mappings/salesforce/health.yaml."""
        mine, since = _of(account), soql.moment(self.now - WINDOW)
        latest = self._last_interactions(account)["interactions"]
        last = latest[0]["at"] if latest else None
        return {
            "customer": account["Id"],
            "open_cases": self._count("Case", mine, "IsClosed = false"),
            "open_complaints": self._count("Case", mine, "IsClosed = false", self._is_complaint),
            "complaints_90d": self._count("Case", mine, f"CreatedDate >= {since}", self._is_complaint),
            "interactions_90d": self._count("Task", mine, "IsClosed = true", f"CompletedDateTime >= {since}")
            + self._count("Event", mine, self._past, f"StartDateTime >= {since}"),
            "last_interaction_at": last,
            "days_since_interaction": None if last is None else (self.now - last).days,
            "score_before": self._health(account),
        }

    # -- parts --------------------------------------------------------------------------------------------------------

    @property
    def _is_complaint(self) -> str:
        types = self.config.complaint_types
        return f"(IsEscalated = true OR Type IN {soql.texts(types)})" if types else "IsEscalated = true"

    @property
    def _past(self) -> str:
        return f"StartDateTime <= {soql.moment(self.now)}"

    def _count(self, source: str, *where: str) -> int:
        return self.client.count(soql.count(source, *where))

    def _health(self, account: Mapping[str, Any]) -> Any:
        value = account.get(self.config.health_field) if self.config.health_field else None
        return None if value is None else exact_number(value)


def _of(account: Mapping[str, Any]) -> str:
    return f"AccountId = '{account['Id']}'"
