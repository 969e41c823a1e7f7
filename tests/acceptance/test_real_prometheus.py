"""The real Prometheus and Alertmanager with the whole hub: in, context, lineage, out, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
FIELDS = ("title", "description", "priority", "labels", "device", "url", "kind", "status", "source_key")


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

    def query(self, promql: str, **at: Any) -> Decimal | None:
        """One value, as Prometheus itself reports it; None: there is none."""
        asked = {"query": promql, **at}
        answer = httpx.get(f"{self.prometheus.url}/api/v1/query", params=asked, timeout=10).json()
        found = answer["data"]["result"]
        return Decimal(found[0]["value"][1]) if found else None

    def silences(self) -> Any:
        return httpx.get(f"{self.alertmanager.url}/api/v2/silences", timeout=10).json()


BY_TOKEN = {"webhook_token": TOKEN}, {"webhook_token": TOKEN}, 5
BY_LOGIN = {"webhook_username": "am", "webhook_password": TOKEN}, {"webhook_login": ("am", TOKEN)}, 5
BY_WEBHOOK_ONLY = {"webhook_token": TOKEN}, {"webhook_token": TOKEN}, 3600


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Alertmanager shows itself by a bearer token, or as the test says, and is read every few seconds too."""
    asked, shown, poll_every_s = getattr(request, "param", BY_TOKEN)
    (ports,) = (free_ports(2),)
    exporter = NodeExporter(tmp_path / "exporter")
    hub = RunningHub(tmp_path, f"sqlite:///{tmp_path / 'weft.db'}")
    hub.port = ports[0]
    alertmanager = Alertmanager(
        tmp_path / "alertmanager", webhook_url=f"{hub.url}/v1/inbound/am-main", port=ports[1], **shown
    )
    prometheus = Prometheus(
        tmp_path / "prometheus", targets={exporter.address: {"instance": MACHINE}},
        alertmanager=alertmanager.address, rules=DEVICE_RULES, interval="1s",
    )  # fmt: skip
    config = {**asked, "url": prometheus.url, "alertmanager_url": alertmanager.url}
    hub.config = {
        "connections": [{"id": "am-main", "connector": "prometheus", "config": config, "poll_every_s": poll_every_s}]
    }
    with exporter, alertmanager, prometheus:
        yield Site(exporter, alertmanager, prometheus, hub.start())
        hub.stop()


@pytest.mark.parametrize("site", [BY_TOKEN, BY_LOGIN], ids=["bearer", "basic"], indirect=True)
def test_a_rule_fires_and_ends_and_is_silenced_from_its_ticket(site: Site) -> None:
    hub = site.hub
    site.heat(91.5)
    ticket = eventually(lambda: site.ticket(status="pending"), 60)
    number = ticket["id"]
    assert (ticket["priority"], ticket["labels"]["alertname"]) == ("P1", "DeviceTooHot")
    assert hub.get(f"/v1/ids/{ticket['device']}")["crosswalk"][0]["local_id"] == "oven-3"

    # lineage of each field that is set, down to the alert's raw label
    raw: dict[str, Any] = {}
    for field in FIELDS:
        assert ticket[field], field
        origin = hub.get(f"/v1/tickets/{number}/lineage", field=field)
        assert origin["verdict"] == "equal", origin
        raw |= {s["field"]: s["raw"] for s in origin["sources"]}
    assert raw["labels.device"] == "oven-3"
    assert raw["labels.severity"] == "critical"
    assert raw["annotations.summary"] == "oven-3 is too hot: 91.5 °C"
    assert raw["annotations.description"] == ticket["description"] == "It must stay below 80 °C."
    assert raw["fingerprint"] == ticket["source_key"]

    # silenced from the ticket: Alertmanager shows the silence
    offered = {o["op"]: o for o in hub.get(f"/v1/tickets/{number}/remote")["operations"]}
    assert offered["silence"]["possible"], offered
    hub.post(f"/v1/tickets/{number}/remote", {"op": "silence", "body": {"minutes": 30}}, status=202)
    silences = eventually(site.silences)
    assert number in silences[0]["comment"]
    assert {"name": "device", "value": "oven-3", "isEqual": True, "isRegex": False} in silences[0]["matchers"]
    eventually(lambda: [c for c in hub.get(f"/v1/tickets/{number}")["commands"] if c["state"] == "done"])

    # a person resolves it: our silence ends by the built-in bridge
    hub.post(f"/v1/tickets/{number}/resolve", {"resolution": "fan replaced"})
    eventually(lambda: site.silences()[0]["status"]["state"] == "expired")
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


@pytest.mark.parametrize("site", [BY_WEBHOOK_ONLY], ids=["webhook"], indirect=True)
def test_an_alert_that_the_mapping_cannot_use_is_replayed_once_it_can_and_the_command_line_tells_all_of_it(
    site: Site,
) -> None:
    hub = site.hub
    hub.post("/v1/configuration/apply", {"text": json.dumps(read_by(hub, "num(annotations.summary)"))})
    site.heat(91.5)
    letter = eventually(lambda: next(iter(hub.weft_json("dead", "list")["items"]), None), 60, 1)
    assert (letter["connection_id"], letter["path"]) == ("am-main", "value")
    assert hub.weft("dead", "replay", letter["message_id"], check=False).returncode == 1, "nothing was mended yet"
    assert hub.tickets() == []

    hub.post("/v1/configuration/apply", {"text": json.dumps(read_by(hub, "num(annotations.value)"))})
    assert hub.weft_json("dead", "replay", letter["message_id"])["ends"] == {letter["message_id"]: "ticketed"}
    ticket = site.ticket(status="pending")
    assert ticket is not None
    assert letter["message_id"] not in [each["message_id"] for each in hub.weft_json("dead", "list")["items"]]

    told = hub.weft_json("explain", ticket["id"])
    assert [(m["id"], m["end"]) for m in told["messages"]][:1] == [(letter["message_id"], "ticketed")]
    assert told["decisions"][0]["mapping"] == "alert_with_a_number"
    assert ticket["title"] in hub.weft("explain", ticket["id"]).stdout
    shown = hub.weft_json("lineage", "show", ticket["id"], "title")
    assert (shown["verdict"], shown["value"]) == ("equal", ticket["title"])
    assert ("annotations.summary", ticket["title"]) in [(s["field"], s["raw"]) for s in shown["sources"]]
    assert "equal" in hub.weft("lineage", "show", ticket["id"], "title").stdout
    assert hub.audit()["ends"]["ticketed"] == 1
    assert "clean" in hub.weft("audit").stdout


def read_by(hub: RunningHub, value: str) -> dict[str, Any]:
    """A configuration whose alerts have this as their value, and are dead letters where that is no number."""
    fields: dict[str, Any] = {
        "key": "fingerprint", "episode": "startsAt", "status": "status", "severity": "severity(labels.severity)",
        "title": "annotations.summary", "starts_at": "datetime(startsAt)", "ends_at": "datetime(endsAt)",
        "device": "labels.device", "rule": "labels.alertname", "labels": "labels",
        "value": {"expr": value, "on_error": "dead_letter"},
    }  # fmt: skip
    sample = {"fingerprint": "f", "status": "firing", "startsAt": "2026-11-22T04:00:00Z", "labels": {},
              "annotations": {"summary": "1", "value": "1"}}  # fmt: skip
    made = {
        "mapping": "alert_with_a_number", "from": {"connector": "prometheus", "stream": "alert"}, "to": "Alert",
        "fields": fields, "tests": [{"in": sample, "out": {"value": "1"}}],
    }  # fmt: skip
    connection = hub.config["connections"][0] | {"mappings": {"alert": "alert_with_a_number"}}
    return {"mappings": [made], "connections": [connection]}


CPU_MEAN = f'100 * (1 - avg(rate(node_cpu_seconds_total{{mode="idle",instance="{MACHINE}"}}[1h])))'
SCRAPED = f'max(timestamp(up{{instance="{MACHINE}"}}) + scrape_duration_seconds{{instance="{MACHINE}"}})'


def test_the_snapshot_holds_the_cpu_mean_that_prometheus_itself_reports(site: Site) -> None:
    hub = site.hub
    eventually(lambda: site.query(CPU_MEAN) is not None, 60)

    def asked_at_rest(plant: int) -> dict[str, Any] | None:
        """A snapshot's answer that was not given while Prometheus was reading the machine: what it then tells of that
        moment may be a reading older than what it tells later."""
        site.exporter.set("weft_device_temperature_celsius", 99, site=f"plant{plant}")  # of the machine itself: a CPU
        ticket = eventually(
            lambda: next((t for t in hub.tickets() if t["labels"].get("site") == f"plant{plant}"), None), 60
        )
        found: dict[str, Any] = eventually(lambda: section(hub, ticket["id"]), 30) | {"ticket": ticket["id"]}
        assert found["status"] == "ok", found
        at = datetime.fromisoformat(found["as_of"]).timestamp()
        read = site.query(SCRAPED, time=found["as_of"])
        return found if read is not None and float(read) + 0.1 < at else None

    answered = next(filter(None, map(asked_at_rest, range(1, 8))))
    reported = site.query(CPU_MEAN, time=answered["as_of"])
    assert Decimal(answered["values"]["percent"]) == reported
    assert answered["link"].startswith(site.prometheus.url)
    origin = hub.get(f"/v1/tickets/{answered['ticket']}/lineage", field="context.am-main.cpu_mean_1h.percent")
    assert origin["value"] == answered["values"]["percent"]
    assert origin["sources"][0]["dataset"] == "am-main/cpu_mean_1h"


def section(hub: RunningHub, ticket: str) -> dict[str, Any] | None:
    """The CPU's mean in the ticket's snapshot, once it is there."""
    sections = {s["name"]: s for s in hub.get(f"/v1/tickets/{ticket}/context")["sections"]}
    found: dict[str, Any] | None = sections.get("am-main.cpu_mean_1h")
    return found if found and found["status"] not in ("pending", "asking") else None
