"""The hub as the DAGs see it: its commands, run by its own interpreter, and the file that says what there is.

Nothing of the hub's code is imported here, so reading a DAG costs no more than reading a small JSON file. A task runs one
command of `weft` beside it: the worker does the work, and Airflow and the hub keep environments of their own.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger("weft")

TRY_AGAIN = 75
"""The hub's own word for "somebody else is at it, or the database was away": Airflow's turn to try again."""


class HubBusy(Exception):
    """The hub asks to be tried again in a while, or the command's process died: what Airflow's retries are for."""


def definitions() -> dict[str, Any]:
    """What `weft airflow export` wrote; nothing while there is no such file."""
    file = Path(os.environ.get("WEFT_SYNCS", Path(__file__).with_name("syncs.json")))
    try:
        told: dict[str, Any] = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {"syncs": [], "jobs": []}
    if told["version"] != 1:
        raise ValueError(f"{file} is of another version of the hub ({told['version']}): use the DAGs that came with it")
    return told


def weft(*words: str, given: tuple[str, ...] = (), attended: bool = False, parent: str = "") -> dict[str, Any]:
    """Run `weft WORDS --json -- GIVEN` and answer what it says; its log becomes the task's. WEFT_BIN: where `weft` is.

    Raises AirflowFailException where trying again is of no use (the hub has tried, or was used wrongly), else HubBusy.
    """
    from airflow.sdk.exceptions import AirflowFailException

    program = os.environ.get("WEFT_BIN") or shutil.which("weft") or "weft"
    command = [program, *words, *(["--attended"] if attended else []), "--json", "--", *given]
    environment = dict(os.environ) | ({"WEFT_OPENLINEAGE_PARENT": parent} if parent else {})
    # the pipe to its standard input ends when this process does, however it ends: the command then ends, too
    process = subprocess.Popen(  # noqa: S603 - words are names from the hub's own file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    )
    assert process.stderr is not None
    assert process.stdout is not None
    lines: list[str] = []
    relay = threading.Thread(target=_relay, args=(process.stderr, lines), daemon=True)
    relay.start()
    try:
        answer = process.stdout.read()
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)
        relay.join(timeout=10)
    if code == 0:
        done: dict[str, Any] = json.loads(answer)
        return done
    reason = lines[-1] if lines else f"it ended with {code}"
    if code == TRY_AGAIN or code < 0 or code > 128:
        raise HubBusy(reason)
    raise AirflowFailException(reason)


def _relay(source: Any, lines: list[str]) -> None:
    for line in source:
        lines.append(line.rstrip())
        log.info("%s", line.rstrip())
