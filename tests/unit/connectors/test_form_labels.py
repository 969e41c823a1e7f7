"""The form of every connector that comes with Weft reads in Chinese too, and nothing is labelled that is not there."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import connectors
from connectors.contract import Connector
from connectors.form_labels import choices_in, fields_of, labelled, labels_of
from connectors.manifest import connector_of, read
from connectors.manifest.kinds import kinds
from connectors.registry import installed
from connectors.settings import config_schema

MANIFESTS = Path(connectors.__file__).parent / "manifests"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[a-z][a-z_]+")
"""A value of a choice that is a word; `3.1.1` and `;` are none."""


def _labelled(connector: type[Connector]) -> dict[str, Any]:
    return labelled(connector, config_schema(connector).schema)


def forms() -> Iterator[tuple[type[Connector], dict[str, dict[str, Any]]]]:
    """Every connector that comes with Weft with its fields; and of each kind of manifest what the kind itself asks for."""
    for connector in installed().good.values():
        yield connector, fields_of(_labelled(connector))
    for kind in kinds().values():
        made: Any = connector_of(kind.scaffold("acme_plant"))
        asked = made.manifest.standard_inputs()
        yield made, {key: node for key, node in fields_of(_labelled(made)).items() if key in asked}


def test_every_field_of_every_form_has_a_title_and_a_description_in_chinese() -> None:
    bare = [
        (connector.name, key, name)
        for connector, fields in forms()
        for key, node in fields.items()
        for name in ("title_zh", "description_zh")
        if not CHINESE.search(node.get(name, ""))
    ]
    assert bare == []


def test_every_choice_that_is_a_word_has_one_in_chinese_and_no_other_value_has() -> None:
    wrong = []
    for connector, fields in forms():
        for key, node in fields.items():
            for choice in choices_in(node):
                values, words = {str(value) for value in choice["enum"]}, set(choice.get("enum_zh", {}))
                if words - values or {value for value in values if WORD.fullmatch(value)} - words:
                    wrong.append((connector.name, key, sorted(values ^ words)))
    assert wrong == []


def test_no_label_is_of_a_field_that_is_not_there() -> None:
    gone = {c.name: set(labels_of(c)) - set(fields_of(_labelled(c))) for c in installed().good.values()}
    assert {name: sorted(keys) for name, keys in gone.items() if keys} == {}
    orphans = [
        file.name for file in MANIFESTS.glob("*.zh.json") if not file.with_suffix("").with_suffix(".yaml").exists()
    ]
    assert orphans == []


def test_an_integrators_own_manifest_brings_its_labels_beside_it(tmp_path: Path) -> None:
    made = manifest(tmp_path, {"site": {"title": "工厂", "description": "读取哪个工厂"}})
    fields = fields_of(_labelled(made))
    assert (fields["site"]["title"], fields["site"]["title_zh"]) == ("Site", "工厂")
    assert fields["line"]["description_zh"] == "产线编码"  # of the manifest itself
    assert fields["url"]["title_zh"] == "服务器地址"  # of its kind
    assert "title_zh" not in fields["line"]


@pytest.mark.parametrize("wrong", ["not JSON", {"site": {"titel": "工厂"}}])
def test_labels_that_cannot_be_read_are_told_in_the_log_and_the_form_is_english(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: Any
) -> None:
    made = manifest(tmp_path, wrong)
    with caplog.at_level(logging.WARNING):
        fields = fields_of(_labelled(made))
    assert fields["site"]["description"] == "Plant that is read"
    assert not any("title_zh" in node for node in fields.values())
    assert "labels of connector acme" in caplog.text


def manifest(folder: Path, labels: Any) -> type[Connector]:
    """A connector of a file, and its labels beside it."""
    told = yaml.safe_load(kinds()["rest"].scaffold("acme"))
    told["config"] = told.get("config", {}) | {
        "site": {"description": "Plant that is read", "default": "HZ"},
        "line": {"description": "Line that is read", "description_zh": "产线编码", "default": "L1"},
    }
    file = folder / "acme.yaml"
    file.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    (folder / "acme.zh.json").write_text(labels if isinstance(labels, str) else json.dumps(labels), encoding="utf-8")
    return read(file)
