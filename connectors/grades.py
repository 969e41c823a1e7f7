"""A connector's grade as the exam last computed it: `grade.json` in its folder, with a digest of what was examined.

Written only by `python -m connectors.conformance --save`; nobody types a grade, and one whose sources have changed
since counts for nothing.
"""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Literal

import orjson

Grade = Literal["bronze", "silver", "gold"]
FILE = "grade.json"
_EXAMINED = frozenset({".py", ".md", ".yaml", ".yml", ".js", ".proto"})


def grade_of(connector: type) -> Grade | None:
    """The grade of an installed connector; None: never examined, not passed, or changed since."""
    path = _folder(connector) / FILE
    if not path.is_file():
        return None
    saved = orjson.loads(path.read_bytes())
    return saved["grade"] if saved["source"] == digest(connector) else None


def save(connector: type, grade: Grade | None) -> None:
    """Keep what the exam found."""
    text = orjson.dumps({"grade": grade, "source": digest(connector)}, option=orjson.OPT_INDENT_2)
    (_folder(connector) / FILE).write_bytes(text + b"\n")


def digest(connector: type) -> str:
    """Of the names and contents of the files the connector's folder holds (line ends do not count)."""
    sha, folder = hashlib.sha256(), _folder(connector)
    for path in sorted(folder.rglob("*")):
        if path.suffix in _EXAMINED and "__pycache__" not in path.parts:
            content = path.read_bytes().replace(b"\r\n", b"\n")
            sha.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def _folder(connector: type) -> Path:
    return Path(inspect.getfile(connector)).parent
