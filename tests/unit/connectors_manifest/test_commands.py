"""`weft connector new` and `weft connector test`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.manifest import kinds
from gateway.cli.root import app

RUN = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.mark.parametrize("kind", ["rest", "webhook", "soap"])
def test_a_new_manifest_lies_in_the_hubs_folder_and_passes_its_exam_at_once(home: Path, kind: str) -> None:
    made = RUN.invoke(app, ["connector", "new", "shop", "--kind", kind, "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["file"] == str(home / "connectors" / "shop.yaml")
    taken = RUN.invoke(app, ["connector", "test", "shop", "--json"])
    assert taken.exit_code == 0, taken.output
    told = json.loads(taken.stdout)
    assert (told["grade"], told["failures"], told["passed"]) == ("gold", {}, told["cases"])
    assert json.loads((home / "connectors" / "shop.grade.json").read_text())["grade"] == "gold"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Shop"], "use lower case letters"), (["../shop"], "use lower case letters"), (["zabbix"], "already"),
        (["shop", "--kind", "rst"], "there is no kind"),
    ],
)  # fmt: skip
def test_a_name_or_kind_that_cannot_be_is_refused(home: Path, arguments: list[str], told: str) -> None:
    refused = RUN.invoke(app, ["connector", "new", *arguments])
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert not home.exists() or not list(home.rglob("*.yaml"))


def test_a_file_that_is_there_is_never_written_over(home: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("mine", "utf-8")
    refused = RUN.invoke(app, ["connector", "new", "shop", "--folder", str(tmp_path)])
    assert refused.exit_code == 2
    assert (tmp_path / "shop.yaml").read_text("utf-8") == "mine"


def test_mistakes_are_told_with_path_and_remedy_before_the_exam(home: Path, tmp_path: Path) -> None:
    text = kinds()["rest"].scaffold("shop")
    (tmp_path / "slip.yaml").write_text(text.replace("    key: id\n", "    kye: id\n"), "utf-8")
    refused = RUN.invoke(app, ["connector", "test", "slip.yaml"])
    assert refused.exit_code == 1
    assert "streams.item.kye" in refused.stderr
    assert "did you mean 'key'?" in refused.stderr
    (tmp_path / "wrong.yaml").write_text(text.replace('"first(name, id)"', "frist(name, id)"), "utf-8")
    refused = RUN.invoke(app, ["connector", "test", "wrong.yaml"])
    assert refused.exit_code == 1
    assert "mappings.item.fields.name" in refused.stderr


def test_a_connector_in_python_has_no_manifest_to_test(home: Path) -> None:
    refused = RUN.invoke(app, ["connector", "test", "zabbix"])
    assert refused.exit_code == 2
    assert "scm_scorecards" in refused.stderr
