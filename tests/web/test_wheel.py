"""What is installed is what was built: the wheel has the web UI in it."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.web.browsing import ROOT

# in a folder of its own: what an earlier build left beside the sources must not pass for this one's
BUILD = "from setuptools import setup; setup()"


def test_the_wheel_has_the_page_of_the_web_ui_and_every_file_it_asks_for(built_ui: None, tmp_path: Path) -> None:
    folders = [
        "egg_info",
        "-e",
        str(tmp_path),
        "build",
        "-b",
        str(tmp_path / "build"),
        "bdist_wheel",
        "-d",
        str(tmp_path),
    ]
    subprocess.run([sys.executable, "-c", BUILD, "-q", *folders], cwd=ROOT, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as held:
        names = set(held.namelist())
        page = held.read("gateway/web/dist/index.html").decode()
    asked = re.findall(r'(?:src|href)="/([^"]+)"', page)
    assert any(name.endswith(".js") for name in asked)
    assert {f"gateway/web/dist/{name}" for name in asked} <= names
    dist = ROOT / "gateway" / "web" / "dist"
    built = {file.relative_to(ROOT).as_posix() for file in dist.rglob("*") if file.is_file()}
    assert built == {name for name in names if name.startswith("gateway/web/dist/")}
