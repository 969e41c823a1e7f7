"""The Chinese titles and descriptions of a connector's settings: `config.zh.json` in its folder.

A key is a field of `Config`, or `Model.field` of a model inside it; a value has `title`, `description`, and of a choice
`choices`: the words for its values. `$include` lists further such files, by their path from this one; what is written
here comes first. A connector made of a manifest has the labels of its kind, the manifest's own `description_zh`, and
those of `NAME.zh.json` beside it. What has no label is shown in English.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.contract import Connector

FILE = "config.zh.json"
_log = logging.getLogger(__name__)


class Label(BaseModel):
    """What one field is called in Chinese; empty: as in English."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: str = ""
    description: str = ""
    choices: dict[str, str] = {}


class _File(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Label]
    include: tuple[str, ...] = Field((), alias="$include")


def labelled(connector: type[Connector], schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of its settings, in which a field with a label has `title_zh` and `description_zh` too, a choice
    `enum_zh`: the one that was given, changed.

    A file of labels that cannot be read is told in the log, and its fields are shown in English.
    """
    try:
        labels = labels_of(connector)
    except (OSError, ValidationError) as error:
        _log.warning("labels of connector %s cannot be read: %s", connector.name, error)
        return schema
    for path, node in fields_of(schema).items():
        label = labels.get(path, Label())
        if label.title:
            node["title_zh"] = label.title
        if label.description:
            node["description_zh"] = label.description
        if label.choices:
            for choice in choices_in(node):
                choice["enum_zh"] = label.choices
    return schema


def labels_of(connector: type[Connector]) -> dict[str, Label]:
    """By field. Raises OSError and ValidationError where a file is not as it should be."""
    labels = read(Path(inspect.getfile(connector)).parent / FILE)
    manifest = getattr(connector, "manifest", None)
    if manifest is None:
        return labels
    for name, asked in manifest.inputs().items():
        if asked.description_zh:
            known = labels.get(name, Label())
            labels[name] = known.model_copy(update={"description": asked.description_zh})
    file: Path | None = getattr(connector, "manifest_file", None)
    return labels if file is None else labels | read(file.with_suffix(".zh.json"))


def read(file: Path) -> dict[str, Label]:
    """The labels of a file and of those it includes; none where there is no file."""
    if not file.is_file():
        return {}
    told = _File.model_validate_json(file.read_bytes())
    labels: dict[str, Label] = {}
    for other in told.include:
        labels |= read(file.parent / other)
    return labels | told.__pydantic_extra__


def fields_of(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field of the form by its key: its node of the schema."""
    found = dict(schema.get("properties", {}))
    for model, inner in schema.get("$defs", {}).items():
        found |= {f"{model}.{name}": node for name, node in inner.get("properties", {}).items()}
    return found


def choices_in(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a field that are a choice: itself, one that may be left out, or the items of a list."""
    if "enum" in node:
        yield node
    for inner in (*node.get("anyOf", ()), node.get("items")):
        if isinstance(inner, dict):
            yield from choices_in(inner)
