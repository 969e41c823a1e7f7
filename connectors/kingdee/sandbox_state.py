"""What the stand-in holds: forms, their documents, users and sessions. Field keys are compared without regard to case,
as Kingdee does; times are naive and local, as in its database."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Doc = dict[str, Any]
"""One document: lower-case field keys → values; a base record is the id of another document; `entries`: its lines."""


class Refusal(Exception):
    """An error answer. `fields`: (FieldName, message, DIndex)."""

    def __init__(self, message: str, code: int = 9, fields: list[tuple[str, str, int]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.errors = fields or [("", message, 0)]


@dataclass(frozen=True, slots=True)
class FormType:
    """What a form is: names of its fields, what base form a field refers to (`FUnitId>BD_UNIT`), which are required."""

    id: str
    title: str
    pk: str
    number: str
    entry: str
    head: dict[str, str]
    lines: dict[str, str]
    refs: dict[str, str]
    required: frozenset[str]

    @property
    def entry_pk(self) -> str:
        return f"{self.entry}_fentryid".lower()


def form(
    id_: str, title: str, pk: str, head: str, *, number: str = "FNumber", entry: str = "", lines: str = ""
) -> FormType:
    """A form from its fields: `FUnitId>BD_UNIT!` is a required base record."""
    refs: dict[str, str] = {}
    required: set[str] = set()

    def names(text: str) -> dict[str, str]:
        found = {}
        for word in text.split():
            key, _, ref = word.rstrip("!").partition(">")
            found[key.lower()] = key
            if ref:
                refs[key.lower()] = ref
            if word.endswith("!"):
                required.add(key.lower())
        return found

    common = "FDocumentStatus FModifyDate FApproveDate FCreateDate FForbidStatus FCancelStatus"
    below = names(f"{lines} {entry}_FEntryID {entry}_FSeq" if entry else "")
    return FormType(
        id_, title, pk, number, entry, names(f"{pk} {number} {common} {head}"), below, refs, frozenset(required)
    )


@dataclass(slots=True)
class User:
    """A user of the stand-in. `denied`: (form, operation) such as ("ENG_BOM", "View")."""

    name: str
    password: str
    denied: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class LiveSession:
    """A session on the server. `calls`: how many it has served."""

    user: User
    calls: int = 0


class State:
    """One data centre. Take `lock` around every access from outside."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.forms: dict[str, FormType] = {}
        self.documents: dict[str, dict[int, Doc]] = {}
        self.users: dict[str, User] = {}
        self.sessions: dict[str, LiveSession] = {}
        self.history: list[tuple[str, str, str]] = []
        """Every change that was asked for: (operation, form, number)."""
        self.backdate: datetime | None = None
        """When what is put in was changed last, unless it says so itself; None: now."""
        self._ids = itertools.count(100001)

    @property
    def changes(self) -> int:
        return len(self.history)

    def new_id(self) -> int:
        return next(self._ids)

    def define(self, *forms: FormType) -> None:
        for each in forms:
            self.forms[each.id.lower()] = each
            self.documents[each.id.lower()] = {}

    def form(self, form_id: str) -> FormType:
        found = self.forms.get(str(form_id).lower())
        if found is None:
            raise Refusal(f"业务对象{form_id}不存在", 4)
        return found

    def docs(self, form_id: str) -> dict[int, Doc]:
        return self.documents[form_id.lower()]

    def add(self, form_id: str, entries: list[Doc] | None = None, **values: Any) -> Doc:
        """Put in a document as if it had always been there: audited."""
        kind, now = self.form(form_id), self.backdate or self.clock()
        doc: Doc = {
            "fdocumentstatus": "C",
            "fforbidstatus": "A",
            "fcancelstatus": "A",
            "fmodifydate": now,
            "fcreatedate": now,
        }
        doc |= {key.lower(): value for key, value in values.items()}
        unknown = doc.keys() - kind.head.keys()
        assert not unknown, f"{form_id} has no {sorted(unknown)}"
        doc[kind.pk.lower()] = self.new_id()
        doc["entries"] = [self.line(kind, each, n) for n, each in enumerate(entries or [], 1)]
        self.docs(form_id)[doc[kind.pk.lower()]] = doc
        return doc

    def line(self, kind: FormType, values: Doc, seq: int) -> Doc:
        line = {key.lower(): value for key, value in values.items()}
        assert not line.keys() - kind.lines.keys(), f"{kind.id} has no {sorted(line.keys() - kind.lines.keys())}"
        return {f"{kind.entry}_fseq".lower(): seq, **line, kind.entry_pk: line.get(kind.entry_pk) or self.new_id()}

    def numbered(self, form_id: str, number: Any) -> Doc | None:
        """The document of this number."""
        key = self.form(form_id).number.lower()
        wanted = str(number).casefold()
        return next((d for d in self.docs(form_id).values() if str(d.get(key)).casefold() == wanted), None)

    def id_of(self, form_id: str, number: Any) -> int | None:
        """The id of a base record, by its number."""
        doc = self.numbered(form_id, number) if number else None
        return None if doc is None else int(doc[self.form(form_id).pk.lower()])

    def value(self, kind: FormType, path: str, doc: Doc, line: Doc | None) -> Any:
        """The value at a field key, one property of a base record deep. Raises Refusal for a field there is not."""
        key, _, inner = path.lower().partition(".")
        if key not in kind.head and key not in kind.lines:
            raise Refusal(f"字段{path.partition('.')[0]}不存在，请检查字段标识")
        raw = doc.get(key) if key in kind.head else (line or {}).get(key)
        if not inner:
            return raw
        ref = kind.refs.get(key)
        if ref is None or "." in inner or inner not in self.form(ref).head:
            raise Refusal(f"字段{path}不存在，请检查字段标识")
        base = self.docs(ref).get(raw) if raw is not None else None
        return None if base is None else base.get(inner)

    def rows(self, kind: FormType, *, by_line: bool) -> Iterator[tuple[Doc, Doc | None]]:
        for doc in self.docs(kind.id).values():
            if by_line:
                yield from ((doc, line) for line in doc["entries"])
            else:
                yield doc, None

    # -- sessions -----------------------------------------------------------------------------------------------------

    def open_session(self, user: User) -> str:
        sid = secrets.token_hex(16)
        self.sessions[sid] = LiveSession(user)
        return sid
