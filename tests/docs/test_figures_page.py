"""docs/figures.md lists every figure as the registry has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from core_tickets.figures import METRICS, Metric
from gateway.api.figures import router
from gateway.config import yaml12
from gateway.policies.figures import FiguresSpec, Opens, Threshold

PAGE = (Path(__file__).parents[2] / "docs" / "figures.md").read_text("utf-8")


def line(metric: Metric) -> str:
    """A figure's row of the table."""
    kept = "stays" if metric.settled else "then and now"
    terms = "".join(f" `{term}`" for term in metric.terms)
    return (
        f"| `{metric.name}` | {metric.title.en} {metric.title.zh} | {metric.unit} | {metric.about.en}{terms} | {kept} |"
    )


@pytest.mark.parametrize("name", METRICS)
def test_a_figure_is_described_as_it_is(name: str) -> None:
    assert line(METRICS[name]) in PAGE, f"write this line:\n{line(METRICS[name])}"


def test_the_page_lists_no_figure_that_is_not_there() -> None:
    rows = [
        row.split("`")[1] for row in PAGE.splitlines() if row.startswith("| `") and row.endswith(("stays |", "now |"))
    ]
    assert rows == list(METRICS)


def test_every_way_to_ask_is_on_the_page() -> None:
    for route in router.routes:
        assert isinstance(route, APIRoute)
        assert f"{' '.join(route.methods or ())} {route.path}" in PAGE


@pytest.mark.parametrize("model", [FiguresSpec, Threshold, Opens])
def test_every_field_of_the_policy_is_on_the_page(model: type[FiguresSpec] | type[Threshold] | type[Opens]) -> None:
    for field in model.model_fields:
        assert f"`{field}`" in PAGE


def test_the_policy_on_the_page_is_one() -> None:
    (block,) = [b.split("```")[0] for b in PAGE.split("```yaml\n")[1:]]
    (policy,) = yaml12.load(block)["policies"]
    assert [t.id for t in FiguresSpec.model_validate(policy).thresholds] == ["duplicates", "unhappy"]
