"""Weft watched by Prometheus: the rules are judged by Prometheus' own tools, and tell of metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from gateway import metrics
from gateway.demo.process import find_program
from gateway.demo.prometheus import SET

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "setup" / "observability"


def tool(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(find_program(name, component=SET)), *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def told() -> set[str]:
    """The names that a scrape has."""
    names: set[str] = set()
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            name = metric._name
            names.add(f"{name}_total" if isinstance(metric, Counter) else name)
            if isinstance(metric, Histogram):
                names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names


def test_prometheus_itself_finds_the_rules_right_and_passes_their_tests() -> None:
    tool("promtool", "check", "rules", "alerts.yml")
    tool("promtool", "test", "rules", "alerts.test.yml")


def test_alertmanager_itself_finds_its_configuration_right() -> None:
    tool("amtool", "check-config", "alertmanager.yml")


def test_each_rule_is_tried_both_ways_and_has_a_page_that_says_what_to_do(rules: list[dict[str, Any]]) -> None:
    tests = yaml.safe_load((FOLDER / "alerts.test.yml").read_text("utf-8"))["tests"]
    tried = {t["alertname"] for test in tests for t in test["alert_rule_test"] if t["exp_alerts"]}
    assert {rule["alert"] for rule in rules} == tried
    page = (ROOT / "docs" / "production.md").read_text("utf-8")
    anchors = {
        f"docs/production.md#{title.lower().replace(' ', '-')}" for title in re.findall(r"^#+ (.+)$", page, re.M)
    }
    assert {rule["annotations"]["runbook"] for rule in rules} <= anchors


def test_rules_and_dashboard_ask_for_metrics_that_there_are(rules: list[dict[str, Any]]) -> None:
    board = json.loads((FOLDER / "grafana" / "weft.json").read_text("utf-8"))
    asked = [rule["expr"] for rule in rules] + [t["expr"] for panel in board["panels"] for t in panel["targets"]]
    assert {name for expr in asked for name in re.findall(r"weft_\w+", expr)} <= told()
    assert len({(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]}) == len(board["panels"])
