"""The API's own description, OpenAPI 3.1: `python -m gateway.api.description` prints it, without a database."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from gateway.api.app import create_app
from gateway.settings import Settings


def described() -> dict[str, object]:
    """The same document that a hub answers at /openapi.json."""
    with TemporaryDirectory() as home:
        app = create_app(Settings(home=Path(home)), worker=False)
        return app.openapi()


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(described(), option=orjson.OPT_INDENT_2).decode() + "\n")
