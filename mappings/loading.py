"""From the text of a mapping file to a compiled `Mapping`, or to the list of everything that is wrong with it."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Collection
from typing import Any

from mappings.assembling import assemble
from mappings.document_reader import Entry, read_document
from mappings.errors import LibraryError, MappingError, Problem
from mappings.external import ALLOWED
from mappings.mapping import Mapping
from mappings.schema import DocumentChecker
from mappings.tree import functions_of

LANGUAGE = 1
"""Version of the operators' meaning; part of every mapping's version."""


def load_mapping(text: str, origin: str = "", *, allow: Collection[str] = ALLOWED) -> Mapping:
    """Compile a mapping from YAML.

    `origin` names the file in messages; `allow` are the packages whose Python functions it may call. Raises
    MappingError with all problems: path of the field, line, column, and what to write instead.
    """
    try:
        return _load(text, origin, allow)
    except MappingError as error:
        if error.origin or not origin:
            raise
        raise MappingError(error.problems, origin) from error


def load_library(anchor: str) -> dict[str, Mapping]:
    """Every `*.yaml` of an importable package (`mappings.zabbix`), by mapping name. Raises MappingError with the
    problems of all files, and for two mappings of one name."""
    found: dict[str, Mapping] = {}
    failed: list[MappingError] = []
    files = [f for f in importlib.resources.files(anchor).iterdir() if f.name.endswith((".yaml", ".yml"))]
    for file in sorted(files, key=lambda f: f.name):
        try:
            mapping = load_mapping(file.read_text("utf-8"), f"{anchor}/{file.name}")
        except MappingError as error:
            failed.append(error)
            continue
        if mapping.name in found:
            twin = Problem(f"{mapping.name!r} is the name of {found[mapping.name].origin} too", path="mapping")
            failed.append(MappingError([twin], mapping.origin))
        found[mapping.name] = mapping
    if failed:
        raise LibraryError(failed)
    return found


def _load(text: str, origin: str, allow: Collection[str]) -> Mapping:
    root = read_document(text)
    checked = DocumentChecker(root, allow).check()
    run, source = assemble(checked.where, checked.lets, checked.rules)
    trees = [*([checked.where] if checked.where else []), *(rule.tree for rule in checked.rules.values())]
    canonical = _canonical(root, functions_of(*trees))
    return Mapping(
        name=checked.name,
        description=checked.description,
        connector=checked.connector,
        stream=checked.stream,
        target=checked.target.name,
        key=checked.target.key,
        text=text,
        canonical=canonical,
        version=hashlib.sha256(canonical.encode()).hexdigest(),
        rules=checked.rules,
        where=checked.where,
        cases=checked.cases,
        run=run,
        source=source,
        origin=origin,
    )


def _canonical(root: Entry, functions: dict[str, int]) -> str:
    """The document without comments and layout, with the versions of what it calls. Fields keep their order."""
    body = {"document": root.plain, "functions": dict(sorted(functions.items())), "language": LANGUAGE}
    return json.dumps(body, default=_tagged, ensure_ascii=False, separators=(",", ":"))


def _tagged(value: Any) -> dict[str, str]:
    """A value that JSON does not know, so that it is not taken for a text of the same letters."""
    return {type(value).__name__: str(value)}
