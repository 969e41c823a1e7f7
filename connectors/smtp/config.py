"""The settings of an e-mail connection."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.channels import IN_DOUBT, WhenInDoubt
from connectors.contract import Settings

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


def is_address(text: str) -> bool:
    """A plain address such as duty@example.com: no name, no brackets, nothing that could begin another header."""
    return _ADDRESS.fullmatch(text) is not None


class EmailConfig(Settings):
    """Which server takes the hub's mail, from whom it is, and to whom it goes by default."""

    host: str = Field(
        title="Server", description="Host name of the SMTP server, e.g. smtp.example.com.", pattern=r"^[^\s/:@]+$"
    )
    port: int = Field(default=587, ge=1, le=65_535, title="Port", description="587 with STARTTLS, 465 with TLS, 25.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        title="Security",
        description="`starttls`: begin in clear and switch to TLS or stop; `tls`: TLS from the start; `none`: in clear.",
    )
    ca_file: str = Field(
        default="", title="CA file", description="File with the server's certificate authority, if it is your own."
    )
    username: str = Field(default="", title="User name", description="Account of the server; empty: it asks for none.")
    password: SecretStr | None = Field(
        default=None, title="Password", description="Its password or authorization code (授权码)."
    )
    from_address: str = Field(title="From", description="Sender's address; most servers demand the account's own.")
    from_name: str = Field(default="Weft", max_length=100, title="From name", description="Name shown with it.")
    default_to: tuple[str, ...] = Field(
        default=(), title="Default receivers", description="Whom mail to `default` goes to."
    )
    default_cc: tuple[str, ...] = Field(default=(), title="Default copies", description="Who gets a copy of it.")
    when_in_doubt: WhenInDoubt = Field(default="ask", title="When in doubt", description=IN_DOUBT)
    timeout_s: float = Field(default=20, gt=0, le=120, title="Timeout (s)", description="Longest wait for one answer.")

    @field_validator("from_address")
    @classmethod
    def _a_sender(cls, value: str) -> str:
        if not is_address(value.strip()):
            raise ValueError("must be a plain address such as weft@example.com; the name goes into `from_name`")
        return value.strip()

    @field_validator("from_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split())

    @field_validator("default_to", "default_cc")
    @classmethod
    def _receivers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place, address in enumerate(value):
            if not is_address(address.strip()):
                raise ValueError(f"item {place} must be a plain address such as duty@example.com")
        return tuple(dict.fromkeys(address.strip() for address in value))

    @model_validator(mode="after")
    def _a_login_as_a_whole(self) -> EmailConfig:
        if bool(self.username) != (self.password is not None):
            raise ValueError("give `username` and `password`, or neither")
        if self.username and self.security == "none":
            raise ValueError("the password would be readable on its way; choose `security: starttls` or `tls`")
        return self
