"""Configuration as people write it: one YAML document of connections, mappings, rules, bridges and context questions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from gateway.automation.specs import Bridge, Check, ContextQuestion, Name, Rule, Spec
from gateway.config import yaml12
from gateway.config.syncs import Partitions, SyncSpec, Timing
from gateway.errors import BadConfiguration, Problem

MAX_BYTES = 4 << 20


class ConnectionSpec(Spec):
    """One remote system. `id` is its place in URLs: /v1/inbound/<id>."""

    id: Name
    connector: str = Field(description="name of an installed connector; `weft connector list` shows them")
    title: str = ""
    config: dict[str, Any] = Field(
        {}, description="the connector's own settings; secrets as env:NAME, file:PATH or plain"
    )
    enabled: bool = True
    mappings: dict[str, str] = Field({}, description="stream: name of a mapping, instead of the built-in one")
    stale_after_s: int | None = Field(None, ge=1, description="a device silent for so long is reported; none: never")
    poll_every_s: int = Field(
        60, ge=5, le=86_400, description="how often its streams are read to reconcile; see streams"
    )
    sync_every_s: dict[str, Annotated[int, Field(ge=5, le=604_800)]] = Field(
        {},
        description="stream: how often its records of business are read; default: as the connector says of the stream",
    )
    reads_at_once: int = Field(
        1,
        ge=1,
        le=32,
        description="partitions of its streams read at once, by all workers; each has its share of the rate",
    )
    codes: dict[Literal["device", "customer", "item", "supplier", "product"], str] = Field(
        {}, description="thing: the connection whose codes this system uses for it; default: codes of its own"
    )
    as_role: Name | None = Field(
        None, description="a role of the policy rights: bridges write only what it may read to this system"
    )
    context: list[ContextQuestion] | None = Field(None, description="instead of the connector's own questions")
    checks: list[Check] | None = Field(None, description="instead of the connector's own checks")


class Documents(Spec):
    """Everything that can be configured. A list that is absent is left as it is; `rules` replaces all rules."""

    connectors: list[dict[str, Any]] | None = Field(None, description="manifests: connectors made of YAML alone")
    connections: list[ConnectionSpec] | None = None
    mappings: list[dict[str, Any]] | None = Field(
        None, description="mapping files; or `mapping: NAME` and `text`, the file as it was written"
    )
    rules: list[Rule] | None = None
    bridges: list[Bridge] | None = None
    syncs: list[SyncSpec] | None = Field(
        None, description="how streams of business records are read, where it is not as their connector says"
    )
    policies: list[dict[str, Any]] | None = Field(None, description="how tickets move; each kind is replaced whole")


def parse(texts: Iterable[tuple[str, str]]) -> Documents:
    """(file name, YAML text) of every file, merged in order. Raises BadConfiguration with all problems of all files."""
    problems: list[Problem] = []
    merged: dict[str, list[Any]] = {}
    for name, text in texts:
        loaded = _load(name, text, problems)
        for key, value in loaded.items():
            if key in Documents.model_fields and isinstance(value, list):
                merged.setdefault(key, []).extend(value)
            else:
                merged[key] = value
    if problems:
        raise BadConfiguration("The configuration cannot be read; nothing was changed.", problems)
    return validate(merged)


def validate(data: Any) -> Documents:
    """A document that was already read. Raises BadConfiguration with path and remedy of every problem."""
    try:
        documents = Documents.model_validate(data)
    except ValidationError as error:
        problems = [_problem(dict(e)) for e in error.errors(include_url=False, include_input=False)]
        raise BadConfiguration("The configuration has problems; nothing was changed.", problems) from None
    for kind in ("connections", "rules", "bridges"):
        _unique(kind, [item.id for item in getattr(documents, kind) or ()])
    _unique("syncs", [sync.id for sync in documents.syncs or ()])
    _unique("connectors", [str(each.get("connector")) for each in documents.connectors or ()])
    return documents


def _load(name: str, text: str, problems: list[Problem]) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        problems.append(Problem(name, "the file is larger than 4 MiB", "split it"))
        return {}
    try:
        loaded = yaml12.load(text)
    except (yaml.YAMLError, RecursionError) as error:
        problems.append(Problem(name, f"not valid YAML: {' '.join(str(error).split())}"))
        return {}
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        problems.append(Problem(name, "the document must be a mapping", "begin with `connections:` or `rules:`"))
        return {}
    if "connector" in loaded and "kind" in loaded:
        return {"connectors": [loaded]}  # a manifest's file as it is
    return {str(k): v for k, v in loaded.items()}


def _problem(error: dict[str, Any]) -> Problem:
    path = ""
    for step in error["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        near = difflib.get_close_matches(name, _known_names(), n=1)
        hint = "it belongs elsewhere" if near == [name] else f"did you mean {near[0]!r}?" if near else "remove it"
        return Problem(path, "this field does not exist here", hint)
    return Problem(path, error["msg"].removeprefix("Value error, "), "")


def _known_names() -> list[str]:
    models = (Documents, ConnectionSpec, Rule, Bridge, ContextQuestion, Check, SyncSpec, Timing, Partitions)
    return sorted({f.alias or name for m in models for name, f in m.model_fields.items()})


def _unique(kind: str, ids: list[str]) -> None:
    seen: set[str] = set()
    problems = [
        Problem(f"{kind}[{n}].id", f"{each!r} is there twice", "rename one")
        for n, each in enumerate(ids)
        if each in seen or seen.add(each)  # type: ignore[func-returns-value]
    ]
    if problems:
        raise BadConfiguration("The configuration has problems; nothing was changed.", problems)
