"""A backup that is taken while messages pour in, restored elsewhere: what was acknowledged before is there, and adds up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.acceptance.alerts import CONNECTION
from tests.acceptance.conftest import StartHub
from tests.acceptance.running_hub import RunningHub, eventually
from tests.acceptance.test_kill import Senders


@pytest.fixture
def elsewhere(migrated_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    """A hub that has nothing yet, on the same kind of database."""
    if migrated_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'elsewhere' / 'weft.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
    hub = RunningHub(tmp_path / "elsewhere", url)
    hub.home.mkdir()
    yield hub
    hub.stop()


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it_began(
    start_hub: StartHub, elsewhere: RunningHub, tmp_path: Path
) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    with Senders(hub) as senders:
        eventually(lambda: len(senders.taken) > 30)
        before = set(senders.taken)
        hub.weft("backup", str(tmp_path / "backup"))
        during = len(senders.taken)
        eventually(lambda: len(senders.taken) > during + 5)
    assert len(senders.taken) > len(before), "messages went on while the backup was made"

    told = elsewhere.weft_json("restore", str(tmp_path / "backup"))
    assert told["files"]
    elsewhere.weft("migrate")
    elsewhere.audit()
    assert elsewhere.weft_json("lineage", "verify")["ok"]
    engine = create_engine(elsewhere.database_url)
    with engine.connect() as conn:
        stored = {str(number) for number in conn.execute(text("SELECT id FROM delivery")).scalars()}
    engine.dispose()
    assert before <= stored

    shutil.copy(hub.home / "var" / "secret-key", elsewhere.home / "var" / "secret-key")
    elsewhere.serve()
    with Senders(elsewhere, 1) as again:
        eventually(lambda: len(again.taken) > 5)
    elsewhere.audit()


def test_a_backup_goes_into_no_database_that_has_something_and_not_when_a_file_was_changed(
    start_hub: StartHub, elsewhere: RunningHub, tmp_path: Path
) -> None:
    hub = start_hub({"connections": [CONNECTION]})
    folder = tmp_path / "backup"
    hub.weft("backup", str(folder))
    occupied = hub.weft("restore", str(folder), check=False)
    assert occupied.returncode == 2
    assert "not empty" in occupied.stderr
    assert hub.weft("backup", str(folder), check=False).returncode == 2
    dump = next(folder.glob("database.*"))
    dump.write_bytes(dump.read_bytes()[:-1])
    changed = elsewhere.weft("restore", str(folder), check=False)
    assert changed.returncode == 2
    assert dump.name in changed.stderr
