"""The nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, names: Iterable[str]) -> str:
    """`did you mean 'severity'?`, or nothing when no name is near."""
    known = sorted(map(str, names))
    found = difflib.get_close_matches(word[:100], known, n=1, cutoff=0.6)
    if not found:
        folded = {name.lower().replace("_", ""): name for name in known}
        found = [folded[key] for key in [word.lower().replace("_", "")] if key in folded]
    return f"did you mean {found[0]!r}?" if found else ""


def among(word: str, names: Iterable[str], limit: int = 12) -> str:
    """The nearest name, or the list of all names when none is near."""
    known = sorted(map(str, names))
    shown = ", ".join(known[:limit]) + (", ..." if len(known) > limit else "")
    return nearest(word, known) or f"known are {shown}" if known else "none is known here"
