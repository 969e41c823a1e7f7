"""What must never be in a connector's source is found, and what only looks like it is not."""

import ast
from collections.abc import Sequence

import pytest

from connectors.conformance import source

FOUND = [
    (source.sleeping, "import time\ntime.sleep(1)"),
    (source.sleeping, "from time import sleep as nap\nnap(1)"),
    (source.sleeping, "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
    (source.sleeping, "import tenacity\n@tenacity.retry(stop=1)\ndef f(): ..."),
    (source.broad_excepts, "try:\n    f()\nexcept:\n    pass"),
    (source.broad_excepts, "try:\n    f()\nexcept Exception:\n    pass"),
    (source.broad_excepts, "try:\n    f()\nexcept (OSError, BaseException) as e:\n    pass"),
    (source.broad_excepts, "import contextlib\nwith contextlib.suppress(Exception):\n    f()"),
    (source.floats, "x = float(row['qty'])"),
    (source.floats, "import json\nx = json.loads(body)"),
    (source.naive_times, "from datetime import datetime\nx = datetime.now()"),
    (source.naive_times, "import datetime as dt\nx = dt.datetime.utcnow()"),
    (source.naive_times, "from datetime import datetime\nx = datetime.fromtimestamp(5)"),
    (source.forbidden_imports, "import sqlalchemy.orm"),
    (source.forbidden_imports, "def f():\n    from gateway.config import Hub"),
    (source.endless_calls, "import httpx\nx = httpx.Client(verify=True)"),
    (source.endless_calls, "import requests\nx = requests.get(url)"),
    (source.endless_calls, "from urllib.request import urlopen\nx = urlopen(url)"),
    (source.endless_calls, "self._session.get(url)"),
    (source.endless_calls, "anything(timeout=None)"),
    (source.timing_leaks, "ok = self.config.token.get_secret_value() == given"),
]
FINE = [
    (source.sleeping, "self.sleep = 5\nself.rest()"),
    (source.broad_excepts, "try:\n    f()\nexcept (OSError, ValueError):\n    pass"),
    (source.floats, "import json\nfrom decimal import Decimal\nx = json.loads(body, parse_float=Decimal)"),
    (source.floats, "timeout: float = 5.0"),
    (
        source.naive_times,
        "from datetime import UTC, datetime\nx = datetime.now(UTC)\ny = datetime.fromtimestamp(5, tz=UTC)",
    ),
    (source.naive_times, "x = self.clock.now()"),
    (source.forbidden_imports, "from connectors.contract import Event\nimport mappings_of_ours"),
    (source.endless_calls, "import httpx\nx = httpx.Client(timeout=5)\ny = httpx.get(url, **options)"),
    (source.endless_calls, "self.cache.get(key)"),
    (source.timing_leaks, "empty = self.config.token.get_secret_value() == ''"),
]


def _ids(examples: Sequence[tuple[source.Finder, str]]) -> list[str]:
    return [f"{finder.__name__}: {text.splitlines()[-1]}" for finder, text in examples]


@pytest.mark.parametrize(("finder", "text"), FOUND, ids=_ids(FOUND))
def test_it_is_found(finder: source.Finder, text: str) -> None:
    assert list(finder(ast.parse(text)))


@pytest.mark.parametrize(("finder", "text"), FINE, ids=_ids(FINE))
def test_it_is_let_through(finder: source.Finder, text: str) -> None:
    assert not list(finder(ast.parse(text)))
