"""A company whose CRM and ERP each keep customers in files, and whose servers are watched by Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.alerts import BEARER, CONNECTION, alert, message
from tests.acceptance.running_hub import RunningHub, eventually

FIELDS = ("code", "name", "phone", "city", "address", "credit_code")
CUSTOMER = {
    "mapping": "customer_file",
    "from": {"connector": "csv", "stream": "customers"},
    "to": "Customer",
    "fields": {
        "id": "code",
        "name": "squeeze(strip(name))",
        "phone": "nonempty(replace(phone, ' ', ''))",
        "city": "nonempty(city)",
        "address": "nonempty(address)",
        "credit_code": "nonempty(credit_code)",
    },
    "tests": [{"in": {"code": "A", "name": " Acme  Ltd "}, "out": {"id": "A", "name": "Acme Ltd"}}],
}
CRM = (
    ("A-1", "杭州精工机械有限公司", "0571 8899 0001", "杭州", "滨江区江南大道 588 号", ""),
    ("A-2", "上海华联超市有限公司", "021 5566 0002", "上海", "浦东新区世纪大道 100 号", ""),
    ("A-3", "Nordhafen Pumpen GmbH", "+49 40 1234", "Hamburg", "Hafenstr. 7", ""),
    ("A-4", "苏州博远阀门有限公司", "", "苏州", "", ""),
)
ERP = (
    ("C0001", "杭州精工机械制造有限公司", "057188990001", "杭州", "杭州市滨江区江南大道588号", ""),
    ("C0002", "北京华联超市有限公司", "010 7788 0003", "北京", "朝阳区建国路 1 号", ""),
    ("C0003", "Nordhafen Pumps", "+49 40 1234", "Hamburg", "Hafenstrasse 7", ""),
    ("C0004", "博远阀门", "", "", "", ""),
)


def config(folder: Path) -> dict[str, Any]:
    """The hub's configuration; the files lie below `folder`."""
    connections: list[dict[str, Any]] = [CONNECTION]
    for system, rows in (("crm", CRM), ("erp", ERP)):
        home = folder / system
        home.mkdir(parents=True)
        lines = [",".join(FIELDS), *(",".join(row) for row in rows)]
        (home / "customers.csv").write_text("\n".join(lines) + "\n", "utf-8")
        stream = {"files": "customers*", "key": "code"}
        connections.append(
            {"id": system, "connector": "csv",
             "config": {"folder": str(home), "streams": {"customers": stream}, "complete": {"by": "rename"}},
             "mappings": {"customers": "customer_file"}}
        )  # fmt: skip
    return {"mappings": [CUSTOMER], "connections": connections}


def read_customers(hub: RunningHub) -> dict[str, str]:
    """The hub reads both systems' customers by itself; answers their ids, by system and code, once those that it holds for one
    thing are one."""

    def found() -> dict[str, str] | None:
        ids: dict[str, str] = {}
        for system, rows in (("crm", CRM), ("erp", ERP)):
            for code, *_ in rows:
                query = {"system": system, "kind": "customer", "local_id": code}
                answer = httpx.get(f"{hub.url}/v1/ids", params=query, headers=hub.bearer, timeout=30)
                if answer.status_code != 200:
                    return None
                ids[f"{system} {code}"] = str(answer.json()["live"])
        return ids if ids["crm A-1"] == ids["erp C0001"] else None

    return eventually(found, 90, 0.5)


def raise_alert(hub: RunningHub, number: int = 1, **more: Any) -> str:
    """Alertmanager tells of a server; answers the ticket."""
    answer = httpx.post(f"{hub.url}/v1/inbound/am", json=message(alert(number, **more)), headers=BEARER, timeout=30)
    assert answer.status_code == 202, answer.text
    told = hub.get(f"/v1/messages/{answer.json()['message_id']}")
    tickets = eventually(lambda: hub.tickets(q=f"web-{number}"), why=str(told))
    return str(tickets[0]["id"])
