"""Settings of a connection to a database."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from connectors.odbc import OdbcSettings
from connectors.sql.form import SqlSection


class SqlPlace(OdbcSettings):
    """Where the database is and who we are: by ODBC, or by a URL."""

    url: str = Field(
        default="",
        title="URL",
        description="Instead of ODBC: a SQLAlchemy URL without user and password, e.g. postgresql+psycopg://db:5432/plant",
        examples=["postgresql+psycopg://db:5432/plant", "oracle+oracledb://db:1521/?service_name=ERP"],
    )

    @field_validator("url")
    @classmethod
    def _no_secret_in_the_url(cls, url: str) -> str:
        if not url:
            return ""
        from connectors.database_url import checked

        return checked(url)

    @model_validator(mode="after")
    def _reachable(self) -> SqlPlace:
        given = [name for name in ("url", "server", "connection_string") if getattr(self, name)]
        if not given:
            raise ValueError("give `url`, `server`, or a whole `connection_string`")
        if "url" in given and len(given) > 1:
            raise ValueError(f"give `url` or `{given[1]}`, not both")
        return self


class SqlConfig(SqlSection, SqlPlace):
    """A database, and what is read from it, asked of it and written to it."""
