"""What the real Prometheus says about a device, asked through the connector and directly."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Answer, Ask
from connectors.errors import ConfigProblem
from connectors.prometheus import PrometheusConnector
from connectors.prometheus.promql import for_device, quoted
from gateway.demo.prometheus import Prometheus
from tests.integration.prometheus.conftest import Connect
from tests.real.prometheus import Monitoring, eventually

MACHINE = platform.node()


def ask(connector: PrometheusConnector, question: str, device: str) -> Answer | None:
    return connector.lookup(Ask(question, {"device": device}, 10))


def known(connector: PrometheusConnector, question: str, device: str) -> Answer:
    """The answer, once Prometheus has scraped often enough to have one."""
    return eventually(lambda: ask(connector, question, device), f"{question} of {device}")


def directly(real: Monitoring, query: str, at: Any = None) -> list[dict[str, Any]]:
    params = {"query": query} | ({"time": at.timestamp()} if at else {})
    answer = httpx.get(f"{real.prometheus.url}/api/v1/query", params=params, timeout=10)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return found


def test_the_mean_cpu_load_is_what_prometheus_itself_says(real: Monitoring, connector: PrometheusConnector) -> None:
    answer = known(connector, "cpu_mean_1h", MACHINE)

    query = f'100 * (1 - avg(rate(node_cpu_seconds_total{{mode="idle",instance="{MACHINE}"}}[1h])))'
    ((_, text),) = [result["value"] for result in directly(real, query, answer.as_of)]
    assert answer.values["percent"] == Decimal(text)
    assert 0 < answer.values["percent"] <= 100
    assert answer.values["unit"] == "%"


def test_an_answer_links_to_a_page_of_prometheus(real: Monitoring, connector: PrometheusConnector) -> None:
    link = known(connector, "memory_used", MACHINE).link

    assert link.startswith(f"{real.prometheus.url}/graph?g0.expr=")
    assert httpx.get(link, timeout=10, follow_redirects=True).status_code == 200


def test_memory_disks_and_targets_of_this_machine_are_known(real: Monitoring, connector: PrometheusConnector) -> None:
    memory, disks, targets = (known(connector, q, MACHINE).values for q in ("memory_used", "disk_free", "targets_up"))

    assert 0 < memory["percent"] < 100
    assert disks["percent"] == min(disk["percent"] for disk in disks["disks"])
    assert targets == {"count": 1, "down": 0, "targets": [{"job": "node", "instance": MACHINE, "up": True}]}


def test_firing_alerts_of_a_device_are_listed(real: Monitoring, connector: PrometheusConnector, device: str) -> None:
    real.exporter.set("weft_device_vibration_mm_s", 9.2, device=device)

    found = eventually(
        lambda: (a := ask(connector, "firing_alerts", device)) and a.values["count"] and a.values, "the alert is listed"
    )

    assert [(a["alert"], a["severity"]) for a in found["alerts"]] == [("DeviceVibration", "warning")]


def test_a_device_nobody_measures_has_no_answer(connector: PrometheusConnector) -> None:
    assert ask(connector, "cpu_mean_1h", "no-such-machine") is None


@pytest.mark.parametrize(
    "name", ['a"} or vector(1) or up{b="', "back\\slash", "line\nbreak", "泵 7", "a.b|c(d)[e]", "x:9100"]
)
def test_a_device_of_any_name_is_found_by_it_and_nothing_else(
    real: Monitoring, connector: PrometheusConnector, name: str
) -> None:
    real.exporter.set("weft_named", 1, device=name)
    query = for_device(["weft_named{$selector}"], ["device"], name)

    (found,) = eventually(lambda: directly(real, query), f"the series of {name!r}")

    assert found["metric"]["device"] == name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=30))
def test_no_name_of_a_device_can_break_out_of_its_quotes(real: Monitoring, name: str) -> None:
    query = for_device(["up{$selector}"], ["device", "instance"], name)

    assert directly(real, query) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30))
def test_a_quoted_text_is_the_same_text_to_prometheus(real: Monitoring, text: str) -> None:
    (result,) = directly(real, f'label_join(vector(1), "joined", {quoted(text)}, "nothing", "nothing")')

    assert result["metric"].get("joined", "") == text


def test_a_query_that_is_no_promql_is_a_problem_of_the_settings(real: Monitoring, connect: Connect) -> None:
    broken = connect(real.prometheus.url, real.alertmanager.url, cpu_queries=("avg(node_cpu{$selector}",))

    with pytest.raises(ConfigProblem, match="parse error"):
        ask(broken, "cpu_mean_1h", MACHINE)


def test_checking_tells_both_versions(connector: PrometheusConnector) -> None:
    health = connector.check()

    assert health.ok, health.message
    assert "Prometheus 2." in health.remote_version
    assert "Alertmanager 0." in health.remote_version


class ProtectedPrometheus(Prometheus):
    """With a password of its own: anna, s3cret-of-anna."""

    def command(self) -> list[str]:
        return [*super().command(), f"--web.config.file={self.folder / 'web.yml'}"]

    def prepare(self) -> None:
        super().prepare()
        hashed = "$2b$04$ktQRRTMJ0Kj6/dugMjHo8uOJw95/OacfeqF9SR.L9T6n1qynvOP7y"
        (self.folder / "web.yml").write_text(f"basic_auth_users: {{anna: '{hashed}'}}\n")

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", auth=("anna", "s3cret-of-anna"), timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def protected(tmp_path: Path) -> Iterator[str]:
    with ProtectedPrometheus(tmp_path / "protected", targets={}) as running:
        yield running.url


def test_a_password_is_used_for_questions_and_check_and_a_wrong_one_is_told(protected: str, connect: Connect) -> None:
    right = connect(protected, "", username="anna", password="s3cret-of-anna")
    wrong = connect(protected, "", username="anna", password="guess")

    assert right.check().ok
    assert ask(right, "targets_up", "nobody") is None
    refused = wrong.check()
    assert not refused.ok
    assert "credentials were refused" in refused.message
    assert "guess" not in refused.message
