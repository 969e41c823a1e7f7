"""What a system calls a thing, and which names can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from id_registry.errors import BadInput, BadKey
from id_registry.global_ids import KINDS, kind_named

__all__ = ["LOCAL_LENGTH", "SYSTEM_LENGTH", "TEXT_LENGTH", "Columns", "Key", "check_text", "columns_of", "is_storable"]

SYSTEM_LENGTH = 100
LOCAL_LENGTH = 512
TEXT_LENGTH = 2_000
"""Of an actor, a reason, a field's name."""

_NUMBERS = {name: kind.number for name, kind in KINDS.items()}


class Key(NamedTuple):
    """What a system calls a thing. `local` counts exactly as given: no trimming, no folding of case or width."""

    kind: str
    system: str
    local: str


class Columns(NamedTuple):
    """Keys column by column: kind numbers, systems, local ids."""

    kinds: list[int]
    systems: list[str]
    locals: list[str]


def columns_of(keys: Sequence[Key], first: int = 0) -> Columns:
    """The keys as columns. Raises BadKey or UnknownKind naming the first that cannot be kept, counting from `first`.

    This is the hot path: keys are checked all at once, and one by one only to find the culprit. A `zip(*keys)` would
    make an iterator per key and keep the garbage collector busy.
    """
    try:
        columns = Columns([_NUMBERS[kind] for kind, _, _ in keys], [s for _, s, _ in keys], [i for _, _, i in keys])
        sound = (
            all(_is_sound(system, SYSTEM_LENGTH) for system in set(columns.systems))
            and max(map(len, columns.locals)) <= LOCAL_LENGTH
            and all(columns.locals)
            and is_storable("".join(columns.locals))
        )
    except (TypeError, ValueError, KeyError):
        sound = False
    if not sound:
        for i, key in enumerate(keys, first):
            _check_key(key, i)
    return columns


def check_text(text: object, path: str, *, empty: bool = False) -> str:
    """The text, if both databases can keep it. Raises BadInput naming `path`."""
    if not isinstance(text, str) or len(text) > TEXT_LENGTH or not (text or empty) or not is_storable(text):
        hint = f"give text of {0 if empty else 1} to {TEXT_LENGTH} characters without NUL and lone surrogates"
        raise BadInput(f"{path} is {_shown(text)}; {hint}", value=text, path=path, hint=hint)
    return text


def is_storable(text: str) -> bool:
    """Whether UTF-8 and PostgreSQL can hold it."""
    if "\0" in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _is_sound(text: object, length: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= length and is_storable(text)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:60]}… ({len(shown)} characters)"


def _check_key(key: Key, i: int) -> None:
    if not isinstance(key, tuple) or len(key) != 3:
        raise BadKey(f"keys[{i}] is {_shown(key)}; give Key(kind, system, local)", value=key, path=f"keys[{i}]")
    kind_named(key[0])
    for name, text, length in (("system", key[1], SYSTEM_LENGTH), ("local", key[2], LOCAL_LENGTH)):
        if not _is_sound(text, length):
            path, hint = f"keys[{i}].{name}", f"give text of 1 to {length} characters without NUL and lone surrogates"
            raise BadKey(f"{path} is {_shown(text)}; {hint}", value=text, path=path, hint=hint)
