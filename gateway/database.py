"""The engine: SQLite (one file, WAL, synchronous FULL) or PostgreSQL; and whether its schema fits this program."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError

import core_tickets.people.tables
import core_tickets.tables
import gateway.collaboration.tables
import gateway.config.tables
import gateway.desk.tables
import gateway.escalation.tables
import gateway.figures.tables
import gateway.learning.tables
import gateway.notify.tables
import gateway.signin.tables
import gateway.storm.tables
import gateway.stuck.tables
import gateway.studio.tables
import gateway.sync.tables
import gateway.tables
import gateway.telemetry.tables
import id_registry.tables
import lineage.tables
from gateway.errors import BadConfiguration, Problem, SchemaMismatch, Unavailable
from gateway.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_NOT_AVAILABLE = "55P03"
LOCK_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Limits:
    """How a process uses PostgreSQL: connections kept open and opened beyond those, and time-outs in seconds (0: none).
    SQLite knows only the first two."""

    size: int = 8
    overflow: int = 8
    wait_s: float = 10
    recycle_s: int = 1_800
    statement_s: float = 60
    lock_s: float = 15
    idle_transaction_s: float = 120

    @classmethod
    def of(cls, s: Settings) -> Limits:
        """As the settings say."""
        return cls(s.pool_size, s.pool_overflow, s.pool_timeout_s, s.pool_recycle_s, s.statement_timeout_s,
                   s.lock_timeout_s, s.idle_transaction_timeout_s)  # fmt: skip


STANDARD = Limits()


def metadatas() -> list[MetaData]:
    """The tables of every room, for migrations."""
    return [
        core_tickets.tables.metadata,
        id_registry.tables.metadata,
        lineage.tables.metadata,
        gateway.tables.metadata,
    ]


def normalise(url: str) -> URL:
    """A SQLAlchemy URL; plain `postgresql://` means psycopg 3. Raises BadConfiguration."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        problem = Problem("database_url", str(error), "sqlite:///var/weft.db or postgresql://user@host:5432/name")
        raise BadConfiguration("The database URL cannot be read.", [problem]) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        problem = Problem("database_url", f"{parsed.drivername} is not supported", "use sqlite or postgresql")
        raise BadConfiguration("The database is not supported.", [problem])
    return parsed


def open_engine(url: str, limits: Limits = STANDARD) -> Engine:
    """An engine whose transactions see what they must: on SQLite they begin IMMEDIATE, so a writer never fails midway.
    A connection that PostgreSQL ended while it lay in the pool is replaced before it is used."""
    parsed = normalise(url)
    if parsed.get_backend_name() == "postgresql":
        made = create_engine(
            parsed, pool_size=limits.size, max_overflow=limits.overflow, pool_pre_ping=True, pool_timeout=limits.wait_s,
            pool_recycle=limits.recycle_s, hide_parameters=True,
            connect_args={"connect_timeout": 5, "application_name": "weft"},
        )  # fmt: skip
        event.listen(made, "connect", _set_up_postgresql(limits))
        return made
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed, pool_size=limits.size, max_overflow=limits.overflow, hide_parameters=True,
        connect_args={"check_same_thread": False},
    )  # fmt: skip
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_postgresql(limits: Limits, *more: str) -> Callable[[Any, Any], None]:
    timeouts = {
        "statement_timeout": limits.statement_s, "lock_timeout": limits.lock_s,
        "idle_in_transaction_session_timeout": limits.idle_transaction_s,
    }  # fmt: skip
    settings = "; ".join([f"SET {name} = {round(value * 1000)}" for name, value in timeouts.items()] + list(more))

    def set_up(raw: Any, _record: Any) -> None:
        from gateway.arrays import ArrayDumper  # a hub on SQLite has no psycopg

        raw.adapters.register_dumper(list, ArrayDumper)
        raw.execute(settings)
        raw.commit()

    return set_up


def patient(conn: Connection) -> None:
    """Let the statements of this transaction take as long as they need: they look through whole tables, and hold no lock
    that anybody waits for."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SET LOCAL statement_timeout = 0"))


def _set_up_sqlite(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON", "cache_size=-65536",
                   "temp_store=MEMORY"):  # fmt: skip
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("weft_read_only", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def reader(engine: Engine) -> Engine:
    """The same engine for reading only, each transaction one moment of the database: an audit adds up under load. On
    SQLite it neither waits for the writer nor keeps it waiting."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(
            weft_read_only=True, isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    return engine.execution_options(weft_read_only=True)


def writer(engine: Engine, limits: Limits = STANDARD) -> Engine:
    """The same database for the inbox, whose few statements are the same for ever and all go by an index.

    On PostgreSQL a pool of its own: no ping before each transaction (the inbox tries again by itself), and no plan that
    reads a whole table. The driver keeps its statements prepared, and a plan made while a table filled one page would
    read all of it until autovacuum looks, however large it has grown since."""
    if engine.dialect.name != "postgresql":
        return engine
    made = create_engine(
        engine.url, pool_size=1, max_overflow=3, pool_timeout=limits.wait_s, pool_recycle=limits.recycle_s,
        hide_parameters=True, connect_args={"connect_timeout": 5, "application_name": "weft inbox"},
    )  # fmt: skip
    event.listen(made, "connect", _set_up_postgresql(limits, "SET enable_seqscan = off"))
    return made


def alembic_config(engine_or_url: Engine | str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = open_engine(engine_or_url) if isinstance(engine_or_url, str) else engine_or_url
    return config


def newest_revision() -> str:
    script = ScriptDirectory(str(MIGRATIONS))
    return script.get_current_head() or ""


def phase_of(revision: Script) -> str:
    """`pre`: it only adds, so the program before it goes on working; `post`: it takes away what nobody needs any more."""
    return str(getattr(revision.module, "phase", "pre"))


def sufficient_revision() -> str:
    """The oldest schema this program works on: the newest, less those last migrations that only take away."""
    script = ScriptDirectory(str(MIGRATIONS))
    for revision in script.walk_revisions():  # newest first
        if phase_of(revision) == "pre":
            return str(revision.revision)
    return ""


def current_revision(engine: Engine) -> str | None:
    """The schema the database has; None: none yet. Raises Unavailable."""
    try:
        with reader(engine).connect() as conn:
            return MigrationContext.configure(conn).get_current_revision()
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}") from error


def migrate(engine: Engine, *, additive: bool = False) -> tuple[str | None, str]:
    """To the newest schema, or to the one that only adds; answers the revisions before and after. A lock that somebody
    holds is waited for shortly, and again. Raises Unavailable when it was never had."""
    before = current_revision(engine)
    target = sufficient_revision() if additive else newest_revision()
    if before is not None and additive and before in _after(target):
        return before, before
    for attempt in range(LOCK_ATTEMPTS):
        try:
            command.upgrade(alembic_config(engine), target)
            return before, target
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            time.sleep(min(2**attempt * 0.1, 5))
    raise Unavailable(
        "A migration did not get its lock: somebody holds a table for long; see pg_stat_activity, try again."
    )


def _after(revision: str) -> set[str]:
    script = ScriptDirectory(str(MIGRATIONS))
    return {str(s.revision) for s in script.iterate_revisions("head", revision)}


def fits(revision: str | None) -> bool:
    """Does this program work on that schema?"""
    sufficient = sufficient_revision()
    return revision == sufficient or revision in _after(sufficient)


def require_current(engine: Engine) -> None:
    """Raises SchemaMismatch with the command to run."""
    current, newest = current_revision(engine), newest_revision()
    if fits(current):
        return
    known = {s.revision for s in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaMismatch(
            f"The database has schema {current}, which is newer than this program (it needs {newest}). "
            "Run the newer Weft, or restore a backup of schema " + newest + "."
        )
    raise SchemaMismatch(f"The database has schema {current or 'none'}; this program needs {newest}. Run: weft migrate")


def is_conflict(error: DBAPIError) -> bool:
    """May the same transaction succeed when tried again at once (a race for a key, a deadlock, a lost snapshot)?"""
    state = getattr(error.orig, "sqlstate", None)
    if state in ("23505", "40001", "40P01"):
        return True
    text = str(error.orig)
    return "UNIQUE constraint failed" in text or "database is locked" in text


def is_outage(error: DBAPIError) -> bool:
    """Does the database take nothing from anyone? Else this statement's values are at fault, and would be again."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith("54"):  # a program limit, such as a key too long for its index
        return False
    return isinstance(error, OperationalError | InterfaceError | InternalError)
