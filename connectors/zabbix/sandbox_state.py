"""What the stand-in Zabbix holds: hosts, items, triggers, events and accounts, and how problems come and go.

Everything is kept as the API shows it: dicts of texts. Triggers compare the last value of their item with a threshold.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
NUMBERED = ("host", "group", "item", "trigger", "event", "acknowledge", "mediatype", "usergroup", "user", "action")
SEVERITY_NAMES = ("Not classified", "Information", "Warning", "Average", "High", "Disaster")


@dataclass
class Account:
    """Who may call the API. `kind`: 1 user, 2 admin, 3 super admin. `denied`: methods (`host.get`) and role actions
    (`close problems`) its role lacks. `writable`: it has write permission to the hosts."""

    username: str
    password: str
    kind: int = 1
    token: str = ""
    userid: str = ""
    denied: set[str] = field(default_factory=set)
    writable: bool = True


class State:
    """A Zabbix's data. Not thread-safe by itself: hold `lock`."""

    def __init__(self, version: str, clock: Callable[[], int] = lambda: int(time.time())) -> None:
        self.version = version
        self.major_minor = tuple(int(p) for p in version.split(".")[:2])
        self.clock = clock
        self.lock = threading.RLock()
        self.tables: dict[str, dict[str, Row]] = {kind: {} for kind in (*NUMBERED, "role")}
        self.history: dict[str, list[tuple[int, str]]] = {}
        self.accounts: list[Account] = []
        self.sessions: dict[str, Account] = {}
        self.changes = 0
        self.listeners: list[Callable[[str, Row, Row | None], None]] = []
        """Called with (problem | update | recovery, the PROBLEM event, the acknowledge) when a message is due."""
        self._next = {kind: itertools.count(10001 if kind in ("host", "trigger", "item") else 1) for kind in NUMBERED}
        self._tasks: list[Row] = []
        for number, name in enumerate(("User role", "Admin role", "Super admin role"), 1):
            self.tables["role"][str(number)] = {"roleid": str(number), "name": name, "type": str(number)}

    # -- things -----------------------------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        return str(next(self._next[kind]))

    def put(self, kind: str, id_field: str, row: Row) -> Row:
        row[id_field] = self.new_id(kind)
        self.tables[kind][row[id_field]] = row
        return row

    def account(self, account: Account) -> Account:
        account.userid = self.put("user", "userid", {"username": account.username, "name": "", "medias": []})["userid"]
        self.accounts.append(account)
        return account

    def group(self, name: str) -> Row:
        found = next((g for g in self.tables["group"].values() if g["name"] == name), None)
        return found or self.put("group", "groupid", {"name": name})

    def host(self, name: str, *, group: str = "Linux servers", visible: str = "", **more: Any) -> Row:
        row = {"host": name, "name": visible or name, "status": "0", "description": "", "maintenance_status": "0"}
        row |= {"groups": [self.group(group)["groupid"]], "interfaces": [], "inventory": {}} | more
        return self.put("host", "hostid", row)

    def item(self, host: Row, key: str, *, units: str = "", value_type: int = 0, kind: int = 2) -> Row:
        row = {"hostid": host["hostid"], "key_": key, "name": f"Item {key}", "units": units, "status": "0"}
        return self.put("item", "itemid", row | {"value_type": str(value_type), "type": str(kind)})

    def trigger(self, item: Row, name: str, threshold: object, *, severity: int = 4, **more: Any) -> Row:
        """A trigger that is a problem while the item's last value is above the threshold."""
        row = {"description": name, "itemid": item["itemid"], "threshold": str(threshold), "priority": str(severity)}
        row |= {"manual_close": "1", "comments": "", "url": "", "opdata": "", "tags": [], "value": "0"} | more
        return self.put("trigger", "triggerid", row)

    def host_of(self, trigger: Row) -> Row:
        return self.tables["host"][self.tables["item"][trigger["itemid"]]["hostid"]]

    # -- problems ---------------------------------------------------------------------------------------------------

    def receive(self, item: Row, value: object, clock: int | None = None) -> None:
        """A value arrives; its triggers become problems or recover."""
        at = self.clock() if clock is None else clock
        self.history.setdefault(item["itemid"], []).append((at, str(value)))
        for trigger in list(self.tables["trigger"].values()):
            if trigger["itemid"] != item["itemid"]:
                continue
            bad = Decimal(str(value)) > Decimal(trigger["threshold"])
            if bad and trigger["value"] == "0":
                self.raise_problem(trigger, clock=at)
            elif not bad and trigger["value"] == "1":
                for event in self.open_problems(trigger["triggerid"]):
                    self.end_problem(event, clock=at)

    def raise_problem(self, trigger: Row, *, clock: int | None = None, event_id: str = "", quiet: bool = False) -> Row:
        """A PROBLEM event; `event_id` of one that was numbered earlier and is only committed now."""
        event = self._event(trigger, "1", self.clock() if clock is None else clock, event_id)
        trigger["value"] = "1"
        if not quiet:
            self._tell("problem", event, None)
        return event

    def end_problem(self, event: Row, *, clock: int | None = None, quiet: bool = False) -> Row:
        """The OK event that ends a problem."""
        trigger = self.tables["trigger"][event["objectid"]]
        ok = self._event(trigger, "0", self.clock() if clock is None else clock, "")
        event["r_eventid"] = ok["eventid"]
        if not self.open_problems(trigger["triggerid"]):
            trigger["value"] = "0"
        if not quiet:
            self._tell("recovery", event, None)
        return ok

    def _event(self, trigger: Row, value: str, clock: int, event_id: str) -> Row:
        host = self.host_of(trigger)
        event = {
            "eventid": event_id or self.new_id("event"),
            "source": "0",
            "object": "0",
            "objectid": trigger["triggerid"],
            "clock": str(clock),
            "ns": "0",
            "value": value,
            "acknowledged": "0",
            "name": trigger["description"].replace("{HOST.NAME}", host["name"]),
            "severity": trigger["priority"] if value == "1" else "0",
            "r_eventid": "0",
            "opdata": self._opdata(trigger),
            "suppressed": "0",
            "tags": [dict(t) for t in trigger["tags"]] if value == "1" else [],
            "acknowledges": [],
        }
        self.tables["event"][event["eventid"]] = event
        return event

    def _opdata(self, trigger: Row) -> str:
        return str(trigger["opdata"]).replace("{ITEM.LASTVALUE1}", self.shown_value(trigger["itemid"]))

    def shown_value(self, item_id: str) -> str:
        """The last value as Zabbix writes it in a message: with its unit."""
        values = self.history.get(item_id)
        units = self.tables["item"][item_id]["units"]
        return f"{values[-1][1]} {units}".strip() if values else "*UNKNOWN*"

    def open_problems(self, trigger_id: str | None = None) -> list[Row]:
        return [
            e
            for e in self.tables["event"].values()
            if e["value"] == "1" and e["r_eventid"] == "0" and trigger_id in (None, e["objectid"])
        ]

    # -- changes by people and by the hub ---------------------------------------------------------------------------

    def acknowledge(self, event: Row, account: Account, action: int, message: str, severity: int, until: int) -> None:
        """One update of a problem. A close is a task: `run_tasks` carries it out, as the server's task manager does."""
        closing = event["r_eventid"] != "0" or any(int(a["action"]) & 1 for a in event["acknowledges"])
        done = 0
        if action & 1 and not closing:
            done |= 1
        if action & 2 and event["acknowledged"] == "0":
            done |= 2
            event["acknowledged"] = "1"
        if action & 16 and event["acknowledged"] == "1":
            done |= 16
            event["acknowledged"] = "0"
        if action & 8 and str(severity) != event["severity"]:
            done |= 8
            event["severity"] = str(severity)
        if action & 32:
            done |= 32
            event["suppressed"] = "1"
        if action & 64:
            done |= 64
            event["suppressed"] = "0"
        done |= action & 4
        if not done:
            return
        self.changes += 1
        entry = {
            "acknowledgeid": self.new_id("acknowledge"),
            "userid": account.userid,
            "clock": str(self.clock()),
            "message": message if done & 4 else "",
            "action": str(done),
            "suppress_until": str(until),
        }
        event["acknowledges"].append(entry)
        self._tasks.append({"event": event, "acknowledge": entry})

    def run_tasks(self) -> None:
        """What the server does some seconds later: closes what was asked to be closed, and tells of the updates."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            event, entry = task["event"], task["acknowledge"]
            closes = bool(int(entry["action"]) & 1) and event["r_eventid"] == "0"
            if closes:
                self.end_problem(event, quiet=True)
            self._tell("update", event, entry)
            if closes:
                self._tell("recovery", event, None)

    def _tell(self, kind: str, event: Row, entry: Row | None) -> None:
        for listener in self.listeners:
            listener(kind, event, entry)


def pick(row: Row, output: object) -> Row:
    """The fields of a row that `output` asks for ("extend", a list, or null for none)."""
    if output == "extend":
        return dict(row)
    wanted: Iterable[str] = output if isinstance(output, list) else ()
    return {name: row[name] for name in wanted if name in row}
