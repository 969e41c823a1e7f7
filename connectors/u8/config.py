"""The settings of a U8 connection: one account set, read by SQL; how requisitions are written, if at all."""

from __future__ import annotations

import re
import string
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.odbc import OdbcSettings

OPENAPI = "https://api.yonyouup.com"
MARKERS = ("cMemo", *(f"cDefine{n}" for n in (1, 2, 3, 8, 9, 10, 11, 12, 13, 14)))
"""The text fields of a requisition's head that can hold the hub's marker."""
_LINK_FIELDS = {"database", "object", "code"}


class U8Config(OdbcSettings):
    """Which account set on which SQL Server, as whom, and whether and how the hub may write purchase requisitions."""

    account: str = Field(
        default="",
        title="Account set",
        description="Number of the account set (账套号), three digits. Its database of the current year is found in "
        "UFSystem, and at the turn of the year the next one. Not needed where `database` names one.",
        examples=["001"],
    )
    year: int | None = Field(
        default=None,
        ge=1990,
        le=2200,
        title="Year",
        description="Read this accounting year's database for ever, instead of the current one.",
    )
    timezone: str = Field(
        default="Asia/Shanghai", title="Time zone", description="Zone of U8's dates and times, which name none."
    )
    page_size: int = Field(
        default=2000, ge=1, le=2000, title="Page size", description="How many rows are fetched and handed over at once."
    )
    stock_by_batch: bool = Field(
        default=False,
        title="Stock by batch",
        description="One stock record for each batch; otherwise one for each item and warehouse.",
    )
    safety_stock_by: Literal["item", "warehouse"] = Field(
        default="item",
        title="Safety stock by",
        description="What the safety stock is held against: item: the stock of all warehouses together; warehouse: that of "
        "each warehouse by itself.",
    )
    available: str = Field(
        default="iQuantity - fStopQuantity - fOutQuantity - fTransOutQuantity + fInQuantity + fTransInQuantity",
        title="Available quantity",
        description="How this site computes what is free to use: columns of CurrentStock added and subtracted.",
    )
    portal_url: str = Field(
        default="",
        title="Portal",
        description="Where a person can look things up, as a template with {database}, {object} and {code}: context "
        "answers link to it.",
        examples=["https://u8.example.com/portal?type={object}&code={code}"],
    )
    requisitions: Literal["off", "openapi", "sql"] = Field(
        default="off",
        title="Write requisitions",
        description="Whether the hub may create purchase requisitions (请购单): by Yonyou's OpenAPI, or straight into "
        "the database, which Yonyou does not support.",
    )
    marker_field: str = Field(
        default="cMemo",
        title="Marker field",
        description="Field of the requisition's head that gets the hub's marker, by which it is found again.",
    )
    department: str = Field(default="", title="Department", description="Code of the requisitions' department.")
    person: str = Field(default="", title="Person", description="Code of the person who requests.")
    purchase_type: str = Field(default="", title="Purchase type", description="Code of the purchase type, e.g. 01.")
    maker: str = Field(default="Weft", min_length=1, max_length=20, title="Maker", description="Entered as 制单人.")
    template_id: int = Field(
        default=8171,
        title="Template",
        description="Number of the requisition's display template (VTID) of this site, for writing by SQL.",
    )
    number_format: str = Field(
        default="{serial:010d}",
        title="Number format",
        description="How a requisition's number is made of {serial}, {year} and {month}, for writing by SQL.",
        examples=["QG{year}{month:02d}{serial:04d}"],
    )
    openapi_url: str = Field(default=OPENAPI, title="OpenAPI address", description="Yonyou's relay, or your own.")
    from_account: str = Field(
        default="", title="Calling account", description="`from_account` of the application at open.yonyouup.com."
    )
    to_account: str = Field(
        default="", title="Providing account", description="`to_account`: the company whose U8 is meant."
    )
    app_key: SecretStr | None = Field(default=None, title="App key", description="`app_key` of the application.")
    app_secret: SecretStr | None = Field(
        default=None, title="App secret", description="`app_secret` of the application."
    )
    ds_sequence: int = Field(
        default=1, ge=0, title="Data source", description="Sequence number of the EAI data source of the account set."
    )
    synchronous: bool = Field(
        default=True, title="Wait for U8", description="Let the OpenAPI answer when U8 has saved, not before."
    )

    @field_validator("account")
    @classmethod
    def _three_digits(cls, value: str) -> str:
        if value and not re.fullmatch(r"\d{3}", value):
            raise ValueError("must be three digits, such as 001")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as e:
            raise ValueError(f"no time zone {value!r}; write a name such as Asia/Shanghai") from e
        return value

    @field_validator("available")
    @classmethod
    def _sum_of_columns(cls, value: str) -> str:
        if not re.fullmatch(r"\s*[A-Za-z]\w*(\s*[-+]\s*[A-Za-z]\w*)*\s*", value):
            raise ValueError(
                "must be columns of CurrentStock with + and - between them, such as iQuantity - fStopQuantity"
            )
        return " ".join(value.split())

    @field_validator("portal_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not value:
            return value
        _check_template(value, _LINK_FIELDS)
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("must be a web address, such as https://u8.example.com/portal?code={code}")
        return value

    @field_validator("number_format")
    @classmethod
    def _makes_numbers(cls, value: str) -> str:
        _check_template(value, {"serial", "year", "month"})
        if "{serial" not in value:
            raise ValueError("must contain {serial}")
        try:
            value.format(serial=1, year=2026, month=1)
        except (ValueError, IndexError) as e:
            raise ValueError(f"can't be filled in: {e}") from e
        return value

    @field_validator("marker_field")
    @classmethod
    def _text_field(cls, value: str) -> str:
        if value not in MARKERS:
            raise ValueError(f"must be a text field of the head: {', '.join(MARKERS)}")
        return value

    @field_validator("openapi_url")
    @classmethod
    def _relay(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError(f"must be an address such as {OPENAPI}, without user and password")
        return value.strip().rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> U8Config:
        if not self.account and not self.database:
            raise ValueError("give `account`, the account set's number, or the name of its `database`")
        if self.requisitions == "openapi":
            needed = {"from_account": self.from_account, "to_account": self.to_account}
            needed |= {"app_key": self.app_key, "app_secret": self.app_secret}  # type: ignore[dict-item]
            lacking = [name for name, given in needed.items() if not given]
            if lacking:
                raise ValueError(f"`requisitions: openapi` needs {', '.join(f'`{name}`' for name in lacking)}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def link(self, database: str, kind: str, code: str) -> str:
        """Where a person finds this object, "" if no portal is known."""
        return self.portal_url.format(database=_quoted(database), object=kind, code=_quoted(code))


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _check_template(value: str, known: set[str]) -> None:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
    except ValueError as e:
        raise ValueError(f"is no template: {e}") from e
    if names - known:
        raise ValueError(
            f"knows only {', '.join(f'{{{name}}}' for name in sorted(known))}, not {sorted(names - known)}"
        )
