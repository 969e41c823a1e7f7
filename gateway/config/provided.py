"""What comes with the program: the hub's own rules and questions, each connector's defaults and mappings.

None of it changes while the program runs, so it is read and compiled once.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping as MappingABC
from functools import cache
from importlib.resources import files

from connectors.contract import Connector
from gateway.automation.specs import ContextQuestion, Defaults, Rule
from gateway.config import yaml12
from mappings import Mapping, load_library, load_mapping


@cache
def builtin_rules() -> tuple[Rule, ...]:
    """The rules of a hub without rules."""
    document = yaml12.load(files("gateway.builtin").joinpath("rules.yaml").read_text("utf-8"))
    return tuple(Rule.model_validate(rule) for rule in document["rules"])


@cache
def builtin_questions() -> tuple[ContextQuestion, ...]:
    """What the hub itself adds to every snapshot."""
    document = yaml12.load(files("gateway.builtin").joinpath("context.yaml").read_text("utf-8"))
    return tuple(ContextQuestion.model_validate(question) for question in document["context"])


def defaults_of(connector: type[Connector]) -> Defaults:
    """The connector's own rules, bridges and questions: `defaults.yaml` beside its package's `__init__`, or what its
    manifest says. Raises ValidationError for a manifest whose sections cannot be read."""
    if (told := getattr(connector, "defaults", None)) is not None:
        return Defaults.model_validate(told)
    return _defaults_beside(connector.__module__.rpartition(".")[0] or connector.__module__)


@cache
def _defaults_beside(package: str) -> Defaults:
    try:
        text = files(package).joinpath("defaults.yaml").read_text("utf-8")
    except (FileNotFoundError, ModuleNotFoundError):
        return Defaults()
    return Defaults.model_validate(yaml12.load(text) or {})


def library_of(connector: type[Connector]) -> dict[str, Mapping]:
    """The connector's mappings by stream: those of its manifest, or of package `mappings.<name>`, or of what its attribute
    `mappings` names. Raises MappingError."""
    if (texts := getattr(connector, "mapping_texts", None)) is not None:
        return {stream: load_mapping(text, f"{connector.name}: mappings.{stream}") for stream, text in texts.items()}
    anchor = getattr(connector, "mappings", f"mappings.{connector.name}")
    try:
        importlib.import_module(anchor)
    except ModuleNotFoundError:
        return {}
    return load_streams(anchor)


def load_streams(anchor: str) -> dict[str, Mapping]:
    """The mappings of a package, by stream."""
    return dict(_streams(anchor))


@cache
def _streams(anchor: str) -> MappingABC[str, Mapping]:
    return {mapping.stream: mapping for mapping in load_library(anchor).values()}
