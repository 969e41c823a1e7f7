"""Setting Zabbix up, again and again, on every version; and what the account is told it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import AuthProblem, ConfigProblem
from connectors.zabbix import Administrator, InstallReport
from connectors.zabbix.install import covers
from connectors.zabbix.sandbox import Sandbox
from connectors.zabbix.webhook import PARAMETERS
from tests.unit.connectors_zabbix.conftest import ADMIN, HUB, VERSIONS, Connect

every_version = pytest.mark.parametrize("sandbox", VERSIONS, indirect=True)


def done(report: InstallReport) -> list[str]:
    return [step.done for step in report.steps]


@every_version
def test_it_makes_what_is_missing_and_leaves_alone_what_is_right(
    sandbox: Sandbox, connect: Connect, press: Any
) -> None:
    first = connect().install(HUB, administrator=ADMIN)
    assert done(first) == ["created"] * 4
    assert [step.kind for step in first.steps] == ["media type", "user group", "user", "action"]
    changes = sandbox.state.changes
    assert done(connect().install(HUB, administrator=ADMIN)) == ["unchanged"] * 4
    assert sandbox.state.changes == changes


@every_version
def test_it_repairs_what_somebody_changed(sandbox: Sandbox, connect: Connect, press: Any) -> None:
    connect().install(HUB, administrator=ADMIN)
    tables = sandbox.state.tables
    next(iter(tables["mediatype"].values()))["script"] = "return 1;"
    next(iter(tables["action"].values()))["update_operations"] = []
    tables["user"][max(tables["user"])]["timezone"] = "Asia/Shanghai"
    assert done(connect().install(HUB, administrator=ADMIN)) == ["updated", "unchanged", "updated", "updated"]
    assert done(connect().install(HUB, administrator=ADMIN)) == ["unchanged"] * 4


@every_version
def test_a_new_host_group_becomes_readable_at_the_next_install(sandbox: Sandbox, connect: Connect, press: Any) -> None:
    connect().install(HUB, administrator=ADMIN)
    new = sandbox.state.group("Presses")["groupid"]
    assert done(connect().install(HUB, administrator=ADMIN)) == ["unchanged", "updated", "unchanged", "unchanged"]
    group = next(iter(sandbox.state.tables["usergroup"].values()))
    assert {"id": new, "permission": "2"} in group["hostgroup_rights" if sandbox.state.version > "6.2" else "rights"]


def test_the_media_type_carries_the_script_the_parameters_and_one_proof(
    sandbox: Sandbox, connect: Connect, press: Any
) -> None:
    connect(webhook_token=None, webhook_secret="s" * 20).install(HUB, administrator=ADMIN)
    media_type = next(iter(sandbox.state.tables["mediatype"].values()))
    params = {p["name"]: p["value"] for p in media_type["parameters"]}
    assert params == {**PARAMETERS, "url": HUB, "token": "", "secret": "s" * 20, "http_proxy": ""}
    assert "new HttpRequest()" in media_type["script"]


def test_the_settings_filter_becomes_the_actions_conditions(sandbox: Sandbox, connect: Connect, press: Any) -> None:
    connect(min_severity="average", host_groups=["Linux servers"]).install(HUB, administrator=ADMIN)
    action = next(iter(sandbox.state.tables["action"].values()))
    group = sandbox.state.group("Linux servers")["groupid"]
    assert [(c["conditiontype"], c["value"]) for c in action["filter"]["conditions"]] == [("4", "3"), ("0", group)]
    assert done(connect().install(HUB, administrator=ADMIN)) == ["unchanged", "unchanged", "unchanged", "updated"]


def test_the_user_of_the_webhook_is_another_than_the_hubs_account(sandbox: Sandbox, connect: Connect) -> None:
    user = connect().install(HUB, administrator=ADMIN).steps[2]
    assert (user.name, user.id != sandbox.hub.userid) == ("weft-zbx-main", True)
    with pytest.raises(ConfigProblem, match="must not be 'weft-zbx-main'"):
        connect(token=None, username="weft-zbx-main", password="p").install(HUB, administrator=ADMIN)


def test_a_hub_that_moved_is_told_so(connect: Connect) -> None:
    connect().install("http://old.example.test/v1/inbound/zbx-main", administrator=ADMIN)
    report = connect().install(HUB, administrator=ADMIN)
    assert report.steps[0].done == "updated"
    assert "http://old.example.test/v1/inbound/zbx-main until now" in report.warnings[0]


def test_uninstalling_takes_away_only_its_own(sandbox: Sandbox, connect: Connect) -> None:
    other = HUB.replace("main", "other")
    connect().install(HUB, administrator=ADMIN)
    connect().install(other, administrator=ADMIN)
    assert done(connect().uninstall(HUB, administrator=ADMIN)) == ["deleted"] * 4
    assert [a["name"] for a in sandbox.state.tables["action"].values()] == ["Send problems to Weft zbx-other"]
    assert done(connect().uninstall(HUB, administrator=ADMIN)) == ["absent"] * 4


def test_without_a_super_administrator_it_says_what_it_needs(sandbox: Sandbox, connect: Connect) -> None:
    with pytest.raises(AuthProblem, match="Installing needs a super administrator"):
        connect().install(HUB)
    with pytest.raises(AuthProblem, match="Uninstalling needs a super administrator"):
        connect().uninstall(HUB)
    assert sandbox.state.changes == 0
    sandbox.hub.kind = 3
    assert done(connect().install(HUB)) == ["created"] * 4


def test_without_a_secret_for_its_messages_nothing_is_installed(connect: Connect) -> None:
    with pytest.raises(ConfigProblem, match="`webhook_token` or `webhook_secret`"):
        connect(webhook_token=None).install(HUB, administrator=ADMIN)


@pytest.mark.parametrize("address", ["hub", "https://hub.example.test", "ftp://hub/v1/inbound/x", ""])
def test_the_address_must_be_an_inbound_endpoint(connect: Connect, address: str) -> None:
    with pytest.raises(ConfigProblem, match="hub_url"):
        connect().install(address, administrator=ADMIN)


def test_the_objects_are_named_after_the_connection_and_nothing_behind_it(connect: Connect) -> None:
    report = connect().install(f"{HUB}/a-path-token", administrator=ADMIN)
    assert [s.name for s in report.steps] == [s.name for s in connect().install(HUB, administrator=ADMIN).steps]


def test_an_administrator_is_a_token_or_a_login() -> None:
    wrongs: list[dict[str, Any]] = [{}, {"token": "t", "username": "Admin"}]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            Administrator(**wrong)


def test_what_is_as_wanted_is_seen_through_zabbixs_texts_and_extras() -> None:
    found = {"a": "1", "b": [{"x": "2", "id": "9"}, {"x": "1", "id": "8"}], "c": "line\r\nline", "d": "more"}
    assert covers(found, {"a": 1, "b": [{"x": 1}, {"x": 2}], "c": "line\nline"})
    assert not covers(found, {"b": [{"x": 1}]})
    assert not covers(found, {"b": [{"x": 1}, {"x": 1}]})
    assert not covers(found, {"e": 1})


# -- check() ----------------------------------------------------------------------------------------------------------


@every_version
def test_all_is_well_when_every_right_is_there(sandbox: Sandbox, connect: Connect, press: Any) -> None:
    health = connect().check()
    assert (health.ok, health.remote_version, health.missing_rights) == (True, sandbox.state.version, ())
    assert sandbox.state.changes == 0


@pytest.mark.parametrize(
    ("lack", "grant_at"),
    [
        ("host.get", "Access to API"),
        ("history.get", "Access to API"),
        ("problem.get", "Access to API"),
        ("event.acknowledge", "Access to API"),
        ("close problems", "Access to actions"),
        ("add problem comments", "Access to actions"),
        ("change problem severity", "Access to actions"),
        ("suppress problems", "Access to actions"),
    ],
)
def test_each_missing_right_is_named_with_the_place_to_grant_it(
    sandbox: Sandbox, connect: Connect, press: Any, lack: str, grant_at: str
) -> None:
    sandbox.hub.denied = {lack}
    health = connect().check()
    assert not health.ok
    (missing,) = health.missing_rights
    assert grant_at in missing.grant_at
    assert missing.needed_for


def test_hosts_that_can_only_be_read_are_counted(sandbox: Sandbox, connect: Connect, press: Any) -> None:
    sandbox.hub.writable = False
    (missing,) = connect().check().missing_rights
    assert missing.right == "Read-write on host groups"
    assert "1 of 1 hosts" in missing.needed_for


def test_an_account_that_sees_no_host_is_told_so(connect: Connect) -> None:
    (missing,) = connect().check().missing_rights
    assert missing.right == "Read on host groups"


def test_a_wrong_login_is_told_in_words(connect: Connect) -> None:
    health = connect(token=None, username="hub", password="wrong").check()
    assert not health.ok
    assert "Incorrect user name or password" in health.message
    assert health.remote_version == "7.0.0"


def test_an_unknown_host_group_is_found_by_the_check(connect: Connect, press: Any) -> None:
    health = connect(host_groups=["Nowhere"]).check()
    assert not health.ok
    assert "'Nowhere'" in health.message
