"""What the hub changes in Salesforce: one record a command.

A case that the hub made is found by its ticket number in `ticket_field`, an external id, so writing it twice is writing
it once; any other case and an account by their Id. `write` looks first: what is so already is a duplicate and is not
touched, so that no automation of the organization fires for nothing. `confirm` looks whether it is so; for a comment,
whether one with the command's mark is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from connectors.contract import Command, Echo, Operation, Outcome, Receipt
from connectors.errors import BadRecord, ConfigProblem, Transient
from connectors.exact import exact_number
from connectors.salesforce import soql
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import COLUMN, SalesforceConfig
from connectors.salesforce.faults import Refused
from connectors.salesforce.objects import moment

LONGEST = {"Subject": 255, "Description": 32_000}
"""Characters that Salesforce keeps."""
COMMENT_BYTES = 4000
COMMENTS_SEARCHED = 500
GONE = "Salesforce has no such {what} any more, or the hub's user may not see it."

_TEXT = {"type": ["string", "null"]}
_CASE: dict[str, Any] = {
    "Subject": _TEXT | {"description": "One line; cut at 255 characters"},
    "Description": _TEXT | {"description": "More of it"},
    "Status": _TEXT | {"description": "A value of Case.Status, e.g. New, Working, Closed"},
    "Priority": _TEXT | {"description": "High, Medium or Low"},
    "Type": _TEXT | {"description": "A value of Case.Type"},
    "Origin": _TEXT | {"description": "A value of Case.Origin"},
    "AccountId": _TEXT | {"description": "Id of the customer's Account"},
    "ContactId": _TEXT | {"description": "Id of the Contact who reported it"},
    "OwnerId": _TEXT | {"description": "Id of the user or queue who has it"},
}


def _body(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


_CASE_BODY = _body(_CASE) | {"additionalProperties": {"description": "Any other column by its API name"}}
_COMMENT = {"comment": {"type": "string", "description": "The text; internal, not for the customer"}}
_SCORE = {"score": {"type": ["number", "string"], "description": "0 (lost) to 100 (well)"}}
OPERATIONS = (
    Operation(
        name="upsert_case",
        title="Create or update the ticket's case",
        title_zh="创建或更新工单对应的个案",
        body_schema=_CASE_BODY,
    ),
    Operation(name="update_case", title="Update a case", title_zh="更新个案", body_schema=_CASE_BODY),
    Operation(
        name="comment_case",
        title="Comment on a case",
        title_zh="添加个案备注",
        body_schema=_body(_COMMENT, ("comment",)),
    ),
    Operation(
        name="set_health",
        title="Write the customer's health score",
        title_zh="回写客户健康度",
        body_schema=_body(_SCORE, ("score",)),
    ),
)


class _Rejected(Exception):
    """A command that can't be carried out, for good; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one command asks for. `find` gives the record as it is, None when there is none; `is_so` whether it is as
    wanted; `carry_out` brings it about and gives the record's Id."""

    find: Callable[[], Mapping[str, Any] | None]
    is_so: Callable[[Mapping[str, Any]], bool]
    carry_out: Callable[[Mapping[str, Any] | None], str]
    missing: str = ""
    """Why nothing can be done without the record; empty: it is made."""
    echo: Mapping[str, Any] | None = None


class Operations:
    """The operations of one connection."""

    def __init__(self, client: SalesforceClient, config: SalesforceConfig) -> None:
        self._client = client
        self._config = config

    def write(self, command: Command) -> Receipt:
        """Carries out one command. What Salesforce refuses for good is a rejected receipt."""
        try:
            effect = self._effect(command)
            found = effect.find()
            if found is None and effect.missing:
                raise _Rejected(effect.missing)
            if found is not None and effect.is_so(found):
                return _receipt(command, Outcome.duplicate, str(found["Id"]), effect)
            return _receipt(command, Outcome.applied, effect.carry_out(found), effect)
        except _Rejected as refused:
            return Receipt(command.id, Outcome.rejected, reason=str(refused))
        except Refused as refused:
            if refused.code == "DUPLICATE_VALUE" and self._config.ticket_field in str(refused):
                raise Transient("Another command has just made this ticket's case.") from refused
            return Receipt(command.id, Outcome.rejected, reason=str(refused))

    def confirm(self, command: Command) -> Receipt | None:
        """A receipt if the record is as the command wants it, else None: it did not happen, or was changed since."""
        try:
            effect = self._effect(command)
        except _Rejected:
            return None
        found = effect.find()
        if found is None or not effect.is_so(found):
            return None
        return _receipt(command, Outcome.applied, str(found["Id"]), effect)

    # -- the effects --------------------------------------------------------------------------------------------------

    def _effect(self, command: Command) -> Effect:
        made = {
            "upsert_case": self._upsert_case,
            "update_case": self._update_case,
            "comment_case": self._comment_case,
            "set_health": self._set_health,
        }.get(command.op)
        if made is None:
            raise _Rejected(f"There is no operation {command.op!r}; there are {', '.join(o.name for o in OPERATIONS)}.")
        return made(command)

    def _upsert_case(self, command: Command) -> Effect:
        field, ticket = self._ticket_field(), _key(command, "ticket")
        if not ticket.strip("."):
            raise _Rejected(f"key.ticket: {ticket!r} can't stand in an address.")
        values = self._columns(command)
        path = f"sobjects/Case/{field}/{quote(ticket, safe='')}"

        def carry_out(found: Mapping[str, Any] | None) -> str:
            answer = self._client.patch(path, values)
            made = answer.get("id") if isinstance(answer, dict) else None
            return str(made or (found or {}).get("Id") or "")

        return Effect(
            find=lambda: self._one("Case", values, f"{field} = {soql.text(ticket)}"),
            is_so=lambda found: _are(values, found),
            carry_out=carry_out,
        )

    def _update_case(self, command: Command) -> Effect:
        case, values = _id(command, "case_id", "500"), self._columns(command)
        if not values:
            raise _Rejected("body: is empty; there is nothing to change.")
        status = values.get("Status")
        return Effect(
            find=lambda: self._one("Case", values, f"Id = '{case}'"),
            is_so=lambda found: _are(values, found),
            carry_out=lambda found: self._patch("Case", found, values),
            missing=GONE.format(what="case"),
            echo={"Status": status} if isinstance(status, str) else None,
        )

    def _comment_case(self, command: Command) -> Effect:
        said = str(command.body.get("comment") or "").strip()
        if not said:
            raise _Rejected("body.comment: is missing; there is nothing to write.")
        if command.key.get("ticket"):
            where = f"{self._ticket_field()} = {soql.text(_key(command, 'ticket'))}"
        else:
            where = f"Id = '{_id(command, 'case_id', '500')}'"
        text = comment_text(said, command.idempotency_key)

        def find() -> Mapping[str, Any] | None:
            case = self._one("Case", {}, where)
            if case is None:
                return None
            comments = soql.select(
                ["Id", "CommentBody"],
                "CaseComment",
                f"ParentId = '{case['Id']}'",
                order="CreatedDate DESC",
                limit=COMMENTS_SEARCHED,
            )
            return dict(case) | {"comments": [str(c.get("CommentBody")) for c in self._client.query(comments).records]}

        def carry_out(found: Mapping[str, Any] | None) -> str:
            body = {"ParentId": (found or {})["Id"], "CommentBody": text, "IsPublished": False}
            self._client.post("sobjects/CaseComment/", body)
            return str(body["ParentId"])

        return Effect(
            find=find,
            is_so=lambda found: any(mark(command.idempotency_key) in each for each in found["comments"]),
            carry_out=carry_out,
            missing=GONE.format(what="case"),
        )

    def _set_health(self, command: Command) -> Effect:
        field = self._config.health_field
        if not field:
            raise ConfigProblem("This connection has no column for the score.", hint="Name one in `health_field`.")
        account = _id(command, "account_id", "001")
        values = {field: _score(command)}
        return Effect(
            find=lambda: self._one("Account", values, f"Id = '{account}'"),
            is_so=lambda found: _are(values, found),
            carry_out=lambda found: self._patch("Account", found, values),
            missing=GONE.format(what="account"),
        )

    # -- parts --------------------------------------------------------------------------------------------------------

    def _ticket_field(self) -> str:
        if not self._config.ticket_field:
            raise ConfigProblem(
                "This connection makes no cases: no column holds the ticket's number.",
                hint="Make a text column of Case, unique and external id, and name it in `ticket_field`.",
            )
        return self._config.ticket_field

    def _columns(self, command: Command) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in command.body.items():
            if not COLUMN.fullmatch(name) or "." in name or name in ("Id", self._config.ticket_field):
                raise _Rejected(f"body.{name}: is no column of Case that a command may set.")
            if isinstance(value, (dict, list)):
                raise _Rejected(f"body.{name}: must be a text, a number, true, false or null.")
            values[name] = _cut(value, LONGEST[name]) if name in LONGEST and isinstance(value, str) else value
        return values

    def _one(self, name: str, values: Mapping[str, Any], where: str) -> Mapping[str, Any] | None:
        found = self._client.query(soql.select(["Id", *values], name, where, limit=2)).records
        if len(found) > 1:
            raise _Rejected(f"Salesforce has more than one {name} with {where}; make the column unique.")
        return found[0] if found else None

    def _patch(self, name: str, found: Mapping[str, Any] | None, values: Mapping[str, Any]) -> str:
        identity = str((found or {})["Id"])
        self._client.patch(f"sobjects/{name}/{identity}", values)
        return identity


# -- small parts ------------------------------------------------------------------------------------------------------


def _receipt(command: Command, outcome: Outcome, identity: str, effect: Effect) -> Receipt:
    """Only a change of a case that Salesforce made is told to the hub as one: cases of the hub's own and accounts make
    no tickets, and a comment changes nothing that is read."""
    echoes = (Echo("cases", identity, effect.echo),) if effect.echo else ()
    return Receipt(command.id, outcome, external_id=identity, echoes=echoes)


def mark(idempotency_key: str) -> str:
    """What the hub writes at the end of each of its comments, so that it finds its own again."""
    return f"[weft:{idempotency_key}]"


def comment_text(said: str, idempotency_key: str) -> str:
    """The comment with the command's mark at its end, cut to what Salesforce keeps."""
    end = f" {mark(idempotency_key)}"
    room = COMMENT_BYTES - len(end.encode())
    data = said.encode()
    if len(data) > room:
        said = data[: room - 3].decode("utf-8", "ignore") + "…"
    return said + end


def _key(command: Command, name: str) -> str:
    value = command.key.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _Rejected(f"key.{name}: is missing.")
    return value


def _id(command: Command, name: str, prefix: str) -> str:
    value = _key(command, name)
    if not (value.isascii() and value.isalnum() and len(value) in (15, 18) and value.startswith(prefix)):
        raise _Rejected(f"key.{name}: {value!r} is no Id of Salesforce that begins with {prefix}.")
    return value


def _score(command: Command) -> int | Decimal:
    given = command.body.get("score")
    try:
        score = exact_number(given)
    except BadRecord:
        raise _Rejected(f"body.score: {given!r} is no number.") from None
    if not 0 <= score <= 100:
        raise _Rejected(f"body.score: {given} is not between 0 and 100.")
    return score


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _are(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(_same(name, value, found.get(name)) for name, value in wanted.items())


def _same(name: str, wanted: Any, found: Any) -> bool:
    """As Salesforce keeps values: '' is null, ends are trimmed, lines end in one way, Ids have 15 or 18 characters,
    numbers and times come in a form of its own."""
    if not isinstance(wanted, str):
        return bool(wanted == found) or (wanted is None and found == "")
    if isinstance(found, (int, Decimal)) and not isinstance(found, bool):
        return _number(wanted) == found
    left, right = _plain(wanted), _plain(found)
    if name.endswith("Id") and {len(left), len(right)} == {15, 18}:
        return left[:15] == right[:15]
    return left == right or (_moment(left) is not None and _moment(left) == _moment(right))


def _plain(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def _number(text: str) -> int | Decimal | None:
    try:
        return exact_number(text)
    except BadRecord:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return moment(text)
    except BadRecord:
        return None
