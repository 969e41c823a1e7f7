"""How to reach a database by ODBC: settings, and the connection string made of them."""

from __future__ import annotations

import math
import re
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.contract import Settings
from connectors.odbc.drivers import STYLES, driver_file, style_of

_SECRET_KEY = re.compile(r"(^|;)\s*(pwd|password|sslpassword|[^;=]*(secret|token)[^;=]*)\s*=", re.IGNORECASE)
_DRIVER = re.compile(r"(?:^|;)\s*driver\s*=\s*(\{[^}]*\}|[^;]*)", re.IGNORECASE)


class OdbcSettings(Settings):
    """How to reach a database by ODBC; a base for the `Config` of connectors."""

    driver: str = Field(
        default="microsoft",
        title="Driver",
        description="`microsoft` (of the Python package mssql-python-odbc, or installed), `freetds`, `postgresql`, "
        "`sqlite`, the name of an installed driver, or the path of its library.",
        examples=["microsoft", "freetds", "ODBC Driver 17 for SQL Server"],
    )
    server: str = Field(
        default="",
        title="Server",
        description="Host name or address of the database server, with `\\INSTANCE` if it has one. For `sqlite`: the "
        "folder of the database files.",
        examples=["10.0.0.20", "u8db.example.com\\U8"],
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, title="Port", description="Where it is not the usual one (1433, 5432)."
    )
    database: str = Field(default="", title="Database", description="Name of the database.")
    username: str = Field(default="", title="User name", description="Login of the database server, best read-only.")
    password: SecretStr | None = Field(default=None, title="Password", description="Password of that login.")
    connection_string: str = Field(
        default="",
        title="Connection string",
        description="Instead of driver, server and port: a complete ODBC connection string without the password, "
        "which goes into `password`.",
        examples=["DSN=u8;APP=Weft"],
    )
    encrypt: bool = Field(default=True, title="Encrypt", description="Encrypt the connection by TLS.")
    trust_server_certificate: bool = Field(
        default=False,
        title="Trust any certificate",
        description="Do not check the server's certificate. SQL Server makes its own where none was installed.",
    )
    timeout_s: float = Field(default=30, gt=0, le=3600, title="Timeout (s)", description="Longest wait for a call.")

    @field_validator("connection_string")
    @classmethod
    def _no_secret_in_it(cls, value: str) -> str:
        if _SECRET_KEY.search(value):
            raise ValueError("must hold no password; put it into `password`")
        return value.strip().rstrip(";")

    @model_validator(mode="after")
    def _reachable(self) -> OdbcSettings:
        if not self.connection_string and not self.server:
            raise ValueError("give `server`, or a whole `connection_string`")
        return self

    @property
    def style(self) -> str:
        """Which family the driver belongs to: microsoft, freetds, postgresql, sqlite, or "" for any other."""
        if not self.connection_string:
            return style_of(self.driver)
        named = _DRIVER.search(self.connection_string)
        return style_of(named[1].strip("{} ")) if named else ""

    def connection_text(self, database: str = "") -> str:
        """The connection string for one of the server's databases (default: `database`), the password included.

        :raises ConfigProblem: there is no such driver.
        """
        named = database or self.database
        if self.connection_string:
            parts = [p for p in self.connection_string.split(";") if not (named and _key_of(p) == "database")]
            parts += _pairs(DATABASE=named, UID=self.username, PWD=self._password)
            return ";".join(parts)
        driver = driver_file(self.driver) if self.driver in STYLES else self.driver
        return ";".join(_pairs(DRIVER=driver, **self._words(named)))

    @property
    def _password(self) -> str:
        return self.password.get_secret_value() if self.password is not None else ""

    def _words(self, database: str) -> dict[str, str]:
        login = {"DATABASE": database, "UID": self.username, "PWD": self._password}
        port = str(self.port) if self.port else ""
        if self.style == "freetds":
            usual = "" if "\\" in self.server else "1433"
            secure = "require" if self.encrypt else "off"
            place = {"SERVER": self.server, "PORT": port or usual, "TDS_Version": "7.4", "ClientCharset": "UTF-8"}
            return {**place, **login, "Encryption": secure, "APP": "Weft"}
        if self.style == "postgresql":
            checked = "require" if self.trust_server_certificate else "verify-full"
            how = {"SSLmode": checked if self.encrypt else "disable", "BoolsAsChar": "0", "MaxVarcharSize": "8000"}
            return {"SERVER": self.server, "PORT": port, **login, **how, "UseDeclareFetch": "1", "Fetch": "2000"}
        if self.style == "sqlite":
            path = Path(self.server, database if database.endswith(".db") else f"{database}.db")
            return {"Database": str(path), "StepAPI": "1", "Timeout": str(math.ceil(self.timeout_s * 1000))}
        place = {"SERVER": f"{self.server},{port}" if port else self.server, **login, "APP": "Weft"}
        secure, trusted = ("yes" if on else "no" for on in (self.encrypt, self.trust_server_certificate))
        return {**place, "Encrypt": secure, "TrustServerCertificate": trusted}


def _key_of(part: str) -> str:
    return part.partition("=")[0].strip().lower()


def _pairs(**words: str) -> list[str]:
    """`KEY=value`, in braces where the value has what would end it; empty ones left out."""
    odd = re.compile(r"[;{}\[\]()?*=!@ ]")
    return [f"{k}={'{' + v.replace('}', '}}') + '}' if odd.search(v) else v}" for k, v in words.items() if v]
