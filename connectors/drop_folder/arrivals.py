"""Which files of a folder are complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from connectors.drop_folder.client import Folder, Found
from connectors.drop_folder.form import Complete, FileStream

_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
_SKEW_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`ready`: complete files, the oldest first. `waiting`: name → why not yet. `refused`: name → why never."""

    ready: tuple[Found, ...]
    waiting: dict[str, str]
    refused: dict[str, str]


def arrivals(folder: Folder, entries: Sequence[Found], form: FileStream, complete: Complete, now_ns: int) -> Arrivals:
    """Looks at names only; `now_ns`: the hub's clock."""
    names = {each.name for each in entries}
    ready: list[Found] = []
    waiting: dict[str, str] = {}
    refused: dict[str, str] = {}
    for each in entries:
        if not form.takes(each.name) or each.name.startswith((".", "~$")) or each.name.lower().endswith(_UNFINISHED):
            continue
        if each.kind == "link":
            if folder.leads_outside(each.name):
                refused[each.name] = "it is a symbolic link out of the folder; put the file itself there"
        elif each.kind == "file":
            why = _not_yet(each, names, complete, now_ns)
            if why:
                waiting[each.name] = why
            else:
                ready.append(each)
    ready.sort(key=lambda each: (each.mtime_ns, each.name))
    return Arrivals(tuple(ready), waiting, refused)


def _not_yet(found: Found, names: set[str], complete: Complete, now_ns: int) -> str:
    if f"~${found.name}" in names or f".~lock.{found.name}#" in names:
        return "somebody has it open"
    if complete.by == "marker":
        marks = {found.name + complete.marker, PurePath(found.name).stem + complete.marker}
        return "" if marks & names else f"there is no {found.name}{complete.marker} yet"
    if complete.by == "rest":
        age_ns = now_ns - found.changed_ns
        if age_ns < -_SKEW_NS:
            return "it is of the future: the clocks of the hub and of the file's machine differ"
        if age_ns < complete.rest_s * 1e9:
            return f"changed less than {complete.rest_s:g} s ago"
    return ""
