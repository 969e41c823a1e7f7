"""Proof that code runs without a network: while it holds, opening or resolving anything fails loudly."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from unittest import mock


class NetworkTouched(AssertionError):
    """Code that must be pure tried to open a connection."""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise NetworkTouched("this must work without a network")


@contextmanager
def no_network() -> Iterator[None]:
    """Sockets can be neither made nor connected, names not resolved."""
    with (
        mock.patch.object(socket, "socket", _refuse),
        mock.patch.object(socket, "create_connection", _refuse),
        mock.patch.object(socket, "getaddrinfo", _refuse),
    ):
        yield
