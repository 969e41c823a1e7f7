"""The settings of a connection to Kingdee K3 Cloud."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, JsonValue, SecretStr, field_validator, model_validator

from connectors.contract import Settings

Login = Literal["password", "app_secret", "signed", "signed_sha1", "headers"]
Stage = Literal["saved", "submitted", "audited"]
StreamName = Literal[
    "items",
    "stock",
    "customers",
    "suppliers",
    "purchase_orders",
    "sales_orders",
    "arrivals",
    "receipts",
    "bom",
]
STREAMS: tuple[StreamName, ...] = get_args(StreamName)
CAP = 2000
"""Rows that every version returns for one query; a page shorter than this is surely the last."""
LONGEST_NUMBER = 30
"""Characters of a bill number."""
DIGITS = 20
"""Hexadecimal digits of ours in a bill number: 80 bits, so no two commands ever meet."""


class RequisitionSettings(Settings):
    """What this site wants to see in a purchase requisition, beside the lines."""

    until: Stage = Field(
        default="audited",
        title="Bring it to",
        description="How far the hub takes a requisition: saved, submitted (a person audits it) or audited.",
    )
    number_prefix: str = Field(
        default="WEFT-",
        pattern=r"^[A-Za-z0-9_-]*$",
        max_length=LONGEST_NUMBER - DIGITS,
        title="Number prefix",
        description="Begin of the bill numbers the hub chooses (at most 10 characters).",
    )
    bill_type: str = Field(
        default="CGSQD01_SYS", title="Bill type", description="Number of the bill type (标准采购申请: CGSQD01_SYS)."
    )
    request_type: str = Field(
        default="Material", title="Request type", description="Kind of request: Material, Service, Property, Expense."
    )
    department: str = Field(
        default="", title="Department", description="Number of the applying department, where the site demands one."
    )
    applicant: str = Field(
        default="", title="Applicant", description="Number of the applying employee, where the site demands one."
    )
    currency: str = Field(
        default="PRE001", title="Currency", description="Number of the currency in Kingdee (PRE001: CNY)."
    )
    exchange_type: str = Field(
        default="HLTX01_SYS", title="Exchange rate type", description="Number of the exchange rate type."
    )
    purchase_organization: str = Field(
        default="", title="Purchasing organisation", description="Number of who buys; empty: the same organisation."
    )
    needed_in_days: int = Field(
        default=7, ge=0, le=365, title="Needed in (days)", description="Day of need of a line that names none."
    )
    fields: dict[str, JsonValue] = Field(
        default={},
        title="Further fields",
        description='Further fields of the head as in Kingdee\'s Save, e.g. {"F_ABC_Reason": {"FNumber": "01"}}.',
    )
    line_fields: dict[str, JsonValue] = Field(
        default={}, title="Further line fields", description="Further fields of every line as in Kingdee's Save."
    )


class KingdeeConfig(Settings):
    """How to reach one data centre (账套) of K3 Cloud, as whom, and for which organisation."""

    url: str = Field(
        title="Address",
        description="Address of K3 Cloud, e.g. https://erp.example.com/k3cloud/.",
        examples=["https://erp.example.com/k3cloud/"],
    )
    data_center: str = Field(
        min_length=1, title="Data centre id (账套)", description="Id of the data centre, acctID in Kingdee's words."
    )
    username: str = Field(min_length=1, title="User name", description="The hub's user in Kingdee.")
    organization: str = Field(
        min_length=1,
        title="Organisation",
        description="Number of the organisation whose records are read and who asks for purchases, e.g. 100.",
    )
    login: Login = Field(
        default="headers",
        title="Login",
        description="headers: every call is signed (第三方系统登录授权, as Kingdee's SDK does). app_secret, signed, "
        "signed_sha1 (old servers): a session opened with the application's id and secret. password: with a password.",
    )
    app_id: str = Field(
        default="",
        title="Application id",
        description="Id of the application (应用ID), e.g. 123456_AbC...; not a secret.",
    )
    app_secret: SecretStr | None = Field(
        default=None, title="Application secret", description="Secret of that application (应用密钥)."
    )
    password: SecretStr | None = Field(
        default=None, title="Password", description="Password of the user, for the login `password`."
    )
    lcid: Literal[2052, 1033, 3076] = Field(
        default=2052, title="Language", description="Language of names: 2052 Chinese, 1033 English, 3076 Hong Kong."
    )
    timezone: str = Field(
        default="Asia/Shanghai", title="Time zone", description="Time zone of the server: its times name none."
    )
    verify_tls: bool = Field(default=True, title="Check certificate", description="Check the TLS certificate.")
    ca_file: str = Field(
        default="", title="CA file", description="File with the certificate authority of the server, if it is your own."
    )
    timeout_s: float = Field(default=60, gt=0, le=300, title="Timeout (s)", description="Longest wait for one call.")
    page_size: int = Field(
        default=CAP,
        ge=1,
        le=10000,
        title="Page size",
        description="Rows per call; versions before 2022 return 2000 at most.",
    )
    lookback_s: int = Field(
        default=600,
        ge=0,
        le=86400,
        title="Look back (s)",
        description="How late a change may appear behind a newer one that has been read already.",
    )
    safety_stock_by: Literal["item", "warehouse"] = Field(
        default="item",
        title="Safety stock by",
        description="What an article's limits are held against: item: the stock of all warehouses together; warehouse: "
        "that of each warehouse by itself.",
    )
    leave_out: tuple[StreamName, ...] = Field(
        default=(), title="Leave out", description="Streams this site does not have or the hub shall not read."
    )
    extra_fields: dict[StreamName, tuple[str, ...]] = Field(
        default={},
        title="Extra fields",
        description='Further fields per stream, by their key in Kingdee, e.g. {"customers": ["F_ABC_Tier"]}.',
    )
    requisition: RequisitionSettings = Field(
        default=RequisitionSettings(), title="Requisitions", description="How the hub writes purchase requisitions."
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be the address of K3 Cloud, such as https://erp.example.com/k3cloud/")
        if parts.username or parts.password:
            raise ValueError("must hold no user and password; put them into `username` and `password`")
        path = parts.path.split("/html5", 1)[0].rstrip("/")
        return urlunsplit((parts.scheme, parts.netloc, f"{path}/", "", ""))

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as e:
            raise ValueError(f"no time zone {value!r}; write a name such as Asia/Shanghai or UTC") from e
        return value

    @model_validator(mode="after")
    def _one_login(self) -> KingdeeConfig:
        if self.login == "password":
            if self.password is None:
                raise ValueError("the login `password` needs `password`")
            return self
        if not self.app_id or self.app_secret is None:
            raise ValueError(f"the login `{self.login}` needs `app_id` and `app_secret`")
        if self.login == "headers" and self.app_id.count("_") != 1:
            raise ValueError("`app_id` must be two parts joined by one underscore, as Kingdee shows it: 123456_AbC...")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def lookback(self) -> timedelta:
        """`lookback_s`, and the hour that the server's clock repeats where there is summer time."""
        offsets = {datetime(2025, month, 1, tzinfo=self.zone).utcoffset() for month in (1, 4, 7, 10)}
        return timedelta(seconds=self.lookback_s, hours=0 if len(offsets) == 1 else 1)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in it, for the client to keep them out of messages."""
        return tuple(s.get_secret_value() for s in (self.app_secret, self.password) if s and s.get_secret_value())
