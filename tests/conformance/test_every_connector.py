"""No connector comes with Weft that takes no exam, and none without the grade it took as it is now."""

from __future__ import annotations

import importlib
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from connectors.conformance import Conformance
from connectors.conformance.case import cases_of
from connectors.grades import grade_of
from connectors.registry import installed
from gateway.cli.root import app

HERE = Path(__file__).parent


def examined() -> dict[str, int]:
    """Names of the connectors with an exam in this folder, and how many cases the largest has."""
    found: dict[str, int] = {}
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        for suite in vars(module).values():
            if isinstance(suite, type) and issubclass(suite, Conformance) and hasattr(suite, "world_type"):
                name = suite.world_type.connector_type.name
                found[name] = max(found.get(name, 0), len(cases_of(suite)))
    return found


def test_every_connector_that_is_installed_takes_an_exam() -> None:
    catalogue = installed()
    assert catalogue.broken == {}
    taken = examined()
    assert set(catalogue.good) - set(taken) == set()
    assert min(taken[name] for name in catalogue.good) > 20


def test_every_connector_that_is_installed_has_the_grade_of_what_it_is_now() -> None:
    """Where it is missing: `make conformance ARGS="tests/conformance/test_NAME.py --save"`."""
    ungraded = [name for name, connector in installed().good.items() if grade_of(connector) is None]
    assert ungraded == []


def test_the_list_of_connectors_tells_the_grades_before_there_is_a_hub_and_complains_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path))
    monkeypatch.delenv("WEFT_DATABASE_URL", raising=False)
    done = CliRunner().invoke(app, ["connector", "list", "--json"])
    assert (done.exit_code, done.stderr) == (0, "")
    told = {each["name"]: each["grade"] for each in orjson.loads(done.stdout)["items"]}
    assert set(told) == set(installed().good)
    assert set(told.values()) <= {"bronze", "silver", "gold"}
