"""What a manifest of kind `rest` may say. `README.md` describes every section with examples."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from connectors.manifest.forms import ConfirmForm, ListForm, OperationForm, QuestionForm, Right
from connectors.manifest.inputs import Input, Part
from connectors.manifest.model import Manifest, Name, RecordForm
from connectors.manifest.paths import Path
from connectors.manifest.placeholders import PAGES, check_names, names_of
from connectors.manifest.shapes import Condition
from connectors.webhook.form import InboundForm

Template = str
STANDARD: Mapping[str, Input] = {
    "url": Input(type="url", description="Address of the system, such as https://host or https://host/base"),
    "timeout_s": Input(
        type="seconds", default=Decimal(20), min=Decimal("0.1"), max=Decimal(300),
        description="How long to wait for an answer, in seconds", sample=Decimal("0.5"),
    ),
    "verify_tls": Input(type="bool", default=True, description="Check the server's certificate"),
}  # fmt: skip
PAGE_SIZE = Input(
    type="int", default=200, min=Decimal(1), max=Decimal(10_000), description="Records asked for at a time"
)


class Request(Part):
    """One HTTP request. Placeholders may stand in every text; see connectors/manifest/templates.py."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Template = Field(pattern=r"^/", description="behind the address in `config.url`")
    params: dict[str, Any] = {}
    headers: dict[str, Template] = {}
    body: Any = None
    send: Literal["json", "form"] = "json"


# -- who we are -------------------------------------------------------------------------------------------------------


class NoAuth(Part):
    kind: Literal["none"] = "none"


class Basic(Part):
    kind: Literal["basic"]
    username: Template
    password: Template


class Bearer(Part):
    kind: Literal["bearer"]
    token: Template


class HeaderKey(Part):
    """An API key in a header."""

    kind: Literal["header"]
    name: str
    value: Template


class QueryKey(Part):
    """An API key among the parameters of the URL; it appears in no log line and no error."""

    kind: Literal["query"]
    name: str
    value: Template


class OAuth2(Part):
    """OAuth 2 client credentials (RFC 6749, 4.4). A token refused with 401 is renewed once."""

    kind: Literal["oauth2"]
    token_path: Template = Field("", pattern=r"^(/.*)?$", description="behind `config.url`")
    token_url: Template = Field("", description="instead, where tokens come from another address: {config.login_url}")
    client_id: Template
    client_secret: Template
    scope: Template = ""
    send: Literal["basic", "body"] = Field("basic", description="how id and secret are sent")
    more: dict[str, Template] = Field({}, description="further parameters, such as audience")

    @model_validator(mode="after")
    def _one(self) -> OAuth2:
        if bool(self.token_path) == bool(self.token_url):
            raise ValueError("give either token_path or token_url")
        return self


class Login(Part):
    """A call that gives a token or session, which every other call then shows in a header."""

    kind: Literal["login"]
    request: Request
    token: Path = Field(description="where the token is in the answer")
    expires_in: Path = Field("", description="where its life in seconds is")
    header: str = "Authorization"
    value: Template = "Bearer {token}"


class Hmac(Part):
    """Every request signed with a shared key. `signed` may use {method} {path} {query} {timestamp} {body} {body_sha256}
    and {config.…}."""

    kind: Literal["hmac"]
    secret: Template
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    signed: Template = "{method}\n{path}\n{query}\n{timestamp}\n{body}"
    header: str = "X-Signature"
    value: Template = "{signature}"
    timestamp_header: str = "X-Timestamp"
    timestamp: Literal["unix", "unix_ms", "iso"] = "unix"
    headers: dict[str, Template] = Field({}, description="further headers, such as the key's id")


Auth = Annotated[NoAuth | Basic | Bearer | HeaderKey | QueryKey | OAuth2 | Login | Hmac, Field(discriminator="kind")]

# -- reading ----------------------------------------------------------------------------------------------------------


class RestStream(ListForm):
    """A list of records behind one request."""

    request: Request


# -- asking and writing -----------------------------------------------------------------------------------------------


class RestQuestion(QuestionForm):
    """One question about one thing. 404, null or an empty result: the system does not know it."""

    request: Request


class RestConfirm(ConfirmForm):
    """A read whose answer shows that a command took effect."""

    request: Request


class RestOperation(OperationForm):
    """One change, made by one request. Put {command.idempotency_key} where the system keeps it, so that `confirm` finds
    it again after a lost answer."""

    request: Request
    confirm: RestConfirm | None = None

    @model_validator(mode="after")
    def _method(self) -> RestOperation:
        if self.request.method == "GET":
            raise ValueError("an operation changes something: its method is POST, PUT, PATCH or DELETE")
        return self


class Check(Part):
    """A call that changes nothing and shows that the account works."""

    request: Request
    version: Path = Field("", description="where the system's version is; default: the header Server")
    rights: Path = Field("", description="where the list of the account's rights is")
    needed: dict[str, Right] = {}
    sample: Any = Field(None, description="what it answers")


class Answers(Part):
    """What the system's answers mean beyond their HTTP status."""

    success: Condition | None = Field(None, description="an answer of status 2xx is good only when this holds")
    message: Path = Field("", description="where the reason of a refusal is")
    auth_when: Condition | None = Field(None, description="the credentials or the session are refused")
    retry_when: Condition | None = Field(None, description="not now; the same call works later")
    encoding: str = Field("", description="such as gbk; default: what the answer says, else UTF-8")


def _no_auth(value: Any) -> Any:
    return {"kind": "none"} if value in (None, "none") else value


class RestManifest(Manifest):
    kind: Literal["rest"]
    auth: Annotated[Auth, BeforeValidator(_no_auth)] = NoAuth()
    answers: Answers = Answers()
    check: Check
    streams: dict[Name, RestStream] = {}
    questions: dict[Name, RestQuestion] = {}
    operations: dict[Name, RestOperation] = {}
    inbound: InboundForm | None = None

    def standard_inputs(self) -> Mapping[str, Input]:
        sizes = [stream.paging.size for stream in self.streams.values() if stream.paging.sized]
        paged = {"page_size": PAGE_SIZE.model_copy(update={"default": sizes[0], "sample": 7})} if sizes else {}
        return {**STANDARD, **paged}

    def record_forms(self) -> Mapping[str, RecordForm]:
        return {**(self.inbound.record_forms() if self.inbound else {}), **self.streams}

    @model_validator(mode="after")
    def _complete(self) -> RestManifest:
        if not (self.streams or self.questions or self.operations or self.inbound):
            raise ValueError("give at least one of streams, questions, operations, inbound")
        if self.inbound is not None:
            self.inbound.check_config(self.config)
        for where, tree, allowed in self._templates():
            check_names(where, tree, allowed, self.inputs(), seen=() if where == "auth" else ("path", "params"))
        return self

    def _templates(self) -> Iterator[tuple[str, Any, Collection[str]]]:
        """(path, templates, the roots and names that they may use)"""
        extra: tuple[str, ...] = ()
        if isinstance(self.auth, Hmac):
            extra = ("method", "path", "query", "timestamp", "body", "body_sha256", "signature")
        elif isinstance(self.auth, Login):
            extra = ("token",)
        yield "auth", self.auth.model_dump(exclude={"request"}), ("config", *extra)
        if isinstance(self.auth, Login):
            yield "auth.request", self.auth.request.model_dump(), ("config",)
        yield "check.request", _open(self.check.request), ("config",)
        for name, stream in self.streams.items():
            yield f"streams.{name}.request", _open(stream.request), ("config", "since", *PAGES)
        for name, question in self.questions.items():
            known = names_of(needs=question.needs)
            yield f"questions.{name}.request", _open(question.request), known
            yield f"questions.{name}.link", {"params": question.link}, known
        for name, operation in self.operations.items():
            known = names_of(key=operation.key, body=operation.body)
            yield f"operations.{name}.request", _open(operation.request), known
            yield f"operations.{name}.echoes", [echo.model_dump() for echo in operation.echoes], known
            if operation.confirm is not None:
                yield f"operations.{name}.confirm.request", _open(operation.confirm.request), known
                yield f"operations.{name}.confirm.where", operation.confirm.where, known


def _open(request: Request) -> dict[str, Any]:
    return request.model_dump(exclude={"method", "send"})
