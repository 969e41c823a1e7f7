"""Where a database is: URLs without secrets, drivers that are not there, what errors mean."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import exc

from connectors.database_url import address, checked, meaning
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, Transient
from connectors.manifest import connector_of
from connectors.odbc import Constraint, MissingObject, OdbcSettings
from connectors.settings import parse_config, safe_config, secret_values
from connectors.sql import SqlConfig, SqlConnector
from connectors.sql.kind import KIND

STREAM = {"streams": {"orders": {"table": "orders", "key": "id"}}}
SETTINGS = OdbcSettings(server="db", username="hub", password=SecretStr("hub-password-01"))


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({}, "give `url`, `server`, or a whole `connection_string`"),
        ({"url": "postgresql://u:p@h/db"}, "no user and password"),
        ({"url": "postgresql://u@h/db"}, "no user and password"),
        ({"url": "mssql+pyodbc:///?odbc_connect=x&password=y"}, "no secret such as 'password'"),
        ({"url": "not a url"}, "write it as"),
        ({"url": "sqlite:////x.db", "server": "db"}, "not both"),
        ({"connection_string": "DSN=x;PWD=secret"}, "must hold no password"),
    ],
)
def test_a_place_that_cannot_be_is_refused(place: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SqlConfig.model_validate({**place, **STREAM})


def test_the_password_is_shown_nowhere() -> None:
    config = SqlConfig.model_validate({"url": "postgresql+psycopg://h/db", "password": "hub-password-01", **STREAM})
    assert secret_values(config) == {"hub-password-01"}
    assert "hub-password-01" not in str(safe_config(config)) + repr(SqlConnector(config)) + repr(config)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql+psycopg://db:5432/plant", "postgresql://db:5432/plant"),
        ("sqlite:////data/x.db", "sqlite://localhost/data/x.db"),
        ("oracle+oracledb://db:1521/?service_name=ERP", "oracle://db:1521/"),
    ],
)
def test_the_namespace_names_the_database_and_not_its_driver(url: str, told: str) -> None:
    assert address(checked(url)) == told


def test_the_namespace_by_odbc_is_the_same_as_by_url() -> None:
    place = {"driver": "postgresql", "server": "db", "port": 5432, "database": "plant"}
    assert SqlConnector(SqlConfig.model_validate({**place, **STREAM})).namespace == "postgresql://db:5432/plant"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuchdb://h/db", "no such kind of database"),
        ("mysql+pymysql://h/db", "driver is missing"),
        ("sqlite:////nowhere/at/all/x.db", "can't be opened"),
    ],
)
def test_a_database_that_cannot_be_opened_is_told(url: str, told: str) -> None:
    connector = SqlConnector(SqlConfig.model_validate({"url": url, **STREAM}))
    with pytest.raises(ConfigProblem, match=told):
        connector.check()


def test_a_server_that_is_not_there_is_a_passing_failure() -> None:
    config = {"url": "postgresql+psycopg://127.0.0.1:1/db", "username": "hub", "password": "hub-password-01", **STREAM}
    with pytest.raises(Transient) as failure:
        SqlConnector(SqlConfig.model_validate(config)).check()
    assert "hub-password-01" not in str(failure.value)


class _Mysql(Exception):
    """As pymysql's errors are."""


_Mysql.__module__ = "pymysql.err"


@pytest.mark.parametrize(
    ("error", "in_doubt", "kind"),
    [
        (_Mysql(1045, "Access denied for user 'hub'"), False, AuthProblem),
        (_Mysql(1146, "Table 'plant.orders' doesn't exist"), False, MissingObject),
        (_Mysql(1062, "Duplicate entry 'x' for key 'PRIMARY'"), False, Constraint),
        (_Mysql(1213, "Deadlock found when trying to get lock"), False, Transient),
        (_Mysql(2013, "Lost connection to MySQL server during query"), True, Ambiguous),
        (Exception("ORA-00942: table or view does not exist"), False, MissingObject),
        (Exception("ORA-01017: invalid username/password; logon denied"), False, AuthProblem),
        (Exception("ORA-03113: end-of-file on communication channel"), True, Ambiguous),
        (Exception("database is locked"), False, Transient),
        (Exception("UNIQUE constraint failed: orders.id"), False, Constraint),
        (Exception("attempt to write a readonly database"), False, AuthProblem),
    ],
)
def test_what_a_driver_says_means_what_must_happen_next(
    error: Exception, in_doubt: bool, kind: type[Exception]
) -> None:
    wrapped = exc.DBAPIError("SELECT 1", None, error)
    assert type(meaning(wrapped, SETTINGS, "plant", in_doubt=in_doubt)) is kind


# -- manifests ---------------------------------------------------------------------------------------------------------


def _made(**place: Any) -> Any:
    kind: Any = connector_of(KIND.scaffold("plant_database"))
    return kind(parse_config(kind, place))


def test_a_manifests_connection_says_where_the_database_is() -> None:
    assert _made(url="postgresql+psycopg://db/plant").namespace == "postgresql://db/plant"


@pytest.mark.parametrize("place", [{}, {"url": "postgresql://u:p@h/db"}, {"url": "sqlite:////x", "server": "db"}])
def test_a_manifests_connection_without_a_place_is_told(place: dict[str, Any]) -> None:
    with pytest.raises(ConfigProblem):
        _made(**place)
