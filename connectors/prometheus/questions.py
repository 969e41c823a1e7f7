"""What Prometheus can tell about a device for a ticket's context, and how each answer is made from the series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.contract import Answer, Question
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.promql import Sample

_MOST = 20
"""Items of a list that an answer shows; `count` counts them all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: its queries under the settings, and its answer from the series (None: nothing known)."""

    question: Question
    queries: Callable[[PrometheusConfig], Sequence[str]]
    answer: Callable[[Sequence[Sample]], Answer | None]


def _percent(window: str) -> Callable[[Sequence[Sample]], Answer | None]:
    def answer(series: Sequence[Sample]) -> Answer | None:
        known = [s for s in series if s.value is not None]
        if not known:
            return None
        return Answer(values={"percent": known[0].value, "unit": "%", "window": window}, as_of=known[0].at)

    return answer


def _disks(series: Sequence[Sample]) -> Answer | None:
    disks: list[tuple[Decimal, str, Sample]] = [
        (s.value, s.labels.get("mountpoint") or s.labels.get("volume", ""), s) for s in series if s.value is not None
    ]
    if not disks:
        return None
    disks.sort(key=lambda disk: disk[:2])
    free, fullest, sample = disks[0]
    shown = [{"disk": name, "percent": percent} for percent, name, _ in disks[:_MOST]]
    values = {"percent": free, "unit": "%", "disk": fullest, "count": len(disks), "disks": shown}
    return Answer(values=values, as_of=sample.at)


def _alerts(series: Sequence[Sample]) -> Answer:
    names = sorted(
        (s.labels.get("alertname", ""), s.labels.get("severity", ""), dict(s.labels)) for s in _unique(series)
    )
    hidden = ("__name__", "alertstate", "alertname", "severity")
    shown = [
        {"alert": alert, "severity": severity, "labels": {k: v for k, v in labels.items() if k not in hidden}}
        for alert, severity, labels in names[:_MOST]
    ]
    as_of = series[0].at if series else datetime.now(UTC)
    return Answer(values={"count": len(names), "alerts": shown}, as_of=as_of)


def _targets(series: Sequence[Sample]) -> Answer | None:
    if not series:
        return None
    targets: list[dict[str, Any]] = [
        {"job": s.labels.get("job", ""), "instance": s.labels.get("instance", ""), "up": s.value == 1} for s in series
    ]
    targets.sort(key=lambda target: (target["up"], target["job"], target["instance"]))
    down = sum(not target["up"] for target in targets)
    return Answer(values={"count": len(targets), "down": down, "targets": targets[:_MOST]}, as_of=series[0].at)


def _unique(series: Sequence[Sample]) -> list[Sample]:
    return list({tuple(sorted(s.labels.items())): s for s in series}.values())


def _question(name: str, title: str, title_zh: str, record: str) -> Question:
    return Question(name=name, needs=("device",), title=title, title_zh=title_zh, record=record)


QUESTIONS: dict[str, Asked] = {
    asked.question.name: asked
    for asked in (
        Asked(
            _question("cpu_mean_1h", "CPU load, mean of the last hour", "CPU 最近一小时平均负载", "prometheus.Percent"),
            lambda config: config.cpu_queries,
            _percent("1h"),
        ),
        Asked(
            _question("memory_used", "Memory in use", "内存使用率", "prometheus.Percent"),
            lambda config: config.memory_queries,
            _percent("now"),
        ),
        Asked(
            _question("disk_free", "Free space of the fullest disk", "磁盘剩余空间", "prometheus.Disks"),
            lambda config: config.disk_queries,
            _disks,
        ),
        Asked(
            _question("firing_alerts", "Alerts now firing for the device", "设备当前告警", "prometheus.Alerts"),
            lambda config: ('ALERTS{alertstate="firing",$selector}',),
            _alerts,
        ),
        Asked(
            _question("targets_up", "Is the device reachable for Prometheus", "监控目标是否可达", "prometheus.Targets"),
            lambda config: ("up{$selector}",),
            _targets,
        ),
    )
}
