"""The settings of a connection to one Prometheus and its Alertmanager."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.contract import Settings

_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"


def _address(text: str) -> str:
    """An http(s) address without a trailing slash, a user or a query."""
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write the address as http://host:port or https://host/path")
    if parts.username or parts.password:
        raise ValueError("no user or password in the address: use `username` and `password`")
    if parts.query or parts.fragment:
        raise ValueError("no ? and no # in the address")
    return text.rstrip("/")


def _query(text: str) -> str:
    if "$selector" not in text:
        raise ValueError('must hold $selector inside the braces, as in node_load1{job="node",$selector}')
    if re.search(r"\$(?!selector\b)", text):
        raise ValueError("$selector is the only placeholder; nothing else may begin with $")
    return text


Address = Annotated[str, AfterValidator(_address)]
Query = Annotated[str, AfterValidator(_query)]
Label = Annotated[str, Field(pattern=_LABEL)]

CPU_QUERIES = (
    '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle",$selector}[1h])))',
    '100 * (1 - avg(rate(windows_cpu_time_total{mode="idle",$selector}[1h])))',
    "avg(avg_over_time(hrProcessorLoad{$selector}[1h]))",
)
MEMORY_QUERIES = (
    "100 - 100 * sum(node_memory_MemAvailable_bytes{$selector}) / sum(node_memory_MemTotal_bytes{$selector})",
    "100 - 100 * sum(windows_memory_physical_free_bytes{$selector})"
    " / sum(windows_memory_physical_total_bytes{$selector})",
    "100 - 100 * sum(windows_os_physical_memory_free_bytes{$selector})"
    " / sum(windows_cs_physical_memory_bytes{$selector})",
)
_DISK = 'fstype!~"tmpfs|ramfs|devtmpfs|squashfs|iso9660|nsfs"'
DISK_QUERIES = (
    f"100 * node_filesystem_avail_bytes{{{_DISK},$selector}} / (node_filesystem_size_bytes{{{_DISK},$selector}} > 0)",
    "100 * windows_logical_disk_free_bytes{$selector} / (windows_logical_disk_size_bytes{$selector} > 0)",
)


class PrometheusConfig(Settings):
    """Prometheus answers context questions, Alertmanager sends alerts and takes silences. Either address may be left
    out; what needs it is then not offered."""

    url: Address = Field("", description="Address of Prometheus, e.g. https://prometheus.example:9090 (for context)")
    alertmanager_url: Address = Field(
        "", description="Address of Alertmanager, e.g. https://alertmanager.example:9093 (to read alerts, to silence)"
    )
    username: str = Field("", description="User for basic authentication at both, usually of the proxy before them")
    password: SecretStr = Field(SecretStr(""), description="Password of `username`")
    token: SecretStr = Field(SecretStr(""), description="Bearer token for both, instead of username and password")
    verify_tls: bool = Field(True, description="Check the certificates; switch off only in a test")
    timeout_s: float = Field(10, gt=0, le=120, description="Longest wait for one answer, in seconds")
    webhook_token: SecretStr = Field(
        SecretStr(""),
        description="Secret of the messages coming in: Alertmanager sends it as `Authorization: Bearer …`, or it is "
        "the last part of the URL",
    )
    webhook_username: str = Field("", description="User of the messages coming in, for Alertmanager's `basic_auth`")
    webhook_password: SecretStr = Field(SecretStr(""), description="Password of `webhook_username`")
    device_labels: tuple[Label, ...] = Field(
        ("device", "instance"),
        min_length=1,
        max_length=6,
        description="Labels that may hold a device's name, tried in this order; a port is ignored in `instance`",
    )
    silence_minutes: int = Field(240, ge=1, le=525_600, description="How long a silence lasts when nothing is said")
    silence_labels: tuple[Label, ...] = Field(
        (), description="Labels of an alert that its silence matches; none given: all of them, so only this alert"
    )
    created_by: str = Field(
        "weft", min_length=1, max_length=80, description="Author of our silences, by which we know them again"
    )
    cpu_queries: tuple[Query, ...] = Field(
        CPU_QUERIES, description="PromQL for the CPU load of the last hour in %; the first that has data answers"
    )
    memory_queries: tuple[Query, ...] = Field(MEMORY_QUERIES, description="PromQL for the memory in use in %, likewise")
    disk_queries: tuple[Query, ...] = Field(
        DISK_QUERIES, description="PromQL for the free space of each disk in %, likewise; the fullest disk is shown"
    )

    @model_validator(mode="after")
    def _complete(self) -> PrometheusConfig:
        if not (self.url or self.alertmanager_url or self.webhook_token.get_secret_value() or self.webhook_username):
            raise ValueError("give at least one of url, alertmanager_url, webhook_token, webhook_username")
        if self.token.get_secret_value() and self.username:
            raise ValueError("give either token, or username and password")
        if bool(self.username) != bool(self.password.get_secret_value()):
            raise ValueError("username and password go together")
        if bool(self.webhook_username) != bool(self.webhook_password.get_secret_value()):
            raise ValueError("webhook_username and webhook_password go together")
        return self
