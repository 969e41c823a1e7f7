"""The systems of the example company, all stand-ins in one process: CRM, ERPs, MES, monitoring, channels, no-code ones.

    python -m gateway.demo.company FOLDER

writes FOLDER/systems.json once all answer: the hub's connections (configuration as a person would write it) and where
each stand-in is. What happens in the company is told to the stand-ins over HTTP, see `gateway/demo/story.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import ConnectorError
from connectors.example_company import CUSTOMERS
from connectors.registry import installed
from gateway.demo.process import Process

NO_CODE = ("scm_scorecards", "hris_shifts", "knowledge_base")
SPARE, ENOUGH = "BRG-6205", "60"
"""The article that runs short in the story, and what lies there before: over its safety stock."""
PAYMENT_GATEWAYS = {"pay01": "支付网关 1 Payment gateway 1", "pay02": "支付网关 2 Payment gateway 2"}
PAYING_CUSTOMER = "C0002"
"""Whose payments they take, by its number in the ERP; it has a complaint open in the CRM."""
PAYMENT_ARTICLE = {
    "id": "KB-110", "title": "支付网关失败率升高的处理", "summary": "支付网关连接池用尽时的检查与重启", "category": "IT 运维",
    "language": "zh-CN", "product": "payment", "state": "published", "tags": ["支付", "网关", "payment"],
    "body": "1. 查看支付网关的失败率与 CPU。2. 检查银行专线。3. 连接池用尽时重启支付网关。", "url": "http://kb.example/articles/KB-110",
    "updated_at": "2026-11-10T02:00:00Z",
}  # fmt: skip


class Company:
    """Every stand-in, running. As a context manager it ends them. `connections`: by id; `urls`: where each stand-in is;
    `left_out`: what could not be started, and why."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connections: dict[str, dict[str, Any]] = {}
        self.urls: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Company:
        with ExitStack() as starting:
            starting.push(self._stack)
            for start in (
                self._zabbix,
                self._u8,
                self._kingdee,
                self._salesforce,
                self._mes,
                self._channels,
                self._no_code,
            ):
                start()
            starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _add(self, name: str, connector: str, config: dict[str, Any], url: str, **more: Any) -> None:
        self.connections[name] = {"id": name, "connector": connector, "config": config} | more
        self.urls[name] = url

    def _zabbix(self) -> None:
        from connectors.zabbix.sandbox import Sandbox, Server, fill

        sandbox = Sandbox()
        fill(sandbox)
        for name, title in PAYMENT_GATEWAYS.items():
            host = sandbox.state.host(name, visible=title)
            cpu = sandbox.state.item(host, "system.cpu.util", units="%", kind=18)
            failing = sandbox.state.item(host, "payment.failed", units="%")
            for minute in range(60):
                sandbox.state.receive(cpu, 31 + minute % 9, clock=sandbox.state.clock() - 60 * (60 - minute))
            tags = [{"tag": "customer", "value": PAYING_CUSTOMER}, {"tag": "service", "value": "payment"}]
            trigger = "支付失败率过高 Payments fail: {HOST.NAME}"
            sandbox.state.trigger(failing, trigger, 5, severity=5, opdata="failed {ITEM.LASTVALUE1}", tags=tags)
        server = self._stack.enter_context(Server(sandbox, 0))
        config = {"url": server.url, "token": sandbox.hub.token, "webhook_secret": "the-example-company-signs"}
        self._add("zabbix", "zabbix", config, server.url)

    def _u8(self) -> None:
        from connectors.odbc import driver_file
        from connectors.u8.sandbox import Sandbox, Server

        try:
            driver_file("sqlite")
        except ConnectorError as problem:
            self.left_out["u8"] = "; ".join(filter(None, (str(problem), problem.hint)))
            return
        shutil.rmtree(self.folder / "u8", ignore_errors=True)  # the company begins anew, like its other systems
        sandbox = Sandbox(self.folder / "u8")
        sandbox.set_stock(SPARE, ENOUGH)
        self._stack.callback(sandbox.close)
        server = self._stack.enter_context(Server(sandbox, 0))
        self._add("u8", "u8", sandbox.settings(server.url), server.url)

    def _kingdee(self) -> None:
        from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, USER, Sandbox, Server

        sandbox = Sandbox()
        sandbox.set_stock(SPARE, "01", Decimal(ENOUGH))
        server = self._stack.enter_context(Server(sandbox, 0))
        config = {"url": server.url, "data_center": ACCT, "organization": "100", "username": USER, "login": "signed",
                  "app_id": APP_ID, "app_secret": APP_SECRET}  # fmt: skip
        self._add("kingdee", "kingdee", config, server.url.removesuffix("/k3cloud/"))

    def _salesforce(self) -> None:
        from connectors.salesforce.sandbox import Sandbox
        from connectors.salesforce.sandbox_server import Server

        sandbox = Sandbox().fill()
        code = next(customer.credit_code for customer in CUSTOMERS if customer.erp == PAYING_CUSTOMER)
        accounts = sandbox.state.tables["Account"].values()
        account = next(row["Id"] for row in accounts if row["Credit_Code__c"] == code)
        at = sandbox.state.clock() - timedelta(days=2)
        sandbox.state.put("Task", at, Subject="陈立来电：偶尔付款失败",
                          Status="Completed", TaskSubtype="Call", CallType="Inbound",
                          ActivityDate=at.date().isoformat(), WhatId=account)  # fmt: skip
        server = self._stack.enter_context(Server(sandbox, 0))
        config = {"url": server.url, "ca_file": str(server.ca_file)}
        self._add("salesforce", "salesforce", config | sandbox.login("client_credentials"), server.url)

    def _mes(self) -> None:
        from connectors.mes.sandbox import KEY, serve

        server = self._stack.enter_context(serve(0))
        self._add("mes", "mes", {"url": server.typed_url, "key": KEY}, server.url)

    def _channels(self) -> None:
        from connectors.channel_sandbox import Server
        from connectors.dingtalk import sandbox as dingtalk
        from connectors.wecom import sandbox as wecom

        group = wecom.Sandbox()
        server = self._stack.enter_context(Server(group.handle, 0))
        self._add("wecom", "wecom", {"robot_key": group.robot_key, "api_url": server.url}, server.url)
        robot = dingtalk.Sandbox()
        server = self._stack.enter_context(Server(robot.handle, 0))
        config = {"robot_token": robot.robot_token, "robot_secret": robot.robot_secret, "api_url": server.url}
        self._add("dingtalk", "dingtalk", config, server.url)

    def _no_code(self) -> None:
        from connectors.manifest.serving import Server
        from connectors.rest.sandbox import Sandbox

        catalogue = installed()
        for name in NO_CODE:
            sandbox = Sandbox(catalogue.good[name])
            sandbox.fill_with_samples()
            if name == "knowledge_base":
                sandbox.rows["article"].append(PAYMENT_ARTICLE)
            server = self._stack.enter_context(Server(sandbox.handle, 0))
            url = server.url + urlsplit(sandbox.config["url"]).path  # some serve their API below a path
            self._add(name.partition("_")[0], name, {**sandbox.config, "url": url}, server.url)


def write(company: Company, path: Path) -> None:
    """What the hub needs to know, for its own eyes only; the file appears whole."""
    part = path.with_suffix(".part")
    told = {"connections": list(company.connections.values()), "urls": company.urls, "left_out": company.left_out}
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(told, file, ensure_ascii=False, indent=2, default=str)
    part.replace(path)


class CompanyProcess(Process):
    """The example company as a child process."""

    name = "company"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._file = self.folder / "systems.json"

    def prepare(self) -> None:
        super().prepare()
        self._file.unlink(missing_ok=True)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gateway.demo.company", str(self.folder)]

    def environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ("WEFT_COMPONENTS",) if name in os.environ}

    def ready(self) -> bool:
        return self._file.exists()

    def systems(self) -> dict[str, Any]:
        """`connections` (a list of configurations), `urls`, `left_out`."""
        told: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
        return told


def main() -> None:
    folder = Path(sys.argv[1])
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Company(folder) as company:
        write(company, folder / "systems.json")
        stop.wait()


if __name__ == "__main__":
    main()
