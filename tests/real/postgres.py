"""A real PostgreSQL for the tests, started from the machine's own server programs on a free port of loopback.

`WEFT_TEST_POSTGRES_URL` names a running server to use instead (its user must be allowed to create databases).
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOM = 4 << 30
COMPONENTS = Path(__file__).parents[2] / ".components" / "root"


class MissingComponent(RuntimeError):
    """A real component that the tests need is not installed; run `make install` (as root on Debian or Ubuntu)."""


def find_bin() -> Path:
    """The folder with `initdb` and `postgres`, newest version first. Raises MissingComponent."""
    roots = ["/usr/lib/postgresql", str(COMPONENTS / "usr/lib/postgresql")]
    for root in roots:
        for folder in sorted(glob.glob(f"{root}/*/bin"), key=lambda p: int(p.split("/")[-2]), reverse=True):
            if Path(folder, "initdb").exists() and Path(folder, "postgres").exists():
                return Path(folder)
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise MissingComponent("no PostgreSQL server programs found (initdb, postgres): run `make install`")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def _memory() -> Path | None:
    """A file system in memory with room enough, where there is one. A database for each test is hundreds of files made and
    deleted, and ext4 passes over every inode that was deleted within the last minute: half of the time of all tests."""
    place = Path("/dev/shm")
    return place if place.is_dir() and shutil.disk_usage(place).free > ROOM else None


@dataclass
class Postgres:
    """A cluster of its own in a temporary folder; `durable` keeps fsync on, as production has it."""

    durable: bool = False
    port: int = 0
    folder: Path = Path()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://weft@127.0.0.1:{self.port}/postgres"

    def _as_owner(self, *command: str, **kw: object) -> subprocess.CompletedProcess[str]:
        prefix: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                owner = pwd.getpwnam("nobody")
            prefix = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
            shutil.chown(self.folder, owner.pw_uid, owner.pw_gid)
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        libraries = COMPONENTS / "usr/lib/x86_64-linux-gnu"
        if libraries.exists():
            env["LD_LIBRARY_PATH"] = str(libraries)
        done = subprocess.run([*prefix, *command], env=env, cwd="/", capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
        return done

    def start(self) -> Postgres:
        binaries = find_bin()
        self.port = self.port or free_port()
        if self.folder == Path():
            self.folder = Path(tempfile.mkdtemp(prefix="weft-pg-", dir=None if self.durable else _memory()))
            self.folder.chmod(0o755)
            self._as_owner(
                str(binaries / "initdb"),
                "-D",
                str(self.folder / "data"),
                "-A",
                "trust",
                "-U",
                "weft",
                "-N",
                "-E",
                "UTF8",
            )
        safety = "on" if self.durable else "off"
        options = (
            f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self.folder} -c fsync={safety} "
            f"-c synchronous_commit={safety} -c full_page_writes={safety} -c max_connections=200 -c shared_buffers=128MB"
        )
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._as_owner(str(binaries / "pg_ctl"), "-D", data, "-l", log, "-w", "-o", options, "start")
        return self

    def stop(self, mode: str = "fast") -> None:
        self._as_owner(str(find_bin() / "pg_ctl"), "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
