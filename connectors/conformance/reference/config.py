"""Settings of an Acme connection."""

from __future__ import annotations

from pydantic import Field, SecretStr

from connectors.contract import Settings


class AcmeConfig(Settings):
    url: str = Field(description="Where Acme is, e.g. https://acme.example:8443", pattern=r"^https?://[^/@?#]+$")
    username: str = Field(description="The API account")
    password: SecretStr = Field(description="The API account's password")
    webhook_secret: SecretStr = Field(description="The key Acme signs its webhooks with (Settings › Webhooks › Key)")
    verify_tls: bool = Field(default=True, description="Check the server's certificate")
    timeout_s: float = Field(default=20, gt=0, le=120, description="How long to wait for an answer, in seconds")
    page_size: int = Field(default=500, ge=1, le=2000, description="Rows per request")
