"""The stand-in on a port: stops that tick, its control surface, and its own honesty about the WSDL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from connectors.contract import Ask
from connectors.errors import Ambiguous, ConnectorError, Transient
from connectors.example_company import DEVICES
from connectors.mes import MesConfig, MesConnector
from connectors.mes.sandbox import KEY, Sandbox, Server, serve
from connectors.mes.sandbox_state import shift_start
from tests.unit.connectors_mes.conftest import Clock, records
from tests.unit.connectors_mes.test_operations import command


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture
def hub(server: Server) -> Iterator[MesConnector]:
    connector = MesConnector(MesConfig(url=server.typed_url, key=KEY, timeout_s=5))
    yield connector
    connector.close()


def control(server: Server, what: str, **given: str) -> httpx.Response:
    return httpx.post(f"{server.url}/sandbox/{what}", params=given, timeout=10, trust_env=False)


def test_it_serves_the_example_companys_machines(hub: MesConnector) -> None:
    assert {record["id"] for record in records(hub, "equipment")} == {device.id for device in DEVICES}


def test_a_machine_is_stopped_and_runs_again_over_http(server: Server, hub: MesConnector) -> None:
    stopped = control(server, "stop", device="press-7", reason="断料", minutes="20").json()

    answer = hub.lookup(Ask("downtime", {"device": "press-7"}, 5))
    assert answer is not None
    assert (answer.key, answer.values["reason"]) == (stopped["id"], "断料")
    assert answer.values["standing_s"] >= 20 * 60
    assert control(server, "state").json()["standing"][0]["equipmentId"] == "press-7"
    control(server, "run", device="press-7")
    again = hub.lookup(Ask("downtime", {"device": "press-7"}, 5))
    assert again is not None
    assert again.values["standing"] is False


def test_an_inspection_is_added_over_http(server: Server, hub: MesConnector) -> None:
    control(server, "inspect", item="SEAL-40", batch="L9", result="不合格", defects="5", supplier="V001")

    answer = hub.lookup(Ask("batch_quality", {"batch": "L9"}, 5))

    assert answer is not None
    assert (answer.values["supplier"], answer.values["defects"]) == ("V001", 5)


@pytest.mark.parametrize(
    ("what", "given", "status"),
    [
        ("fly", {}, 404),
        ("stop", {}, 400),
        ("stop", {"device": "no-such"}, 400),
        ("stop", {"device": "press-7", "minutes": "x"}, 400),
        ("lie", {"how": "nicely"}, 400),
        ("inspect", {"item": "x", "result": "y", "inspected": "z"}, 400),
    ],
)
def test_a_wrong_control_is_told(server: Server, what: str, given: dict[str, str], status: int) -> None:
    answer = control(server, what, **given)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_slow_reply_ends_in_time_and_leaves_a_write_in_doubt(server: Server) -> None:
    server.sandbox.slow_s = 3
    hub = MesConnector(MesConfig(url=server.typed_url, key=KEY, timeout_s=0.3))
    control(server, "lie", how="slow", times="2")
    began = time.monotonic()

    with pytest.raises(Transient):
        hub.lookup(Ask("downtime", {"device": "press-7"}, 5))
    with pytest.raises(Ambiguous):
        hub.write(command())

    assert time.monotonic() - began < 2.5
    hub.close()


@pytest.mark.parametrize(
    "how", ["truncated", "html", "html_500", "xxe", "bomb", "empty", "client_fault", "server_fault"]
)
def test_every_lie_over_a_real_line_is_a_typed_error_and_then_it_goes_on(
    server: Server, hub: MesConnector, how: str
) -> None:
    control(server, "lie", how=how)

    with pytest.raises(ConnectorError):
        records(hub, "equipment")
    assert records(hub, "equipment")


def test_its_wsdl_names_its_own_address(server: Server) -> None:
    for url in (server.typed_url, server.json_url):
        told = httpx.get(f"{url}?wsdl", timeout=10, trust_env=False).text

        assert told.count(f'location="{url}"') == 2
        assert "localhost" not in told


def test_many_callers_at_once_get_their_own_answers(server: Server, hub: MesConnector) -> None:
    found: dict[str, object] = {}

    def look(device: str) -> None:
        answer = hub.lookup(Ask("work_order", {"device": device}, 10))
        found[device] = answer.values["device"] if answer else None

    threads = [threading.Thread(target=look, args=(device.id,)) for device in DEVICES * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert found == {device.id: device.id for device in DEVICES}


def test_oee_falls_while_a_machine_stands(sandbox: Sandbox, clock: Clock) -> None:
    before = sandbox.state.period("press-7", clock() - timedelta(hours=1), clock())
    sandbox.state.stop("press-7")
    clock.move(hours=1)
    after = sandbox.state.period("press-7", clock() - timedelta(hours=1), clock())

    assert before["availability"] == 1
    assert (after["actualProductionTime"], after["oee"], after["quality"]) == (0, 0, None)


def test_a_shift_begins_at_the_plants_clock(clock: Clock) -> None:
    assert shift_start(clock()).isoformat() == "2026-11-22T00:00:00+00:00"
    clock.move(hours=2)
    assert shift_start(clock()).isoformat() == "2026-11-22T08:00:00+00:00"
