"""Templates the hub itself brings: the ticket of a storm."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files

from gateway.automation.rules import CompiledRule
from mappings import Mapping, load_mapping


@cache
def _storm() -> Mapping:
    return load_mapping(files("gateway.builtin").joinpath("storm.yaml").read_text("utf-8"), origin="storm.yaml")


def storm_rule(rule: CompiledRule) -> CompiledRule:
    """The rule with the storm's template instead of its own."""
    return replace(rule, template=_storm())
