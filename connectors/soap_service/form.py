"""What a manifest of kind `soap` may say. `README.md` describes every section."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from connectors.manifest.forms import ConfirmForm, ListForm, OperationForm, QuestionForm, Right
from connectors.manifest.inputs import Input, Part
from connectors.manifest.model import Manifest, Name
from connectors.manifest.paths import Path
from connectors.manifest.placeholders import PAGES, check_names, names_of
from connectors.manifest.shapes import known_zone
from connectors.soap_faults import FaultRule

Template = str
STANDARD: Mapping[str, Input] = {
    "url": Input(type="url", description="Address of the service; calls go here, whatever its WSDL says"),
    "wsdl": Input(
        type="text", optional=True,
        description="Its WSDL, a file or an http(s) address; default: the manifest's own, else the address with ?wsdl",
    ),
    "soap_version": Input(type="choice", choices=("1.1", "1.2"), default="1.1", description="Version of SOAP"),
    "timeout_s": Input(
        type="seconds", default=Decimal(30), min=Decimal("0.1"), max=Decimal(300),
        description="How long to wait for an answer, in seconds", sample=Decimal("0.8"),
    ),
    "verify_tls": Input(type="bool", default=True, description="Check the server's certificate"),
}  # fmt: skip
PAGE_SIZE = Input(
    type="int", default=200, min=Decimal(1), max=Decimal(10_000), description="Records asked for at a time"
)


class Call(Part):
    """One call of the service: an operation of its WSDL, and its arguments as JSON-like values with placeholders."""

    operation: str = Field(min_length=1)
    arguments: dict[str, Any] = {}


class NoAuth(Part):
    kind: Literal["none"] = "none"


class Basic(Part):
    """HTTP basic authentication."""

    kind: Literal["basic"]
    username: Template
    password: Template


class UsernameToken(Part):
    """WS-Security: user name with the password, or with a digest of it."""

    kind: Literal["wsse"]
    username: Template
    password: Template
    digest: bool = False


class HttpHeader(Part):
    kind: Literal["header"]
    name: str
    value: Template


class SoapHeader(Part):
    """An element of the SOAP header: `{namespace}Name`, a text or children of the same namespace."""

    kind: Literal["element"]
    name: str = Field(pattern=r"^\{[^{}]+\}\w+$")
    value: Template | dict[str, Template]


Auth = Annotated[NoAuth | Basic | UsernameToken | HttpHeader | SoapHeader, Field(discriminator="kind")]


class FaultForm(FaultRule):
    """What a fault means where its code does not say so. `sample`: its words, for the stand-in."""

    sample: str = Field("", description="The fault's words; default: what `match` says")


class SoapStream(ListForm):
    """A list of records behind one call."""

    request: Call = Field(alias="call")


class SoapQuestion(QuestionForm):
    """One question about one thing. A fault that means `unknown`, and an empty result: the service does not know it."""

    request: Call = Field(alias="call")


class SoapConfirm(ConfirmForm):
    """A call whose answer shows that a command took effect."""

    request: Call = Field(alias="call")


class SoapOperation(OperationForm):
    """One change, made by one call."""

    request: Call = Field(alias="call")
    confirm: SoapConfirm | None = None


class Check(Part):
    """A call that changes nothing and shows that the account works."""

    request: Call = Field(alias="call")
    version: Path = Field("", description="where the service's version is; default: what its web server calls itself")
    rights: Path = Field("", description="where the list of the account's rights is")
    needed: dict[str, Right] = {}
    sample: Any = Field(description="what it answers")


def _no_auth(value: Any) -> Any:
    return {"kind": "none"} if value in (None, "none") else value


class SoapManifest(Manifest):
    kind: Literal["soap"]
    wsdl_text: str = Field("", description="the service's WSDL itself, where it should travel with the manifest")
    service: str = Field("", description="only where the WSDL has several")
    port: str = Field("", description="only where the WSDL has several")
    zone: Annotated[str, BeforeValidator(known_zone)] = Field("", description="of times that name none")
    faults: tuple[FaultForm, ...] = ()
    auth: Annotated[Auth, BeforeValidator(_no_auth)] = NoAuth()
    check: Check
    streams: dict[Name, SoapStream] = {}
    questions: dict[Name, SoapQuestion] = {}
    operations: dict[Name, SoapOperation] = {}

    def standard_inputs(self) -> Mapping[str, Input]:
        sizes = [stream.paging.size for stream in self.streams.values() if stream.paging.sized]
        paged = {"page_size": PAGE_SIZE.model_copy(update={"default": sizes[0], "sample": 7})} if sizes else {}
        return {**STANDARD, **paged}

    def calls(self) -> Iterator[tuple[str, Call, Collection[str]]]:
        """(path, call, the names its templates may use) of every call of the manifest."""
        yield "check.call", self.check.request, ("config",)
        for name, stream in self.streams.items():
            yield f"streams.{name}.call", stream.request, ("config", "since", *PAGES)
        for name, question in self.questions.items():
            yield f"questions.{name}.call", question.request, names_of(needs=question.needs)
        for name, operation in self.operations.items():
            known = names_of(key=operation.key, body=operation.body)
            yield f"operations.{name}.call", operation.request, known
            if operation.confirm is not None:
                yield f"operations.{name}.confirm.call", operation.confirm.request, known

    @model_validator(mode="after")
    def _complete(self) -> SoapManifest:
        if not (self.streams or self.questions or self.operations):
            raise ValueError("give at least one of streams, questions, operations")
        for name, stream in self.streams.items():
            if stream.paging.kind in ("link", "header"):
                raise ValueError(f"streams.{name}.paging: a SOAP service has no links; use page, offset or token")
        inputs = self.inputs()
        check_names("auth", self.auth.model_dump(exclude={"name"}), ("config",), inputs)
        for where, call, known in self.calls():
            check_names(where, call.arguments, known, inputs)
        for name, question in self.questions.items():
            check_names(f"questions.{name}.link", question.link, names_of(needs=question.needs), inputs)
        for name, operation in self.operations.items():
            if operation.confirm is not None:
                known = names_of(key=operation.key, body=operation.body)
                check_names(f"operations.{name}.confirm.where", operation.confirm.where, known, inputs)
        return self
