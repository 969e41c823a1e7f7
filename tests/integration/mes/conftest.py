"""npm's soap as the MES, and the stand-in on a port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.mes.config import SHIPPED
from connectors.mes.sandbox import Server, serve
from tests.real.soap import serving


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("soap")


@pytest.fixture(scope="session")
def peer(node_folder: Path) -> Iterator[str]:
    """The address of npm's server of the typed WSDL."""
    with serving(node_folder, SHIPPED / "typed.wsdl") as url:
        yield url


@pytest.fixture
def server() -> Iterator[Server]:
    """The stand-in."""
    with serve() as running:
        yield running
