"""A connection's settings: the form they are filled in by, the check of what was filled in, and what may be shown.

What may be shown is decided by an allow-list of types, never by guessing which name sounds secret.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from connectors.contract import Connector, Settings
from connectors.errors import FieldProblem, InvalidConfig
from connectors.scrub import Scrubber

MASK = "••••••"
_Shown = (bool, int, float, Decimal, date, time, timedelta)
C = TypeVar("C", bound=Settings)


@dataclass(frozen=True, slots=True)
class ConfigSchema:
    """The form of a connector: JSON Schema, and the dotted paths of its secrets (`[]` any list item, `*` any key)."""

    schema: dict[str, Any]
    secrets: tuple[str, ...]


def config_schema(connector: type[Connector]) -> ConfigSchema:
    """The JSON Schema an integrator's form is drawn from, and which of its fields are write-only."""
    schema = connector.Config.model_json_schema()
    return ConfigSchema(schema, tuple(_secret_paths(schema, schema.get("$defs", {}), "", frozenset())))


def parse_config(connector: type[Connector], data: Mapping[str, Any]) -> Settings:
    """The settings, checked whole. Secret references (`env:NAME`, `file:PATH`) must be resolved before.

    :raises InvalidConfig: with every problem at once; its texts hold no secret.
    """
    try:
        return connector.Config.model_validate(dict(data))
    except ValidationError as refusal:
        found = refusal.errors(include_url=False, include_input=False, include_context=False)
    given = Scrubber(_values_at(data, config_schema(connector).secrets))
    problems = [_problem(connector.Config, each, given) for each in found]
    raise InvalidConfig(problems, connector=connector.name)


def safe_config(config: Settings) -> dict[str, Any]:
    """The settings as they may be logged, exported and shown: JSON-like.

    Shown are flags, numbers, times, choices, texts (URLs without user and query) and lists and models of these. A
    secret and every value of a free mapping (headers, extra parameters) are masked; an empty secret stays empty.
    """
    return {name: _show(getattr(config, name)) for name in type(config).model_fields}


def secret_values(config: Settings) -> frozenset[str]:
    """The literal values that must never be seen: secrets at any depth, and passwords inside URLs."""
    return frozenset(filter(None, _secrets_of(config)))


# -- the form ---------------------------------------------------------------------------------------------------------


def _secret_paths(node: Mapping[str, Any], defs: Mapping[str, Any], path: str, inside: frozenset[str]) -> Iterator[str]:
    if node.get("writeOnly") or node.get("format") == "password":
        yield path
        return
    reference = node.get("$ref", "").removeprefix("#/$defs/")
    if reference and reference not in inside:
        yield from _secret_paths(defs[reference], defs, path, inside | {reference})
    seen: set[str] = set()
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        for found in _secret_paths(branch, defs, path, inside):
            if found not in seen:
                seen.add(found)
                yield found
    for name, child in node.get("properties", {}).items():
        yield from _secret_paths(child, defs, f"{path}.{name}" if path else name, inside)
    if isinstance(items := node.get("items"), Mapping):
        yield from _secret_paths(items, defs, f"{path}[]", inside)
    if isinstance(extra := node.get("additionalProperties"), Mapping):
        yield from _secret_paths(extra, defs, f"{path}.*" if path else "*", inside)


def _values_at(data: Any, paths: Sequence[str]) -> frozenset[str]:
    """The texts that were given at these schema paths, whatever shape the rest has."""
    found: set[str] = set()
    for path in paths:
        here: list[Any] = [data]
        for step in path.replace("[]", ".[]").split("."):
            here = [child for node in here for child in _children(node, step)]
        found.update(text for text in here if isinstance(text, str) and text)
    return frozenset(found)


def _children(node: Any, step: str) -> list[Any]:
    if step == "[]":
        return list(node) if isinstance(node, (list, tuple)) else []
    if not isinstance(node, Mapping):
        return []
    if step == "*":
        return list(node.values())
    return [node[step]] if step in node else []


# -- the check --------------------------------------------------------------------------------------------------------


def _problem(model: type[BaseModel], error: ErrorDetails, given: Scrubber) -> FieldProblem:
    place = error["loc"]
    path = _dotted(place)
    owner = _model_at(model, place[:-1])
    name = str(place[-1]) if place else ""
    if error["type"] == "extra_forbidden" and owner is not None:
        known = [field.alias or key for key, field in owner.model_fields.items()]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known fields: {', '.join(known)}"
        return FieldProblem(path, "this field does not exist", hint)
    described = owner.model_fields[name].description if owner is not None and name in owner.model_fields else None
    if error["type"] == "missing":
        return FieldProblem(path, "this field is required", given.text(described or ""))
    return FieldProblem(path, given.text(error["msg"]), given.text(described or ""))


def _dotted(place: Sequence[int | str]) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _model_at(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel] | None:
    """The model that owns the field at this place; None inside unions and free mappings."""
    here: type[BaseModel] | None = model
    for step in place:
        if isinstance(step, int):
            continue
        field = here.model_fields.get(step) if here is not None else None
        here = next(_models_in(field.annotation), None) if field is not None else None
    return here


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


# -- what may be shown ------------------------------------------------------------------------------------------------


def _show(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return _show_text(value)
    if isinstance(value, _Shown):
        return str(value)
    if isinstance(value, BaseModel):
        return {name: _show(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): MASK for key in value}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_show(item) for item in value]
    if isinstance(value, (SecretStr, SecretBytes)):
        return MASK if value.get_secret_value() else ""
    text = str(value)
    return _show_text(text) if "://" in text and _password_in(text) == "" else MASK


def _show_text(text: str) -> str:
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def _password_in(text: str) -> str:
    try:
        return urlsplit(text).password or ""
    except ValueError:
        return ""


def _secrets_of(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode("utf-8", "replace")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_of(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_of(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _secrets_of(item)
    elif value is not None and "://" in str(value):
        yield _password_in(str(value))
