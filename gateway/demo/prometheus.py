"""A real Prometheus, Alertmanager and node_exporter that watch this very machine and a device of the demo.

Used by the tests and by the demo of `make run`. The device's values are a text file that node_exporter reads
(`NodeExporter.set`); the rules below turn them, and the machine's own load, memory and disks, into alerts.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.demo.process import Process, answers, components_root, find_program, free_ports

SET = "prometheus"
"""The name of these programs in `setup/components.sh`."""

_COLLECTORS = ("cpu", "loadavg", "meminfo", "filesystem", "textfile", "uname", "time")


@dataclass(frozen=True)
class Rule:
    """One alerting rule. `annotations` and `labels` may hold Prometheus templates such as `{{ $value }}`."""

    alert: str
    expr: str
    severity: str
    summary: str
    unit: str = ""
    metric: str = ""
    hold: str = "0s"
    description: str = ""

    def as_dict(self) -> dict[str, Any]:
        annotations = {
            "summary": self.summary,
            "description": self.description,
            "value": "{{ $value }}",
            "unit": self.unit,
            "metric": self.metric,
        }
        return {
            "alert": self.alert,
            "expr": self.expr,
            "for": self.hold,
            "labels": {"severity": self.severity},
            "annotations": {name: text for name, text in annotations.items() if text},
        }


DEVICE_RULES = (
    Rule(
        alert="DeviceTooHot",
        expr="weft_device_temperature_celsius > 80",
        severity="critical",
        summary="{{ $labels.device }} is too hot: {{ $value }} °C",
        description="It must stay below 80 °C.",
        unit="Cel",
        metric="temperature",
    ),
    Rule(
        alert="DeviceVibration",
        expr="weft_device_vibration_mm_s > 7.1",
        severity="warning",
        summary="{{ $labels.device }} vibrates with {{ $value }} mm/s",
        unit="mm/s",
        metric="vibration",
    ),
)
MACHINE_RULES = (
    Rule(
        alert="HostHighLoad",
        expr='node_load1 > 2 * count without (cpu, mode) (node_cpu_seconds_total{mode="idle"})',
        severity="warning",
        summary='Load of {{ $labels.instance }} is {{ printf "%.1f" $value }}, over twice its cores',
        metric="load1",
        hold="1m",
    ),
    Rule(
        alert="HostHighCpu",
        expr='100 * (1 - avg without (cpu, mode) (rate(node_cpu_seconds_total{mode="idle"}[1m]))) > 90',
        severity="warning",
        summary='CPU of {{ $labels.instance }} is {{ printf "%.0f" $value }} % busy',
        unit="%",
        metric="cpu",
        hold="2m",
    ),
    Rule(
        alert="HostHighMemory",
        expr="100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) > 90",
        severity="critical",
        summary='{{ printf "%.0f" $value }} % of the memory of {{ $labels.instance }} is used',
        unit="%",
        metric="memory",
        hold="1m",
    ),
    Rule(
        alert="HostLowDiskSpace",
        expr='100 * node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay"} / node_filesystem_size_bytes < 10',
        severity="critical",
        summary='Only {{ printf "%.1f" $value }} % of {{ $labels.mountpoint }} on {{ $labels.instance }} are free',
        unit="%",
        metric="disk_free",
        hold="1m",
    ),
    Rule(
        alert="ExporterDown",
        expr="up == 0",
        severity="critical",
        summary="{{ $labels.job }} at {{ $labels.instance }} does not answer",
        hold="10s",
    ),
)


class NodeExporter(Process):
    """Measures this machine; `set` makes it report a value of a device as well."""

    name = "node_exporter"

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        super().__init__(folder)
        self.port = port or free_ports(1)[0]
        self._values: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def command(self) -> Sequence[str]:
        return [
            str(find_program("prometheus-node-exporter", "node_exporter", component=SET)),
            f"--web.listen-address={self.address}",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in _COLLECTORS),
            f"--collector.textfile.directory={self.folder / 'textfile'}",
        ]

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "textfile").mkdir(exist_ok=True)

    def ready(self) -> bool:
        return answers(f"{self.url}/metrics")

    def set(self, metric: str, value: float | None, **labels: str) -> None:
        """Report this value of a metric from the next scrape on; None: no longer. Example:
        `set("weft_device_temperature_celsius", 95, device="PUMP-7")`."""
        series = metric + "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(labels.items())) + "}"
        self._values.pop(series, None)
        if value is not None:
            self._values[series] = f"{series} {value}\n"
        self.prepare()
        new = self.folder / "textfile" / "devices.new"
        new.write_text("".join(sorted(self._values.values())), encoding="utf-8")
        new.replace(new.with_suffix(".prom"))


class Alertmanager(Process):
    """Sends every alert to one webhook, at once. Give either a bearer token or a user with a password, or nothing."""

    name = "alertmanager"

    def __init__(
        self,
        folder: Path,
        *,
        webhook_url: str,
        webhook_token: str = "",
        webhook_login: tuple[str, str] | None = None,
        port: int = 0,
        group_by: Sequence[str] = ("alertname", "device"),
        repeat_interval: str = "4h",
    ) -> None:
        super().__init__(folder)
        self.port = port or free_ports(1)[0]
        self.webhook_url = webhook_url
        self.webhook_token = webhook_token
        self.webhook_login = webhook_login
        self.group_by = group_by
        self.repeat_interval = repeat_interval

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def command(self) -> Sequence[str]:
        return [
            str(find_program("prometheus-alertmanager", "alertmanager", component=SET)),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            f"--web.external-url={self.url}",
            "--cluster.listen-address=",
        ]

    def prepare(self) -> None:
        super().prepare()
        webhook: dict[str, Any] = {"url": self.webhook_url, "send_resolved": True}
        if self.webhook_token:
            webhook["http_config"] = {"authorization": {"type": "Bearer", "credentials": self.webhook_token}}
        elif self.webhook_login:
            username, password = self.webhook_login
            webhook["http_config"] = {"basic_auth": {"username": username, "password": password}}
        config: dict[str, Any] = {
            "route": {
                "receiver": "weft",
                "group_by": list(self.group_by),
                "group_wait": "0s",
                "group_interval": "1s",
                "repeat_interval": self.repeat_interval,
            },
            "receivers": [{"name": "weft", "webhook_configs": [webhook]}],
        }
        _write(self.folder / "alertmanager.yml", config, secret=True)

    def working_folder(self) -> Path:
        return _pages() or self.folder

    def ready(self) -> bool:
        return answers(f"{self.url}/-/ready")


class Prometheus(Process):
    """Scrapes the targets (`host:port` → labels) and sends alerts to the Alertmanager."""

    name = "prometheus"

    def __init__(
        self,
        folder: Path,
        *,
        targets: Mapping[str, Mapping[str, str]],
        alertmanager: str = "",
        rules: Sequence[Rule] = DEVICE_RULES + MACHINE_RULES,
        interval: str = "5s",
        port: int = 0,
    ) -> None:
        super().__init__(folder)
        self.port = port or free_ports(1)[0]
        self.targets = targets
        self.alertmanager = alertmanager
        self.rules = rules
        self.interval = interval

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def command(self) -> Sequence[str]:
        return [
            str(find_program("prometheus", component=SET)),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            "--storage.tsdb.retention.time=2d",
            f"--web.listen-address={self.address}",
            f"--web.external-url={self.url}",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",
        ]

    def prepare(self) -> None:
        super().prepare()
        scrape = {
            "job_name": "node",
            "honor_labels": True,  # a device's own `site` label counts, not the machine's
            "static_configs": [{"targets": [at], "labels": dict(labels)} for at, labels in self.targets.items()],
        }
        config: dict[str, Any] = {
            "global": {
                "scrape_interval": self.interval,
                "scrape_timeout": self.interval,
                "evaluation_interval": self.interval,
            },
            "rule_files": [str(self.folder / "rules.yml")],
            "scrape_configs": [scrape],
        }
        if self.alertmanager:
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [self.alertmanager]}]}]}
        _write(self.folder / "prometheus.yml", config)
        _write(
            self.folder / "rules.yml",
            {"groups": [{"name": "weft", "interval": self.interval, "rules": [r.as_dict() for r in self.rules]}]},
        )

    def working_folder(self) -> Path:
        return _pages() or self.folder

    def ready(self) -> bool:
        return answers(f"{self.url}/-/ready")


def this_machine(exporter: NodeExporter, site: str = "demo") -> dict[str, dict[str, str]]:
    """The `targets` of a Prometheus that watches this machine through its node_exporter. `instance` is the machine's
    name; `device` stays free, as node_exporter puts disks and network cards there."""
    return {exporter.address: {"instance": platform.node() or "localhost", "site": site}}


def _pages() -> Path | None:
    """Where unpacked programs find their web pages and templates, relative to their working folder."""
    folder = components_root() / "usr/share/prometheus"
    return folder if folder.exists() else None


def _escaped(text: str) -> str:
    """A label's value as the text format has it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _write(path: Path, config: Mapping[str, Any], *, secret: bool = False) -> None:
    path.touch(mode=0o600 if secret else 0o644)
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
