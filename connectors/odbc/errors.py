"""What an ODBC error means for whoever called: its SQLSTATE, the server's own number, and what must happen next.

The number counts more than the SQLSTATE, because drivers differ in the latter: a refused login is 28000 with
Microsoft's driver, 42000 with FreeTDS and 08001 with psqlodbc.

ConfigProblem
├── MissingObject    a table, column or procedure is not there; `name` says which
AuthProblem
└── (a right is missing, or the login is refused)
BadRecord
└── Constraint       the database refuses these values; `duplicate`: they are there already
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient

if TYPE_CHECKING:
    from connectors.odbc.settings import OdbcSettings

__all__ = ["Constraint", "MissingObject", "classified", "numbers_of"]


class MissingObject(ConfigProblem):
    """The database has no such table, column or procedure. `name` is the one it does not know, where it says so."""

    def __init__(self, message: str = "", *, name: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.name = name


class Constraint(BadRecord):
    """The database refuses these values. `duplicate`: a row with this key is there already."""

    def __init__(self, message: str = "", *, record: Any = None, duplicate: bool = False, hint: str = "") -> None:
        super().__init__(message, record=record, hint=hint)
        self.duplicate = duplicate


# SQL Server's numbers, told by Microsoft's driver and by FreeTDS alike
_PASSING = {1204, 1205, 1222, 3960, 8645, 701, 802, 9001, 9002, 6005, 17142, 18401, 40197, 40501, 40613, 10928, 10929}
_NO_DATABASE = {911, 4060, 4063}
_LOGIN = {18452, 18456, 18470, 18486, 18487, 18488}
_NO_RIGHT = {229, 230, 262, 297, 300, 916}
_NO_OBJECT = {207, 208, 2812, 4121}
_DUPLICATE = {2601, 2627}
_VALUES = {220, 241, 242, 245, 515, 547, 2628, 8114, 8115, 8152}

_LOST = ("08", "57P0", "HYT01")
_NOT_NOW = ("HYT00", "HY008", "40", "53", "55P03", "57014", "25S03", "57P")
_TLS = re.compile(r"certificate|ssl provider|tls|ssl error", re.IGNORECASE)
_OLD_TLS = re.compile(r"unsupported protocol|wrong version|dh key too small|ee key too small", re.IGNORECASE)
_PG_LOGIN = re.compile(
    r"password authentication failed|no password supplied|role .* does not exist|no pg_hba.conf", re.I
)
_PG_DATABASE = re.compile(r'database "[^"]*" does not exist', re.I)
_BROKEN = re.compile(r"connection|protocol error|communication link|unexpected eof", re.I)
_NO_DRIVER = re.compile(r"can't open lib|data source name not found|driver not found", re.I)
_SQLITE_OBJECT = re.compile(r"(?:no such (?:table|column|function): |has no column named )(\S+)")
_SQLITE_BUSY = re.compile(r"database (?:table )?is locked|database is busy|interrupted")
_SQLITE_VALUES = re.compile(r"constraint failed|datatype mismatch")
_NAME = re.compile(
    r"""(?:name|relation|column|function|procedure|table)\s+['"“]([^'"”]+)['"”]|column (\S+) does not""", re.I
)


def numbers_of(text: str) -> list[int]:
    """The native error numbers in a driver's message, in the order of its records."""
    return [int(n) for n in re.findall(r"\((-?\d+)\)(?: \(SQL\w+\)|\s*;|\s*$|(?=; \[))", text)]


def classified(
    error: Exception, settings: OdbcSettings, database: str = "", *, in_doubt: bool = False
) -> ConnectorError:
    """The error of `connectors.errors` that says what must happen next. `in_doubt`: it came while committing.

    The message is the driver's own, without its prefixes, the password and the connection string.
    """
    state = str(error.args[0]) if error.args else ""
    text = str(error.args[-1]) if error.args else ""
    said = _clean(text, settings)
    numbers = set(numbers_of(text)) if "[SQL Server]" in text or "SQL Server" in text else set()
    by_number = _by_number(numbers, said, settings, database)
    if by_number is not None:
        return by_number
    by_text = _by_text(text, said, settings, database)
    if by_text is not None:
        return by_text
    return _by_state(state, text, said, settings, database, in_doubt=in_doubt)


def _by_number(numbers: set[int], said: str, settings: OdbcSettings, database: str) -> ConnectorError | None:
    if numbers & _PASSING:
        return Transient(said)
    if numbers & _NO_DATABASE:  # SQL Server says 18456 beside it
        return _no_database(said, database)
    if numbers & _LOGIN:
        return _login(said, settings)
    if numbers & _NO_RIGHT:
        return _no_right(said, settings, database)
    if numbers & _NO_OBJECT:
        return _no_object(said, database)
    if numbers & _DUPLICATE:
        return Constraint(said, duplicate=True)
    return Constraint(said) if numbers & _VALUES else None


def _by_text(text: str, said: str, settings: OdbcSettings, database: str) -> ConnectorError | None:
    """Drivers that have one SQLSTATE for everything (SQLite: HY000; psqlodbc while connecting: 08001)."""
    if _NO_DRIVER.search(text):
        return ConfigProblem(f"The ODBC driver can't be used: {said}", hint="`driver`: see README for what to install")
    if _OLD_TLS.search(text):
        return ConfigProblem(
            f"The server's encryption is too old for this machine: {said}",
            hint="update SQL Server (TLS 1.2 came with 2012 SP4), or allow TLS 1.0 in this machine's openssl.cnf",
        )
    if _TLS.search(text) and ("certificate" in text.lower() or "[08001]" in text):
        return ConfigProblem(
            f"The server's certificate is not trusted: {said}",
            hint="install its authority on this machine, or set `trust_server_certificate` on a network you trust",
        )
    if _PG_LOGIN.search(text):
        return _login(said, settings)
    if _PG_DATABASE.search(text):
        return _no_database(said, database)
    if _SQLITE_OBJECT.search(text):
        return _no_object(said, database)
    if _SQLITE_BUSY.search(text):
        return Transient(said)
    return Constraint(said, duplicate="UNIQUE" in text) if _SQLITE_VALUES.search(text) else None


def _by_state(
    state: str, text: str, said: str, settings: OdbcSettings, database: str, *, in_doubt: bool
) -> ConnectorError:
    if state.startswith("28"):
        return _login(said, settings)
    if state == "42501":
        return _no_right(said, settings, database)
    if state in ("3D000", "42S02", "42P01", "42S22", "42703", "42883"):
        return _no_database(said, database) if state == "3D000" else _no_object(said, database)
    if state.startswith("23"):
        return Constraint(said, duplicate=state == "23505" or "duplicate" in text.lower())
    if state.startswith("22"):
        return Constraint(said)
    if state.startswith(_LOST) or (state == "HY000" and _BROKEN.search(text)):
        return Ambiguous(f"{said}; the change may have been made.") if in_doubt else Transient(said)
    if state.startswith(_NOT_NOW):
        return (
            Ambiguous(f"{said}; the change may have been made.") if in_doubt and state == "HYT00" else Transient(said)
        )
    if state.startswith("IM"):
        return ConfigProblem(f"The ODBC driver can't be used: {said}", hint="`driver`: see README for what to install")
    return ConfigProblem(f"The database refuses it: {said} ({state})")


def _login(said: str, settings: OdbcSettings) -> AuthProblem:
    who = f" of {settings.username!r}" if settings.username else ""
    return AuthProblem(f"The login{who} is refused: {said}", hint="check `username` and `password`")


def _no_right(said: str, settings: OdbcSettings, database: str) -> AuthProblem:
    who = settings.username or "the login"
    where = f" in {database}" if database else ""
    return AuthProblem(f"{who} lacks a right: {said}", hint=f"map it to a user{where} and grant it what is named")


def _no_database(said: str, database: str) -> ConfigProblem:
    named = f"The database {database!r} can't be opened" if database else "The database can't be opened"
    return ConfigProblem(f"{named}: {said}", hint="it does not exist, or the login is not mapped to a user in it")


def _no_object(said: str, database: str) -> MissingObject:
    found = _NAME.search(said) or _SQLITE_OBJECT.search(said)
    name = next((group for group in found.groups() if group), "") if found else ""
    return MissingObject(f"{database or 'The database'} does not have what is asked for: {said}", name=name)


def _clean(text: str, settings: OdbcSettings) -> str:
    """One line without the drivers' names, places and secrets."""
    password = settings.password.get_secret_value() if settings.password is not None else ""
    if password:
        text = text.replace(password, "***")
    text = re.sub(
        r"\[(?:[0-9A-Z]{5}|Microsoft|FreeTDS|ODBC Driver [^\]]*|SQL Server|unixODBC|Driver Manager|SQLite)\]", "", text
    )
    text = re.sub(r"\((-?\d+)\) \(SQL\w+\)", "", text)
    text = re.sub(r";?\s*Error while executing the query|^ERROR:\s*|\bFATAL:\s*", "", text.strip())
    return " ".join(text.split()).rstrip(";. ")[:500]
