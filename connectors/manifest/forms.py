"""What kinds that ask a system have in common: lists that come in pages, questions, operations. `request` is the kind's
own way to ask; a kind's form says what stands there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.manifest.inputs import Part
from connectors.manifest.model import Fields, Name, StreamForm
from connectors.manifest.paths import Path
from connectors.manifest.shapes import Condition
from connectors.manifest.templates import names

Template = str


class Paging(Part):
    """How one list comes in several answers. The request says where: {page.number}, {page.offset}, {page.size},
    {page.token}; `link` and `header` follow the address the system gives, on the same host only."""

    kind: Literal["none", "page", "offset", "token", "link", "header"] = "none"
    start: int = Field(1, description="of kind page: the number of the first page")
    size: int = Field(200, ge=1, le=10_000, description="records asked for at a time: the default of page_size")
    next: Path = Field("", description="of kinds token and link: where the next one is; null or empty at the end")
    more: Path = Field("", description="of page and offset: where true says that there is more")
    total: Path = Field("", description="where the number of all records is; a list that changes meanwhile is noticed")

    @model_validator(mode="after")
    def _whole(self) -> Paging:
        if (self.kind in ("token", "link")) != bool(self.next):
            raise ValueError("`next` belongs to the kinds token and link, and they need it")
        return self

    @property
    def sized(self) -> bool:
        return self.kind != "none"


class ListForm(StreamForm):
    """A list of records behind one request. An incremental stream (`cursor`) must come in ascending order of its cursor:
    ask for that order in `request`. Where the system offers none, leave `cursor` out: it is then read whole."""

    request: Any
    records: Path = Field("", description="where the list is in the answer; empty: the answer is the list")
    paging: Paging = Paging()
    since_format: str = Field("iso", description="how {since} is written: iso, unix, unix_ms or a pattern")
    since_zone: str = Field("", description="zone of {since}; default: the stream's, else UTC")
    since_is: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="whether the system gives records of exactly that moment too"
    )
    since_start: datetime | int | str | None = Field(
        None, description="{since} of the very first read; default: not sent"
    )

    @property
    def asked(self) -> str:
        """What is asked, for messages."""
        return str(getattr(self.request, "path", "") or getattr(self.request, "operation", ""))

    @model_validator(mode="after")
    def _since(self) -> ListForm:
        used = {name for _, name in names(self.request.model_dump())}
        if bool(self.cursor) != ("since" in used):
            raise ValueError("a stream with `cursor` uses {since} in its request, and only such a stream does")
        pages = {name for name in used if name.startswith("page.")}
        needs = {"page": {"page.number"}, "offset": {"page.offset"}, "token": {"page.token"}}.get(
            self.paging.kind, set()
        )
        if not needs <= pages:
            raise ValueError(f"paging {self.paging.kind} needs {{{', '.join(needs)}}} in the request")
        if self.paging.kind == "none" and pages:
            raise ValueError(f"{{{min(pages)}}} needs a `paging`")
        if self.since_is == "exclusive" and self.cursor and self.fields[self.cursor].type == "text":
            raise ValueError("since_is exclusive needs a cursor that is a datetime or an int")
        if isinstance(self.since_start, datetime) and self.since_start.tzinfo is None:
            return self.model_copy(update={"since_start": self.since_start.replace(tzinfo=UTC)})
        return self


class QuestionSample(Part):
    inputs: dict[str, Any]
    answer: Any = Field(description="what the system answers")
    values: dict[str, Any] = Field(description="what the answer's values must then be")


class QuestionForm(Part):
    """One question about one thing. 404, null or an empty result: the system does not know it."""

    title: str
    title_zh: str
    needs: tuple[str, ...] = Field(min_length=1)
    request: Any
    result: Path = Field("", description="where the object is in the answer")
    values: Fields = Field(description="the answer's values: name: type, or {type, path}")
    zone: str = ""
    as_of: Path = Field("", description="where in the object its time is; default: now")
    key: Path = Field("", description="where in the object its own key is; default: the first input")
    link: Template = Field(description="where a person looks at it: {config.url}/items/{input.item}")
    record: str = ""
    samples: tuple[QuestionSample, ...] = Field(min_length=1)


class BodyField(Part):
    """One value of a command's body."""

    type: Literal["text", "number", "int", "bool", "datetime", "list", "map", "any"] = "text"
    description: str = Field(min_length=3)
    required: bool = False


class ConfirmForm(Part):
    """How to find out whether a command took effect: a read whose answer holds it."""

    request: Any
    records: Path = Field("", description="where the object, or the list to look through, is")
    where: dict[str, Template] = Field({}, description="path: text it must equal, such as {command.idempotency_key}")
    external_id: Path = ""


class EchoForm(Part):
    """A message that the system will send because of the write."""

    stream: Name
    key: Template
    match: dict[str, Template] = {}


class OperationSample(Part):
    key: dict[str, Any]
    body: dict[str, Any] = {}
    answer: Any = None


class OperationForm(Part):
    """One change, made by one request. Put {command.idempotency_key} where the system keeps it, so that `confirm` finds
    it again after a lost answer."""

    title: str
    title_zh: str = Field(pattern=r"[\u4e00-\u9fff]")
    key: tuple[str, ...] = Field(min_length=1, description="what a command's key must name")
    body: dict[str, BodyField] = {}
    request: Any
    external_id: Path = Field("", description="where the changed object's id is in the answer")
    values: dict[str, Path] = Field({}, description="name: where it is in the answer")
    already: tuple[int, ...] = Field((), description="statuses by which the system says that it was done before")
    already_when: Condition | None = Field(None, description="the same, said in an answer")
    confirm: ConfirmForm | None = None
    echoes: tuple[EchoForm, ...] = ()
    sample: OperationSample


class Right(Part):
    needed_for: str
    grant_at: str
