"""What `check()` finds out: a real login, the account set's database, every stream's tables, and the way to write."""

from __future__ import annotations

from connectors.contract import Health, MissingRight
from connectors.errors import ConnectorError
from connectors.odbc import MissingObject
from connectors.u8.client import Database, U8Client
from connectors.u8.config import U8Config
from connectors.u8.openapi import OpenApi
from connectors.u8.requisitions import find
from connectors.u8.statements import available
from connectors.u8.tables import SOURCES

_GRANT = "SQL Server: {database} > Security > Users > the login's user > Securables (or the role db_datareader)"


def check(client: U8Client, config: U8Config, openapi: OpenApi | None) -> Health:
    """Never raises a ConnectorError: what fails is in the answer."""
    version = ""
    try:
        client.forget()
        with client.open() as database:
            version = f"{database.session.product} ({database.name})"
            missing = _missing(database, config)
            if config.requisitions != "off":
                missing += _missing_for_writing(database, config)
            database.mark()
        if openapi is not None:
            openapi.check()
    except ConnectorError as error:
        return Health(ok=False, message=f"{error} {error.hint}".strip(), remote_version=version)
    if missing:
        message = f"Connected to {database.name}, but {', '.join(m.right for m in missing)} can't be read."
    else:
        message = f"Connected to {database.name}; all tables can be read."
    return Health(ok=not missing, message=message, remote_version=version, missing_rights=tuple(missing))


def _missing(database: Database, config: U8Config) -> list[MissingRight]:
    purposes: dict[str, list[str]] = {}
    for source in SOURCES.values():
        for name in database.schema.lacking(source):
            purposes.setdefault(name, []).append(f"stream {source.name}")
    if database.schema.has("CurrentStock"):
        try:
            available(database.schema, config, "s")
        except MissingObject as error:
            purposes.setdefault(error.name, []).append("the setting `available`")
    place = _GRANT.format(database=database.name)
    return [
        MissingRight(right=f"SELECT on {name}", needed_for=", ".join(purpose), grant_at=place)
        for name, purpose in purposes.items()
    ]


def _missing_for_writing(database: Database, config: U8Config) -> list[MissingRight]:
    try:
        find(database, config, "weft:check")
    except MissingObject as error:
        place = _GRANT.format(database=database.name)
        return [MissingRight(right=f"SELECT on {error.name}", needed_for="writing requisitions once", grant_at=place)]
    return []
