"""What an ODBC error means: by the server's number, else its text, else its SQLSTATE."""

from __future__ import annotations

import pickle

import pytest

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.odbc import Constraint, MissingObject, OdbcSettings, classified, load, numbers_of

MS = "[Microsoft][ODBC Driver 18 for SQL Server]"
SQL = f"{MS}[SQL Server]"
TDS = "[FreeTDS][SQL Server]"
PASSWORD = "geheim-geheim-geheim"
SETTINGS = OdbcSettings.model_validate({"server": "db", "username": "weft", "password": PASSWORD})


def told(state: str, text: str, *, in_doubt: bool = False) -> ConnectorError:
    return classified(load().Error(state, f"[{state}] {text}"), SETTINGS, "UFDATA_001_2026", in_doubt=in_doubt)


@pytest.mark.parametrize(
    ("state", "text", "kind"),
    [
        (
            "40001",
            f"{SQL}Transaction (Process ID 57) was deadlocked on lock resources. (1205) (SQLExecDirectW)",
            Transient,
        ),
        ("42000", f"{TDS}Transaction was deadlocked (1205) (SQLExecDirectW)", Transient),
        ("HYT00", f"{SQL}Lock request time out period exceeded. (1222) (SQLExecDirectW)", Transient),
        ("28000", f"{SQL}Login failed for user 'weft'. (18456) (SQLDriverConnect)", AuthProblem),
        ("42000", f"{TDS}Login failed for user 'weft'. (18456) (SQLDriverConnect)", AuthProblem),
        ("28000", f"{SQL}Login failed. The login is from an untrusted domain (18452) (SQLDriverConnect)", AuthProblem),
        ("42000", f"{SQL}The SELECT permission was denied on the object 'Vendor' (229) (SQLExecDirectW)", AuthProblem),
        ("42S02", f"{SQL}Invalid object name 'CurrentStock'. (208) (SQLExecDirectW)", MissingObject),
        ("42S22", f"{SQL}Invalid column name 'pubufts'. (207) (SQLExecDirectW)", MissingObject),
        ("42000", f"{TDS}Could not find stored procedure 'sp_GetId'. (2812) (SQLExecDirectW)", MissingObject),
        ("23000", f"{SQL}Violation of PRIMARY KEY constraint 'PK_x'. (2627) (SQLExecDirectW)", Constraint),
        ("22001", f"{SQL}String or binary data would be truncated. (8152) (SQLExecDirectW)", Constraint),
        ("08S01", f"{MS}TCP Provider: Error code 0x68 (104) (SQLExecDirectW)", Transient),
        ("08001", f"{MS}TCP Provider: Error code 0x2746 (10054) (SQLDriverConnect)", Transient),
        ("HYT00", f"{MS}Login timeout expired (0) (SQLDriverConnect)", Transient),
        ("HYT00", f"{TDS}Timeout expired (0) (SQLDriverConnect)", Transient),
        ("HY008", f"{MS}Operation canceled (0) (SQLExecDirectW)", Transient),
        ("HY000", f"{MS}Protocol error in TDS stream (0) (SQLFetch)", Transient),
        ("42000", f"{SQL}Incorrect syntax near 'FORM'. (102) (SQLExecDirectW)", ConfigProblem),
        ("IM002", "[unixODBC][Driver Manager]Data source name not found (0) (SQLDriverConnect)", ConfigProblem),
        (
            "01000",
            "[unixODBC][Driver Manager]Can't open lib 'x.so' : file not found (0) (SQLDriverConnect)",
            ConfigProblem,
        ),
        ("08001", 'FATAL: password authentication failed for user "weft" (101) (SQLDriverConnect)', AuthProblem),
        ("42P01", 'ERROR: relation "currentstock" does not exist (7) (SQLExecDirectW)', MissingObject),
        ("42501", "ERROR: permission denied for table vendor (7) (SQLExecDirectW)", AuthProblem),
        ("40P01", "ERROR: deadlock detected (1) (SQLExecDirectW)", Transient),
        ("HY000", "[SQLite]no such table: CurrentStock (1) (SQLExecDirectW)", MissingObject),
        ("HY000", "[SQLite]table t has no column named a (1) (SQLExecDirectW)", MissingObject),
        ("HY000", "[SQLite]database is locked (5) (SQLExecDirectW)", Transient),
        ("HY000", "[SQLite]UNIQUE constraint failed: u.a (19) (SQLExecDirectW)", Constraint),
    ],
)
def test_an_error_is_named_by_what_must_happen_next(state: str, text: str, kind: type[ConnectorError]) -> None:
    assert type(told(state, text)) is kind


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"{SQL}Invalid object name 'CurrentStock'. (208) (SQLExecDirectW)", "CurrentStock"),
        (f"{SQL}Invalid column name 'pubufts'. (207) (SQLExecDirectW)", "pubufts"),
        (f"{TDS}Could not find stored procedure 'sp_GetId'. (2812) (SQLExecDirectW)", "sp_GetId"),
        ('ERROR: column "nope" does not exist;\nError while executing the query (1) (SQLExecDirectW)', "nope"),
        ("[SQLite]no such column: i.pubufts (1) (SQLExecDirectW)", "i.pubufts"),
    ],
)
def test_what_is_missing_is_named(text: str, name: str) -> None:
    state = "42S22" if "ERROR" not in text and "SQLite" not in text else "42703" if "ERROR" in text else "HY000"
    error = told(state, text)
    assert isinstance(error, MissingObject)
    assert error.name == name
    assert "UFDATA_001_2026" in str(error)


def test_a_database_that_cannot_be_opened_counts_before_the_failed_login_beside_it() -> None:
    error = told(
        "28000",
        f'{SQL}Cannot open database "UFDATA_009_2026" requested by the login. (4060) (SQLDriverConnect); '
        f"[28000] {SQL}Login failed for user 'weft'. (18456)",
    )
    assert type(error) is ConfigProblem
    assert "not mapped" in error.hint


def test_an_untrusted_certificate_names_the_setting() -> None:
    error = told(
        "08001",
        f"{MS}SSL Provider: [error:0A000086:SSL routines::certificate verify failed] (-1) (SQLDriverConnect)",
    )
    assert type(error) is ConfigProblem
    assert "trust_server_certificate" in error.hint


def test_encryption_that_is_too_old_says_so() -> None:
    error = told(
        "08001", f"{MS}SSL Provider: [error:0A000102:SSL routines::unsupported protocol] (-1) (SQLDriverConnect)"
    )
    assert type(error) is ConfigProblem
    assert "TLS 1.2" in error.hint


def test_a_lost_connection_while_committing_is_ambiguous() -> None:
    text = f"{MS}TCP Provider: Error code 0x68 (104) (SQLEndTran)"
    assert type(told("08S01", text, in_doubt=True)) is Ambiguous
    assert type(told("08S01", text)) is Transient


def test_a_deadlock_while_committing_did_nothing() -> None:
    text = f"{SQL}Transaction was deadlocked. (1205) (SQLEndTran)"
    assert type(told("40001", text, in_doubt=True)) is Transient


def test_a_duplicate_says_so() -> None:
    error = told("23000", f"{SQL}Cannot insert duplicate key row. (2601) (SQLExecDirectW)")
    assert isinstance(error, Constraint)
    assert isinstance(error, BadRecord)
    assert error.duplicate


def test_the_message_is_the_servers_sentence_without_prefixes_and_password() -> None:
    error = told("42000", f"{SQL}Login failed for 'weft', PWD={PASSWORD}. (18456) (SQLDriverConnect)")
    assert PASSWORD not in f"{error} {error.hint}"
    assert "[Microsoft]" not in str(error)
    assert "SQLDriverConnect" not in str(error)


def test_every_record_of_a_message_has_its_number() -> None:
    text = f"[28000] {SQL}one (4060) (SQLDriverConnect); [28000] {SQL}two (18456)"
    assert numbers_of(text) == [4060, 18456]


def test_errors_survive_pickling() -> None:
    missing = told("42S02", f"{SQL}Invalid object name 'CurrentStock'. (208) (SQLExecDirectW)")
    again = pickle.loads(pickle.dumps(missing))
    assert isinstance(again, MissingObject)
    assert (again.name, str(again)) == ("CurrentStock", str(missing))
