"""The settings of a Salesforce connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.contract import Settings

Login = Literal["token", "password", "organization", "oauth_password", "jwt", "client_credentials"]

COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,4}")
"""A column as SOQL names it, also one of a parent record: `SLA__c`, `Owner.Name`."""

_WAYS: Mapping[Login, frozenset[str]] = {
    "token": frozenset({"token"}),
    "password": frozenset({"username", "password", "security_token"}),
    "organization": frozenset({"username", "password", "organization_id"}),
    "oauth_password": frozenset({"username", "password", "consumer_key", "consumer_secret"}),
    "jwt": frozenset({"username", "consumer_key", "private_key"}),
    "client_credentials": frozenset({"consumer_key", "consumer_secret"}),
}
_CREDENTIALS = tuple(sorted(frozenset().union(*_WAYS.values())))


class ExtraColumns(Settings):
    """Columns to read beside the standard ones; mappings find them under these names."""

    account: tuple[str, ...] = Field(
        default=("Customer_No__c", "Credit_Code__c"),
        title="Account",
        description="More columns of Account, e.g. Customer_No__c, SLA__c, Owner.Email.",
    )
    contact: tuple[str, ...] = Field(default=(), title="Contact", description="More columns of Contact.")
    case: tuple[str, ...] = Field(default=(), title="Case", description="More columns of Case, e.g. RecordType.Name.")
    task: tuple[str, ...] = Field(default=(), title="Task", description="More columns of Task.")
    event: tuple[str, ...] = Field(default=(), title="Event", description="More columns of Event.")

    @field_validator("account", "contact", "case", "task", "event")
    @classmethod
    def _columns(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _column(name)
        return names


class SalesforceConfig(Settings):
    """Which organization, as whom, and which of its custom columns the hub uses."""

    url: str = Field(
        title="Address",
        description="My Domain of the organization, e.g. https://acme.my.salesforce.com or "
        "https://acme--uat.sandbox.my.salesforce.com. https only.",
        examples=["https://acme.my.salesforce.com"],
    )
    username: str = Field(
        default="", title="User name", description="The hub's own user, e.g. weft@acme.com. Not a person's."
    )
    password: SecretStr | None = Field(default=None, title="Password", description="Password of that user.")
    security_token: SecretStr | None = Field(
        default=None,
        title="Security token",
        description="Security token of that user. Leave it out where the hub's address is in the trusted IP ranges.",
    )
    organization_id: str = Field(
        default="",
        pattern=r"^(00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?)?$",
        title="Organization id",
        description="00D..., for a login from a trusted address by user name and password within this organization.",
    )
    consumer_key: str = Field(default="", title="Consumer key", description="Consumer key of the connected app.")
    consumer_secret: SecretStr | None = Field(
        default=None,
        title="Consumer secret",
        description="Consumer secret of the connected app. Alone with the key: client credentials; with user name and "
        "password: OAuth password.",
    )
    private_key: SecretStr | None = Field(
        default=None,
        title="Private key",
        description="PEM of the private key whose certificate the connected app has (JWT bearer). Best as file:PATH.",
    )
    token: SecretStr | None = Field(
        default=None,
        title="Access token",
        description="An access token or session id got elsewhere. It can't be renewed: for trying things out.",
    )
    api_version: str = Field(
        default="59.0", pattern=r"^[1-9][0-9]\.0$", title="API version", description="REST API version, 50.0 or later."
    )
    verify_tls: bool = Field(default=True, title="Check certificate", description="Check the server's TLS certificate.")
    ca_file: str = Field(
        default="",
        title="CA file",
        description="File with the certificate authority of the server or of a proxy in between, if it is your own.",
    )
    timeout_s: float = Field(default=30, gt=0, le=300, title="Timeout (s)", description="Longest wait for one call.")
    page_size: int = Field(
        default=2000, ge=1, le=2000, title="Page size", description="How many records one call may return."
    )
    lookback_s: int = Field(
        default=600,
        ge=0,
        le=7200,
        title="Look back (s)",
        description="How long a transaction of Salesforce may take: a record's time is set before it is committed.",
    )
    ticket_field: str = Field(
        default="Weft_Ticket__c",
        title="Ticket column",
        description="Text column of Case, unique and external id, that holds the hub's ticket number of cases which the "
        "hub made. Empty: the hub makes no cases.",
    )
    health_field: str = Field(
        default="Health_Score__c",
        title="Health column",
        description="Number column of Account that the hub writes its score to. Empty: none.",
    )
    complaint_types: tuple[str, ...] = Field(
        default=("Complaint", "投诉"),
        title="Types of complaint",
        description="Values of Case.Type that are complaints. An escalated case is one whatever its type.",
    )
    extra_columns: ExtraColumns = Field(
        default=ExtraColumns(), title="More columns", description="Columns to read beside the standard ones."
    )
    api_reserve_percent: int = Field(
        default=10,
        ge=0,
        le=90,
        title="Calls left to others (%)",
        description="Reading pauses when less than this part of the organization's API calls of 24 hours is left. "
        "Writing and context questions go on.",
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("must be an https address such as https://acme.my.salesforce.com")
        if parts.username or parts.password:
            raise ValueError("must hold no user and password; put them into `username` and `password`")
        if parts.hostname.endswith(".lightning.force.com"):
            raise ValueError("is the address of the pages; write the one under Setup > My Domain, ….my.salesforce.com")
        return f"https://{parts.netloc}"

    @field_validator("ticket_field", "health_field")
    @classmethod
    def _own_column(cls, name: str) -> str:
        if name:
            _column(name)
        return name

    @model_validator(mode="after")
    def _one_way(self) -> SalesforceConfig:
        if self._way() is None:
            given = ", ".join(sorted(self._given())) or "nothing"
            raise ValueError(
                f"{given} is no complete login; give `token`, or `username` and `password` (with `security_token` or "
                "`organization_id`), or these two with `consumer_key` and `consumer_secret`, or `username`, "
                "`consumer_key` and `private_key`, or `consumer_key` and `consumer_secret` alone"
            )
        return self

    def _given(self) -> frozenset[str]:
        return frozenset(name for name in _CREDENTIALS if getattr(self, name))

    def _way(self) -> Login | None:
        given = self._given()
        if given == {"username", "password"}:
            return "password"
        return next((way for way, fields in _WAYS.items() if fields == given), None)

    @property
    def login(self) -> Login:
        """Which kind of login the given credentials make."""
        way = self._way()
        assert way is not None, "the form refuses settings without one"
        return way

    @property
    def lookback(self) -> timedelta:
        return timedelta(seconds=self.lookback_s)


def _column(name: str) -> None:
    if not COLUMN.fullmatch(name):
        raise ValueError(f"{name!r} is no column; write its API name, such as Customer_No__c or Owner.Name")
