"""Which names of things can be kept."""

from __future__ import annotations

from typing import Any

import pytest

from id_registry import BadInput, BadKey, Key, UnknownKind
from id_registry.keys import LOCAL_LENGTH, SYSTEM_LENGTH, TEXT_LENGTH, check_text, columns_of

GOOD = Key("device", "mes", "PRESS-7")


def test_local_ids_count_exactly_as_given() -> None:
    keys = [Key("device", "mes", local) for local in (" 7", "7", "７", "a", "A", "é", "e\u0301", "中" * LOCAL_LENGTH)]
    assert columns_of(keys).locals == [key.local for key in keys]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (Key("device", "mes", ""), "keys[1].local"),
        (Key("device", "mes", "x" * (LOCAL_LENGTH + 1)), "keys[1].local"),
        (Key("device", "mes", "nul\0"), "keys[1].local"),
        (Key("device", "mes", "half \udfff"), "keys[1].local"),
        (Key("device", "mes", 7), "keys[1].local"),  # type: ignore[arg-type]
        (Key("device", "mes", None), "keys[1].local"),  # type: ignore[arg-type]
        (Key("device", "mes", ["x"]), "keys[1].local"),  # type: ignore[arg-type]
        (Key("device", "", "7"), "keys[1].system"),
        (Key("device", "x" * (SYSTEM_LENGTH + 1), "7"), "keys[1].system"),
        (Key("device", "m\0", "7"), "keys[1].system"),
        (Key("device", ["mes"], "7"), "keys[1].system"),  # type: ignore[arg-type]
        (("device", "mes"), "keys[1]"),
        ("abc", "keys[1]"),
        (None, "keys[1]"),
    ],
)
def test_a_key_that_cannot_be_kept_is_named_with_its_place(key: Any, path: str) -> None:
    with pytest.raises(BadKey) as refused:
        columns_of([GOOD, key])
    assert refused.value.path == path
    assert path in str(refused.value)


def test_a_key_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKind, match="did you mean 'device'"):
        columns_of([GOOD, Key("devise", "mes", "7")])


def test_a_very_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(BadKey) as refused:
        columns_of([Key("device", "mes", "x" * 100_000)])
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("text", ["", "x" * (TEXT_LENGTH + 1), "nul\0", "\ud800", 7, None])
def test_text_that_a_database_cannot_keep_is_refused(text: Any) -> None:
    with pytest.raises(BadInput) as refused:
        check_text(text, "reason")
    assert refused.value.path == "reason"
