"""Settings: defaults, then `weft.toml`, then the environment (`WEFT_...`), then flags; the later wins."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from gateway.errors import BadConfiguration, Problem


class Settings(BaseModel):
    """What the hub needs to know before it opens its database. Each has an environment variable `WEFT_<NAME>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="Folder of the hub's own files: database, key, first admin token.")
    database_url: str = Field(
        "", description="SQLAlchemy URL; default: sqlite:///<home>/weft.db. PostgreSQL: postgresql://user@host/name"
    )
    secret_key: SecretStr | None = Field(
        None, description="Encrypts secrets at rest. Several, comma separated: the first encrypts, all decrypt. "
        "Default: made on first run and kept in <home>/secret-key."
    )  # fmt: skip
    admin_token: SecretStr | None = Field(None, description="The first admin token, for automation.")
    log: Literal["text", "json", ""] = Field("", description="Log format; default: text on a terminal, else json.")
    host: str = Field("127.0.0.1", description="Address that `weft serve` listens on.")
    port: int = Field(8480, ge=0, le=65535, description="Port that `weft serve` listens on.")
    public_url: str = Field(
        "", description="How people and systems reach the hub; used in links and webhook addresses."
    )
    inbox_waiting: int = Field(5_000, ge=1, description="Deliveries of one connection that may wait before 429.")
    context_deadline_s: float = Field(2.0, gt=0, le=60, description="Answers later than this are marked late.")
    openlineage_url: str = Field(
        "", description="Where OpenLineage events go: a file path or an http(s) URL; none: nowhere."
    )

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'weft.db'}"

    @property
    def log_format(self) -> str:
        return self.log or ("text" if sys.stderr.isatty() else "json")

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


def load(flags: dict[str, Any] | None = None, *, file: Path | None = None) -> Settings:
    """Settings from file, environment and flags (None values are not given). Raises BadConfiguration naming each."""
    values: dict[str, Any] = {}
    file = file or Path(os.environ.get("WEFT_CONFIG", "weft.toml"))
    if file.exists():
        try:
            values |= tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"{file} is not valid TOML.", [Problem(str(file), str(error))]) from error
    for name in Settings.model_fields:
        given = os.environ.get(f"WEFT_{name.upper()}")
        if given is not None:
            values[name] = given
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [Problem(".".join(map(str, e["loc"])), e["msg"], _hint(str(e["loc"][0]))) for e in error.errors()]
        raise BadConfiguration("The settings have problems.", problems) from None


def _hint(name: str) -> str:
    field = Settings.model_fields.get(name)
    return field.description or "" if field else "known settings: " + ", ".join(sorted(Settings.model_fields))
