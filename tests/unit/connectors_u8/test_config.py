"""The settings, and what is said when they do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import InvalidConfig
from connectors.settings import parse_config, safe_config
from connectors.u8 import U8Config, U8Connector

OPENAPI = {
    "requisitions": "openapi", "from_account": "me", "to_account": "them", "app_key": "key-0123456789",
    "app_secret": "secret-0123456789",
}  # fmt: skip


def config(**changes: Any) -> U8Config:
    found: Any = parse_config(U8Connector, {"server": "10.0.0.20", "account": "001", **changes})
    return found  # type: ignore[no-any-return]


def test_server_and_account_are_enough() -> None:
    told = config()
    assert (told.requisitions, told.driver, told.timezone) == ("off", "microsoft", "Asia/Shanghai")
    assert U8Connector(told).operations() == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": "1"}, "three digits, such as 001"),
        ({"account": ""}, "`account`, the account set's number, or the name of its `database`"),
        ({"timezone": "Peking"}, "no time zone 'Peking'"),
        ({"available": "iQuantity * 2"}, "columns of CurrentStock with \\+ and - between them"),
        ({"available": "iQuantity; DROP TABLE x"}, "columns of CurrentStock"),
        ({"portal_url": "ftp://x/{code}"}, "must be a web address"),
        ({"portal_url": "https://x/{item}"}, "knows only {code}, {database}, {object}"),
        ({"number_format": "QG{year}"}, "must contain {serial}"),
        ({"number_format": "{serial:zz}"}, "can't be filled in"),
        ({"number_format": "{serial}{day}"}, "not \\['day'\\]"),
        ({"marker_field": "cMaker"}, "must be a text field of the head"),
        ({"openapi_url": "api.yonyouup.com"}, "must be an address such as https://api.yonyouup.com"),
        ({"requisitions": "openapi"}, "needs `from_account`, `to_account`, `app_key`, `app_secret`"),
        ({"page_size": 5000}, "less than or equal to 2000"),
    ],
)
def test_what_does_not_fit_is_said_with_what_to_write_instead(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidConfig, match=said):
        config(**changes)


def test_secrets_are_not_shown() -> None:
    shown = safe_config(config(**OPENAPI, password="geheim-geheim"))
    assert "0123456789" not in str(shown)
    assert "geheim" not in str(shown)


def test_a_link_is_filled_in_and_quoted() -> None:
    told = config(portal_url="https://u8.example.com/{object}?c={code}&d={database}")
    assert told.link("UFDATA_001_2026", "inventory", "A/B 轴") == (
        "https://u8.example.com/inventory?c=A%2FB%20%E8%BD%B4&d=UFDATA_001_2026"
    )
    assert config().link("d", "inventory", "x") == ""


@pytest.mark.parametrize(
    ("changes", "namespace"),
    [
        ({}, "u8://10.0.0.20/001"),
        ({"port": 1444}, "u8://10.0.0.20:1444/001"),
        ({"server": "db\\U8"}, "u8://db.U8/001"),
        ({"account": "", "database": "UFDATA_002_2026"}, "u8://10.0.0.20/UFDATA_002_2026"),
        ({"server": "", "connection_string": "DSN=u8"}, "u8://odbc/001"),
    ],
)
def test_the_namespace_names_server_and_account_set(changes: dict[str, Any], namespace: str) -> None:
    assert U8Connector(config(**changes)).namespace == namespace
