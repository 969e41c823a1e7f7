"""The story of the tour as data, and the stand-ins it is told to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.mqtt.sandbox import settings as plant_settings
from gateway.config import documents as config_documents
from gateway.demo.company import Company
from gateway.demo.connections import documents
from gateway.demo.look import LOOKS
from gateway.demo.story import Stage, Tell, steps

ROOT = Path(__file__).parents[3]
PLANT = plant_settings("mqtt://127.0.0.1:1")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with Company(tmp_path_factory.mktemp("company")) as running:
        yield running


def systems(company: Company) -> dict[str, object]:
    return {"connections": list(company.connections.values()), "urls": company.urls, "left_out": company.left_out}


def without(told: dict[str, object], name: str) -> dict[str, object]:
    """The same company, but one of its systems could not be started."""
    specs, urls = told["connections"], told["urls"]
    assert isinstance(specs, list)
    assert isinstance(urls, dict)
    return {
        "connections": [s for s in specs if s["id"] != name],
        "urls": {n: u for n, u in urls.items() if n != name},
        "left_out": {name: "why"},
    }


def test_every_request_of_the_story_is_one_that_its_stand_in_takes(company: Company) -> None:
    files = {n: Path(str(s["config"]["ca_file"])) for n, s in company.connections.items() if "ca_file" in s["config"]}
    with Stage(company.urls, ca_files=files) as stage:
        for step in steps():
            if step.needs in ("", *company.urls):
                stage.play(step)  # raises when a stand-in refuses; what is published needs a broker and is left out


def test_a_step_whose_system_is_not_there_is_left_out(company: Company) -> None:
    alone = Stage({"zabbix": "http://127.0.0.1:1", "mes": "http://127.0.0.1:1"})
    assert [step.id for step in steps() if alone.has(step)] == [
        "payment", "machine-down", "payment-again", "machine-runs",
    ]  # fmt: skip


def test_the_story_takes_some_three_minutes() -> None:
    assert 120 <= sum(step.after_s for step in steps()) <= 200


def test_every_ticket_of_the_story_can_be_told_from_the_others() -> None:
    shows = [step.shows for step in steps() if step.shows is not None]
    assert len({(s.kind, s.word) for s in shows}) == len(shows)


def test_every_step_says_in_both_languages_what_happens() -> None:
    for step in steps():
        assert re.search(r"[\u4e00-\u9fff]", step.zh), step.id
        assert step.en.isascii(), step.id


def test_the_story_changes_nothing_but_by_the_control_surfaces_of_stand_ins() -> None:
    paths = {deed.path for step in steps() for deed in step.does if isinstance(deed, Tell)}
    assert all(path.startswith("/sandbox/") for path in paths)


@pytest.mark.parametrize("missing", ["", "u8"])
def test_the_tours_configuration_is_one_that_weft_apply_takes(company: Company, missing: str) -> None:
    told = documents(without(systems(company), missing), PLANT if missing else None)
    found = config_documents.validate(told)
    assert found.connections is not None
    for spec in found.connections:
        assert set(spec.codes.values()) <= {each.id for each in found.connections}, spec.id


@pytest.mark.parametrize("system", sorted(LOOKS))
def test_what_a_stand_in_holds_can_be_looked_at(company: Company, system: str) -> None:
    files = {n: Path(str(s["config"]["ca_file"])) for n, s in company.connections.items() if "ca_file" in s["config"]}
    with Stage(company.urls, ca_files=files) as stage:
        stage.play(next(step for step in steps() if step.id == "payment"))
        lines = list(LOOKS[system](stage))
    assert bool(lines) == (system in ("zabbix", "salesforce", "mes"))  # nobody has written to the others


def test_stand_ins_have_usual_ports_that_do_not_meet() -> None:
    ports: dict[str, str] = {}
    for file in sorted(ROOT.glob("connectors/*/sandbox.py")):
        found = re.search(r'"--port", type=int, default=([1-9]\d*)', file.read_text("utf-8"))
        if found is not None:
            assert ports.setdefault(found[1], file.parent.name) == file.parent.name, f"port {found[1]}"
    assert len(ports) > 8
