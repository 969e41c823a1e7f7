"""A connector's grade as the exam last computed it: `grade.json` in its folder, with a digest of what was examined.

A connector made of a manifest has it beside its file, as `NAME.grade.json`; there the code of its kind counts too.
Written only by `python -m connectors.conformance --save` and `weft connector test`; nobody types a grade, and one whose
sources have changed since counts for nothing.
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
    path = _file(connector)
    if path is None or not path.is_file():
        return None
    saved = orjson.loads(path.read_bytes())
    return saved["grade"] if saved["source"] == digest(connector) else None


def save(connector: type, grade: Grade | None) -> None:
    """Keep what the exam found; nothing for a connector without a place of its own (a manifest that is no file)."""
    path = _file(connector)
    if path is None:
        return
    text = orjson.dumps({"grade": grade, "source": digest(connector)}, option=orjson.OPT_INDENT_2)
    path.write_bytes(text + b"\n")


def digest(connector: type) -> str:
    """Of the names and contents of the files the connector's folder holds (line ends do not count)."""
    sha = hashlib.sha256(getattr(connector, "manifest_digest", "").encode())
    for folder in _folders(connector):
        _add(sha, folder)
    return sha.hexdigest()


def _add(sha: hashlib._Hash, folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _EXAMINED and "__pycache__" not in path.parts:
            content = path.read_bytes().replace(b"\r\n", b"\n")
            sha.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)


def _file(connector: type) -> Path | None:
    if hasattr(connector, "manifest_digest"):
        manifest: Path | None = getattr(connector, "manifest_file", None)
        return None if manifest is None else manifest.with_suffix(".grade.json")
    return _folder(connector) / FILE


def _folders(connector: type) -> list[Path]:
    """Where the code is that the grade is about: the connector's own folder; of a manifest, its kind's folders."""
    if not hasattr(connector, "manifest_digest"):
        return [_folder(connector)]
    made_of = {_folder(base) for base in connector.__mro__ if base.__module__.startswith("connectors.")}
    return sorted(made_of | {Path(__file__).parent / "manifest"})


def _folder(connector: type) -> Path:
    return Path(inspect.getfile(connector)).parent
