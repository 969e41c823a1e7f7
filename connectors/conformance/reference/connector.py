"""The contract for Acme: reads orders and stock, receives and subscribes to alarms, answers, closes alarms."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import httpx

from connectors.conformance.reference.client import Client, Refused
from connectors.conformance.reference.config import AcmeConfig
from connectors.conformance.reference.feed import Feed
from connectors.contract import (
    DELETED,
    Answer,
    Ask,
    Batch,
    Command,
    Cursor,
    Delivery,
    Echo,
    Event,
    Health,
    MissingRight,
    Operation,
    Outcome,
    Policy,
    Question,
    Receipt,
    Record,
    Settings,
    Sink,
    Stream,
)
from connectors.errors import AuthProblem, BadRecord, ConfigProblem, Transient
from connectors.exact import exact_number, load_json

_TEXT = {"type": "string"}
ORDERS = Stream(
    name="orders",
    key=("id",),
    schema_={"properties": {"id": _TEXT, "qty": {"type": "number"}, "updated_at": {"format": "date-time"}}},
    deletes="tombstone",
    lookback=timedelta(minutes=5),
)
STOCK = Stream(
    name="stock",
    key=("article",),
    schema_={"properties": {"article": _TEXT, "qty": {"type": "number"}}},
    mode="snapshot",
    deletes="absence",
)
OPERATIONS = (
    Operation(
        name="close_alarm",
        title="Close the alarm",
        title_zh="关闭告警",
        body_schema={"type": "object", "properties": {"message": {**_TEXT, "description": "Why it is over"}}},
    ),
    Operation(
        name="add_note",
        title="Add a note to the alarm",
        title_zh="添加备注",
        body_schema={
            "type": "object",
            "properties": {"message": {**_TEXT, "description": "The note"}},
            "required": ["message"],
        },
    ),
)
QUESTION = Question(name="device_load", needs=("device",), title="Load of the device", title_zh="设备负载")


class AcmeConnector:
    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme Watch"
    title_zh: ClassVar[str] = "Acme 监控（示例）"
    Config: ClassVar[type[Settings]] = AcmeConfig
    policy: ClassVar[Policy] = Policy(timeout_s=20)

    def __init__(self, config: AcmeConfig, *, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._client = Client(config, transport)

    @property
    def namespace(self) -> str:
        return f"acme://{urlsplit(self._config.url).netloc}"

    def check(self) -> Health:
        about = self._client.get("/api/version")
        if not isinstance(about, dict) or "version" not in about:
            raise ConfigProblem("this is no Acme server", hint="url must lead to Acme's own address")
        lacking = [right for right in ("read", "write") if right not in about.get("rights", ())]
        return Health(
            ok=not lacking,
            message=f"the account lacks {', '.join(lacking)}" if lacking else "",
            remote_version=str(about["version"]),
            missing_rights=tuple(
                MissingRight(right=right, needed_for=f"to {right} alarms", grant_at="Settings › Accounts › Rights")
                for right in lacking
            ),
        )

    def close(self) -> None:
        self._client.close()

    # -- reads -------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[Stream]:
        return (ORDERS, STOCK)

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        if stream.name == STOCK.name:
            yield from self._read_stock()
            return
        since, after = _start(cursor, stream.lookback)
        while True:
            page = self._rows("/api/orders", since=since, after=after, limit=self._config.page_size)
            if not page:
                return
            since, after = str(page[-1]["updated_at"]), str(page[-1]["id"])
            good, bad = _sorted_out(page, _order)
            yield Batch(good, cursor=[since, after], bad=bad)

    def _read_stock(self) -> Iterator[Batch]:
        place = 0
        while page := self._rows("/api/stock", page=place, limit=self._config.page_size):
            good, bad = _sorted_out(page, _stock)
            yield Batch(good, bad=bad)
            place += 1

    def _rows(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        answer = self._client.get(path, params)
        if not isinstance(answer, dict) or not isinstance(answer.get("rows"), list):
            raise Transient(f"{path} answers without rows")
        return list(answer["rows"])

    # -- receives ----------------------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> Sequence[Event]:
        if not delivery.verified:
            self._verify(delivery)
        message = load_json(delivery.body)
        alarms = message.get("alarms") if isinstance(message, dict) else None
        if not isinstance(alarms, list) or not alarms:
            raise BadRecord("no alarms in it", record=message)
        own = message.get("message_id")
        prefix = own if isinstance(own, str) and 0 < len(own) <= 100 else hashlib.sha256(delivery.body).hexdigest()
        return [
            Event(f"{prefix}:{place}", "alarm", record, key=record["id"], op=_op(record))
            for place, record in enumerate(map(_alarm, alarms))
        ]

    def _verify(self, delivery: Delivery) -> None:
        key = self._config.webhook_secret.get_secret_value().encode()
        proof = hmac.new(key, delivery.body, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(proof, delivery.headers.get("x-acme-signature", "").encode()):
            raise AuthProblem("the signature is wrong", hint="webhook_secret must equal Acme's webhook key")

    def subscribe(self, sink: Sink) -> Feed:
        return Feed(self._client, sink).start()

    # -- answers -----------------------------------------------------------------------------------------------------

    def questions(self) -> Sequence[Question]:
        return (QUESTION,)

    def lookup(self, ask: Ask) -> Answer | None:
        if ask.question != QUESTION.name:
            raise BadRecord(f"unknown question {ask.question!r}")
        device = ask.inputs.get("device")
        if not isinstance(device, str) or not device:
            raise BadRecord("the input device is missing", record=dict(ask.inputs))
        path = f"/api/devices/{quote(device, safe='')}"
        found = self._client.get(path, deadline_s=ask.deadline_s)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise Transient(f"{path} answers with no device")
        at = _time(found.get("measured_at"))
        return Answer({"load": _number(found.get("load"))}, at, link=f"{self._config.url}/devices/{device}", key=device)

    # -- writes ------------------------------------------------------------------------------------------------------

    def operations(self) -> Sequence[Operation]:
        return OPERATIONS

    def write(self, command: Command) -> Receipt:
        path, alarm = _target(command)
        key = command.idempotency_key
        try:
            answer = self._client.post(path, dict(command.body), key=key)
        except Refused as refusal:
            return Receipt(command.id, Outcome.rejected, reason=str(refusal))
        outcome = Outcome.applied if answer.get("changed") else Outcome.duplicate
        echoes = (Echo("alarm", alarm, {"change_key": key}),) if outcome is Outcome.applied else ()
        return Receipt(command.id, outcome, external_id=alarm, echoes=echoes)

    def confirm(self, command: Command) -> Receipt | None:
        _, alarm = _target(command)
        found = self._client.get(f"/api/alarms/{quote(alarm, safe='')}")
        key = command.idempotency_key
        if found is None or key not in found["change_keys"]:
            return None
        return Receipt(
            command.id, Outcome.applied, external_id=alarm, echoes=(Echo("alarm", alarm, {"change_key": key}),)
        )

    def probe(self, key: Mapping[str, Any]) -> Mapping[str, str]:
        found = self._client.get(f"/api/alarms/{quote(str(key.get('id', '')), safe='')}")
        if found is None:
            return dict.fromkeys((operation.name for operation in OPERATIONS), "Acme does not know this alarm")
        return {"close_alarm": "the alarm is locked" if found["locked"] else "", "add_note": ""}


def _start(cursor: Cursor, lookback: timedelta) -> tuple[str, str]:
    """Where to read on: exactly behind the cursor, or `lookback` before it."""
    if cursor is None:
        return "", ""
    if not (isinstance(cursor, list) and len(cursor) == 2):
        raise ConfigProblem(f"{cursor!r} is no cursor of this stream")
    since, after = str(cursor[0]), str(cursor[1])
    return ((_time(since) - lookback).isoformat(), "") if lookback else (since, after)


def _sorted_out(page: list[dict[str, Any]], parse: Any) -> tuple[list[Record], list[BadRecord]]:
    good: list[Record] = []
    bad: list[BadRecord] = []
    for row in page:
        try:
            good.append(parse(row))
        except BadRecord as reason:
            bad.append(BadRecord(str(reason), record=row))
    return good, bad


def _order(row: dict[str, Any]) -> Record:
    if row.get("deleted"):
        return {"id": str(row["id"]), DELETED: True}
    return {"id": str(row["id"]), "qty": _number(row.get("qty")), "updated_at": _time(row["updated_at"])}


def _stock(row: dict[str, Any]) -> Record:
    return {"article": str(row["article"]), "qty": _number(row.get("qty"))}


def _alarm(row: Any) -> Record:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not row["id"]:
        raise BadRecord("an alarm without id", record=row)
    change_key = row.get("change_key")
    return {
        "id": row["id"],
        "state": str(row.get("state")),
        "value": _number(row.get("value")),
        "at": _time(row.get("at")),
        "change_key": change_key if isinstance(change_key, str) else None,
    }


def _op(record: Record) -> Any:
    return "delete" if record["state"] == "deleted" else "upsert"


def _target(command: Command) -> tuple[str, str]:
    """The path to post to and the alarm meant."""
    operation = next((operation for operation in OPERATIONS if operation.name == command.op), None)
    alarm = command.key.get("id")
    if operation is None:
        raise BadRecord(f"unknown operation {command.op!r}")
    if not isinstance(alarm, str) or not alarm:
        raise BadRecord("the key needs the alarm's id")
    for name in operation.body_schema.get("required", ()):
        if not command.body.get(name):
            raise BadRecord(f"{command.op} needs {name}")
    return f"/api/alarms/{quote(alarm, safe='')}/{'close' if command.op == 'close_alarm' else 'notes'}", alarm


def _number(value: Any) -> Decimal | None:
    return None if value is None else exact_number(value)


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadRecord(f"{value!r} is no time", record=value) from None
    if at.utcoffset() is None:
        raise BadRecord(f"the time {value!r} has no zone", record=value)
    return at
