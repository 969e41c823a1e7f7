"""The real Prometheus and Alertmanager with the whole hub: in, context, lineage, out, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.demo.process import free_ports
from gateway.demo.prometheus import DEVICE_RULES, Alertmanager, NodeExporter, Prometheus
from tests.acceptance.alerts import TOKEN
from tests.acceptance.running_hub import RunningHub, eventually

MACHINE = "press-07"


@dataclass
class Site:
    """A watched machine, what watches it, and the hub."""

    exporter: NodeExporter
    alertmanager: Alertmanager
    prometheus: Prometheus
    hub: RunningHub

    def heat(self, celsius: float) -> None:
        self.exporter.set("weft_device_temperature_celsius", celsius, device="oven-3", site="plant1")

    def ticket(self, **wanted: Any) -> dict[str, Any] | None:
        """The oven's ticket, once it is as wanted."""
        found = [t for t in self.hub.tickets() if "oven-3" in t["title"]]
        assert len(found) <= 1, found
        return next((t for t in found if all(t[k] == v for k, v in wanted.items())), None)

    def query(self, promql: str) -> Decimal:
        """One value, as Prometheus itself reports it."""
        answer = httpx.get(f"{self.prometheus.url}/api/v1/query", params={"query": promql}, timeout=10).json()
        return Decimal(answer["data"]["result"][0]["value"][1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (ports,) = (free_ports(2),)
    exporter = NodeExporter(tmp_path / "exporter")
    hub = RunningHub(tmp_path, f"sqlite:///{tmp_path / 'weft.db'}")
    hub.port = ports[0]
    alertmanager = Alertmanager(
        tmp_path / "alertmanager", webhook_url=f"{hub.url}/v1/inbound/am-main", webhook_token=TOKEN, port=ports[1]
    )
    prometheus = Prometheus(
        tmp_path / "prometheus", targets={exporter.address: {"instance": MACHINE}},
        alertmanager=alertmanager.address, rules=DEVICE_RULES, interval="1s",
    )  # fmt: skip
    config = {"webhook_token": TOKEN, "url": prometheus.url, "alertmanager_url": alertmanager.url}
    hub.config = {"connections": [{"id": "am-main", "connector": "prometheus", "config": config, "poll_every_s": 5}]}
    with exporter, alertmanager, prometheus:
        yield Site(exporter, alertmanager, prometheus, hub.start())
        hub.stop()


def test_a_rule_fires_and_ends_and_is_silenced_from_its_ticket(site: Site) -> None:
    hub = site.hub
    site.heat(91.5)
    ticket = eventually(lambda: site.ticket(status="pending"), 60)
    number = ticket["id"]
    assert (ticket["priority"], ticket["labels"]["alertname"]) == ("P1", "DeviceTooHot")
    assert hub.get(f"/v1/ids/{ticket['device']}")["crosswalk"][0]["local_id"] == "oven-3"

    # lineage of each field, down to the alert's raw label
    raw: dict[str, Any] = {}
    for field in ("title", "priority", "labels", "device", "url", "kind", "status"):
        origin = hub.get(f"/v1/tickets/{number}/lineage", field=field)
        assert origin["verdict"] == "equal", origin
        raw |= {s["field"]: s["raw"] for s in origin["sources"]}
    assert raw["labels.severity"] == "critical"
    assert raw["annotations.summary"] == "oven-3 is too hot: 91.5 °C"

    # silenced from the ticket: Alertmanager shows the silence
    offered = {o["op"]: o for o in hub.get(f"/v1/tickets/{number}/remote")["operations"]}
    assert offered["silence"]["possible"], offered
    hub.post(f"/v1/tickets/{number}/remote", {"op": "silence", "body": {"minutes": 30}}, status=202)
    silences = eventually(lambda: httpx.get(f"{site.alertmanager.url}/api/v2/silences", timeout=10).json())
    assert number in silences[0]["comment"]
    assert {"name": "device", "value": "oven-3", "isEqual": True, "isRegex": False} in silences[0]["matchers"]
    eventually(lambda: [c for c in hub.get(f"/v1/tickets/{number}")["commands"] if c["state"] == "done"])

    # a person resolves it: our silence ends by the built-in bridge
    hub.post(f"/v1/tickets/{number}/resolve", {"resolution": "fan replaced"})
    eventually(
        lambda: (
            httpx.get(f"{site.alertmanager.url}/api/v2/silences", timeout=10).json()[0]["status"]["state"] == "expired"
        )
    )
    impact = hub.get(f"/v1/tickets/{number}/impact", field="labels")
    assert {d["rule"] for d in impact["done"]} >= {"prometheus-expire-silence-resolved"}
    hub.audit()
    assert hub.weft_json("lineage", "verify")["ok"]


def test_the_alert_that_ends_resolves_its_ticket_and_downtime_of_the_hub_is_made_good(site: Site) -> None:
    hub = site.hub
    site.heat(90)
    eventually(lambda: site.ticket(status="pending"), 60)
    site.heat(20)
    eventually(lambda: site.ticket(status="resolved"), 60)
    # the hub is down while the alert fires again and ends; Alertmanager gives up on some of it
    hub.kill()
    site.heat(95)
    firing = f"{site.alertmanager.url}/api/v2/alerts"
    eventually(lambda: httpx.get(firing, timeout=10).json(), 60)
    hub.serve()
    reopened = eventually(lambda: site.ticket(status="in_progress"), 60)
    hub.kill()
    site.heat(20)
    eventually(lambda: not httpx.get(firing, timeout=10).json(), 60)
    hub.serve()
    assert eventually(lambda: site.ticket(status="resolved"), 60)["id"] == reopened["id"]
    hub.audit()


def test_the_snapshot_holds_the_cpu_mean_that_prometheus_itself_reports(site: Site) -> None:
    hub = site.hub
    mean = f'100 * (1 - avg(rate(node_cpu_seconds_total{{mode="idle",instance="{MACHINE}"}}[1h])))'
    eventually(
        lambda: httpx.get(f"{site.prometheus.url}/api/v1/query", params={"query": mean}, timeout=10).json()["data"][
            "result"
        ],
        60,
    )
    site.exporter.set("weft_device_temperature_celsius", 99, site="plant1")  # of the machine itself: it has a CPU
    ticket = eventually(
        lambda: next((t for t in hub.tickets() if t["labels"]["alertname"] == "DeviceTooHot"), None), 60
    )

    def section() -> dict[str, Any] | None:
        sections = {s["name"]: s for s in hub.get(f"/v1/tickets/{ticket['id']}/context")["sections"]}
        found = sections.get("am-main.cpu_mean_1h")
        return found if found and found["status"] not in ("pending",) else None

    answered = eventually(section, 30)
    assert answered["status"] == "ok", answered
    reported = site.query(mean)
    assert abs(Decimal(answered["values"]["percent"]) - reported) <= max(Decimal(2), reported / 10)
    assert answered["as_of"]
    assert answered["link"].startswith(site.prometheus.url)
    origin = hub.get(f"/v1/tickets/{ticket['id']}/lineage", field="context.am-main.cpu_mean_1h.percent")
    assert origin["value"] == answered["values"]["percent"]
    assert origin["sources"][0]["dataset"] == "am-main/cpu_mean_1h"
