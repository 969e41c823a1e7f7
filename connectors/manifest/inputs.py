"""What a manifest asks an integrator for, and the `Config` made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, create_model, model_validator

from connectors.contract import Settings

SECRET_NAME = re.compile(r"password|passwd|secret|token$|api_?key|private_?key|credential", re.IGNORECASE)
"""An input of such a name must be a secret."""


class Part(BaseModel):
    """Base of every piece of a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(Part):
    """One setting of a connection."""

    type: Literal["text", "secret", "number", "int", "seconds", "bool", "url", "choice"] = "text"
    description: str = Field(min_length=3, description="what to fill in, and where to find it")
    description_zh: str = ""
    default: Any = Field(None, description="the value when nothing is given; without one the setting is required")
    optional: bool = Field(False, description="may be left out although it has no default")
    choices: tuple[str, ...] = Field((), description="of a choice: the values there are")
    min: Decimal | None = None
    max: Decimal | None = None
    sample: Any = Field(None, description="what the sandbox and the exam use")

    @model_validator(mode="after")
    def _whole(self) -> Input:
        if self.type == "secret" and self.default is not None:
            raise ValueError("a secret has no default")
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("`choices` belong to type choice, and it needs them")
        if self.type == "choice" and self.default is not None and self.default not in self.choices:
            raise ValueError(f"the default {self.default!r} is none of the choices")
        return self


def address(text: str) -> str:
    """An http(s) address without a trailing slash, a user, a query or a fragment."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write the address as http://host:port or https://host/path")
    if parts.username or parts.password:
        raise ValueError("no user or password in the address")
    if parts.query or parts.fragment:
        raise ValueError("no ? and no # in the address")
    return text.rstrip("/")


_TYPES: Mapping[str, Any] = {
    "text": str,
    "secret": SecretStr,
    "number": Decimal,
    "int": int,
    "seconds": float,
    "bool": bool,
    "url": Annotated[str, AfterValidator(address)],
}


def settings_model(connector: str, inputs: Mapping[str, Input]) -> type[Settings]:
    """The `Config` of a connector: one field for each input, unknown ones refused, secrets as `SecretStr`."""
    fields: dict[str, Any] = {}
    for name, each in inputs.items():
        kind = Literal[each.choices] if each.type == "choice" else _TYPES[each.type]
        missing: Any = ...
        if each.default is not None:
            missing = float(each.default) if each.type == "seconds" else each.default
        elif each.optional:
            missing = SecretStr("") if each.type == "secret" else None
            kind = kind if each.type == "secret" else kind | None
        more: dict[str, Any] = {"ge": each.min, "le": each.max} if each.type in ("number", "int", "seconds") else {}
        described = each.description + (f" / {each.description_zh}" if each.description_zh else "")
        fields[name] = (kind, Field(missing, description=described, **more))
    title = "".join(word.capitalize() for word in connector.split("_"))
    return create_model(f"{title}Config", __base__=Settings, **fields)


def sample_of(name: str, each: Input) -> Any:
    """A value for the sandbox and the exam: the declared sample, the default, or one made of the name."""
    if each.sample is not None:
        return each.sample
    if each.type == "secret":
        return f"sample-{name.replace('_', '-')}-0001"
    if each.default is not None or each.optional:
        return each.default
    made = {
        "number": Decimal(1),
        "int": 1,
        "bool": True,
        "url": "http://system.example",
        "choice": (*each.choices, "")[0],
    }
    return made.get(each.type, f"sample {name}")
