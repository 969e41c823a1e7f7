"""Backup and restore: the database as of one moment, with the files it refers to, in one folder.

Taken beside a hub at work: PostgreSQL by `pg_dump` (of one snapshot), SQLite by its online backup. Files are copied after
the database: they are known by their content and only ever added, so what the snapshot names is there; a segment that was
dropped in between is found missing, and the backup is refused. The secret key is no part of it: keep that elsewhere.

After a restore nobody knows which commands other systems got since the backup: those not done are confirmed first.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import Engine, delete, inspect, select, update
from sqlalchemy.engine import URL

import lineage
from gateway import clock, tables
from gateway.collaboration.attachments import FOLDER as ATTACHMENTS
from gateway.database import current_revision, fits, newest_revision, open_engine
from gateway.errors import BadConfiguration, Conflict, Problem, SchemaMismatch, WeftError
from gateway.settings import Settings
from lineage.segments import path_of

log = structlog.get_logger(__name__)

MANIFEST = "manifest.json"
SEGMENTS = "segments"
_DUMP = {"postgresql": "database.dump", "sqlite": "database.sqlite"}
_HOURS = 6


class BackupFailed(WeftError):
    """The backup was not made, or can't be restored; what was there before is as it was."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: schema, kind of database, when it was begun, and the SHA-256 of each file by its path."""

    at: str
    revision: str
    database: str
    files: dict[str, str]
    bytes: int


def make(s: Settings, folder: Path) -> Backup:
    """Write a backup into a new folder. Raises BackupFailed, SchemaMismatch, Unavailable."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupFailed(f"{folder} is not empty; give a folder that is new.")
    engine = open_engine(s.database)
    try:
        at, revision = clock.rfc3339(clock.now()) or "", current_revision(engine)
        if revision is None:
            raise SchemaMismatch("There is nothing to back up: the database has no schema yet.")
        folder.mkdir(parents=True, exist_ok=True)
        dump = folder / _DUMP[engine.dialect.name]
        if engine.dialect.name == "postgresql":
            _run("pg_dump", engine.url, "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}")
        else:
            _copy_sqlite(Path(engine.url.database or ""), dump)
        _copy_files(s, folder)
        missing = _missing(engine, folder)
        if missing:
            raise BackupFailed(f"Segments went away while the backup was made ({missing[0]} ...): make it again.")
    finally:
        engine.dispose()
    files = {str(path.relative_to(folder)): _digest(path) for path in _files(folder)}
    size = sum(path.stat().st_size for path in _files(folder))
    made = Backup(at, revision, engine.dialect.name, files, size)
    told = {"at": at, "revision": revision, "database": made.database, "files": files, "bytes": size}
    (folder / MANIFEST).write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    log.info("backup.made", folder=str(folder), bytes=size, revision=revision)
    return made


def read(folder: Path) -> Backup:
    """What a backup says of itself, with every file checked. Raises BackupFailed."""
    try:
        told: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
        found = Backup(**told)
    except (OSError, orjson.JSONDecodeError, TypeError) as error:
        raise BackupFailed(f"{folder} holds no backup that is complete: {error}") from error
    for name, digest in found.files.items():
        path = folder / name
        if not path.is_file() or _digest(path) != digest:
            raise BackupFailed(f"{path} is missing or is not what was backed up.")
    return found


def restore(s: Settings, folder: Path) -> Backup:
    """Put a backup into an empty database and the hub's folder. Raises BackupFailed, Conflict when the database is not
    empty, SchemaMismatch for the backup of a newer program; an older one wants `weft migrate` afterwards."""
    found = read(folder)
    engine = open_engine(s.database)
    try:
        if engine.dialect.name != found.database:
            problem = Problem("database_url", f"the backup is of {found.database}", f"give a {found.database} URL")
            raise BadConfiguration("A backup goes back into the kind of database it was made of.", [problem])
        if inspect(engine).get_table_names():
            raise Conflict("The database is not empty; a backup is restored into a new one.")
        engine.dispose()  # nobody may hold the new file while it is written
        dump = folder / _DUMP[found.database]
        if found.database == "postgresql":
            _run("pg_restore", engine.url, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
                 str(dump), option="--dbname")  # fmt: skip
        else:
            _copy_sqlite(dump, Path(engine.url.database or ""))
        for source, target in ((SEGMENTS, s.segments_folder), (ATTACHMENTS, s.home / ATTACHMENTS)):
            if (folder / source).exists():
                shutil.copytree(folder / source, target, dirs_exist_ok=True)
        revision = current_revision(engine)
        if fits(revision):
            _take_care(engine)
        elif revision is not None and revision > newest_revision():
            raise SchemaMismatch(f"The backup has schema {revision}, newer than this program ({newest_revision()}).")
    finally:
        engine.dispose()
    log.info("backup.restored", folder=str(folder), revision=found.revision, at=found.at)
    return found


def _take_care(engine: Engine) -> None:
    """No process of then is at work, and other systems may have got what is not done here."""
    o = tables.outbox.c
    with engine.begin() as conn:
        conn.execute(delete(tables.lease))
        conn.execute(delete(tables.heartbeat))
        conn.execute(
            update(tables.outbox).where(o.state.in_(("waiting", "sending"))).values(must_confirm=True, lease_until=0)
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    """All pages in one step, as of one moment, while others write."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source, timeout=30)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)
        here.execute("PRAGMA journal_mode=DELETE")


def _copy_files(s: Settings, folder: Path) -> None:
    for source, target in ((s.segments_folder, SEGMENTS), (s.home / ATTACHMENTS, ATTACHMENTS)):
        if source.exists():
            shutil.copytree(source, folder / target, ignore=shutil.ignore_patterns(".segment-*", "*.part"))


def _missing(engine: Engine, folder: Path) -> list[str]:
    """Segments that the database names and the backup lacks."""
    names = lineage.metadata.tables["lineage_segment"].c.name
    with engine.connect() as conn:
        wanted = list(conn.execute(select(names)).scalars())
    return [name for name in wanted if not path_of(folder / SEGMENTS, name).exists()]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MANIFEST)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _run(program: str, url: URL, *arguments: str, option: str = "--dbname") -> None:
    """One of PostgreSQL's own programs; the password goes by the environment, which other users can't see."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"{program} is not installed: it comes with PostgreSQL's client programs.")
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ) | ({"PGPASSWORD": str(url.password)} if url.password else {})
    try:
        done = subprocess.run(  # noqa: S603
            [found, f"{option}={plain}", *arguments], env=environment, capture_output=True, text=True,
            timeout=_HOURS * 3600, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BackupFailed(f"{program} took more than {_HOURS} hours.") from error
    if done.returncode:
        raise BackupFailed(f"{program} failed: {done.stderr.strip()[-500:]}")
