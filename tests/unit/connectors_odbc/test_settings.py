"""Connection strings: what each driver wants to hear, and where the password may stand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.odbc import OdbcSettings, load
from connectors.settings import safe_config, secret_values

PASSWORD = "p;w}d=1 2 3 4 5"


def settings(**changes: Any) -> OdbcSettings:
    return OdbcSettings.model_validate({"server": "10.0.0.20", "username": "weft", "password": PASSWORD, **changes})


def words(text: str) -> dict[str, str]:
    """The parts of a connection string, outside braces."""
    found, rest = {}, text
    while rest:
        key, _, rest = rest.partition("=")
        if rest.startswith("{"):
            end = 1
            while rest[end] != "}" or rest[end : end + 2] == "}}":
                end += 2 if rest[end : end + 2] == "}}" else 1
            value, rest = rest[1:end].replace("}}", "}"), rest[end + 1 :].removeprefix(";")
        else:
            value, _, rest = rest.partition(";")
        found[key] = value
    return found


def test_microsofts_driver_is_found_in_its_python_package() -> None:
    pytest.importorskip("mssql_python_odbc")
    told = words(settings(port=1444).connection_text("UFDATA_001_2026"))
    assert "libmsodbcsql-18" in told.pop("DRIVER")
    assert told == {
        "SERVER": "10.0.0.20,1444", "DATABASE": "UFDATA_001_2026", "UID": "weft", "PWD": PASSWORD, "APP": "Weft",
        "Encrypt": "yes", "TrustServerCertificate": "no",
    }  # fmt: skip


def test_freetds_is_told_protocol_and_character_set() -> None:
    told = words(settings(driver="FreeTDS", trust_server_certificate=True).connection_text("u8"))
    assert (told["DRIVER"], told["PORT"], told["TDS_Version"], told["ClientCharset"]) == (
        "FreeTDS",
        "1433",
        "7.4",
        "UTF-8",
    )
    assert told["Encryption"] == "require"


def test_a_named_instance_has_no_usual_port() -> None:
    assert "PORT" not in words(settings(driver="FreeTDS", server="db\\U8").connection_text("u8"))
    assert (
        words(settings(driver="ODBC Driver 17 for SQL Server", server="db\\U8").connection_text())["SERVER"] == "db\\U8"
    )


def test_encryption_can_be_switched_off() -> None:
    assert words(settings(driver="ODBC Driver 18 for SQL Server", encrypt=False).connection_text())["Encrypt"] == "no"
    assert words(settings(driver="FreeTDS", encrypt=False).connection_text())["Encryption"] == "off"


def test_a_connection_string_of_ones_own_gets_login_and_database() -> None:
    told = settings(server="", connection_string="DSN=u8;Database=old;APP=Mine;").connection_text("UFSystem")
    assert words(told) == {"DSN": "u8", "APP": "Mine", "DATABASE": "UFSystem", "UID": "weft", "PWD": PASSWORD}


@pytest.mark.parametrize("text", ["DSN=u8;PWD=x", "DSN=u8; Password = x", "DSN=u8;AccessToken=abc", "pwd=x"])
def test_a_password_in_the_connection_string_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="put it into `password`"):
        settings(connection_string=text)


def test_without_server_and_connection_string_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="`server`"):
        settings(server="")


def test_the_password_is_a_secret_and_the_connection_string_is_not() -> None:
    config = settings(connection_string="DSN=u8")
    assert secret_values(config) == {PASSWORD}
    assert safe_config(config)["connection_string"] == "DSN=u8"


@pytest.mark.parametrize(
    ("driver", "style"),
    [
        ("microsoft", "microsoft"),
        ("ODBC Driver 17 for SQL Server", "microsoft"),
        ("/opt/x/libmsodbcsql-18.3.so.1.1", "microsoft"),
        ("/usr/lib/odbc/libtdsodbc.so", "freetds"),
        ("PostgreSQL Unicode", "postgresql"),
        ("SQLite3", "sqlite"),
        ("Oracle 19", ""),
    ],
)
def test_a_driver_is_known_by_name_or_path(driver: str, style: str) -> None:
    assert settings(driver=driver).style == style
    assert settings(connection_string=f"DRIVER={{{driver}}};SERVER=tds.example.com").style == style


def test_pools_of_the_driver_manager_are_off() -> None:
    assert load().pooling is False
