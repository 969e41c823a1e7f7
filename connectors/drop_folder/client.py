"""The only place where files are touched: every call of the operating system, and what its failure means."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient

_SURELY_NOTHING = frozenset(
    {errno.EBUSY, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
    | {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EHOSTDOWN}
)
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a folder. `changed_ns`: when anything about it changed last, as the file system says."""

    name: str
    kind: Literal["file", "link", "other"]
    size: int
    mtime_ns: int
    changed_ns: int


class Files:
    """The operating system's calls, nothing else; tests put a breakable one in its place."""

    def entries(self, folder: str) -> list[Found]:
        found = []
        with os.scandir(folder) as names:
            for each in names:
                with contextlib.suppress(FileNotFoundError):  # taken away meanwhile
                    about = each.stat(follow_symlinks=False)
                    mode = about.st_mode
                    kind = "file" if stat.S_ISREG(mode) else "link" if stat.S_ISLNK(mode) else "other"
                    changed = max(about.st_mtime_ns, about.st_ctime_ns)
                    found.append(Found(each.name, kind, about.st_size, about.st_mtime_ns, changed))  # type: ignore[arg-type]
        return found

    def open(self, path: str) -> int:
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | flags)

    def read(self, handle: int, size: int) -> bytes:
        return os.read(handle, size)

    def seek(self, handle: int, offset: int) -> None:
        os.lseek(handle, offset, os.SEEK_SET)

    def about(self, handle: int) -> os.stat_result:
        return os.fstat(handle)

    def create(self, path: str, data: bytes) -> None:
        """A new file with this content, on the disk when this returns."""
        with open(path, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def publish(self, source: str, target: str) -> None:
        """Give a file its final name, in one step; raises FileExistsError."""
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
            os.rename(source, target)
            return
        os.unlink(source)

    def replace(self, source: str, target: str) -> None:
        """Put a file in another's place, in one step."""
        os.replace(source, target)

    def move(self, source: str, target: str) -> None:
        os.rename(source, target)

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def writable(self, folder: str) -> bool:
        return os.access(folder, os.W_OK | os.X_OK)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file being read. What it is like is asked of the open file, so nobody can put another in its place. `opened`: its
    state when it was opened."""

    name: str
    handle: int
    path: str
    opened: tuple[int, int]
    _files: Files

    def read(self, size: int) -> bytes:
        with naming(self.path):
            return self._files.read(self.handle, size)

    def seek(self, offset: int) -> None:
        with naming(self.path):
            self._files.seek(self.handle, offset)

    def state(self) -> tuple[int, int]:
        """(size, time of the last change of its content in ns)."""
        with naming(self.path):
            about = self._files.about(self.handle)
        return about.st_size, about.st_mtime_ns


class Folder:
    """One folder. Every failure is named by what must happen next."""

    def __init__(self, path: str, files: Files | None = None) -> None:
        self.path = path
        self.files = files or Files()

    def entries(self) -> list[Found]:
        """All names in it, folders and links too. Raises AuthProblem, ConfigProblem, Transient."""
        with naming(self.path):
            return self.files.entries(self.path)

    def leads_outside(self, name: str) -> bool:
        """Whether a symbolic link leads out of the folder."""
        target = os.path.realpath(os.path.join(self.path, name))
        return os.path.dirname(target) != os.path.realpath(self.path)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[OpenFile | None]:
        """The file for reading; None when it is gone, or no plain file any more."""
        path = os.path.join(self.path, name)
        try:
            handle = self.files.open(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP):
                raise told(error, path) from error
            yield None
            return
        try:
            with naming(path):
                about = self.files.about(handle)
            opened = about.st_size, about.st_mtime_ns
            yield OpenFile(name, handle, path, opened, self.files) if stat.S_ISREG(about.st_mode) else None
        finally:
            os.close(handle)

    def move(self, name: str, to: str) -> None:
        """Into another folder of the same disk."""
        with naming(to):
            self.files.move(os.path.join(self.path, name), os.path.join(to, name))


@contextlib.contextmanager
def naming(path: str, *, effect: bool = False) -> Iterator[None]:
    """Turns the system's error into ours. `effect`: the call changes something that others see."""
    try:
        yield
    except OSError as error:
        raise told(error, path, effect=effect) from error


def told(error: OSError, path: str, *, effect: bool = False) -> ConnectorError:
    """What an error of the operating system means."""
    reason = f"{path}: {os.strerror(error.errno) if error.errno else error}"
    if error.errno in _DENIED:
        return AuthProblem(reason, hint="grant the hub's account the right to this folder and the files in it")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ConfigProblem(reason, hint="is the folder there, and is the share mounted on the hub's machine?")
    if error.errno == errno.EXDEV:
        return ConfigProblem(f"{path}: not on the same disk", hint="archive_to must be on the folder's own disk")
    if effect and error.errno not in _SURELY_NOTHING:
        return Ambiguous(reason)
    return Transient(reason)
