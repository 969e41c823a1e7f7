"""The driver manager and drivers: taken from the machine, else from the unpacked components, else named."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.errors import ConfigProblem
from connectors.odbc import driver_file

ASK = """
import sys
from connectors.errors import ConfigProblem
from connectors.odbc import driver_file, load
try:
    load()
    driver_file(sys.argv[1])
except ConfigProblem as problem:
    print(problem, "|", problem.hint)
"""


def on_machine(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def told_without_components(driver: str, tmp_path: Path) -> str:
    """What is said in a process that finds no unpacked components."""
    environment = {**os.environ, "WEFT_COMPONENTS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", ASK, driver], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_a_missing_driver_manager_says_what_to_install(tmp_path: Path) -> None:
    if (
        subprocess.run([sys.executable, "-c", "import ctypes; ctypes.CDLL('libodbc.so.2')"], check=False).returncode
        == 0
    ):
        pytest.skip("this machine has a driver manager itself")
    told = told_without_components("sqlite", tmp_path)
    assert "libodbc.so.2" in told
    assert "apt install unixodbc" in told
    assert "setup/components.sh odbc" in told


def test_the_unpacked_drivers_are_found_and_loaded() -> None:
    for driver in ("sqlite", "postgresql", "freetds"):
        assert on_machine(driver_file(driver)), driver


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if Path("/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so").exists():
        pytest.skip("this machine has FreeTDS itself")
    driver_file("sqlite")  # the driver manager is loaded by now
    driver_file.cache_clear()
    monkeypatch.setenv("WEFT_COMPONENTS", str(tmp_path))
    with pytest.raises(ConfigProblem) as problem:
        driver_file("freetds")
    assert "'freetds' is not on this machine" in str(problem.value)
    assert "tdsodbc" in problem.value.hint
    driver_file.cache_clear()


def test_a_file_that_is_no_driver_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "root/usr/lib/x86_64-linux-gnu/odbc"
    folder.mkdir(parents=True)
    (folder / "libtdsodbc.so").write_text("no library")
    if Path("/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so").exists():
        pytest.skip("this machine has FreeTDS itself")
    driver_file("sqlite")
    driver_file.cache_clear()
    monkeypatch.setenv("WEFT_COMPONENTS", str(tmp_path))
    with pytest.raises(ConfigProblem, match=r"libtdsodbc\.so can't be loaded"):
        driver_file("freetds")
    driver_file.cache_clear()
