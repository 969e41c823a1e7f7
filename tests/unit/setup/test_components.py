"""`setup/components.sh`: what it says and does without fetching anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "setup" / "components.sh"


def run(*sets: str, components: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], "WEFT_COMPONENTS": str(components)}
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), *sets], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH with the programs every system has, and no apt."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "sed", "cat", "id", "dirname", "mkdir", "rm", "tar", "flock"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return str(folder)


def machine_has(*programs: str) -> bool:
    return all(shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") for program in programs)


def test_help_explains_itself(tmp_path: Path) -> None:
    told = run("--help", components=tmp_path)

    assert told.returncode == 0
    assert "prometheus mosquitto postgres zabbix odbc" in told.stdout


def test_an_unknown_set_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    told = run("prometheus", "grafana", components=tmp_path / "components")

    assert told.returncode == 2
    assert "unknown set 'grafana'" in told.stderr
    assert not (tmp_path / "components").exists()


@pytest.mark.skipif(machine_has("mosquitto", "mosquitto_passwd"), reason="this machine has mosquitto itself")
def test_without_apt_it_names_the_packages_to_install_by_hand(tmp_path: Path, bare: str) -> None:
    hidden = SCRIPT.read_text().replace("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin", "")
    script = tmp_path / "setup" / "components.sh"
    script.parent.mkdir()
    script.write_text(hidden)
    shutil.copy(SCRIPT.with_name("node.sh"), script.parent)
    told = subprocess.run(
        ["/bin/sh", str(script), "mosquitto"],
        env={"PATH": bare},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert told.returncode == 3
    assert "there is no apt" in told.stderr
    assert "mosquitto mosquitto-clients" in told.stderr
    assert "missing: mosquitto" in told.stderr


def test_a_set_that_is_unpacked_is_left_alone(tmp_path: Path, bare: str) -> None:
    stamps = tmp_path / "components" / "stamps"
    stamps.mkdir(parents=True)
    (stamps / "mosquitto").write_text("1\nmosquitto mosquitto-clients\n")

    told = run("mosquitto", components=tmp_path / "components", path=bare)

    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
