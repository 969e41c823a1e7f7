"""Account sets (账套) and their databases: `UFDATA_<set>_<year>`, found in UFSystem.

A database holds one accounting year or, in newer versions, several. At the turn of the year the current database
becomes another one, with row versions of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connectors.errors import AuthProblem, ConfigProblem
from connectors.odbc import MissingObject, Session

SYSTEM = "UFSystem"
FOR_EVER = 9999


@dataclass(frozen=True, slots=True)
class YearDatabase:
    """The database of some years of an account set. `until`: 9999 while it is open."""

    account: str
    since: int
    until: int
    database: str


def account_sets(session: Session) -> dict[str, str]:
    """Number → name of every account set of this server. `session` is connected to UFSystem."""
    return {str(number).strip(): str(name or "") for number, name in session.query(_SETS).all()}


def databases(session: Session, account: str) -> list[YearDatabase]:
    """The databases of an account set, oldest first; of old versions of U8 one for each accounting year.

    :raises ConfigProblem: there is no such account set; names those that there are.
    """
    try:
        rows = session.query(_DATABASES, (account,)).all()
        found = [YearDatabase(account, int(a), int(b or FOR_EVER), str(name).strip()) for a, b, name in rows]
    except MissingObject:  # before one database could hold several years
        years = [int(row[0]) for row in session.query(_YEARS, (account,)).all()]
        found = [YearDatabase(account, year, year, f"UFDATA_{account}_{year}") for year in years]
    if not found:
        there = ", ".join(f"{number} {name}" for number, name in sorted(account_sets(session).items()))
        raise ConfigProblem(f"There is no account set {account!r}.", hint=f"there are: {there or 'none'}")
    return sorted(found, key=lambda each: (each.since, each.until))


def year_of(session: Session, account: str, today: date) -> int:
    """The accounting year of a day: it need not be the calendar's."""
    try:
        rows = session.query(_PERIOD, (account, today, today)).all()
    except MissingObject:
        rows = []
    return int(rows[0][0]) if rows else today.year


def current(session: Session, account: str, today: date, year: int | None) -> str:
    """The database of `year`, or of today; before the new year has been opened in U8, the last one.

    :raises ConfigProblem: no such account set, or it has no such year.
    """
    there = databases(session, account)
    wanted = year if year is not None else year_of(session, account, today)
    fitting = [each for each in there if each.since <= wanted <= each.until]
    if fitting:
        return fitting[-1].database
    if year is not None:
        names = ", ".join(f"{each.since} ({each.database})" for each in there)
        raise ConfigProblem(f"Account set {account} has no year {year}.", hint=f"`year`: it has {names}")
    return there[-1].database


def explained(error: ConfigProblem) -> ConfigProblem:
    """UFSystem could not be read: what to do instead."""
    kind = AuthProblem if isinstance(error, AuthProblem) else ConfigProblem
    remedy = "let the login read UFSystem, or name the account set's `database`, such as UFDATA_001_2026"
    return kind(f"{SYSTEM}, which knows the account sets, can't be read: {error}", hint=remedy)


_SETS = "SELECT cAcc_Id, cAcc_Name FROM UA_Account"
_DATABASES = "SELECT iBeginYear, iEndYear, cDatabase FROM UA_AccountDatabase WHERE cAcc_Id = ?"
_YEARS = "SELECT DISTINCT iYear FROM UA_Period WHERE cAcc_Id = ?"
_PERIOD = "SELECT iYear FROM UA_Period WHERE cAcc_Id = ? AND dBegin <= ? AND dEnd >= ?"
