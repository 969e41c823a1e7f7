"""The page on identity tells of every kind, error and limit that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from id_registry import KINDS, errors
from id_registry.keys import LOCAL_LENGTH, SYSTEM_LENGTH

PAGE = (Path(__file__).parents[3] / "docs" / "identity.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_page_tells_every_kind_with_its_prefix(name: str) -> None:
    assert f"| `{name}` | {KINDS[name].prefix} |" in PAGE


@pytest.mark.parametrize("name", errors.__all__)
def test_the_page_tells_every_error(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_page_tells_the_limits_of_a_key() -> None:
    assert f"1 to {LOCAL_LENGTH} characters (`system` 1 to {SYSTEM_LENGTH})" in PAGE
