"""docker-compose.yml as Docker reads it, for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from compose_spec import PyCompose

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"


def load(file: Path = FILE) -> dict[str, Any]:
    """The file with its anchors resolved. Raises ValueError where it is not what the Compose Specification allows."""
    told: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    PyCompose.from_json(json.dumps(told))
    return told
