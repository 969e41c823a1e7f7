"""The connector against a SOAP server of another make, and a client of another make against the stand-in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Ask, Command, Outcome
from connectors.errors import Ambiguous
from connectors.mes import MesConfig, MesConnector
from connectors.mes.operations import REPORT
from connectors.mes.sandbox import KEY as SANDBOX_KEY
from connectors.mes.sandbox import Server
from mappings import load_library
from tests.real.soap import KEY, called
from tests.unit.connectors_mes.conftest import records

VERSIONS = {"1.1": "mes", "1.2": "mes12"}
_numbers = itertools.count(1)
Connect = Callable[..., MesConnector]


@pytest.fixture
def connect(peer: str) -> Iterator[Connect]:
    """connect(version, **settings) -> connector on npm's server, closed after the test."""
    with ExitStack() as stack:

        def make(version: str = "1.1", **changes: Any) -> MesConnector:
            settings = {"url": f"{peer}/{VERSIONS[version]}", "key": KEY, "soap_version": version, **changes}
            connector = MesConnector(MesConfig(**settings))
            stack.callback(connector.close)
            return connector

        yield make


def command(description: str = "换轴承 <6205> & 'seal'", device: str = "press-7") -> Command:
    body = {"order": "TKT-2026-000001", "description": description, "priority": "P1"}
    return Command(f"npm-{next(_numbers)}", REPORT, {"device": device}, body)


@pytest.mark.parametrize("version", VERSIONS)
def test_check_meets_npms_soap(connect: Connect, version: str) -> None:
    health = connect(version).check()

    assert health.ok, health.message
    assert health.remote_version.startswith("npm soap 1.")


def test_a_wrong_key_is_told(connect: Connect) -> None:
    health = connect(key="not-the-key-of-the-hub").check()

    assert not health.ok
    assert "credentials are refused" in health.message


def test_the_wsdl_that_it_serves_can_be_used(connect: Connect, peer: str) -> None:
    assert connect(wsdl=f"{peer}/mes?wsdl").check().ok


@pytest.mark.parametrize("version", VERSIONS)
def test_stops_of_one_moment_are_read_over_many_pages(connect: Connect, version: str) -> None:
    found = {record["id"]: record for record in records(connect(version, page_size=4), "downtime")}

    assert found.keys() == {f"S-{number:03d}" for number in range(25)}
    assert found["S-000"]["duration_s"] == Decimal("60.50")
    assert (found["S-024"]["ends_at"], found["S-024"]["reason"]) == (None, "主轴过热")
    assert found["S-000"]["starts_at"].tzinfo is UTC


def test_texts_arrive_as_they_were(connect: Connect) -> None:
    assert "机器 <press-7> & co" in {record["name"] for record in records(connect(), "equipment")}


@pytest.mark.parametrize("stream", ["equipment", "downtime", "oee", "inspections"])
def test_its_records_become_canonical_ones(connect: Connect, stream: str) -> None:
    made = load_library("mappings.mes")[f"mes_{stream}"]

    results = [made.run(record) for record in records(connect(), stream)]

    assert results
    assert not [result.dead for result in results if result.dead]


@pytest.mark.parametrize("version", VERSIONS)
def test_questions_are_answered(connect: Connect, version: str) -> None:
    connector, at = connect(version), datetime.now(UTC) - timedelta(hours=1)

    downtime = connector.lookup(Ask("downtime", {"device": "press-7"}, 10))
    oee = connector.lookup(Ask("oee_before_after", {"device": "press-7", "at": at}, 10))

    assert downtime is not None
    assert oee is not None
    assert (downtime.values["standing"], downtime.values["stops"]) == (True, 25)
    assert oee.values["before"]["availability"] == Decimal("0.9")
    assert oee.values["before"]["oee"] == Decimal("0.75")
    assert connector.lookup(Ask("downtime", {"device": "no-such"}, 10)) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_report_is_taken_once_and_found_by_its_request(connect: Connect, version: str) -> None:
    connector, sent = connect(version), command()

    assert connector.confirm(sent) is None
    first = connector.write(sent)
    again = connector.write(sent)
    found = connector.confirm(sent)

    assert (first.outcome, again.outcome) == (Outcome.applied, Outcome.duplicate)
    assert found is not None
    assert first.external_id == again.external_id == found.external_id
    order = next(record for record in records(connector, "work_orders") if record["id"] == first.external_id)
    assert order["description"] == sent.body["description"]
    assert order["request"] == sent.idempotency_key


@pytest.mark.parametrize("version", VERSIONS)
def test_its_faults_say_who_is_to_blame(connect: Connect, version: str) -> None:
    connector = connect(version)

    refused = connector.write(command(device="no-such"))
    with pytest.raises(Ambiguous, match="database is gone"):
        connector.write(command("crash"))

    assert refused.outcome is Outcome.rejected
    assert "NotFound" in refused.reason


# -- npm's client and the stand-in ----------------------------------------------------------------------------------------


def test_npms_client_reads_the_stand_ins_typed_service(server: Server, node_folder: Path) -> None:
    asked = {"equipmentId": "press-7", "pageIndex": 1, "pageSize": 2}
    told = called(node_folder, f"{server.typed_url}?wsdl", SANDBOX_KEY, "GetDowntimeEvents", asked)["result"]

    assert told["total"] == 3
    assert [row["equipmentId"] for row in told["row"]] == ["press-7", "press-7"]
    assert told["row"][0]["planned"] is True


def test_npms_client_reads_the_stand_ins_json_service(server: Server, node_folder: Path) -> None:
    told = called(node_folder, f"{server.json_url}?wsdl", SANDBOX_KEY, "GetVersion", {})["result"]

    assert '"Version": "4.2.1"' in told["GetVersionResult"]


def test_npms_client_gets_the_stand_ins_fault(server: Server, node_folder: Path) -> None:
    told = called(node_folder, f"{server.typed_url}?wsdl", "a-wrong-key", "GetServiceInfo", {})["fault"]

    assert told["faultcode"] == "soap:Client.Authentication"
