"""Real programs as child processes, for the demo and for tests: found, started, waited for, stopped.

Programs come from the machine itself or, unpacked by `setup/components.sh`, from `.components/root`
(`WEFT_COMPONENTS` names another `.components`).
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from gateway.demo.errors import MissingComponent, NotStarted

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def components_root() -> Path:
    """Where `setup/components.sh` unpacks to."""
    given = os.environ.get("WEFT_COMPONENTS")
    return (Path(given) if given else Path(__file__).parents[2] / ".components") / "root"


def find_program(*names: str, component: str = "") -> Path:
    """The first of `names` that the machine has, else that is unpacked; `component` is its set in
    `setup/components.sh`. Raises MissingComponent."""
    root = components_root()
    for path in (f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}", f"{root}/usr/bin:{root}/usr/sbin"):
        for name in names:
            if found := shutil.which(name, path=path):
                return Path(found)
    raise MissingComponent(names, component)


def library_path(program: Path) -> str:
    """What LD_LIBRARY_PATH must be for a program: the unpacked libraries for an unpacked one, else nothing."""
    root = components_root()
    if not program.is_relative_to(root):
        return ""
    return ":".join(str(p) for p in sorted((root / "usr/lib").glob("*-linux-gnu*")))


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [int(s.getsockname()[1]) for s in sockets]


def accepts_connections(port: int) -> bool:
    """True when something listens on this port of loopback."""
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """True when a GET of `url` gives 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


class Process(ABC):
    """One real program with a folder of its own, started as a child in its own process group.

    A subclass says what to run (`command`), what to write before (`prepare`) and when it is up (`ready`). Output goes
    to `log` in the folder. As a context manager it is started and stopped; it never outlives a normal end of Python.
    """

    name = ""
    start_within_s = 60.0
    stop_within_s = 20.0

    def __init__(self, folder: Path, *, user: str = "") -> None:
        """`user`: whom to run as when we are root, for daemons that refuse root; the folder is made theirs."""
        self.folder = folder.absolute()  # the child starts elsewhere
        self.user = user
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Program and arguments; the program as an absolute path."""

    @abstractmethod
    def ready(self) -> bool:
        """True once it can be used. Called again and again until then; must not block for long."""

    def prepare(self) -> None:
        """Make the folder; a subclass also writes what the program reads."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def environment(self) -> Mapping[str, str]:
        """Variables it needs beside PATH, HOME, LC_ALL and LD_LIBRARY_PATH; nothing else is passed on."""
        return {}

    def working_folder(self) -> Path:
        """The folder it starts in."""
        return self.folder

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process id of the running child; 0 when there is none."""
        return self._child.pid if self._child and self.alive else 0

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> Self:
        """Start it and wait until it is ready. Raises MissingComponent or NotStarted (with the end of its log)."""
        if self.alive:
            return self
        self.prepare()
        command = list(self.command())
        environment = {"PATH": _SYSTEM_PATH, "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **self.environment()}
        if libraries := library_path(Path(command[0])):
            environment["LD_LIBRARY_PATH"] = libraries
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*self._step_down(), *command],
                cwd=self.working_folder(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.kill)
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """End it in order (SIGTERM to its group), by force after `stop_within_s`; nothing to do when not running."""
        if self._child is None:
            return
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(self.stop_within_s)
        self.kill()

    def kill(self) -> None:
        """End it and all its children at once, as a crash does."""
        if self._child is None:
            return
        self._signal(signal.SIGKILL)
        self._child.wait(self.stop_within_s)
        atexit.unregister(self.kill)
        self._child = None

    def restart(self) -> Self:
        """Stop and start again on the same folder and ports."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def _step_down(self) -> list[str]:
        if not self.user or os.geteuid() != 0:
            return []
        owner = pwd.getpwnam(self.user)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--"]

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)

    def _wait_until_ready(self) -> None:
        child = self._child
        if child is None:
            return
        deadline = time.monotonic() + self.start_within_s
        while not self.ready():
            with suppress(subprocess.TimeoutExpired):
                code = child.wait(0.05)
                raise NotStarted(self.name, f"ended with code {code}", self._log_end())
            if time.monotonic() > deadline:
                self.kill()
                raise NotStarted(self.name, f"was not ready within {self.start_within_s:g} s", self._log_end())

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
