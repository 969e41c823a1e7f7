"""The connector over a real line: whom it trusts, how long it waits, what of the environment it ignores."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pytest
import trustme
from urllib3.exceptions import InsecureRequestWarning

from connectors.contract import Ask, Command
from connectors.errors import Ambiguous, ConfigProblem, Transient
from connectors.salesforce import SalesforceConnector
from connectors.salesforce.config import Login
from connectors.salesforce.sandbox import Sandbox
from connectors.salesforce.sandbox_server import Server
from connectors.settings import parse_config
from tests.integration.salesforce.conftest import connector_of


@pytest.mark.parametrize("login", get_args(Login))
def test_every_login_reads_asks_and_writes(sandbox: Sandbox, server: Server, login: Login) -> None:
    connector = connector_of(sandbox, server, login)
    health = connector.check()
    assert health.ok, health.message
    assert {s.name: sum(len(b.records) for b in connector.read(s, None)) for s in connector.streams()} == {
        "accounts": 3, "contacts": 3, "cases": 3, "tasks": 6, "events": 3,
    }  # fmt: skip
    customer = next(iter(sandbox.state.tables["Account"]))
    assert connector.lookup(Ask("last_interactions", {"customer": customer}, 5)) is not None
    command = Command("1", "upsert_case", {"ticket": "TKT-2026-000001"}, {"Subject": "过热", "AccountId": customer})
    assert [connector.write(command).outcome, connector.write(command).outcome] == ["applied", "duplicate"]
    connector.close()


def test_a_certificate_of_somebody_else_is_not_trusted(sandbox: Sandbox, server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for ca_file in ("", str(other)):
        connector = connector_of(sandbox, server, ca_file=ca_file)
        with pytest.raises(ConfigProblem, match="not trusted") as told:
            list(connector.read(connector.streams()[0], None))
        assert "ca_file" in told.value.hint
        connector.close()
    assert sandbox.calls == []


def test_a_ca_file_that_is_none_is_a_problem_of_the_settings(sandbox: Sandbox, server: Server, tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing in it")
    for path in ("/nowhere/ca.pem", str(empty)):
        connector = connector_of(sandbox, server, ca_file=path)
        with pytest.raises(ConfigProblem, match="`ca_file`"):
            list(connector.read(connector.streams()[0], None))


def test_the_check_of_the_certificate_can_be_switched_off_which_is_told_aloud(sandbox: Sandbox, server: Server) -> None:
    connector = connector_of(sandbox, server, ca_file="", verify_tls=False)
    with pytest.warns(InsecureRequestWarning):
        assert connector.check().ok
    connector.close()


def test_nothing_of_the_environment_gets_between(
    sandbox: Sandbox, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    connector = connector_of(sandbox, server)
    assert connector.check().ok
    connector.close()


def test_a_host_that_takes_the_line_and_stays_silent_is_given_up(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        data = {"url": f"https://127.0.0.1:{silent.getsockname()[1]}", "timeout_s": 0.4, **sandbox.login("password")}
        config: Any = parse_config(SalesforceConnector, data)
        connector = SalesforceConnector(config)
        began = time.monotonic()
        with pytest.raises(Transient):
            connector.write(Command("1", "upsert_case", {"ticket": "TKT-1"}, {"Subject": "x"}))
        assert time.monotonic() - began < 3
        connector.close()


def test_nobody_at_home_is_transient_even_for_a_write(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    data = {"url": f"https://127.0.0.1:{port}", "timeout_s": 1, **sandbox.login("token")}
    config: Any = parse_config(SalesforceConnector, data)
    connector = SalesforceConnector(config)
    with pytest.raises(Transient, match="can't be reached"):
        connector.write(Command("1", "set_health", {"account_id": "001WF0000000001"}, {"score": 5}))
    connector.close()


def test_a_write_whose_answer_never_comes_is_confirmed_afterwards(
    sandbox: Sandbox, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox does what was asked and then keeps the line silent until the connector gives up."""
    connector = connector_of(sandbox, server, timeout_s=0.5)
    assert connector.check().ok
    done, handle = sandbox.handle, sandbox.handle

    def late(request: Any) -> Any:
        answer = handle(request)
        if request.method == "PATCH":
            _wait(lambda: gave_up)
        return answer

    gave_up: list[bool] = []
    monkeypatch.setattr(sandbox, "handle", late)
    command = Command("1", "upsert_case", {"ticket": "TKT-2026-000001"}, {"Subject": "过热"})
    with pytest.raises(Ambiguous):
        connector.write(command)
    gave_up.append(True)
    monkeypatch.setattr(sandbox, "handle", done)
    receipt = connector.confirm(command)
    connector.close()
    assert receipt is not None
    assert sum(row["Weft_Ticket__c"] is not None for row in sandbox.state.tables["Case"].values()) == 1


def _wait(until: Any, seconds: float = 5) -> None:
    import threading

    deadline = time.monotonic() + seconds
    while not until() and time.monotonic() < deadline:
        threading.Event().wait(0.02)


def test_the_stand_in_starts_from_the_command_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "connectors.salesforce.sandbox", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(8)]
        process.terminate()
    assert lines[0] == f"Salesforce stand-in: https://127.0.0.1:{port}"
    assert lines[1].startswith("ca_file: ")
    assert {line.partition(":")[0] for line in lines[2:]} == set(get_args(Login))
