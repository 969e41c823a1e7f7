"""Whether the folders are there and may be used as they are meant to."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

from connectors.contract import Health, MissingRight
from connectors.drop_folder.arrivals import arrivals
from connectors.drop_folder.client import Folder
from connectors.drop_folder.form import Section
from connectors.errors import AuthProblem, ConfigProblem

MANY = 5000


def check(folder: Folder, section: Section, now_ns: int) -> Health:
    """Looks into every folder and opens the newest file of every stream. Changes nothing."""
    missing: list[MissingRight] = []
    notes: list[str] = []
    if section.streams:
        missing += _to_read(folder, section, now_ns, notes)
    missing += _to_write(folder, section)
    lacking = "; ".join(f"{right.right}, {right.needed_for}" for right in missing)
    return Health(
        ok=not missing,
        message=f"the hub's account lacks: {lacking}" if missing else "; ".join(notes),
        remote_version=f"{platform.system()} {platform.release()}",
        missing_rights=tuple(missing),
    )


def _to_read(folder: Folder, section: Section, now_ns: int, notes: list[str]) -> Iterator[MissingRight]:
    try:
        entries = folder.entries()
    except AuthProblem:
        yield _right("read and enter", folder.path, "to see which files are there")
        return
    for name, form in section.streams.items():
        look = arrivals(folder, entries, form, section.complete, now_ns)
        if not look.ready:
            why = next(iter([*look.waiting.values(), *look.refused.values()]), f"none is named {form.files}")
            notes.append(f"{name}: no complete file ({why})")
        if len(look.ready) > MANY and not section.archive_to:
            notes.append(f"{name}: {len(look.ready):,} files; set archive_to, or every run looks at all of them")
        for found in look.ready[-1:]:
            try:
                with folder.open(found.name) as file:
                    if file is not None:
                        file.read(1)
            except AuthProblem:
                yield _right("read", os.path.join(folder.path, found.name), f"to read {name}")
    if section.archive_to:
        yield from _writable(folder, folder.path, "to move files away that were read")
        yield from _writable(folder, section.archive_to, "to move files there that were read")


def _to_write(folder: Folder, section: Section) -> Iterator[MissingRight]:
    for name, form in section.exports.items():
        yield from _writable(folder, form.folder, f"to write files ({name})")


def _writable(folder: Folder, path: str, needed_for: str) -> Iterator[MissingRight]:
    there = Folder(path, folder.files)
    try:
        there.entries()
    except AuthProblem:
        yield _right("read and enter", path, needed_for)
        return
    except ConfigProblem as problem:
        raise ConfigProblem(str(problem), hint="make the folder, or mount the share") from problem
    if not folder.files.writable(path):
        yield _right("write", path, needed_for)


def _right(right: str, path: str, needed_for: str) -> MissingRight:
    return MissingRight(
        right=f"{right} on {path}",
        needed_for=needed_for,
        grant_at="the machine that holds the folder: its owner and mode, or the share's permissions",
    )
