"""A call that takes too long is given up: it is cancelled, unless it has ended by then."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from connectors.database_url import UrlPool, UrlSession
from connectors.errors import Transient
from connectors.odbc import OdbcSettings


def test_what_ended_before_it_could_be_cancelled_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel, told, tried = UrlSession._cancel, list[str](), threading.Event()

    def late(session: UrlSession) -> None:
        until = time.monotonic() + 10
        while not session._connection.closed and time.monotonic() < until:
            threading.Event().wait(0.005)
        try:
            cancel(session)
        except Exception as error:  # noqa: BLE001 - whatever a thread of ours lets out
            told.append(repr(error))
        tried.set()

    monkeypatch.setattr(UrlSession, "_cancel", late)
    over = threading.Event()
    pool = UrlPool(
        f"sqlite:///{tmp_path / 'some.db'}", OdbcSettings(server="unused"), writes=False, prepare=lambda _: None
    )
    with pytest.raises(Transient, match=r"within 0\.05 s"), pool.lease() as session:
        session.call(over.wait, timeout_s=0.05)
    over.set()
    assert tried.wait(20)
    assert told == []
    pool.close()
