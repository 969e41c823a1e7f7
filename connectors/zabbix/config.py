"""The settings of a Zabbix connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.contract import Settings

SEVERITIES = ("not_classified", "information", "warning", "average", "high", "disaster")
"""Zabbix's severities by their number, 0 to 5."""
Severity = Literal["not_classified", "information", "warning", "average", "high", "disaster"]

API = "/api_jsonrpc.php"


class ZabbixConfig(Settings):
    """How to reach one Zabbix front end, as whom, and which of its problems are the hub's business."""

    url: str = Field(
        title="Front end",
        description="Address of the Zabbix front end, e.g. https://zabbix.example.com or http://10.0.0.5/zabbix.",
        examples=["https://zabbix.example.com/zabbix"],
    )
    token: SecretStr | None = Field(
        default=None, title="API token", description="API token of the hub's account (Users > API tokens). Preferred."
    )
    username: str = Field(default="", title="User name", description="The hub's account, where no API token is used.")
    password: SecretStr | None = Field(default=None, title="Password", description="Password of that account.")
    webhook_token: SecretStr | None = Field(
        default=None,
        title="Webhook token",
        description="Zabbix's messages must carry it as `Authorization: Bearer ...`. Any long random text.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        title="Webhook secret",
        description="Zabbix's messages must be signed with it (HMAC-SHA256 of the body). Better where TLS is missing.",
    )
    verify_tls: bool = Field(
        default=True, title="Check certificate", description="Check the front end's TLS certificate."
    )
    ca_file: str = Field(
        default="",
        title="CA file",
        description="File with the certificate authority of the front end, if it is your own.",
    )
    timeout_s: float = Field(
        default=30, gt=0, le=300, title="Timeout (s)", description="Longest wait for one API call."
    )
    time_zone: str = Field(
        default="UTC",
        title="Time zone",
        description="Time zone of the Zabbix user that owns the webhook: messages of Zabbix 6 name none. The installer "
        "makes that user with UTC.",
    )
    min_severity: Severity = Field(
        default="not_classified", title="Lowest severity", description="Problems below it are neither read nor sent."
    )
    host_groups: tuple[str, ...] = Field(
        default=(),
        title="Host groups",
        description="Only problems of hosts in these groups and their subgroups. Empty: all the account may see.",
    )
    include_suppressed: bool = Field(
        default=False,
        title="Suppressed too",
        description="Read problems under maintenance at once; otherwise when the maintenance is over.",
    )
    page_size: int = Field(
        default=500, ge=1, le=2000, title="Page size", description="How many events one call to Zabbix may return."
    )
    lookback_s: int = Field(
        default=60,
        ge=0,
        le=3600,
        title="Look back (s)",
        description="How long an event with a lower id may still appear after one with a higher id has been read.",
    )

    @field_validator("url")
    @classmethod
    def _front_end(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be the address of the front end, such as https://zabbix.example.com")
        if parts.username or parts.password:
            raise ValueError("must hold no user and password; put them into `username` and `password`")
        path = parts.path.rstrip("/").removesuffix(API).removesuffix("/index.php").rstrip("/")
        return urlunsplit((parts.scheme, parts.netloc, path, "", ""))

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as e:
            raise ValueError(f"no time zone {value!r}; write a name such as Asia/Shanghai or UTC") from e
        return value

    @model_validator(mode="after")
    def _one_way_each(self) -> ZabbixConfig:
        if self.token is not None and (self.username or self.password is not None):
            raise ValueError("give either `token`, or `username` and `password`, not both")
        if self.token is None and not (self.username and self.password is not None):
            raise ValueError("give `token`, or `username` and `password`")
        if self.webhook_token is not None and self.webhook_secret is not None:
            raise ValueError("give either `webhook_token` or `webhook_secret`, not both")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def lowest(self) -> int:
        """The number of the lowest severity of interest."""
        return SEVERITIES.index(self.min_severity)

    @property
    def lookback(self) -> timedelta:
        return timedelta(seconds=self.lookback_s)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in it, for the client to keep them out of messages."""
        given = (self.token, self.password, self.webhook_token, self.webhook_secret)
        return tuple(s.get_secret_value() for s in given if s is not None and s.get_secret_value())
