"""A system that uses another's codes: its local ids are that one's, and a machine's spare part is known where it is bought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import id_registry
from gateway.bridge.happened import Happened
from gateway.bridge.planning import bridge_records
from gateway.config import store
from gateway.context.things import Things
from gateway.errors import BadConfiguration
from id_registry import Key
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.replicas import Keep

KeepOf = Callable[..., Keep]


def sharing(**codes: str) -> dict[str, Any]:
    """The MES with the codes of others."""
    return {"id": "mes", "connector": "books", "config": {"place": "mes"}, "codes": codes}


def local(keep: Keep, system: str) -> dict[str, str | None]:
    """What this system calls the things of the newest ticket."""
    house, hub = keep.house, keep.house.gateway.hub
    ticket = house.tickets()[-1]
    with house.gateway.reading() as conn:
        happened = Happened("ticket.opened", ticket.id, ticket.version, "")
        record = bridge_records(conn, hub, ticket, happened, "")[0]
        return Things(conn, hub, ticket, record["connection"], record["record"], record["alert"]).local(system)


def machine_down(keep: Keep, wears: str) -> None:
    """The ERP knows the article, the MES the machine; an alert tells of that machine by the MES's name for it."""
    keep.erp.put("items", {"code": "BRG-6205", "name": "Bearing", "vendor": "S-1"})
    keep.world["mes"].put("machines", {"code": "press-7", "name": "Press 7", "wears": wears})
    keep.sync("items")
    keep.sync("machines", "mes")
    keep.house.tell(keep.house.alert("a", device="press-7"))


def of_one_device(keep: Keep) -> None:
    robot = {"id": "r", "connector": "robot", "codes": {"device": "mes"}}
    keep.apply({"connections": [robot, sharing(item="erp")]})


def test_two_systems_with_the_same_codes_speak_of_one_thing(keep: Keep) -> None:
    of_one_device(keep)
    keep.house.tell(keep.house.alert("a", device="press-7"))
    (ticket,) = keep.house.tickets()
    with keep.house.gateway.reading() as conn:
        assert id_registry.lookup(conn, [Key("device", "mes", "press-7")]) == {
            Key("device", "mes", "press-7"): ticket.device
        }
        assert id_registry.lookup(conn, [Key("device", "r", "press-7")]) == {}
    assert local(keep, "mes")["device"] == local(keep, "r")["device"] == "press-7"
    keep.house.verify()


def test_the_article_of_a_machine_that_is_down_is_the_part_that_wears_out_first(keep: Keep) -> None:
    of_one_device(keep)
    machine_down(keep, "BRG-6205")
    assert local(keep, "erp")["item"] == "BRG-6205"
    assert local(keep, "mes")["item"] == "BRG-6205"
    assert local(keep, "erp")["supplier"] == "S-1"
    assert local(keep, "crm")["item"] is None


def test_a_spare_that_the_erp_does_not_know_is_no_article(keep: Keep) -> None:
    of_one_device(keep)
    machine_down(keep, "OLD-1")
    assert local(keep, "erp")["item"] is None


def test_without_common_codes_the_article_is_not_guessed(keep: Keep) -> None:
    keep.apply({"connections": [{"id": "r", "connector": "robot", "codes": {"device": "mes"}}]})
    machine_down(keep, "BRG-6205")
    assert local(keep, "erp")["item"] is None


RULE = {
    "id": "stop", "on": "Downtime", "when": "ends_at is None", "until": "ends_at is not None",
    "ticket": {"kind": "'maintenance'", "priority": "'P2'", "title": "ids.device", "device": "ids.device"},
}  # fmt: skip


def test_records_that_are_read_and_rules_on_them_name_things_by_the_codes_they_share(keep_of: KeepOf) -> None:
    keep = keep_of({"rules": [RULE]})
    keep.apply({"connections": [sharing(device="erp")]})
    keep.erp.put("machines", {"code": "press-7", "name": "Press 7", "owner": "C-1"})
    keep.world["mes"].put("machines", {"code": "press-7", "name": "7 号冲压机"})
    keep.sync("machines")
    keep.sync("machines", "mes")
    (erp,), (mes,) = keep.rows("machines").values(), keep.rows("machines", "mes").values()
    assert erp.gid == mes.gid
    with keep.house.gateway.reading() as conn:
        name = id_registry.golden(conn, erp.gid).fields["name"]
    assert (name.value, name.losers) == ("Press 7", ())
    keep.world["mes"].put("stops", {"id": "s-1", "machine": "press-7", "start": keep.house.clock.text()})
    keep.sync("stops", "mes")
    keep.sync("stops", "mes")
    (ticket,) = keep.house.tickets()
    assert (ticket.device, ticket.title) == (erp.gid, id_registry.format_id(erp.gid))
    keep.house.verify()


@pytest.mark.parametrize(
    ("codes", "thing", "hint"),
    [
        ({"item": "erq"}, "item", "erp"),
        ({"supplier": "mes"}, "supplier", "leave it out"),
        ({"device": "r"}, "device", "write 'crm'"),
    ],
)
def test_codes_that_lead_nowhere_are_refused(keep_of: KeepOf, codes: dict[str, str], thing: str, hint: str) -> None:
    keep = keep_of({})
    robot = {"id": "r", "connector": "robot", "codes": {"device": "crm"}}
    with pytest.raises(BadConfiguration) as refused:
        keep.apply({"connections": [robot, sharing(**codes)]})
    (problem,) = refused.value.problems
    assert problem.path == f"connections[1].codes.{thing}"
    assert hint in problem.hint


def test_codes_of_what_has_none_are_refused(build: Build) -> None:
    with pytest.raises(BadConfiguration) as refused:
        build({"connections": [sharing(colour="erp")]})
    assert refused.value.problems[0].path.startswith("connections[1].codes.colour")


def test_a_connection_whose_codes_another_uses_is_not_removed(keep: Keep) -> None:
    of_one_device(keep)
    gateway = keep.house.gateway
    with pytest.raises(BadConfiguration) as refused, gateway.transaction() as conn:
        store.remove(conn, "connection", "erp", gateway.catalogue, gateway.vault, keep.house.clock.now)
    assert "codes.item" in refused.value.problems[0].path
