"""Settings: defaults, then `weft.toml`, then the environment (`WEFT_...`), then flags; the later wins.

`WEFT_<NAME>_FILE` names a file that holds the value, as secrets are mounted into containers; its last line end is no part
of it. Giving both is refused, since nobody could tell which one counts.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import BadConfiguration, Problem


class Settings(BaseModel):
    """What the hub needs to know before it opens its database. Each has an environment variable `WEFT_<NAME>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="Folder of the hub's own files: database, key, first admin token.")
    database_url: str = Field(
        "", description="SQLAlchemy URL; default: sqlite:///<home>/weft.db. PostgreSQL: postgresql://user@host/name"
    )
    database_password: SecretStr | None = Field(
        None, description="Put into `database_url`, so that the URL itself holds no secret."
    )
    pool_size: int = Field(8, ge=1, le=200, description="Connections to PostgreSQL that a process keeps open.")
    pool_overflow: int = Field(8, ge=0, le=200, description="Connections beyond those, opened under load.")
    pool_timeout_s: float = Field(10, gt=0, le=600, description="How long to wait for a connection before 503.")
    pool_recycle_s: int = Field(1_800, ge=1, description="Age at which a connection is replaced by a new one.")
    statement_timeout_s: float = Field(
        60,
        ge=0,
        description="PostgreSQL ends a statement after so long; audits, retention and migrations are exempt. 0: never.",
    )
    lock_timeout_s: float = Field(
        15, ge=0, description="PostgreSQL gives up waiting for a lock after so long; then it is tried again. 0: never."
    )
    idle_transaction_timeout_s: float = Field(
        120,
        ge=0,
        description="PostgreSQL ends a transaction whose process fell silent, so that its locks go. 0: never.",
    )
    segments: Path | None = Field(
        None, description="Folder of sealed lineage, seen by every process of the hub. Default: <home>/segments"
    )
    keep_messages_days: int = Field(
        400, ge=0, description="Raw messages are kept so long; what became of them is kept for ever. 0: for ever."
    )
    seal_landing_days: int = Field(
        400, ge=0, description="Source records older than this are moved into sealed segments. 0: never."
    )
    seal_tickets_days: int = Field(
        400, ge=0, description="The lineage of tickets closed for so long is moved into sealed segments. 0: never."
    )
    keep_segments_days: int = Field(
        0,
        ge=0,
        description="Sealed values are kept so long; what was read where and when is kept for ever. 0: for ever.",
    )
    secret_key: SecretStr | None = Field(
        None, description="Encrypts secrets at rest. Several, comma separated: the first encrypts, all decrypt. "
        "Default: made on first run and kept in <home>/secret-key."
    )  # fmt: skip
    admin_token: SecretStr | None = Field(None, description="The first admin token, for automation.")
    admin_password: SecretStr | None = Field(
        None,
        description="Password of the first person who signs in, `admin`; default: made on first run, printed once.",
    )
    oidc_issuer: str = Field(
        "", description="Your organisation's sign-in (OpenID Connect): the issuer's URL. None: passwords only."
    )
    oidc_name: str = Field("", description="How the sign-in page calls it; default: the issuer.")
    oidc_client_id: str = Field("", description="As registered there, with <public_url>/v1/session/oidc/callback.")
    oidc_client_secret: SecretStr | None = Field(None, description="Of that client; none: a public client (PKCE).")
    oidc_scopes: str = Field("openid profile email", description="What is asked for.")
    oidc_login_claim: str = Field(
        "preferred_username",
        description="Claim that is the user name, and the person where the roster has one of that id.",
    )
    oidc_role_claim: str = Field("groups", description="Claim with the groups that give a role.")
    oidc_roles: str = Field(
        "", description='JSON: the role of each group, such as {"hub-admins": "admin"}; the strongest holds.'
    )
    oidc_default_role: Literal["viewer", "agent", "integrator", "admin", ""] = Field(
        "", description="Role of who has no such group; none: they may not sign in."
    )
    log: Literal["text", "json", ""] = Field("", description="Log format; default: text on a terminal, else json.")
    host: str = Field("127.0.0.1", description="Address that `weft serve` listens on.")
    port: int = Field(8480, ge=0, le=65535, description="Port that `weft serve` listens on.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port on which `weft worker` tells /metrics and /healthz; 0: nowhere."
    )
    public_url: str = Field(
        "", description="How people and systems reach the hub; used in links and webhook addresses."
    )
    inbox_waiting: int = Field(5_000, ge=1, description="Deliveries of one connection that may wait before 429.")
    context_deadline_s: float = Field(2.0, gt=0, le=60, description="Answers later than this are marked late.")
    otel_endpoint: str = Field(
        "",
        description="OTLP/HTTP address that traces go to, such as http://collector:4318/v1/traces; empty: none are made.",
    )
    airflow_file: Path | None = Field(
        None,
        description="Where a worker keeps the syncs and jobs for Airflow's DAGs (their WEFT_SYNCS); none: nowhere.",
    )
    openlineage_url: str = Field(
        "", description="Where OpenLineage events go: a file path or an http(s) URL; none: nowhere."
    )

    @property
    def database(self) -> str:
        """The URL, with its password."""
        url = self.database_url or f"sqlite:///{self.home / 'weft.db'}"
        if self.database_password is None:
            return url
        try:
            with_password = make_url(url).set(password=self.database_password.get_secret_value())
        except ArgumentError:
            return url  # whoever opens it says what is wrong with it
        return with_password.render_as_string(hide_password=False)

    @property
    def segments_folder(self) -> Path:
        return self.segments or self.home / "segments"

    @property
    def log_format(self) -> str:
        return self.log or ("text" if sys.stderr.isatty() else "json")

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


Origin = Literal["default", "file", "environment", "flag"]


def origins(settings: Settings, *, file: Path | None = None) -> dict[str, Origin]:
    """Where each setting that runs comes from, as far as it can be told now: the file or the environment may have changed
    since the process began. Raises BadConfiguration when the file cannot be read."""
    written = _from_file(file)
    found: dict[str, Origin] = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        given = _from_environment(name)
        if given is not None and _reads(name, given) == value:
            found[name] = "environment"
        elif name in written and _reads(name, written[name]) == value:
            found[name] = "file"
        else:
            found[name] = "default" if value == field.default else "flag"
    return found


def _reads(name: str, given: Any) -> Any:
    try:
        return getattr(Settings.model_validate({name: given}), name)
    except ValidationError:
        return None


def load(flags: dict[str, Any] | None = None, *, file: Path | None = None) -> Settings:
    """Settings from file, environment and flags (None values are not given). Raises BadConfiguration naming each."""
    values = _from_file(file)
    for name in Settings.model_fields:
        given = _from_environment(name)
        if given is not None:
            values[name] = given
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [Problem(".".join(map(str, e["loc"])), e["msg"], _hint(str(e["loc"][0]))) for e in error.errors()]
        raise BadConfiguration("The settings have problems.", problems) from None


def _from_file(file: Path | None) -> dict[str, Any]:
    file = file or Path(os.environ.get("WEFT_CONFIG", "weft.toml"))
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{file} is not valid TOML.", [Problem(str(file), str(error))]) from error


def _from_environment(name: str) -> str | None:
    """The value of a setting, or what stands in the file it names. Raises BadConfiguration."""
    variable = f"WEFT_{name.upper()}"
    given, file = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
    if file is None:
        return given
    if given is not None:
        problem = Problem(name, f"{variable} and {variable}_FILE are both given", "give one of them")
        raise BadConfiguration("The settings have problems.", [problem])
    try:
        return Path(file).read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(name, f"{variable}_FILE: {file} can't be read: {error}", "is it mounted, and readable by us?")
        raise BadConfiguration("The settings have problems.", [problem]) from error


def _hint(name: str) -> str:
    field = Settings.model_fields.get(name)
    return field.description or "" if field else "known settings: " + ", ".join(sorted(Settings.model_fields))
