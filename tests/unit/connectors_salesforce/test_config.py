"""The settings: exactly one login, an https address, columns that are columns."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import InvalidConfig
from connectors.salesforce import SalesforceConfig, SalesforceConnector
from connectors.settings import parse_config, safe_config

URL = "https://acme.my.salesforce.com"
USER = {"username": "weft@acme.com", "password": "a-long-password"}
APP = {"consumer_key": "3MVG9", "consumer_secret": "a-consumer-secret"}


def parsed(**data: Any) -> SalesforceConfig:
    config = parse_config(SalesforceConnector, {"url": URL, **data})
    assert isinstance(config, SalesforceConfig)
    return config


def refused(**data: Any) -> str:
    with pytest.raises(InvalidConfig) as refusal:
        parse_config(SalesforceConnector, {"url": URL, **data})
    return str(refusal.value)


@pytest.mark.parametrize(
    ("fields", "login"),
    [
        (USER | {"security_token": "Ab12"}, "password"),
        (USER, "password"),
        (USER | {"organization_id": "00D5g000004abcD"}, "organization"),
        (USER | APP, "oauth_password"),
        ({"username": "weft@acme.com", "consumer_key": "3MVG9", "private_key": "-----BEGIN"}, "jwt"),
        (APP, "client_credentials"),
        ({"token": "00D5g!AQ0AQ"}, "token"),
    ],
)
def test_the_credentials_given_say_which_login_it_is(fields: dict[str, Any], login: str) -> None:
    assert parsed(**fields).login == login


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"username": "weft@acme.com"},
        {"consumer_key": "3MVG9"},
        USER | {"token": "00D5g!AQ0AQ"},
        APP | {"private_key": "-----BEGIN", "username": "weft@acme.com"},
    ],
)
def test_half_a_login_or_two_are_refused_with_what_is_complete(fields: dict[str, Any]) -> None:
    said = refused(**fields)
    assert "no complete login" in said
    assert "`consumer_key` and `consumer_secret` alone" in said
    assert "a-long-password" not in said


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://acme.my.salesforce.com", "https"),
        ("acme.my.salesforce.com", "https"),
        ("https://me:secret@acme.my.salesforce.com", "no user and password"),
        ("https://acme.lightning.force.com", "My Domain"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, why: str) -> None:
    assert why in refused(**APP, url=url)


def test_a_copied_address_is_cut_to_its_host() -> None:
    assert parsed(**APP, url=" https://acme.my.salesforce.com/lightning/page/home ").url == URL


@pytest.mark.parametrize(
    "fields",
    [
        {"ticket_field": "Weft Ticket"},
        {"health_field": "Health_Score__c FROM User --"},
        {"extra_columns": {"account": ["Name, (SELECT Id FROM Contacts)"]}},
    ],
)
def test_a_column_that_is_none_never_gets_into_a_query(fields: dict[str, Any]) -> None:
    assert "is no column" in refused(**APP, **fields)


def test_an_object_that_is_not_read_has_no_extra_columns() -> None:
    assert "extra_columns.lead" in refused(**APP, extra_columns={"lead": ["Name"]})


def test_columns_are_shown_and_secrets_are_not() -> None:
    shown = safe_config(parsed(**USER, **APP))
    assert shown["extra_columns"]["account"] == ["Customer_No__c", "Credit_Code__c"]
    assert shown["consumer_key"] == "3MVG9"
    assert "a-long-password" not in str(shown)
    assert "a-consumer-secret" not in str(shown)
