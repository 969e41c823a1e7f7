"""The settings of an Apprise connection: nothing but addresses, each with its secrets inside."""

from __future__ import annotations

from pydantic import Field, SecretStr

from connectors.channels import IN_DOUBT, WhenInDoubt
from connectors.contract import Settings


class AppriseConfig(Settings):
    """Where messages go, as Apprise writes it (github.com/caronc/apprise/wiki)."""

    urls: tuple[SecretStr, ...] = Field(
        min_length=1,
        max_length=20,
        title="Addresses",
        description="Apprise URLs such as tgram://bottoken/ChatID or json://host/path; every message goes to each of them.",
    )
    when_in_doubt: WhenInDoubt = Field(default="ask", title="When in doubt", description=IN_DOUBT)
    timeout_s: float = Field(default=10, gt=0, le=60, title="Timeout (s)", description="Longest wait for one address.")
