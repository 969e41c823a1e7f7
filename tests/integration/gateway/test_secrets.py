"""Secrets are used everywhere and shown nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import MetaData, create_engine, select

from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.worker import Worker
from tests.acceptance.running_hub import eventually
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import open_api

SECRETS = {"token": "tok-7f3a9c51e0aa", "password": "pw-55c0ffee2b1d"}


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that was logged, whatever the level."""
    caplog.set_level(logging.DEBUG)

    def told() -> str:
        ours = [
            r.getMessage() for r in caplog.records if not r.name.startswith("httpx")
        ]  # the client is the test's own
        return "\n".join([*capsys.readouterr(), *ours])

    return told


def everything_stored(url: str, home: Path) -> str:
    """Every value of every table as text, and, of SQLite, the files as they lie on the disk."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as conn:
        rows = [repr(tuple(row)) for table in metadata.tables.values() for row in conn.execute(select(table))]
    engine.dispose()
    files = [p.read_bytes().decode("latin-1") for p in home.rglob("*") if p.is_file()]
    return "\n".join(rows + files)


def test_no_secret_is_in_a_log_an_answer_an_export_or_the_database(
    build: Build, logged: Callable[[], str], migrated_url: str, tmp_path: Path
) -> None:
    house = build(robot=SECRETS, start=False)
    answers: list[str] = []
    with open_api(house) as api:

        def ask(method: str, path: str, **more: Any) -> Any:
            answer = api.ask(method, path, **more)
            answers.append(answer.text + str(answer.headers))
            return answer

        right = {
            "authorization": f"Bearer {SECRETS['token']}",
            "x-api-key": SECRETS["password"],
            "cookie": SECRETS["token"],
        }
        for body in (
            orjson.dumps([house.alert("a", device="d")]),
            b"broken",
            orjson.dumps([house.alert("b", starts_at="x")]),
        ):
            answers.append(api.client.post("/v1/inbound/r", content=body, headers=right).text)
        answers.append(api.client.post(f"/v1/inbound/r/{SECRETS['token']}", content=b"[]").text)
        answers.append(api.client.post(f"/v1/inbound/nobody/{SECRETS['token']}", content=b"[]").text)
        connection = {"id": "r", "connector": "robot", "config": SECRETS}
        ask("PUT", "/v1/connections/r", json=connection)
        ask("PUT", "/v1/connections/r", json={**connection, "config": SECRETS | {"url": 7}})
        ask("PUT", "/v1/connections/r", json={**connection, "config": {"token": [SECRETS["token"]]}})
        ask("PUT", "/v1/connections/r", json={**connection, "config": {"passwort": SECRETS["password"]}})
        ask("POST", "/v1/connections", json={**connection, "id": "s", "connector": "robbot"})
        ticket = ask("GET", "/v1/tickets").json()["items"][0]["id"]
        ask("POST", f"/v1/tickets/{ticket}/resolve", json={"resolution": "done"})
        house.world.script.extend(["broken", "rejected"])
        worker = Worker(house.gateway)
        worker.start()
        eventually(lambda: all(c.state not in ("waiting", "sending") for c in house.commands()) and house.commands())
        eventually(lambda: ask("GET", f"/v1/tickets/{ticket}/context").json()["complete"])
        worker.close()
        for path in ("/v1/connections", "/v1/connections/r", "/v1/connectors", "/v1/dead-letters", f"/v1/tickets/{ticket}",
                     f"/v1/tickets/{ticket}/explain", f"/v1/tickets/{ticket}/lineage?field=title", "/v1/audit", "/metrics",
                     f"/v1/tickets/{ticket}/remote"):  # fmt: skip
            ask("GET", path)
        for letter in ask("GET", "/v1/dead-letters").json()["items"]:
            ask("GET", f"/v1/dead-letters/{letter['message_id']}")
            ask("POST", f"/v1/dead-letters/{letter['message_id']}/replay")
    told = "\n".join(answers) + logged()
    stored = everything_stored(migrated_url, tmp_path)
    assert "command.tried" in told
    for secret in SECRETS.values():
        assert secret not in told
        assert secret not in stored


def test_a_secret_can_be_read_by_its_own_key_only(build: Build, tmp_path: Path) -> None:
    build(robot=SECRETS, start=False)
    (tmp_path / "secret-key").unlink()
    with pytest.raises(BadConfiguration, match="another secret key"):
        build(start=False, robot={"token": "********"})


def test_a_hidden_secret_keeps_its_value_and_a_reference_is_shown_as_it_is(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBOT_PASSWORD", "from-the-environment")
    house = build(robot={"token": SECRETS["token"], "password": "env:ROBOT_PASSWORD"}, start=False)
    with open_api(house) as api:
        shown = api.ask("GET", "/v1/connections/r").json()
        assert shown["config"] == {"token": "********", "password": "env:ROBOT_PASSWORD"}
        api.ask("PUT", "/v1/connections/r", json={"connector": "robot", "config": shown["config"], "title": "new"})
        again = api.client.post("/v1/inbound/r", content=b"[]", headers={"authorization": f"Bearer {SECRETS['token']}"})
        assert again.status_code == 202


def test_a_connection_cannot_name_the_hubs_own_secret_files(house: House) -> None:
    own = house.gateway.settings.home / "secret-key"
    assert own.exists()
    document = {"connections": [{"id": "am", "connector": "prometheus", "config": {"webhook_token": f"file:{own}"}}]}
    with pytest.raises(BadConfiguration, match="the hub's own"):
        house.gateway.apply(documents.validate(document))


def test_a_hidden_secret_does_not_follow_to_another_address(house: House) -> None:
    config = {"url": "http://prometheus:9090", "webhook_token": "a-long-webhook-token"}
    connection = {"id": "am", "connector": "prometheus", "config": config}
    house.gateway.apply(documents.validate({"connections": [connection]}))
    hidden = config | {"webhook_token": "********"}
    house.gateway.apply(documents.validate({"connections": [connection | {"config": hidden}]}))  # the same address
    elsewhere = connection | {"config": hidden | {"url": "http://elsewhere:9090"}}
    with pytest.raises(BadConfiguration, match="address changed"):
        house.gateway.apply(documents.validate({"connections": [elsewhere]}))


def test_a_rule_cannot_decide_by_a_global_id(house: House) -> None:
    rule = {"id": "x", "on": "Alert", "when": "ids.device == 'DEV-2026-000001'", "suppress": "no"}
    with pytest.raises(BadConfiguration) as refused:
        house.gateway.apply(documents.validate({"rules": [rule]}))
    assert refused.value.problems[0].path == "rules[0].when"
