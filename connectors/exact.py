"""JSON without loss: numbers become `Decimal` or `int`, never float, and nothing in it can blow up what reads it."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from connectors.errors import BadRecord

MAX_EXPONENT = 400
"""Beyond every double; a number like 1e999999999 would take the memory of whoever writes it out."""


def load_json(data: bytes | str) -> Any:
    """Parse JSON exactly.

    :raises BadRecord: not JSON, not UTF-8, NaN or Infinity, a number beyond 10^±400, or nested too deeply.
    """
    try:
        text = data.removeprefix(BOM_UTF8).decode() if isinstance(data, bytes) else data  # json would guess UTF-16 too
        return json.loads(text, parse_float=_decimal, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8 at byte {error.start}", record=_excerpt(data)) from None
    except RecursionError:
        raise BadRecord("nested too deeply", record=_excerpt(data)) from None
    except ValueError as error:
        raise BadRecord(f"not JSON: {error}", record=_excerpt(data)) from None


def dump_json(value: Any) -> bytes:
    """JSON with every `Decimal` as the number it is. Times are UTC as they are written in RFC 3339.

    :raises BadRecord: it holds what JSON cannot.
    """
    try:
        return orjson.dumps(value, default=_exactly, option=orjson.OPT_UTC_Z)
    except TypeError as error:
        raise BadRecord(f"cannot be written as JSON: {error}") from None


def exact_number(value: object) -> Decimal:
    """A number as systems send it: a JSON number, or a text that is one.

    :raises BadRecord: it is none, is not finite, or is beyond 10^±400.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise BadRecord(f"{value!r} is no number", record=value)
    try:
        number = Decimal(value)
        in_proportion = number.is_finite() and (not number or abs(number.adjusted()) <= MAX_EXPONENT)
    except InvalidOperation:
        in_proportion = False
    if not in_proportion:
        raise BadRecord(f"{str(value)[:40]!r} is no number", record=value)
    return number


def _exactly(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(f"{value:f}")
    raise TypeError(f"{type(value).__name__} {str(value)[:40]!r} is not JSON")


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"the number {text[:40]} is out of all proportion")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _excerpt(data: bytes | str) -> str:
    return data[:500].decode("utf-8", "replace") if isinstance(data, bytes) else data[:500]
