"""The settings of a MES connection."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.contract import Settings
from connectors.mes.calls import CALL_NAMES, PLACEHOLDERS, Call, CallName, Calls, Form, places_of
from connectors.mes.services import JSON, TYPED
from connectors.soap import Caller, FaultRule, SoapVersion

Style = Literal["typed", "json"]
KeyPlace = Literal["http_header", "soap_header", "argument"]
Login = Literal["basic", "wsse", "wsse_digest"]
SHIPPED = Path(__file__).parent / "wsdl"


class JsonAnswers(Settings):
    """The frame of the JSON texts of a service of style json, such as {"code": 0, "msg": "", "data": [...]}."""

    code: str = Field(default="code", description="Where the answer's code is (dotted path); empty: there is none.")
    good: tuple[str, ...] = Field(default=("0", "200"), description="Codes that say it went well.")
    duplicate: tuple[str, ...] = Field(
        default=("409",), description="Codes that say a report with this request id was taken before."
    )
    unknown: tuple[str, ...] = Field(default=("404",), description="Codes that say there is no such thing.")
    auth: tuple[str, ...] = Field(default=("401", "403"), description="Codes that say the credentials are refused.")
    busy: tuple[str, ...] = Field(default=("429", "503"), description="Codes that say: later again.")
    message: str = Field(default="msg", description="Where the answer's text for people is.")


class MesConfig(Settings):
    """How to reach one MES, as whom, and in which manner its SOAP service speaks."""

    url: str = Field(
        title="Address",
        description="Address of the SOAP service, without ?wsdl; it is called whatever the WSDL says.",
        examples=["https://mes.example.com/MESService.asmx"],
    )
    style: Style = Field(
        default="typed",
        title="Style",
        description="typed: every field is an XML element. json: the results are JSON inside texts (.NET ASMX).",
    )
    wsdl: str = Field(
        default="",
        title="WSDL",
        description="Path or http(s) address of the service's own WSDL; empty: the one that comes with the connector.",
    )
    soap_version: SoapVersion = Field(default="1.1", title="SOAP version", description="Which of its ports to use.")
    service: str = Field(default="", title="Service", description="Name in the WSDL, where it has several.")
    port: str = Field(default="", title="Port", description="Name in the WSDL, where it has several.")
    key: SecretStr | None = Field(default=None, title="Key", description="Key of the hub, as the MES gave it.")
    key_place: KeyPlace = Field(
        default="http_header", title="Place of the key", description="Where the MES wants to see the key."
    )
    key_name: str = Field(
        default="X-Api-Key",
        min_length=1,
        max_length=200,
        title="Name of the key",
        description="Name of the HTTP header or argument; of a SOAP header: {namespace}Name, or {namespace}Name/Child.",
    )
    username: str = Field(default="", title="User name", description="The hub's account, where the MES knows accounts.")
    password: SecretStr | None = Field(default=None, title="Password", description="Password of that account.")
    login: Login = Field(
        default="basic",
        title="Login",
        description="basic: HTTP; wsse: UsernameToken in the SOAP header, or its digest.",
    )
    calls: Calls = Field(
        default=Calls(),
        title="Calls",
        description="Operations, arguments and fields of a service of one's own, by call.",
    )
    answers: JsonAnswers = Field(
        default=JsonAnswers(), title="Answers", description="The frame of the JSON answers (style json)."
    )
    faults: tuple[FaultRule, ...] = Field(
        default=(),
        title="Faults",
        description="What the service's faults mean where their codes do not say; first match.",
    )
    time_zone: str = Field(
        default="Asia/Shanghai", title="Time zone", description="Zone of the times for which the MES names none."
    )
    time_format: str | None = Field(
        default=None,
        title="Time format",
        description="How the MES wants times in arguments (strftime); empty: as the WSDL's dateTime.",
    )
    oee_as: Literal["ratio", "percent"] | None = Field(
        default=None, title="OEE as", description="Whether factors come as 0.85 or 85. Default: json has percent."
    )
    durations_in: Literal["s", "min"] = Field(
        default="s", title="Durations in", description="Unit of the MES's durations: seconds or minutes."
    )
    open_orders: tuple[str, ...] = Field(
        default=("running", "started", "生产中", "已开工"),
        title="Open orders",
        description="Statuses of a work order that runs on its machine now.",
    )
    web_url: str = Field(
        default="",
        title="Pages for people",
        description="Page of the MES; {kind} (downtime, oee, work_order, inspection) and {key} stand for what to show.",
        examples=["https://mes.example.com/ui/{kind}/{key}"],
    )
    history_days: int | None = Field(
        default=None, ge=1, title="History (days)", description="How far back the first read goes; empty: all."
    )
    lookback_s: int = Field(
        default=300, ge=0, le=86400, title="Look back (s)", description="How late the MES may commit an earlier change."
    )
    page_size: int = Field(default=200, ge=1, le=1000, title="Page size", description="Rows of one call.")
    verify_tls: bool = Field(default=True, title="Check certificate", description="Check the service's certificate.")
    ca_file: str = Field(
        default="", title="CA file", description="File with the authority of the certificate, if it is your own."
    )
    timeout_s: float = Field(default=30, gt=0, le=300, title="Timeout (s)", description="Longest wait for one call.")

    @field_validator("url")
    @classmethod
    def _service_address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be the address of the service, such as https://mes.example.com/MESService.asmx")
        if parts.username or parts.password:
            raise ValueError("must hold no user and password; put them into `username` and `password`")
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone {value!r}; write a name such as Asia/Shanghai or UTC") from error
        return value

    @field_validator("web_url")
    @classmethod
    def _page(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> MesConfig:
        if bool(self.username) != (self.password is not None):
            raise ValueError("give both `username` and `password`, or neither")
        for name in CALL_NAMES:
            given = self.calls.of(name)
            used = places_of({**(given.arguments or {}), **(given.json_fields or {})})
            wrong = sorted(used - set(PLACEHOLDERS[name]))
            if wrong:
                known = ", ".join(f"{{{place}}}" for place in PLACEHOLDERS[name])
                raise ValueError(f"calls.{name}: there is no {{{wrong[0]}}} here; there are {known or 'none'}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def form(self) -> Form:
        default = "%Y-%m-%d %H:%M:%S" if self.style == "json" else ""
        return Form(self.zone, default if self.time_format is None else self.time_format)

    @property
    def percent(self) -> bool:
        return self.style == "json" if self.oee_as is None else self.oee_as == "percent"

    @property
    def wsdl_location(self) -> str:
        return self.wsdl or str(SHIPPED / f"{self.style}.wsdl")

    @property
    def caller(self) -> Caller:
        """Who the hub is, in the way the MES wants to see it; the key as an argument is put in by the client."""
        key = self.key.get_secret_value() if self.key is not None else ""
        pair = (self.username, self.password.get_secret_value()) if self.password is not None else None
        name, _, child = self.key_name.partition("/") if "}" not in self.key_name else _split_header(self.key_name)
        return Caller(
            http={self.key_name: key} if key and self.key_place == "http_header" else {},
            basic=pair if self.login == "basic" else None,
            wsse=pair if self.login != "basic" else None,
            digest=self.login == "wsse_digest",
            headers={name: {child: key} if child else key} if key and self.key_place == "soap_header" else {},
        )

    def call(self, name: CallName) -> Call:
        """How this call is made; its operation is empty when the service can't do it."""
        return (JSON if self.style == "json" else TYPED)[name].changed(self.calls.of(name))

    def link(self, kind: str, key: str) -> str:
        """Where a person can look at this."""
        from urllib.parse import quote

        page = self.web_url or self.url
        return page.replace("{kind}", quote(kind, safe="")).replace("{key}", quote(key, safe=""))


def _split_header(name: str) -> tuple[str, str, str]:
    namespace, _, local = name.partition("}")
    first, slash, child = local.partition("/")
    return f"{namespace}}}{first}", slash, child
