"""One real Zabbix 6.0 for all of these tests, with the hub's account, and its messages going to a listener of ours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.contract import Event
from connectors.zabbix import Administrator, InstallReport, ZabbixConfig, ZabbixConnector
from tests.integration.zabbix.inbox import Inbox
from tests.real.zabbix import Zabbix, wait_until

ADMIN = Administrator(username="Admin", password=SecretStr("zabbix"))
GROUPS = ("Weft tests", "Rack group")
PASSWORD = "Xy12_9qwe-zz"
SECRET = "signs every message of the tests"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def zabbix(postgres_url: str) -> Iterator[Zabbix]:
    server = Zabbix(postgres_url).start()
    for group in GROUPS:
        server.api("hostgroup.create", name=group)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def hub_token(zabbix: Zabbix) -> str:
    """The API token of an ordinary user with write permission to the tests' host group."""
    return api_token(zabbix, "hub", permission=3)


def api_token(zabbix: Zabbix, name: str, *, permission: int, role_id: str = "1") -> str:
    """A token of a new user of type User."""
    found = zabbix.api("hostgroup.get", filter={"name": list(GROUPS)})
    rights = [{"id": group["groupid"], "permission": permission} for group in found]
    zabbix.host(f"host-of-{name}")
    made = zabbix.api("usergroup.create", name=name, rights=rights)
    groups = [{"usrgrpid": made["usrgrpids"][0]}]
    user = zabbix.api("user.create", username=name, passwd=PASSWORD, roleid=role_id, usrgrps=groups)
    token = zabbix.api("token.create", name=name, userid=user["userids"][0])["tokenids"]
    return str(zabbix.api("token.generate", token)[0]["token"])


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running


@dataclass
class Connection:
    """A connector on the real Zabbix with its messages arriving."""

    zabbix: Zabbix
    connector: ZabbixConnector
    inbox: Inbox
    installed: InstallReport = field(default_factory=InstallReport)

    def events(self, event_id: str) -> list[Event]:
        """What has come of one problem, in order."""
        events = [e for d in list(self.inbox.deliveries) for e in self.connector.receive(d)]
        return [e for e in events if e.key == event_id]

    def wait_for(self, event_id: str, kind: str, **update: Any) -> Event:
        """The message of this kind about a problem, with these fields in its update."""

        def found() -> Event | None:
            for event in self.events(event_id):
                told = event.record["update"] or {}
                if event.record["kind"] == kind and all(told.get(k) == v for k, v in update.items()):
                    return event
            return None

        return wait_until(found, f"{kind} {update} of problem {event_id}", 40)


@pytest.fixture(scope="session")
def connection(zabbix: Zabbix, hub_token: str, inbox: Inbox) -> Iterator[Connection]:
    config = ZabbixConfig(url=zabbix.url, token=SecretStr(hub_token), webhook_secret=SecretStr(SECRET))
    connector = ZabbixConnector(config)
    yield Connection(zabbix, connector, inbox, connector.install(inbox.url, administrator=ADMIN))
    connector.close()


@dataclass
class Device:
    """A host with a thermometer and a trigger on it."""

    zabbix: Zabbix
    name: str
    host_id: str
    trigger_id: str = ""

    def becomes(self, value: object) -> None:
        self.zabbix.send(self.name, "temp", value)

    def overheats(self) -> str:
        """The id of the problem."""
        return self.zabbix.provoke(self.trigger_id, (self.name, "temp", 95))

    def cools_down(self) -> None:
        self.becomes(20)
        self.zabbix.wait_for_recovery(self.trigger_id)


@pytest.fixture
def device(zabbix: Zabbix) -> Device:
    return make_device(zabbix)


def make_device(zabbix: Zabbix, **trigger: Any) -> Device:
    name = f"press-{next(_numbers)}"
    made = Device(zabbix, name, zabbix.host(name))
    zabbix.item(made.host_id, "temp", units="C")
    settings = {"priority": 4, "manual_close": 1, "opdata": "now {ITEM.LASTVALUE1}", "comments": "Stop {HOST.NAME}"}
    settings |= {"tags": [{"tag": "site", "value": "杭州"}]} | trigger
    made.trigger_id = zabbix.trigger("{HOST.NAME} is too hot 过热", f"last(/{name}/temp)>90", **settings)
    return made
