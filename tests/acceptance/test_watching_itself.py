"""What is wrong with Weft comes back to it as a ticket, through the real Prometheus and Alertmanager and its own rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml

from gateway.demo.process import free_ports
from gateway.demo.prometheus import Alertmanager, Prometheus
from tests.acceptance.alerts import BEARER, CONNECTION, TOKEN
from tests.acceptance.running_hub import RunningHub, eventually

RULES = Path(__file__).parents[2] / "setup" / "observability" / "alerts.yml"


class Impatient(Prometheus):
    """With the rules that come with Weft, none of which waits before it fires."""

    def prepare(self) -> None:
        super().prepare()
        groups: Any = yaml.safe_load(RULES.read_text("utf-8"))
        for group in groups["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                rule["for"] = "0s"
        (self.folder / "rules.yml").write_text(yaml.safe_dump(groups), "utf-8")


def test_a_dead_letter_of_the_hub_becomes_a_ticket_of_the_hub(tmp_path: Path) -> None:
    hub = RunningHub(tmp_path, f"sqlite:///{tmp_path / 'weft.db'}", {"connections": [CONNECTION]})
    hub.port = free_ports(1)[0]
    alertmanager = Alertmanager(
        tmp_path / "alertmanager", webhook_url=f"{hub.url}/v1/inbound/am", webhook_token=TOKEN, group_by=["alertname"]
    )
    prometheus = Impatient(
        tmp_path / "prometheus", targets={f"127.0.0.1:{hub.port}": {}}, alertmanager=alertmanager.address, interval="1s"
    )
    hub.start()
    try:
        with alertmanager, prometheus:
            bad = httpx.post(f"{hub.url}/v1/inbound/am", content=b"no alert", headers=BEARER, timeout=20)
            assert bad.status_code == 422
            (ticket,) = eventually(lambda: [t for t in hub.tickets() if "weft dead list" in t["title"]], 60)
            assert ticket["labels"]["alertname"] == "WeftDeadLetters"
            assert hub.weft_json("audit")["clean"]
    finally:
        hub.stop()
