"""The settings of a MES connection."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import InvalidConfig
from connectors.mes import MesConfig, MesConnector
from connectors.settings import parse_config


def config(**changes: Any) -> MesConfig:
    made = parse_config(MesConnector, {"url": "https://mes.example.test/mes", **changes})
    assert isinstance(made, MesConfig)
    return made


def problem(**changes: Any) -> str:
    with pytest.raises(InvalidConfig) as refusal:
        config(**changes)
    return str(refusal.value)


def test_an_address_is_enough() -> None:
    assert config().call("downtime").operation == "GetDowntimeEvents"
    assert config().wsdl_location.endswith("wsdl/typed.wsdl")


@pytest.mark.parametrize("url", ["mes.example.test", "ftp://x/y", "https://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert "url" in problem(url=url)


def test_an_address_with_a_password_is_refused_and_its_wsdl_query_is_dropped() -> None:
    assert "`username` and `password`" in problem(url="https://hub:secret-of-hub@mes.example.test/mes")
    assert config(url="https://mes.example.test/mes?wsdl").url == "https://mes.example.test/mes"


def test_a_user_name_needs_a_password() -> None:
    assert "both `username` and `password`" in problem(username="hub")


def test_a_placeholder_that_a_call_does_not_have_is_refused_with_those_it_has() -> None:
    told = problem(calls={"downtime": {"arguments": {"a": "{batch}"}}})

    assert "calls.downtime: there is no {batch} here; there are {since}, {until}, {page}, {page_size}" in told


def test_an_unknown_call_and_an_unknown_field_of_one_are_refused() -> None:
    assert "calls" in problem(calls={"downtimes": {}})
    assert "did you mean 'operation'" in problem(calls={"downtime": {"operatoin": "x"}})


def test_the_key_goes_where_the_system_wants_it() -> None:
    header = config(key="k-of-the-hub").caller
    soap = config(key="k-of-the-hub", key_place="soap_header", key_name="{urn:x/y}Auth/Key").caller
    argument = config(key="k-of-the-hub", key_place="argument", key_name="apiKey").caller

    assert header.http == {"X-Api-Key": "k-of-the-hub"}
    assert soap.headers == {"{urn:x/y}Auth": {"Key": "k-of-the-hub"}}
    assert (argument.http, argument.headers) == ({}, {})


def test_an_account_can_be_shown_in_the_soap_header() -> None:
    account = {"username": "hub", "password": "hub-password"}

    assert config(**account).caller.basic == ("hub", "hub-password")
    assert config(**account, login="wsse").caller.wsse == ("hub", "hub-password")
    assert config(**account, login="wsse_digest").caller.digest


def test_percent_and_time_format_follow_the_style_unless_said_otherwise() -> None:
    assert not config().percent
    assert config(style="json").percent
    assert not config(style="json", oee_as="ratio").percent
    assert config(style="json").form.time_format == "%Y-%m-%d %H:%M:%S"
    assert config(style="json", time_format="").form.time_format == ""


def test_a_link_for_people_names_kind_and_key() -> None:
    assert (
        config(web_url="https://ui.test/{kind}?no={key}").link("work_order", "WO 1/2")
        == "https://ui.test/work_order?no=WO%201%2F2"
    )
    assert config().link("downtime", "x") == "https://mes.example.test/mes"


def test_a_service_without_a_call_offers_neither_stream_nor_question_nor_operation() -> None:
    without = {name: {"operation": ""} for name in ("oee", "work_orders_of", "report", "inspections_of_batch")}
    connector = MesConnector(config(calls=without))

    assert [stream.name for stream in connector.streams()] == ["equipment", "downtime", "work_orders", "inspections"]
    assert [question.name for question in connector.questions()] == ["downtime", "oee_before_after", "quality"]
    assert connector.operations() == ()
