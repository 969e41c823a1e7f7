"""Fixtures that every test of a store shares: a fresh, empty database on each of the two supported systems."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from tests.real.postgres import Postgres

_numbers = itertools.count(1)

# the console's rich tracebacks print every local: minutes for one error of the inbox
structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])

# CI judges a change by the same examples every time; who runs the tests by hand, or the campaign, looks for new ones
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")

DAYS = ("web", "campaign")
"""Here a file is somebody's day: it goes in the order it is written, whatever the order of all else."""
ORDER = ("acceptance", "web", "campaign", "conformance", "integration")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files go to two workers in this order: the long ones first, so that both end at the same time."""
    root = Path(__file__).parent

    def place(item: pytest.Item) -> tuple[object, ...]:
        folder = item.path.relative_to(root).parts[0]
        if folder in DAYS:
            spec = getattr(item, "callspec", None)
            return ORDER.index(folder), str(item.path), item.location[1] or 0, *(spec.indices.values() if spec else ())
        return (ORDER.index(folder) if folder in ORDER else len(ORDER),)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _the_log_stays_as_it_is() -> Iterator[None]:
    """A command run inside this process would send all later logs to the runner's standard error, which it closes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gateway.logs.configure", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a running PostgreSQL server whose user may create databases."""
    given = os.environ.get("WEFT_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    server = Postgres().start()
    yield server.url
    server.remove()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """URL of a new, empty PostgreSQL database, dropped afterwards."""
    name = f"weft_{os.getpid()}_{next(_numbers)}"
    _on_server(postgres_url, f"CREATE DATABASE {name}")
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    _on_server(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new, empty database: each test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'weft.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the hub's tables, to be copied: migrating takes a second, copying none."""
    file = tmp_path_factory.mktemp("migrated") / "weft.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The name of a PostgreSQL database with the hub's tables, to be copied."""
    name = f"weft_{os.getpid()}_migrated"
    _on_server(postgres_url, f"CREATE DATABASE {name}")
    _migrate(make_url(postgres_url).set(database=name).render_as_string(hide_password=False))
    return name


@pytest.fixture
def migrated_postgres(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """URL of a PostgreSQL database with the hub's tables and nothing in them."""
    name = f"weft_{os.getpid()}_{next(_numbers)}"
    _on_server(postgres_url, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    _on_server(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database with the hub's tables and nothing in them: each test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_file'), tmp_path / 'weft.db')}"
    return str(request.getfixturevalue("migrated_postgres"))


def _migrate(url: str) -> None:
    from gateway.database import migrate, open_engine  # the lower rooms' tests need nothing of it

    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


def _on_server(url: str, statement: str) -> None:
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as c:
        c.execute(text(statement))
    admin.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a new, empty database; on SQLite in WAL mode with transactions that begin IMMEDIATE, as the hub does."""
    engine = create_engine(database_url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _set_up(raw: object, _record: object) -> None:
            raw.isolation_level = None  # type: ignore[attr-defined]
            raw.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
            raw.execute("PRAGMA busy_timeout=30000")  # type: ignore[attr-defined]

        @event.listens_for(engine, "begin")
        def _begin(connection: object) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    yield engine
    engine.dispose()
