"""The rows of a workbook's sheet, read by a child process whose memory and time are bounded."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.drop_folder.client import OpenFile
from connectors.drop_folder.examine import Unusable
from connectors.drop_folder.form import FileStream
from connectors.drop_folder.lines import Place, Row
from connectors.errors import Transient
from connectors.exact import load_json

CHILD = Path(__file__).with_name("workbook_child.py")
_STDERR_BYTES = 2000


class Fault(str):
    """A cell without a value that should have one: #N/A, or a formula nobody has computed."""

    __slots__ = ()


def workbook_rows(
    file: OpenFile, form: FileStream, zone: ZoneInfo, *, skip: int, memory_mb: int, timeout_s: float
) -> Generator[Row, None, None]:
    """The sheet's rows that are not empty, behind row `skip`; those up to the header's end always.

    Times have `zone` and become UTC, dates are midnight there. Raises Unusable; Transient after `timeout_s`.
    """
    asked = {
        "sheet": form.sheet,
        "fill_merged": form.fill_merged,
        "skip": skip,
        "header_to": form.header_row + form.header_rows - 1 if form.header_row else 0,
        "memory_mb": memory_mb,
        "cpu_s": max(1, round(timeout_s)),
    }
    file.seek(0)
    child = subprocess.Popen(  # noqa: S603 - our own program, and no text of others in its arguments
        [sys.executable, "-I", str(CHILD), json.dumps(asked)],
        stdin=file.handle,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONIOENCODING": "utf-8", "RUST_BACKTRACE": "0"},
    )
    try:
        ended = False
        for line in _lines(child, timeout_s):
            told = load_json(line)
            if isinstance(told, list):
                number = int(told[0])
                cells = tuple(_cell(each, zone) for each in told[1:])
                yield Row(number, number, cells, "", Place(0, number, 0))
            elif "unusable" in told:
                raise Unusable(str(told["unusable"]))
            else:
                ended = bool(told.get("end"))
        if not ended:
            raise Unusable(_why_it_ended(child, memory_mb))
    finally:
        child.kill()
        child.communicate()


def _lines(child: subprocess.Popen[bytes], timeout_s: float) -> Iterator[bytes]:
    """What the child writes. Raises Transient when it is silent for too long."""
    assert child.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdout, selectors.EVENT_READ)
        until = time.monotonic() + timeout_s
        while True:
            if not ready.select(max(0.0, until - time.monotonic())):
                raise Transient(f"the workbook was not read within {timeout_s:g} s")
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            yield from whole
            until = time.monotonic() + timeout_s


def _why_it_ended(child: subprocess.Popen[bytes], memory_mb: int) -> str:
    assert child.stderr is not None
    said = child.stderr.read(_STDERR_BYTES).decode("utf-8", "replace")
    if "memory allocation" in said or "MemoryError" in said:
        return f"it takes more than {memory_mb} MB to read: far more cells than it seems (see workbook_memory_mb)"
    last = said.strip().splitlines()[-1:] or [f"its reader ended with {child.wait(5)}"]
    return f"it can't be read as a workbook: {last[0][:300]}"


def _cell(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if "e" in value:
        return Fault(value["e"])
    if "s" in value:
        return Decimal(value["s"])
    return datetime.fromisoformat(value.get("t") or value["d"]).replace(tzinfo=zone).astimezone(UTC)
