"""A request and an answer of the stand-in, whatever brings them: a port with TLS, or an adapter in the same process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from connectors.errors import BadRecord
from connectors.exact import load_json
from connectors.salesforce.sandbox_state import ApiError


@dataclass(frozen=True)
class Request:
    """`target` is path and query as sent; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def path(self) -> list[str]:
        """The parts of the path, unquoted one by one, without empty ones."""
        return [unquote(part) for part in urlsplit(self.target).path.split("/") if part]

    @cached_property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @cached_property
    def form(self) -> dict[str, str]:
        """The body of an HTML form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode("utf-8", "replace")).items()}

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ApiError JSON_PARSER_ERROR."""
        try:
            parsed = load_json(self.body)
        except BadRecord as error:
            raise ApiError(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from None
        if not isinstance(parsed, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "The HTTP entity body must be an object")
        return parsed


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    body = orjson.dumps(value, default=_number)
    return Answer(status, body, {"content-type": "application/json;charset=UTF-8", **(headers or {})})


def _number(value: object) -> Any:
    """A double as Salesforce writes it: never without a point."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is no JSON")
    text = format(value, "f")
    return orjson.Fragment((text if "." in text else f"{text}.0").encode())
