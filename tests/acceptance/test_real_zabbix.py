"""A real Zabbix 6.0 with the whole hub: problems in, context, lineage, changes out, their echoes, and downtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.zabbix.operations import NO_MANUAL_CLOSE
from tests.acceptance.running_hub import RunningHub, eventually
from tests.integration.zabbix.conftest import GROUPS, Device, api_token, make_device
from tests.real.postgres import free_port
from tests.real.zabbix import Zabbix

ADMIN = ("--admin-user", "Admin", "--admin-password", "zabbix")
SLOW = 90
"""Seconds: Zabbix's message takes two or three, its task manager closes within five, and the machine may be busy."""


@dataclass
class Site:
    """A Zabbix and a hub that is connected to it as `connection`."""

    zabbix: Zabbix
    hub: RunningHub
    connection: str

    def install(self) -> list[str]:
        """What the installer did to each of its four objects."""
        report = self.hub.weft_json("connection", "install", self.connection, "--hub-url", self.hub.url, *ADMIN)
        assert report["warnings"] == []
        return [step["done"] for step in report["steps"]]

    def tickets(self, device: Device) -> list[dict[str, Any]]:
        return [t for t in self.hub.tickets() if t["title"].startswith(f"{device.name} is too hot")]

    def ticket(self, device: Device, **wanted: Any) -> dict[str, Any]:
        """The device's one ticket, once it is as wanted."""

        def found() -> dict[str, Any] | None:
            all_of_it = self.tickets(device)
            assert len(all_of_it) <= 1, all_of_it
            return next((t for t in all_of_it if all(t[k] == v for k, v in wanted.items())), None)

        return eventually(found, SLOW, why=f"a ticket of {device.name} with {wanted}")

    def act(self, ticket: dict[str, Any], action: str, **body: Any) -> None:
        self.hub.post(f"/v1/tickets/{ticket['id']}/{action}", body)

    def commands(self, ticket: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What was sent to Zabbix because of a ticket, by operation; no operation twice."""
        sent: list[dict[str, Any]] = self.hub.get(f"/v1/tickets/{ticket['id']}")["commands"]
        by_op = {c["op"]: c for c in sent}
        assert len(by_op) == len(sent), sent
        return by_op

    def echoed(self, ticket: dict[str, Any], op: str) -> dict[str, Any]:
        """The command, once Zabbix has told of what it did."""

        def found() -> dict[str, Any] | None:
            sent = self.commands(ticket).get(op)
            return sent if sent and sent["state"] == "done" and sent["echoed_at"] else None

        return eventually(found, SLOW, why=f"the echo of {op}")

    def rules(self, ticket: dict[str, Any]) -> list[str]:
        """By which rule each message about a ticket came to its end, oldest first."""
        return [m["rule"] for m in self.hub.get(f"/v1/tickets/{ticket['id']}/explain")["messages"]]

    def wait_for_rules(self, ticket: dict[str, Any], *expected: str) -> None:
        """Until the messages about a ticket came to these ends, in any order, and no other came."""
        eventually(lambda: sorted(self.rules(ticket)) == sorted(expected), SLOW, 0.2, f"{expected}")

    def told(self, event_id: str) -> dict[str, Any]:
        """A problem with its history, as Zabbix has it."""
        found = self.zabbix.api("event.get", eventids=[event_id], select_acknowledges="extend", output="extend")
        event: dict[str, Any] = found[0]
        return event

    def all_is_well(self) -> None:
        self.hub.audit()
        assert self.hub.weft_json("lineage", "verify")["ok"]
        assert self.hub.weft_json("dead", "list")["items"] == []


@pytest.fixture(scope="module")
def zabbix(postgres_url: str) -> Iterator[Zabbix]:
    server = Zabbix(postgres_url).start()
    for group in GROUPS:
        server.api("hostgroup.create", name=group)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def hub_token(zabbix: Zabbix) -> str:
    """The API token of an ordinary user who may change problems."""
    return api_token(zabbix, "hub", permission=3)


def connected(zabbix: Zabbix, token: str, home: Path, database_url: str, connection: str, **more: Any) -> Site:
    """A hub, served, whose connection is installed in Zabbix by the command line."""
    hub = RunningHub(home, database_url, port=free_port())
    config = {"url": zabbix.url, "token": token, "webhook_token": f"the secret of {connection}"}
    hub.config = {"connections": [{"id": connection, "connector": "zabbix", "config": config, **more}]}
    return Site(zabbix, hub.start(), connection)


@pytest.fixture(scope="module")
def site(zabbix: Zabbix, hub_token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All that the hub knows here comes by webhook: it reads only every hour."""
    home = tmp_path_factory.mktemp("hub")
    made = connected(zabbix, hub_token, home, f"sqlite:///{home / 'weft.db'}", "zbx", poll_every_s=3600)
    assert made.install() == ["created"] * 4
    yield made
    made.hub.stop()


def test_the_connection_is_checked_and_installing_it_again_changes_nothing(site: Site) -> None:
    health = site.hub.weft_json("check", "zbx")
    assert (health["ok"], health["missing_rights"]) == (True, [])
    assert health["remote_version"].startswith("6.0.")
    assert site.install() == ["unchanged"] * 4


def test_a_value_becomes_a_ticket_that_knows_its_context_and_where_every_field_came_from(site: Site) -> None:
    hub, device = site.hub, make_device(site.zabbix)
    site.zabbix.item(device.host_id, "system.cpu.util", units="%")
    for load in ("10.5", "20.25", "30"):
        site.zabbix.send(device.name, "system.cpu.util", load)
    event_id = device.overheats()
    ticket = site.ticket(device, status="pending")
    assert (ticket["title"], ticket["priority"]) == (f"{device.name} is too hot 过热", "P2")
    assert (ticket["connection"], ticket["labels"]) == ("zbx", {"site": "杭州"})
    assert ticket["url"].endswith(f"eventid={event_id}")
    crosswalk = hub.get(f"/v1/ids/{ticket['device']}")["crosswalk"]
    assert [(x["system"], x["local_id"]) for x in crosswalk] == [("zbx", device.name)]

    # each field down to the value of the macro that it came from
    raw: dict[str, Any] = {}
    for name in ("title", "description", "priority", "labels", "device", "url", "kind", "status", "source_key"):
        origin = hub.get(f"/v1/tickets/{ticket['id']}/lineage", field=name)
        assert origin["verdict"] == "equal", origin
        assert {(s["dataset"], s["key"]) for s in origin["sources"]} <= {("zbx/problem", event_id)}
        raw |= {s["field"]: s["raw"] for s in origin["sources"]}
    assert raw | {"name": ticket["title"], "severity": "4", "opdata": "now 95 C"} == raw
    assert raw["description"] == f"Stop {device.name}"
    origin = hub.get(f"/v1/tickets/{ticket['id']}/lineage", field="device")
    assert origin["facts"][0]["xref"] == ["device", "zbx", device.name]

    # what Zabbix knows of the device
    def answered() -> dict[str, dict[str, Any]] | None:
        told = hub.get(f"/v1/tickets/{ticket['id']}/context")
        return {s["name"]: s for s in told["sections"]} if told["complete"] else None

    sections = eventually(answered, SLOW)
    assert {s["status"] for s in sections.values() if s["connection"] != "hub"} == {"ok"}, sections
    cpu, problems, host = (sections[f"zbx.{q}"]["values"] for q in ("cpu_mean_1h", "recent_problems", "host"))
    assert (Decimal(cpu["cpu_mean_1h"]), cpu["samples"]) == (Decimal("20.25"), 3)
    assert [p["event_id"] for p in problems["problems"]] == [event_id]
    assert (host["host"], host["groups"]) == (device.name, ["Weft tests"])
    for question in ("cpu_mean_1h", "recent_problems", "host"):
        for name in sections[f"zbx.{question}"]["values"]:
            origin = hub.get(f"/v1/tickets/{ticket['id']}/lineage", field=f"context.zbx.{question}.{name}")
            assert (origin["verdict"], origin["sources"][0]["dataset"]) == ("equal", f"zbx/{question}"), origin


def test_a_ticket_resolved_in_the_hub_closes_its_problem_and_the_echoes_cause_nothing(site: Site) -> None:
    device = make_device(site.zabbix)
    event_id = device.overheats()
    ticket = site.ticket(device, status="pending")
    site.act(ticket, "resolve", resolution="风扇已更换 fan replaced")
    site.zabbix.wait_for_recovery(device.trigger_id, SLOW)
    resolved = site.ticket(device, status="resolved")
    sent = site.echoed(ticket, "close_or_acknowledge")
    message = site.told(event_id)["acknowledges"][0]["message"]
    assert message == f"Weft {ticket['id']}: resolved. 风扇已更换 fan replaced [weft:{sent['id']}]"

    # Zabbix tells of the UPDATE and of the RECOVERY: both are the receipt, and nothing else happens
    site.wait_for_rules(ticket, "alert-incident", "echo", "echo")
    after = site.ticket(device, status="resolved")
    assert [after[k] for k in ("version", "resolution")] == [resolved[k] for k in ("version", "resolution")]
    assert list(site.commands(ticket)) == ["close_or_acknowledge"]
    assert len(site.told(event_id)["acknowledges"]) == 1
    site.all_is_well()


def test_work_on_a_ticket_is_seen_in_zabbix_and_work_in_zabbix_on_the_ticket(site: Site) -> None:
    device = make_device(site.zabbix)
    event_id = device.overheats()
    ticket = site.ticket(device, status="pending")
    site.act(ticket, "start")
    site.echoed(ticket, "acknowledge")
    assert site.told(event_id)["acknowledged"] == "1"
    site.act(ticket, "comment", text="已订购风扇 fan ordered")
    site.echoed(ticket, "message")
    history = sorted(a["message"].partition(" [weft:")[0] for a in site.told(event_id)["acknowledges"])
    assert history == [f"Weft {ticket['id']}: in progress", f"Weft {ticket['id']}: 已订购风扇 fan ordered"]

    # a person's words in Zabbix come onto the timeline, and do not go back
    site.zabbix.api("event.acknowledge", eventids=[event_id], action=4, message="我看看 I have a look")
    site.wait_for_rules(ticket, "alert-incident", "echo", "echo", "update")
    timeline = site.hub.get(f"/v1/tickets/{ticket['id']}")["timeline"]
    (said,) = [e["data"] for e in timeline if e["name"] == "source_update"]
    assert (said["message"], said["connection"]) == ("我看看 I have a look", "zbx")
    assert set(site.commands(ticket)) == {"acknowledge", "message"}
    device.cools_down()
    site.ticket(device, status="resolved")


def test_where_closing_is_not_allowed_the_ticket_says_so_before_and_is_resolved_all_the_same(site: Site) -> None:
    device = make_device(site.zabbix, manual_close=0)
    event_id = device.overheats()
    ticket = site.ticket(device, status="pending")
    offered = {o["op"]: o for o in site.hub.get(f"/v1/tickets/{ticket['id']}/remote")["operations"]}
    assert (offered["close_problem"]["possible"], offered["close_problem"]["why_not"]) == (False, NO_MANUAL_CLOSE)
    assert offered["acknowledge"]["possible"]

    # asked for all the same, it is refused in the same words; resolving acknowledges instead
    site.hub.post(f"/v1/tickets/{ticket['id']}/remote", {"op": "close_problem"}, status=202)
    refused = eventually(lambda: (c := site.commands(ticket)["close_problem"])["state"] == "refused" and c, SLOW)
    assert refused["reason"] == NO_MANUAL_CLOSE
    site.act(ticket, "resolve", resolution="it only looks hot")
    site.echoed(ticket, "close_or_acknowledge")
    assert (site.told(event_id)["acknowledged"], len(site.zabbix.open_problems(device.trigger_id))) == ("1", 1)
    resolved = site.ticket(device, status="resolved")

    # Zabbix's own recovery later on finds it done
    device.cools_down()
    site.wait_for_rules(ticket, "alert-incident", "echo", "already-resolved")
    assert site.ticket(device, status="resolved")["version"] == resolved["version"]
    assert set(site.commands(ticket)) == {"close_problem", "close_or_acknowledge"}
    site.all_is_well()


def test_the_recovery_that_zabbix_sees_itself_resolves_the_ticket(site: Site) -> None:
    device = make_device(site.zabbix)
    event_id = device.overheats()
    ticket = site.ticket(device, status="pending")
    device.cools_down()
    assert site.ticket(device, status="resolved")["id"] == ticket["id"]
    assert site.commands(ticket) == {}, "what Zabbix told is not told to Zabbix"
    origin = site.hub.get(f"/v1/tickets/{ticket['id']}/lineage", field="status")
    assert (origin["value"], origin["verdict"]) == ("resolved", "equal")

    # the command line tells the whole story
    told = site.hub.weft_json("explain", ticket["id"])
    assert [(r["rule"], r["matched"]) for r in told["decisions"][0]["rules"]][-1] == ("alert-incident", True)
    assert [(m["end"], m["rule"]) for m in told["messages"]] == [("ticketed", "alert-incident"), ("merged", "resolved")]
    assert ticket["title"] in site.hub.weft("explain", ticket["id"]).stdout
    shown = site.hub.weft_json("lineage", "show", ticket["id"], "priority")
    assert [(s["key"], s["field"], s["raw"]) for s in shown["sources"]] == [(event_id, "severity", "4")]
    assert "equal" in site.hub.weft("lineage", "show", ticket["id"], "priority").stdout
    site.all_is_well()


@pytest.fixture
def reading_site(zabbix: Zabbix, hub_token: str, tmp_path: Path, postgres_database: str) -> Iterator[Site]:
    """A hub on PostgreSQL that also reads, every five seconds."""
    made = connected(zabbix, hub_token, tmp_path, postgres_database, "zbx-read", poll_every_s=5)
    assert made.install() == ["created"] * 4
    yield made
    removed = made.hub.weft_json("connection", "uninstall", "zbx-read", "--hub-url", made.hub.url, *ADMIN)
    made.hub.stop()
    assert [s["done"] for s in removed["steps"]] == ["deleted"] * 4


def attempts(site: Site, number: int, every: str) -> None:
    """How often, and how soon again, Zabbix tries to tell the hub."""
    (found,) = site.zabbix.api("mediatype.get", filter={"name": [f"Weft {site.connection}"]})
    site.zabbix.api("mediatype.update", mediatypeid=found["mediatypeid"], maxattempts=number, attempt_interval=every)


def undelivered(site: Site, event_id: str, *, given_up: bool) -> Callable[[], bool]:
    """Zabbix failed to tell this hub of an event, and gave up or not."""
    (media,) = site.zabbix.api("mediatype.get", filter={"name": [f"Weft {site.connection}"]})

    def found() -> bool:
        alerts = site.zabbix.api("alert.get", eventids=[event_id], mediatypeids=[media["mediatypeid"]])
        return any((a["status"] == "2") if given_up else (a["status"] == "0" and a["retries"] != "0") for a in alerts)

    return found


def test_what_happened_while_the_hub_was_dead_is_made_good_by_reading_and_nothing_comes_twice(
    reading_site: Site,
) -> None:
    site = reading_site
    ended, standing, again, missed, brief, late = (make_device(site.zabbix) for _ in range(6))
    for device in (ended, standing, again):
        device.overheats()
    known = {d.name: site.ticket(d, status="pending")["id"] for d in (ended, standing, again)}

    site.hub.kill()
    attempts(site, 1, "2s")
    for device in (ended, again):
        device.cools_down()
    again_event, missed_event, brief_event = again.overheats(), missed.overheats(), brief.overheats()
    brief.cools_down()
    for event_id in (again_event, missed_event, brief_event):
        eventually(undelivered(site, event_id, given_up=True), SLOW, why=f"Zabbix giving up on {event_id}")
    attempts(site, 100, "2s")
    late_event = late.overheats()
    eventually(undelivered(site, late_event, given_up=False), SLOW, why=f"Zabbix trying again on {late_event}")
    site.hub.serve()

    assert site.ticket(ended, status="resolved")["id"] == known[ended.name]
    assert site.ticket(standing, status="pending")["id"] == known[standing.name]
    assert site.ticket(again, status="in_progress")["id"] == known[again.name], "it ended and began again"
    site.ticket(missed, status="pending")
    # the late webhook is of a problem that was read already, or the other way round
    ticket = site.ticket(late, status="pending")
    eventually(lambda: not undelivered(site, late_event, given_up=False)(), SLOW)
    assert site.tickets(brief) == [], "what was over before the hub heard of it needs nobody"
    again_read = site.hub.post("/v1/connections/zbx-read/sync/problem")
    assert again_read["read"] > 0
    assert again_read["told"] == 0, "what was read before is no news, old episodes of a problem included"

    # from here on it goes on as ever: each problem closed from its ticket, once
    site.act(ticket, "resolve", resolution="aired")
    site.echoed(ticket, "close_or_acknowledge")
    site.zabbix.wait_for_recovery(late.trigger_id, SLOW)
    for device in (standing, again, missed):
        device.cools_down()
        site.ticket(device, status="resolved")
        assert site.commands(site.tickets(device)[0]) == {}
    assert site.ticket(late, status="resolved")["id"] == ticket["id"]
    site.all_is_well()
