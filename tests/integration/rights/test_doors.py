"""The other ways out: the command line, exports, systems that are written to, messages to people, OpenLineage."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

import id_registry
from gateway import announcing
from gateway.cli import inspection, reading
from gateway.cli.root import app
from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.rights import visible
from tests.integration.rights.house import ADDRESS, DIGITS, EMAIL, SPELLINGS, Company, assert_safe


@pytest.fixture
def weft(shared: Company, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`weft` over the test's own hub; answers what it prints, whatever its exit code."""

    @contextmanager
    def here(**_: Any) -> Iterator[Any]:
        yield shared.house.gateway

    for module in (inspection, reading):
        monkeypatch.setattr(module, "gateway", here)

    def run(*words: str, refused: bool = False) -> str:
        done = CliRunner().invoke(app, list(words), env={"COLUMNS": "300"})
        assert (done.exception is None) != refused, done.exception
        return done.output + str(done.exception or "")

    return run


@pytest.mark.parametrize("words", [("explain",), ("history",), ("lineage", "show", "labels"), ("lineage", "show", "title"),
                                   ("lineage", "impact", "title")], ids=" ".join)  # fmt: skip
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_command_shows_what_the_person_sees(
    shared: Company, weft: Callable[..., str], words: tuple[str, ...], form: tuple[str, ...]
) -> None:
    words = (*words[:2], shared.ticket, words[2]) if words[0] == "lineage" else (*words, shared.ticket)
    mine = weft(*words, *form, "--as", "li.na")
    assert_safe(mine)
    assert len(mine) > 50
    if words[:2] != ("lineage", "impact"):
        assert any(spelling in weft(*words, *form) for spelling in SPELLINGS)


def test_the_lineage_of_a_hidden_field_is_refused_with_the_reason(shared: Company, weft: Callable[..., str]) -> None:
    told = weft("lineage", "show", shared.ticket, "context.crm.contacts.phone", "--as", "li.na", refused=True)
    assert "role technician may not see" in told
    assert_safe(told)


def test_who_does_not_see_a_ticket_has_no_command_for_it(shared: Company, weft: Callable[..., str]) -> None:
    told = weft("explain", shared.ticket, "--as", "wang.wu", refused=True)
    assert "press-7" not in told
    assert "roster has no person" in weft("explain", shared.ticket, "--as", "nobody", refused=True)


def test_an_export_holds_only_what_the_person_sees(shared: Company, weft: Callable[..., str]) -> None:
    mine = weft("tickets", "--as", "li.na")
    assert_safe(mine)
    (row,) = csv.DictReader(io.StringIO(mine))
    assert (row["id"], row["device"], row["assignee"]) == (shared.ticket, shared.device, "li.na")
    assert "press-7" in row["description"]
    lines = weft("tickets", "--format", "json", "--as", "li.na").splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == [shared.ticket]
    assert_safe("\n".join(lines))
    assert len(list(csv.DictReader(io.StringIO(weft("tickets"))))) == 2
    assert list(csv.DictReader(io.StringIO(weft("tickets", "--q", "138", "--as", "li.na")))) == []
    assert list(csv.DictReader(io.StringIO(weft("tickets", "--as", "wang.wu")))) == []


def test_why_names_each_field_and_action_with_its_line(shared: Company, weft: Callable[..., str]) -> None:
    told = orjson.loads(weft("rights", "why", "li.na", shared.ticket, "--json"))
    found = {f["path"]: f for f in told["fields"]}
    assert found["title"]["level"] == "full"
    assert found["customer.phone"]["why"].startswith(
        "hidden: role technician may not see customer.phone (policy rights"
    )
    line = int(found["customer.phone"]["why"].rpartition("line ")[2].rstrip(")"))
    shown = weft("rights", "show").splitlines()
    assert shown[line - 1].split() == [str(line), "-", "customer.phone"]
    assert {a["action"]: a["may"] for a in told["actions"]}["start"] is True


BRIDGE = {"id": "told", "on": "ticket.commented", "op": "say", "key": {"object": "alert.key"},
          "body": {"text": "event.message", "title": "ticket.title", "about": "alert.description",
                   "phone": "alert.labels.contact_phone", "device": "alert.device", "labels": "alert.labels"}}  # fmt: skip


def _written(company: Company) -> list[str]:
    """What a comment made the bridge write."""
    company.house.work()
    company.house.world.written.clear()
    company.set(url=f"https://example.test/{company.house.clock.forward(1)}")
    said = {"text": f"客户 {SPELLINGS[1]} 在 {ADDRESS}，{EMAIL}"}
    company.ask(None, "POST", f"/v1/tickets/{company.ticket}/comment", json=said)
    company.house.work()
    return [orjson.dumps(body).decode() for _, body in company.house.world.written if "device" in body]


@pytest.mark.parametrize("place", ["bridge", "connection"])
def test_what_goes_out_as_a_role_is_cut_down_to_it(company: Company, place: str) -> None:
    off = {"id": "robot-say", "on": "ticket.commented", "op": "say", "enabled": False}
    company.house.gateway.apply(documents.validate({"bridges": [BRIDGE, off]}))
    (everything,) = _written(company)
    assert DIGITS in everything or SPELLINGS[1] in everything
    if place == "bridge":
        given: dict[str, Any] = {"bridges": [{**BRIDGE, "as_role": "partner"}]}
    else:
        given = {"connections": [{"id": "r", "connector": "robot", "as_role": "partner"}]}
    company.house.gateway.apply(documents.validate(given))
    (told,) = _written(company)
    assert_safe(told)
    assert "press-7" in told
    assert "主轴过热" in told


def test_a_role_that_is_not_there_is_refused_when_it_is_saved(company: Company) -> None:
    with pytest.raises(BadConfiguration) as refused:
        company.house.gateway.apply(documents.validate({"bridges": [{**BRIDGE, "as_role": "partne"}]}))
    (problem,) = refused.value.problems
    assert problem.path == "bridges[0].as_role"
    assert "partner" in problem.hint


def test_a_message_says_what_its_reader_may_read(shared: Company) -> None:
    gateway, number = shared.house.gateway, id_registry.parse_id(shared.ticket)
    values = {"id": shared.ticket, "title": f"主轴 {SPELLINGS[0]}", "told.text": f"请回电 {SPELLINGS[3]}",
              "snapshot.crm.contacts.phone": DIGITS, "snapshot.mes.downtime.device": "press-7"}  # fmt: skip
    with gateway.reading() as conn:
        told = visible(conn, gateway.hub, values, "li.na", number)
        lead = visible(conn, gateway.hub, values, "zhao.liu", number)
    assert_safe(orjson.dumps(told).decode())
    assert told.keys() == {"id", "title", "told.text", "snapshot.mes.downtime.device"}
    assert lead == values


def test_openlineage_tells_of_fields_and_never_of_their_values(company: Company, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    emitter = announcing.emitter_of(f"file://{file}") if not file.exists() else None
    assert emitter is not None
    company.house.clock.forward(60)
    announcing.announce(company.house.gateway, company.house.gateway.hub, emitter)
    told = file.read_text()
    assert "columnLineage" in told
    assert_safe(told)


def test_the_overview_counts_only_what_one_sees(company: Company) -> None:
    assert company.ask(None, "POST", "/v1/tickets", json={"title": "not hers"}).status_code == 201
    seen, everybody = (company.ask(who, "GET", "/v1/overview").json() for who in ("li.na", None))
    listed = company.ask("li.na", "GET", "/v1/tickets?open=true&limit=500").json()["items"]
    assert seen["tickets"]["open"] == len(listed) < everybody["tickets"]["open"]
    assert sum(group["open"] for group in seen["tickets"]["by_group"]) == len(listed)
    assert (seen["flow"], seen["connections"], seen["syncs"], seen["dead_letters"]) == (None, None, None, None)
    assert_safe(str(seen))
