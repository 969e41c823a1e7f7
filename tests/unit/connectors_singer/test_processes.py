"""The tap as a process: how it ends, what it may see, what is left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Cursor
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from tests.unit.connectors_singer.conftest import CATALOG, SCHEMA, SECRET, TapMaker


def gone(process: int, deadline_s: float = 5) -> bool:
    """Whether a process ends by then (an orphan that nobody has reaped yet is gone)."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
    return False


def read_all(tap: TapMaker, cursor: Cursor = None) -> tuple[list[tuple[list[int], Cursor]], ConnectorError | None]:
    """What came, and how it ended."""
    found: list[tuple[list[int], Cursor]] = []
    try:
        for batch in tap.batches(cursor):
            found.append(([record["id"] for record in batch.records], batch.cursor))
    except ConnectorError as error:
        return found, error
    return found, None


def test_a_tap_that_fails_in_the_middle_has_given_what_was_safe(tap: TapMaker) -> None:
    tap.says("schema(); record(id=1); state(at=1); record(id=2); sys.exit('CRITICAL the line broke')")
    found, error = read_all(tap)
    assert found == [([1], {"state": {"at": 1}, "version": None})]
    assert isinstance(error, Transient)
    assert "the line broke" in str(error)


def test_a_failed_full_table_is_no_snapshot(tap: TapMaker) -> None:
    tap.stream["replication"] = "full_table"
    tap.says("schema(); record(id=1, version=1); sys.exit(3)")
    assert isinstance(read_all(tap)[1], Transient)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("CRITICAL 401 Client Error: Unauthorized for url", AuthProblem),
        ("ERROR FATAL: password authentication failed for user x", AuthProblem),
        (
            "singer_sdk.exceptions.ConfigValidationError: Config validation failed: 'host' is a required property",
            ConfigProblem,
        ),
        ("ERROR 503 Service Unavailable", Transient),
        ("", Transient),
    ],
)
def test_how_a_tap_fails_says_what_must_happen_next(tap: TapMaker, words: str, kind: type[ConnectorError]) -> None:
    tap.says(f"schema(); sys.exit({words!r})")
    error = read_all(tap)[1]
    assert type(error) is kind


def test_a_tap_that_is_told_to_come_back_later_tells_when(tap: TapMaker) -> None:
    tap.says("sys.exit('CRITICAL 429 Too Many Requests, Retry-After: 42')")
    error = read_all(tap)[1]
    assert isinstance(error, Transient)
    assert error.retry_after == 42


def test_a_killed_tap_is_a_passing_failure(tap: TapMaker) -> None:
    tap.says("schema(); record(id=1); state(at=1); os.kill(os.getpid(), 9)")
    found, error = read_all(tap)
    assert [ids for ids, _ in found] == [[1]]
    assert "was ended by signal 9" in str(error)


def test_a_silent_tap_is_ended_with_all_that_it_started(tap: TapMaker) -> None:
    tap.config["silence_s"] = 0.7
    left = tap.folder / "processes"
    tap.says(f"""
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
        open({str(left)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
        schema(); record(id=1); state(at=1)
        time.sleep(60)
    """)
    found, error = read_all(tap)
    assert [ids for ids, _ in found] == [[1]]
    assert isinstance(error, Transient)
    assert "said nothing for 0.7 s" in str(error)
    assert all(gone(int(process)) for process in left.read_text().split())


def test_a_run_that_is_left_ends_its_tap(tap: TapMaker) -> None:
    tap.config["batch_rows"] = 1
    left = tap.folder / "process"
    tap.says(f"open({str(left)!r}, 'w').write(str(os.getpid())); schema(); record(id=1); state(at=1); time.sleep(60)")
    pages = tap.batches()
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert gone(int(left.read_text()))


def test_a_tap_that_ignores_the_first_signal_is_ended_too(tap: TapMaker) -> None:
    tap.config |= {"batch_rows": 1, "silence_s": 30}
    left = tap.folder / "process"
    tap.says(f"""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(left)!r}, "w").write(str(os.getpid()))
        schema(); record(id=1); state(at=1)
        time.sleep(60)
    """)
    pages = tap.batches()
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert gone(int(left.read_text()))


def test_a_flood_of_log_lines_blocks_nobody(tap: TapMaker) -> None:
    tap.says("schema()\nfor n in range(20_000): sys.stderr.write('INFO ' + 'x' * 80 + chr(10))\nrecord(id=1)")
    assert tap.rows()[0]["id"] == 1


# -- what it may see, and what is left --------------------------------------------------------------------------------

_TELL = """
import stat
place = sys.argv[sys.argv.index("--config") + 1]
schema(properties={"id": {"type": "integer"}, "told": {}})
record(id=1, told={"config": option("--config"), "mode": os.stat(place).st_mode,
    "folder": os.stat(os.path.dirname(place)).st_mode, "place": place,
    "environment": dict(os.environ), "arguments": sys.argv, "catalog": option("--catalog"),
    "properties": option("--properties")})
"""


def told_by(tap: TapMaker) -> dict[str, Any]:
    """What the tap has seen."""
    tap.says(_TELL)
    told: dict[str, Any] = tap.rows()[0]["told"]
    return told


def test_the_config_file_is_for_this_account_alone_and_gone_afterwards(tap: TapMaker) -> None:
    told = told_by(tap)
    assert told["config"] == {"host": "db.example", "password": SECRET}
    assert stat.S_IMODE(told["mode"]) == 0o600
    assert stat.S_IMODE(told["folder"]) == 0o700
    assert not Path(told["place"]).parent.exists()


def test_nothing_is_left_after_a_failure_or_a_run_that_was_left(tap: TapMaker) -> None:
    place = tap.folder / "place"
    tap.config["batch_rows"] = 1
    note = f"open({str(place)!r}, 'w').write(sys.argv[sys.argv.index('--config') + 1]); schema(); record(id=1); state(a=1); "
    for end in ("sys.exit(1)", "time.sleep(60)"):
        tap.says(note + end)
        pages = tap.batches()
        next(pages)
        with contextlib.suppress(Transient):
            if "exit" in end:
                list(pages)
        pages.close()  # type: ignore[attr-defined]
        assert not Path(place.read_text()).parent.exists()


def test_the_secret_stands_in_no_argument(tap: TapMaker) -> None:
    assert not any(SECRET in argument for argument in told_by(tap)["arguments"])


def test_the_tap_sees_of_the_hubs_environment_only_what_it_may(tap: TapMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_SECRET_KEY", "the hub's own")
    monkeypatch.setenv("TAP_PROXY", "http://proxy")
    assert "WEFT_SECRET_KEY" not in told_by(tap)["environment"]
    tap.config["environment"] = ["TAP_PROXY"]
    seen = told_by(tap)["environment"]
    assert seen["TAP_PROXY"] == "http://proxy"
    assert seen["PATH"] == os.environ["PATH"]


def test_no_shell_reads_the_command(tap: TapMaker) -> None:
    tap.config["command"] = [*tap.config["command"], "; touch made-by-a-shell", "$(id)"]
    assert "; touch made-by-a-shell" in told_by(tap)["arguments"]


def test_secrets_inside_settings_are_put_in_their_place(tap: TapMaker) -> None:
    tap.config["settings"] = {"auth": {"user": "u"}}
    tap.config["secrets"] = {"auth.password": SECRET}
    assert told_by(tap)["config"] == {"auth": {"user": "u", "password": SECRET}}


def test_what_the_tap_says_of_its_secret_is_masked(tap: TapMaker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="connectors.singer")
    tap.says("""
        schema()
        password = option("--config")["password"]
        sys.stderr.write(f"INFO logging in with {password}\\nCRITICAL cannot log in with {password}\\n")
        sys.exit(1)
    """)
    error = read_all(tap)[1]
    assert "cannot log in with" in str(error)
    assert SECRET not in str(error)
    assert SECRET not in caplog.text
    assert [record.levelname for record in caplog.records] == ["DEBUG", "WARNING"]


# -- choosing streams and fields --------------------------------------------------------------------------------------


def marks(catalog: dict[str, Any], stream: str, *breadcrumb: str) -> dict[str, Any]:
    [entry] = [each for each in catalog["streams"] if each["tap_stream_id"] == stream]
    found = [each["metadata"] for each in entry["metadata"] if each["breadcrumb"] == list(breadcrumb)]
    return dict(found[0]) if found else {}


def test_only_our_stream_is_chosen_and_told_how_to_replicate(tap: TapMaker) -> None:
    other = {**CATALOG["streams"][0], "tap_stream_id": "public-other", "stream": "other"}
    tap.config["catalog"] = {"streams": [other, *CATALOG["streams"]]}
    tap.stream |= {"replication_key": "at"}
    catalog = told_by(tap)["catalog"]
    assert marks(catalog, "public-other")["selected"] is False
    assert marks(catalog, "orders") == {
        "selected": True, "replication-method": "INCREMENTAL", "replication-key": "at",
    }  # fmt: skip
    assert marks(catalog, "orders", "properties", "qty") == {"selected": True}


def test_fields_can_be_chosen_and_the_key_always_comes(tap: TapMaker) -> None:
    tap.stream["select"] = ["qty", "told"]
    tap.config["catalog"]["streams"][0]["schema"] = {"properties": {**SCHEMA["properties"], "told": {}}}
    catalog = told_by(tap)["catalog"]
    chosen = {name: marks(catalog, "orders", "properties", name)["selected"] for name in ("id", "qty", "at")}
    assert chosen == {"id": True, "qty": True, "at": False}


def test_an_unknown_field_is_refused_with_those_there_are(tap: TapMaker) -> None:
    tap.stream["select"] = ["quantity"]
    with pytest.raises(ConfigProblem) as refusal:
        told_by(tap)
    assert "qty" in refusal.value.hint


def test_an_old_tap_gets_its_catalog_as_properties(tap: TapMaker) -> None:
    tap.config["catalog_option"] = "--properties"
    told = told_by(tap)
    assert told["catalog"] is None
    assert told["properties"]["streams"][0]["selected"] is True


def test_the_tap_is_asked_for_its_streams_once(tap: TapMaker) -> None:
    del tap.config["catalog"]
    asked = tap.folder / "asked"
    tap.says(f"""
        if "--discover" in sys.argv:
            open({str(asked)!r}, "a").write("x")
            say({CATALOG!r})
        else:
            schema(); record(id=1)
    """)
    connector = tap.connector()
    for _ in range(2):
        list(connector.read(connector.streams()[0], None))
    assert asked.read_text() == "x"


@pytest.mark.parametrize("said", ["'hello'", "'[]'", "'{\"streams\": 1}'", "'x' * 3_000_000"])
def test_what_is_no_catalog_is_refused(tap: TapMaker, said: str) -> None:
    del tap.config["catalog"]
    tap.config["max_line_bytes"] = 2_000_000
    tap.says(f"say({said})")
    with pytest.raises(ConfigProblem, match="--discover gives no catalog"):
        list(tap.batches())


def test_a_stream_the_tap_does_not_have_is_refused_with_those_it_has(tap: TapMaker) -> None:
    tap.stream["tap_stream"] = "public-orders"
    with pytest.raises(ConfigProblem, match="has no stream 'public-orders'") as refusal:
        list(tap.batches())
    assert "orders" in refusal.value.hint


# -- check ----------------------------------------------------------------------------------------------------------


def test_check_lets_the_tap_log_in_and_tells_its_version(tap: TapMaker) -> None:
    tap.says("if '--version' in sys.argv: say('tap-example 2.1')\nelse:\n    schema(); record(id=1); time.sleep(60)")
    health = tap.connector().check()
    assert health.ok
    assert health.remote_version == "tap-example 2.1"


def test_check_says_that_the_tap_cannot_log_in(tap: TapMaker) -> None:
    tap.says("schema(); sys.exit('CRITICAL 401 Unauthorized')")
    with pytest.raises(AuthProblem):
        tap.connector().check()


def test_a_program_that_is_not_there_or_not_executable_is_told(tap: TapMaker) -> None:
    for program in (tap.folder / "nothing", tap.folder / "tap.py"):
        tap.says("schema()")
        tap.config["command"] = [str(program)]
        with pytest.raises(ConfigProblem, match="can't be started"):
            tap.connector().check()
