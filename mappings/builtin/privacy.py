"""Hiding values. The field graph marks what goes through these as masked."""

from __future__ import annotations

import hashlib
from typing import Any

from mappings.builtin.collections import json
from mappings.errors import EvaluationError
from mappings.registry import function


@function(masking=True)
def mask(value: str, keep: int = 4, sign: str = "*") -> str:
    """The text with all but its last `keep` characters hidden; a text not longer than twice that is hidden whole.

    mask('13812345678') == '*******5678'
    mask('1234') == '****'
    """
    if len(sign) != 1 or not 0 <= keep <= 100:
        raise EvaluationError("mask() keeps 0 to 100 characters and hides with one sign")
    shown = keep if len(value) > 2 * keep else 0
    return sign * (len(value) - shown) + value[len(value) - shown :]


@function(masking=True)
def digest(value: Any, *values: Any) -> str:
    """The SHA-256 of the values, 64 hex digits: the same for the same values, for keys and fingerprints. It hides a
    value only as far as it cannot be guessed.

    digest('a', 'b') == digest('a', 'b')
    length(digest(5)) == 64
    """
    try:
        return hashlib.sha256(json([value, *values]).encode()).hexdigest()
    except UnicodeEncodeError:
        raise EvaluationError("digest() takes no half characters") from None
