"""Python's collector of cycles, in a process that stays."""

from __future__ import annotations

import gc


def spare() -> None:
    """Once all is imported: it stays for good, so it need not be looked through for cycles at every few hundred new objects
    (a twelfth of the CPU of a busy hub)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
