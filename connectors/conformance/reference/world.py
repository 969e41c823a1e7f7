"""The reference's World: its sandbox in the same process, breakable."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import httpx

from connectors.conformance.faults import Faults, FaultyTransport
from connectors.conformance.reference.connector import AcmeConnector
from connectors.conformance.reference.sandbox import EPOCH, Alarm, Sandbox
from connectors.conformance.world import ALL_KINDS, Break, Kind, Known, OwnFault
from connectors.contract import Ask, Command, Connector, Delivery
from connectors.settings import parse_config

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
PASSWORD = "pa55-word/with+signs"  # noqa: S105 - the imaginary system's
WEBHOOK_KEY = "signing-key-0123456789"


class AcmeWorld:
    connector_type: ClassVar[type[Connector]] = AcmeConnector
    breaks: ClassVar[frozenset[Kind]] = ALL_KINDS

    def __init__(self) -> None:
        self.sandbox = Sandbox("weft", PASSWORD, WEBHOOK_KEY)
        self._faults = Faults()
        self._transport = FaultyTransport(httpx.MockTransport(self.sandbox.handle), self._faults, _changes_alarms)
        self._numbers = itertools.count(1)
        self._clock = EPOCH + timedelta(days=30)
        self.sandbox.alarms["a0"] = Alarm("a0")
        self.sandbox.devices["pump-7"] = {"id": "pump-7", "load": 71.25, "measured_at": NOW.isoformat()}

    def config(self) -> dict[str, Any]:
        secrets = {"username": "weft", "password": PASSWORD, "webhook_secret": WEBHOOK_KEY}
        return {"url": "https://acme.test:8443", "timeout_s": 0.5, "page_size": 7, **secrets}

    def connector(self, **changes: Any) -> AcmeConnector:
        kind: Any = self.connector_type
        made: AcmeConnector = kind(parse_config(kind, {**self.config(), **changes}), transport=self._transport)
        return made

    def break_next(self, how: Break) -> None:
        self._faults.add(how)
        self.sandbox.wake()

    def without_rights(self) -> None:
        self.sandbox.rights = ["read"]

    def own_faults(self) -> Sequence[OwnFault]:
        def busy() -> None:
            self.sandbox.busy = 1

        name = "busy, with status 200"
        return [OwnFault(name, busy, "orders"), OwnFault(name, busy, "stock"), OwnFault(name, busy, self.commands()[1])]

    @property
    def calls(self) -> int:
        return self._faults.calls

    @property
    def changes(self) -> int:
        return self.sandbox.changes

    def close(self) -> None:
        self.sandbox.wake()

    # -- reading -----------------------------------------------------------------------------------------------------

    def seed(self, stream: str, n: int, *, same_time: bool = False) -> None:
        for number in range(n):
            at = EPOCH if same_time else EPOCH + timedelta(hours=number)
            self._put(stream, f"{stream[0]}{next(self._numbers):04}", at, f"{number}.10")

    def touch(self, stream: str) -> None:
        self._clock += timedelta(minutes=20)
        table = self._table(stream)
        self._put(stream, min(key for key in table if not table[key].get("deleted")), self._clock, "99.5")

    def late(self, stream: str) -> None:
        self._put(stream, "late", self._clock - timedelta(minutes=2), "1.5")

    def remove(self, stream: str) -> None:
        key = max(self._table(stream))
        if stream == "stock":
            del self.sandbox.stock[key]
        else:
            self._clock += timedelta(minutes=20)
            self.sandbox.orders[key] = {"id": key, "updated_at": self._clock.isoformat(), "deleted": True}

    def spoil(self, stream: str) -> None:
        self._table(stream)[sorted(self._table(stream))[10]]["qty"] = "abc"

    def truth(self, stream: str) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
        rows = self._table(stream).items()
        return {(key,): {"qty": Decimal(str(row["qty"]))} for key, row in rows if row.get("qty") not in (None, "abc")}

    def _table(self, stream: str) -> dict[str, dict[str, Any]]:
        return self.sandbox.orders if stream == "orders" else self.sandbox.stock

    def _put(self, stream: str, key: str, at: datetime, qty: str) -> None:
        row = {"id": key, "article": key, "qty": float(qty), "updated_at": at.isoformat()}
        self._table(stream)[key] = row

    # -- receiving ---------------------------------------------------------------------------------------------------

    def deliveries(self) -> Sequence[Delivery]:
        def alarm(number: int, state: str) -> dict[str, Any]:
            return {"id": f"a{number}", "state": state, "value": 71.25 + number, "at": NOW.isoformat()}

        bodies = [
            {"message_id": "m-1", "alarms": [alarm(1, "open"), alarm(2, "open")]},
            {"message_id": "m-2", "alarms": [alarm(1, "closed")]},
            {"alarms": [alarm(3, "open")]},
            {"message_id": "m-3", "alarms": [alarm(2, "deleted")]},
        ]
        return [self.sent(json.dumps(body).encode()) for body in bodies]

    def sent(self, body: bytes) -> Delivery:
        headers = {"content-type": "application/json", "x-acme-signature": self.sandbox.sign(body)}
        return Delivery(body, headers, received_at=NOW)

    def forged(self) -> Sequence[Delivery]:
        good = self.deliveries()[0]
        signature = good.headers["x-acme-signature"]
        return [
            Delivery(good.body, {}, received_at=NOW),
            Delivery(good.body, {"x-acme-signature": ""}, received_at=NOW),
            Delivery(good.body, {"x-acme-signature": "0" * 64}, received_at=NOW),
            Delivery(good.body.replace(b"open", b"shut"), {"x-acme-signature": signature}, received_at=NOW),
        ]

    def publish(self, n: int) -> Sequence[bytes]:
        bodies = []
        for _ in range(n):
            number = next(self._numbers)
            alarm = {"id": f"f{number}", "state": "open", "value": number, "at": NOW.isoformat()}
            bodies.append(json.dumps({"message_id": f"f-{number}", "alarms": [alarm]}).encode())
            self.sandbox.publish(bodies[-1])
        return bodies

    # -- answering ---------------------------------------------------------------------------------------------------

    def asks(self) -> Sequence[Known]:
        return [Known(Ask("device_load", {"device": "pump-7"}, 5), {"load": Decimal("71.25")})]

    def unknown(self) -> Sequence[Ask]:
        return [Ask("device_load", {"device": "nowhere"}, 5), Ask("device_load", {"device": "a/../b ?"}, 5)]

    # -- writing -----------------------------------------------------------------------------------------------------

    def commands(self) -> Sequence[Command]:
        return [self._command("close_alarm"), self._command("add_note")]

    def refusals(self) -> Sequence[Command]:
        return [*self.impossible(), Command("c-none", "add_note", {"id": "nowhere"}, {"message": "hello"})]

    def impossible(self) -> Sequence[Command]:
        return [self._command("close_alarm", locked=True)]

    def effects(self, command: Command) -> int:
        alarm = self.sandbox.alarms.get(command.key["id"])
        return sum(op == command.op for op, _ in alarm.changes) if alarm else 0

    def echoes(self, command: Command) -> Sequence[Delivery]:
        alarm = self.sandbox.alarms[command.key["id"]]
        bodies = [
            {
                "message_id": f"e-{alarm.id}-{place}",
                "alarms": [{"id": alarm.id, "state": alarm.state, "at": NOW.isoformat(), "change_key": key}],
            }
            for place, (_, key) in enumerate(alarm.changes)
        ]
        return [self.sent(json.dumps(body).encode()) for body in bodies]

    def _command(self, op: str, *, locked: bool = False) -> Command:
        number = next(self._numbers)
        alarm = Alarm(f"w{number}", locked=locked)
        self.sandbox.alarms[alarm.id] = alarm
        return Command(f"c-{number}", op, {"id": alarm.id}, {"message": "修好了 done"})


def _changes_alarms(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.startswith("/api/alarms/")
