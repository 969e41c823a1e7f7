"""npm's `soap` for the tests: a SOAP server and client independent of zeep and of the stand-in."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.demo.errors import MissingComponent
from gateway.demo.process import components_root, find_program, library_path

HERE = Path(__file__).parent / "soap_server"
KEY = "peer-key-of-the-hub"


def _node(folder: Path, script: str) -> tuple[list[str], dict[str, str]]:
    """The command and environment of a script beside npm's modules."""
    modules = components_root().parent / "soap" / "node_modules"
    if not (modules / "soap" / "package.json").is_file():
        raise MissingComponent(("npm's soap",), "soap")
    node = find_program("node", component="soap")
    shutil.copy(HERE / script, folder / script)
    link = folder / "node_modules"
    if not link.exists():
        link.symlink_to(modules)
    environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": library_path(node)}
    return [str(node), str(folder / script)], environment


@contextmanager
def serving(folder: Path, wsdl: Path) -> Iterator[str]:
    """The address of a running server of this WSDL: `/mes` speaks SOAP 1.1, `/mes12` 1.2."""
    command, environment = _node(folder, "server.js")
    process = subprocess.Popen([*command, str(wsdl)], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{' '.join(command)} ended with {process.wait(10)}"
        yield f"http://127.0.0.1:{json.loads(line)['port']}"
    finally:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def called(folder: Path, wsdl_url: str, key: str, operation: str, arguments: dict[str, Any]) -> Any:
    """What npm's client makes of an operation: {"result": ...} or {"fault": ...}."""
    command, environment = _node(folder, "client.js")
    done = subprocess.run(
        [*command, wsdl_url, key, operation, json.dumps(arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
