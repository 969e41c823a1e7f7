"""Connectors that are configuration: manifests given with `weft apply`, and what a manifest says for the hub's side."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from connectors.contract import Connector
from connectors.manifest import BadManifest
from connectors.registry import Catalogue, with_manifest
from gateway.automation.rules import Formula, compile_bridges, compile_questions, compile_rules
from gateway.automation.specs import Defaults
from gateway.config import yaml12
from gateway.errors import BadConfiguration, Problem
from mappings import MappingError, load_mapping


def catalogue_of(installed: Catalogue, bodies: Sequence[Mapping[str, Any]], *, strict: bool) -> Catalogue:
    """The connectors there are, with those of the configuration. `strict`: a bad one refuses all, with
    BadConfiguration; else it is listed as broken."""
    problems: list[Problem] = []
    found = installed
    for n, body in enumerate(bodies):
        name = str(body.get("connector"))
        before = found
        try:
            found = with_manifest(found, yaml12.dump(body), name)
        except BadManifest as error:
            told = [Problem(_under(n, p.path), p.message, p.hint) for p in error.problems]
        else:
            taken = found.broken.get(name) if name in before.good else None
            told = [Problem(_under(n, "connector"), taken, "rename it")] if taken else []
            told += [
                Problem(_under(n, p.path), p.message, p.hint) for p in ([] if taken else problems_of(found.good[name]))
            ]
        if told:
            reason = "; ".join(f"{p.path}: {p.message}" for p in told)
            found = Catalogue(before.good, {**before.broken, **({} if name in before.good else {name: reason})})
            problems += told
    if strict and problems:
        raise BadConfiguration("The configuration has problems; nothing was changed.", problems)
    return found


@functools.lru_cache(512)
def problems_of(connector: type[Connector]) -> tuple[Problem, ...]:
    """What is wrong with the mappings, rules, bridges and questions of a manifest, with their paths in it."""
    return (*_mapping_problems(connector), *_default_problems(connector))


def _mapping_problems(connector: type[Connector]) -> Iterator[Problem]:
    for stream, text in getattr(connector, "mapping_texts", {}).items():
        path = f"mappings.{stream}"
        try:
            mapping = load_mapping(text, path)
        except MappingError as error:
            yield from (Problem(f"{path}.{p.path}".rstrip("."), p.message, p.hint) for p in error.problems)
            continue
        yield from (Problem(f"{path}.tests", str(f), "mend the mapping or the test") for f in mapping.check())


def _default_problems(connector: type[Connector]) -> Iterator[Problem]:
    told = getattr(connector, "defaults", None)
    if told is None:
        return
    try:
        defaults = Defaults.model_validate(told)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in each["loc"])
            yield Problem(steps.lstrip("."), each["msg"].removeprefix("Value error, "))
        return
    for compile_ in (
        lambda: compile_rules(defaults.rules),
        lambda: compile_bridges([(bridge, None) for bridge in defaults.bridges], lambda *_: _formulas(connector)),
        lambda: compile_questions([(question, connector.name) for question in defaults.context]),
    ):
        try:
            compile_()
        except BadConfiguration as error:
            yield from error.problems


def _formulas(connector: type[Connector]) -> dict[str, Formula]:
    """The manifest's own mappings, which its bridges may compute with; those that can't be read are told elsewhere."""
    found = {}
    for stream, text in getattr(connector, "mapping_texts", {}).items():
        try:
            mapping = load_mapping(text, f"mappings.{stream}")
        except MappingError:
            continue
        found[mapping.name] = Formula(mapping, of_library=True)
    return found


def _under(n: int, path: str) -> str:
    return f"connectors[{n}]" + (f".{path}" if path else "")
