"""The story of the tour from end to end: what happens in the example company, seen through the API, the command line and
the state of the stand-ins alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.mqtt.sandbox import settings as plant_settings
from connectors.odbc import driver_file
from gateway.demo import look
from gateway.demo.company import PAYING_CUSTOMER, SPARE, CompanyProcess
from gateway.demo.connections import documents
from gateway.demo.setting_up import install_zabbix
from gateway.demo.story import BATCH, MACHINE, VEHICLES, WITHOUT_COOLANT, Stage, Step, ca_files, steps
from gateway.search.index import SearchIndex
from tests.acceptance.running_hub import ADMIN, RunningHub, eventually
from tests.real import mosquitto
from tests.real.postgres import free_port

WITHOUT_PORTAL = {"hub", "u8"}
"""The hub's own sections are its own page; U8 has none here, where no portal is set."""
STEPS = {step.id: step for step in steps(down_minutes=15)}


@dataclass
class PublicHub(RunningHub):
    """A hub that knows its own address, so that its tickets have links."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"WEFT_PUBLIC_URL": self.url}


@dataclass
class Company:
    """The hub and its company; what a person sees and does."""

    hub: PublicHub
    stage: Stage
    systems: dict[str, Any]

    def play(self, name: str) -> None:
        self.stage.play(STEPS[name])

    def find(self, name: str, **like: Any) -> dict[str, Any] | None:
        """The one ticket that the hub made of a step, once it is as told."""
        step: Step = STEPS[name]
        assert step.shows is not None
        found = [t for t in self.hub.tickets(kind=step.shows.kind) if step.shows.is_it(t)]
        assert len(found) <= 1, f"{name}: {[t['title'] for t in found]}"
        return found[0] if found and all(found[0][field] == value for field, value in like.items()) else None

    def ticket(self, name: str, **like: Any) -> dict[str, Any]:
        return eventually(lambda: self.find(name, **like), why=f"{name} {like}")

    def act(self, ticket: dict[str, Any], action: str, *, status: int = 200, **body: Any) -> None:
        self.hub.post(f"/v1/tickets/{ticket['id']}/{action}", body, status=status)

    def shown(self, ticket: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = self.hub.get(f"/v1/tickets/{ticket['id']}")
        return told

    def snapshot(self, ticket: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Its sections, by name, once every system has answered."""
        context = eventually(
            lambda: c if (c := self.hub.get(f"/v1/tickets/{ticket['id']}/context"))["complete"] else None, 60
        )
        return {section["name"]: section for section in context["sections"]}

    def known(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """What was answered, by section."""
        return {name: s["values"] for name, s in self.snapshot(ticket).items() if s["status"] == "ok"}

    def origin(self, ticket: dict[str, Any], field: str) -> dict[str, Any]:
        told: dict[str, Any] = self.hub.get(f"/v1/tickets/{ticket['id']}/lineage", field=field)
        return told

    def state(self, system: str, path: str) -> Any:
        answer = self.stage.client(system).get(f"/sandbox/{path}")
        assert answer.status_code == 200, f"{system} {path}: {answer.text}"
        return answer.json()

    def problem(self, host: str) -> dict[str, Any]:
        return next(p for p in self.state("zabbix", "problems") if p["host"] == host)

    def cases(self, ticket: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.state("salesforce", "records/Case")
        return [case for case in rows if case.get("Weft_Ticket__c") == ticket["id"]]

    def maintained(self, ticket: dict[str, Any]) -> list[str]:
        """What the MES was told of a ticket: the types of its reports, in their order."""
        taken = self.state("mes", "state")["reports"]
        return [report["reportType"] for report in taken if report["externalNo"] == ticket["id"]]

    def tell(self, system: str, path: str, **body: Any) -> None:
        """Something happens that is no step of the tour."""
        self.stage.client(system).post(f"/sandbox/{path}", json=body).raise_for_status()

    def accounts(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.state("salesforce", "records/Account")
        return rows

    def messages(self, system: str, word: str) -> list[dict[str, Any]]:
        found = self.state(system, "messages")["messages"]
        return [m for m in found if word in m["title"] + m["text"]]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    driver_file("sqlite")  # the stand-in of U8 is read by ODBC: said here, instead of missing tickets later
    database = f"sqlite:///{tmp_path / 'weft.db'}"
    with mosquitto.running() as broker, CompanyProcess(tmp_path / "company") as running:
        systems = running.systems()
        assert systems["left_out"] == {}
        config = documents(systems, plant_settings(broker.url), check_after="3s")
        hub = PublicHub(tmp_path, database, config, port=free_port())
        try:
            hub.start()
            install_zabbix(systems, hub.url)
            with Stage(systems["urls"], broker.url, ca_files(systems["connections"])) as stage:
                yield Company(hub, stage, systems)
        finally:
            hub.stop()
            shutil.rmtree(tmp_path / "company", ignore_errors=True)


def all_books_are_read(company: Company) -> bool:
    """Every stream of business records of every system once."""
    syncs = company.hub.get("/v1/syncs")["items"]
    assert not [s for s in syncs if s["error"]], syncs
    return {s["connection"] for s in syncs} >= {"u8", "kingdee", "salesforce", "mes", "knowledge"} and all(
        s["finished_at"] for s in syncs
    )


def test_the_story_of_the_tour_from_end_to_end(company: Company) -> None:
    eventually(lambda: all_books_are_read(company), 60, why="the systems are read")
    customers_are_one(company)
    earlier = a_machine_is_repaired_and_the_mes_knows(company)
    company.play("payment")
    payment = company.ticket("payment")
    for name in ("machine-down", "stock", "vehicles"):
        company.play(name)
    the_snapshot_is_complete(company, payment)
    a_purchase_is_approved(company)
    company.play("storm")
    resolved_here_is_closed_there(company, payment)
    the_vehicles_are_one_issue(company)
    the_machine_explains_itself(company, earlier)
    a_storm_is_one_p0(company)
    company.play("coolant-back")
    company.play("payment-again")
    company.play("goods-arrive")
    company.play("machine-runs")
    what_was_solved_helps(company, payment)
    everything_ends(company)
    every_answer_says_when_it_is_of_and_where_it_is_from(company)
    nothing_went_in_circles(company, payment)
    every_message_and_every_value_is_accounted_for(company)


def customers_are_one(company: Company) -> None:
    """Three spellings of customer numbers in the CRM, one form here; one customer for three systems."""
    (account,) = [a for a in company.accounts() if a["Customer_No__c"] == "ec20250708/1032"]
    asked = {"stream": "accounts", "record": account}
    shown = company.hub.post("/v1/connections/salesforce/preview", asked)
    assert shown["values"]["number"] == "EC-20250708-1032"
    of_crm = company.hub.get("/v1/ids", system="salesforce", kind="customer", local_id=account["Id"])
    names = {(x["system"], x["local_id"]) for x in of_crm["crosswalk"]}
    assert {("u8", PAYING_CUSTOMER), ("kingdee", PAYING_CUSTOMER), ("salesforce", account["Id"])} <= names


def a_machine_is_repaired_and_the_mes_knows(company: Company) -> dict[str, Any]:
    """Another machine than the tour's stood before: its order is in the MES once it is worked on, its report once it is
    repaired. Meanwhile the tour's machine begins to need its processor."""
    company.tell("mes", "stop?device=cnc-3&minutes=16")
    stands = partial(company.hub.tickets, kind="maintenance")
    down = eventually(lambda: next((t for t in stands() if "cnc-3" in t["title"]), None), why="cnc-3 stands")
    assert company.maintained(down) == []
    company.act(down, "start")
    eventually(lambda: company.maintained(down) == ["request"])
    company.act(down, "resolve", resolution="更换主轴轴承，恢复冷却 replaced the spindle bearing", cause="hardware")
    eventually(lambda: company.maintained(down) == ["request", "report"])
    company.tell("mes", "run?device=cnc-3")
    index = SearchIndex(company.hub.home / "var")  # read only: what is solved can be found within some seconds
    eventually(lambda: down["id"] in str(index.similar(down["title"], "ticket")), why="the index has it", every_s=0.5)
    index.close()
    company.tell("zabbix", "values", host=MACHINE, key="system.cpu.util", value=95)
    return down


def the_snapshot_is_complete(company: Company, payment: dict[str, Any]) -> None:
    assert payment["priority"] == "P1"
    known = company.known(payment)
    assert len(known["salesforce.last_interactions"]["interactions"]) == 3
    for erp in ("u8", "kingdee"):
        assert known[f"{erp}.purchase_frequency"]["orders_12_months"] > 0
        assert known[f"{erp}.last_orders"]["orders"]
    assert Decimal(known["zabbix.cpu_mean_1h"]["cpu_mean_1h"]) > 0
    assert known["device_twin"]["latency"]["value"] == "795"
    assert known["salesforce.open_complaints"]["count"] == 1


def a_purchase_is_approved(company: Company) -> None:
    stock = company.ticket("stock")
    known = company.known(stock)
    assert [used["product"] for used in known["u8.bom"]["used_in"]] == ["YZ-400"]
    assert [other["item"] for other in known["u8.bom"]["substitutes"]] == ["BRG-6205-ZZ"]
    assert known["u8.open_purchase_orders"]["orders"]
    assert Decimal(known["u8.suppliers"]["suppliers"][0]["on_time_rate"]) == Decimal("0.9")
    assert company.state("u8", "requisitions") == []
    company.act(stock, "approve", text="同意采购 agreed")
    company.act(stock, "approve", text="once more", status=409)
    (requisition,) = eventually(lambda: company.state("u8", "requisitions"))
    assert requisition["lines"][0]["item"] == SPARE
    assert stock["id"] in requisition["memo"]


def resolved_here_is_closed_there(company: Company, payment: dict[str, Any]) -> None:
    eventually(lambda: company.cases(payment))
    assert company.problem("pay01")["open"]
    company.act(
        payment, "resolve", resolution="连接池用尽，重启支付网关 restarted the payment gateway", cause="software"
    )
    eventually(lambda: not company.problem("pay01")["open"])
    eventually(lambda: [c["Status"] for c in company.cases(payment)] == ["Closed"])
    flag = eventually(lambda: next(iter(company.hub.tickets(kind="data_quality")), None), why="the complaint is open")
    complaint = next(c for c in company.state("salesforce", "records/Case") if c["Subject"] == "交货期延误")
    assert payment["id"] in flag["description"]
    assert f"{company.hub.url}/" in flag["description"]
    assert complaint["Id"] in flag["description"] + (flag["url"] or "")
    told = list(look.ticket(company.hub.url, ADMIN, payment["id"]))
    assert "  → zabbix close_or_acknowledge: done" in told
    company.act(payment, "close")
    account = eventually(lambda: next((a for a in company.accounts() if a.get("Health_Score__c") is not None), None))
    assert account["Id"] == complaint["AccountId"]
    assert 0 < Decimal(str(account["Health_Score__c"])) < 100


def the_vehicles_are_one_issue(company: Company) -> None:
    issue = company.ticket("vehicles")
    eventually(lambda: len(company.shown(issue)["members"]) == VEHICLES)
    quality = company.known(issue)["mes.batch_quality"]
    assert (quality["batch"], quality["failed"], quality["inbound"]) == (BATCH, 1, 1)


def the_machine_explains_itself(company: Company, earlier: dict[str, Any]) -> None:
    down = company.ticket("machine-down")
    assert down["labels"]["device"] == MACHINE
    known = company.known(down)
    report = known["root_cause"]
    assert report["reason"] == "主轴过热"
    assert report["reading.vibration.highest"] == "4.9 mm/s"
    assert report["spare"] == SPARE
    assert "停机" in report["summary"]
    assert report["reading.vibration.trend"] == "rising"
    oee = known["mes.oee_before_after"]
    assert (report["oee_before"], report["oee_after"]) == (oee["before"]["oee"], oee["after"]["oee"])
    assert 0 <= Decimal(report["oee_after"]) < Decimal(report["oee_before"]) < 1
    assert report["alarms_open"] == 1
    assert earlier["id"] in [t["id"] for t in report["similar_tickets"]]
    assert Decimal(report["supplier_on_time_rate"]) == Decimal(known["u8.suppliers"]["suppliers"][0]["on_time_rate"])
    assert Decimal(report["spare_stock"]) == Decimal(known["u8.stock"]["quantity"])
    origins = {name: company.origin(down, f"context.root_cause.{name}") for name in report}
    assert {name: o["verdict"] for name, o in origins.items() if o["verdict"] != "equal"} == {}
    loose = [name for name, origin in origins.items() if not any("derived" in fact for fact in origin["facts"])]
    assert loose == ["summary"]  # put into words from the others, which its origin names
    assert all(
        f"context.{section}" in origins["summary"]["facts"][0]["origin"] for section in ("mes.downtime", "u8.stock")
    )


def a_storm_is_one_p0(company: Company) -> None:
    storm = company.ticket("storm", priority="P0")
    eventually(lambda: len(company.shown(storm)["members"]) == WITHOUT_COOLANT - 50)
    assert len(company.hub.tickets(priority="P0")) == 1
    for channel in ("wecom", "dingtalk"):
        told = eventually(partial(company.messages, channel, storm["title"]))
        assert len([m for m in told if m["mentioned"]]) == 1, told  # beside it: the room of the event, and its brief


def what_was_solved_helps(company: Company, payment: dict[str, Any]) -> None:
    known = company.known(company.ticket("payment-again"))
    assert payment["id"] in [t["id"] for t in known["similar_tickets"]["tickets"]]
    assert "KB-110" in [a["id"] for a in known["similar_articles"]["articles"]]


def everything_ends(company: Company) -> None:
    for name in ("stock", "machine-down", "storm"):
        company.ticket(name, status="resolved")
    eventually(lambda: all(t["status"] == "resolved" for t in company.hub.tickets() if "spindle" in t["title"]))


def every_answer_says_when_it_is_of_and_where_it_is_from(company: Company) -> None:
    answered = [
        section
        for ticket in company.hub.tickets()
        for section in company.hub.get(f"/v1/tickets/{ticket['id']}/context")["sections"]
        if section["status"] == "ok"
    ]
    assert len(answered) > 100
    assert [s for s in answered if s["as_of"] is None or s["latency_ms"] is None] == []
    assert {s["connection"] for s in answered if not s["link"]} <= WITHOUT_PORTAL
    assert {s["connection"] for s in answered if s["link"]} >= {"zabbix", "kingdee", "salesforce", "mes"}
    metrics = httpx.get(f"{company.hub.url}/metrics", timeout=10).text
    (share,) = [line.split()[1] for line in metrics.splitlines() if line.startswith("weft_context_completeness ")]
    assert float(share) > 0.92


def nothing_went_in_circles(company: Company, payment: dict[str, Any]) -> None:
    """Our own changes come back as receipts, and are told to nobody again."""
    eventually(lambda: [e for e in company.shown(payment)["timeline"] if e["name"] == "echo"])
    shown = company.shown(payment)
    assert shown["status"] == "closed"
    assert [c["state"] for c in shown["commands"] if c["state"] != "done"] == []
    closings = [u for u in company.problem("pay01")["updates"] if u["action"] & 1]
    assert len(closings) == 1
    assert len(company.cases(payment)) == 1
    assert len(company.state("u8", "requisitions")) == 1
    assert company.hub.weft_json("dead", "list")["items"] == []


def every_message_and_every_value_is_accounted_for(company: Company) -> None:
    company.hub.audit()
    report = company.hub.weft_json("lineage", "verify")
    assert report["ok"], report
    assert report["values"] > 1000
