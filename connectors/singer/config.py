"""Settings of a connection to a tap."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, model_validator

from connectors.contract import Settings
from connectors.singer.form import TapSection


class SingerConfig(TapSection, Settings):
    """A Singer tap: its program, its settings and secrets, and which of its streams are read."""

    secrets: dict[str, SecretStr] = Field(
        default={}, description="What is secret in the tap's config file: its name, or a.b for b inside a"
    )
    timeout_s: float = Field(default=120, gt=0, le=3600, description="Longest time to discover streams or to check")
    batch_rows: int = Field(default=2000, ge=1, le=2000, description="Records that are handed on at once")

    @model_validator(mode="after")
    def _apart(self) -> SingerConfig:
        both = self.settings.keys() & self.secrets.keys()
        if both:
            raise ValueError(f"{sorted(both)[0]!r} stands in settings and in secrets")
        return self

    def tap_config(self) -> dict[str, Any]:
        """The tap's config file, secrets included."""
        return with_secrets(self.settings, {name: s.get_secret_value() for name, s in self.secrets.items()})


def with_secrets(settings: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """A copy of the settings with the secrets at their dotted places."""
    whole = dict(settings)
    for name, secret in secrets.items():
        *path, last = name.split(".")
        here = whole
        for step in path:
            inner = here.get(step)
            here[step] = dict(inner) if isinstance(inner, dict) else {}
            here = here[step]
        here[last] = secret
    return whole
