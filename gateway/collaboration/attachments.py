"""Where the contents of attachments are: one file for each SHA-256, in a folder outside the database."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from core_tickets import collaboration
from gateway.collaboration.sniffing import HEAD, media_type_of
from gateway.errors import NotFound, Problem, Refused, TooLarge
from gateway.policies.attachments import Limits
from gateway.service import Gateway

log = structlog.get_logger(__name__)

FOLDER = "attachments"
ORPHAN_AGE_S = 24 * 3600
"""A file that no ticket holds is kept so long: an upload may be under way, a removal may be a mistake."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """Contents that are safely on disk."""

    sha256: str
    size: int
    media_type: str


class AttachmentStore:
    """A folder of files named by what they hold: the same contents are kept once. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def receive(self, limits: Limits) -> Receiving:
        """Begin to take contents in; feed it, then `finish`, or `abandon` it."""
        return Receiving(self, limits)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def open(self, sha256: str) -> BinaryIO:
        """The contents. Raises NotFound when the file is gone."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise NotFound("The contents of this attachment are not on this machine's disk any more.") from None

    def aged(self, before: float) -> Iterator[list[Path]]:
        """Files untouched since `before` (seconds since 1970), in batches; half received ones among them."""
        batch: list[Path] = []
        for file in sorted(self.folder.glob("*/*")) if self.folder.exists() else ():
            if file.stat().st_mtime < before:
                batch.append(file)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


class Receiving:
    """Contents on their way in: hashed, counted and looked at as they come. Not for several threads at once."""

    def __init__(self, store: AttachmentStore, limits: Limits) -> None:
        self._store, self._limits = store, limits
        self._scratch = store.folder / "incoming" / secrets.token_hex(16)
        self._scratch.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._scratch.open("xb")
        self._hash, self._size, self._head = hashlib.sha256(), 0, b""

    def feed(self, chunk: bytes) -> None:
        """Raises TooLarge as soon as it is."""
        self._size += len(chunk)
        if self._size > self._limits.max_bytes:
            raise TooLarge(f"An attachment may have at most {self._limits.max_bytes} bytes.")
        if len(self._head) < HEAD:
            self._head += chunk[: HEAD - len(self._head)]
        self._hash.update(chunk)
        self._file.write(chunk)

    def finish(self) -> Stored:
        """On disk for good. Raises Refused for nothing at all and for a type that the policy does not allow."""
        if not self._size:
            raise Refused("The attachment is empty.", [Problem("body", "has no bytes", "send the file as the body")])
        media_type = media_type_of(self._head)
        if not self._limits.allows(media_type):
            allowed = ", ".join(self._limits.types)
            problem = Problem("body", f"its contents are {media_type}", f"allowed are: {allowed}")
            raise Refused("This type of file is not taken.", [problem])
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._hash.hexdigest()
        target = self._store.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._scratch, target)  # the same contents again: the newer file, so no sweep takes it for an orphan
        return Stored(digest, self._size, media_type)

    def abandon(self) -> None:
        """Let go of what came so far; after `finish` it does nothing."""
        self._file.close()
        self._scratch.unlink(missing_ok=True)


def store_of(gateway: Gateway) -> AttachmentStore:
    return AttachmentStore(gateway.settings.home / FOLDER)


def sweep(gateway: Gateway, now: int) -> int:
    """Remove files that no ticket holds and that nobody touched for a day; answers how many."""
    store, removed = store_of(gateway), 0
    for batch in store.aged(now / 1_000_000 - ORPHAN_AGE_S):
        with gateway.reading() as conn:
            held = collaboration.contents(conn, {file.name for file in batch})
        for file in batch:
            if file.name not in held:
                file.unlink(missing_ok=True)
                removed += 1
    if removed:
        log.info("attachments.swept", removed=removed)
    return removed
