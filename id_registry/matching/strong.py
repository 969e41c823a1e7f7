"""Values that name one thing in the whole world: the unified social credit code of a company, a device's serial and MAC."""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import uscc

__all__ = ["credit_code", "mac", "serial"]

_MAC = re.compile(r"[0-9A-F]{12}")
_SERIAL = re.compile(r"[0-9A-Z][0-9A-Z._/-]{4,63}")
_NO_SERIAL = frozenset({"UNKNOWN", "DEFAULT", "SERIAL", "SERIALNUMBER", "TOBEFILLEDBYO.E.M.", "SYSTEMSERIALNUMBER", "12345",
                        "123456", "1234567", "12345678", "123456789", "0123456789", "1234567890"})  # fmt: skip


def credit_code(value: str) -> str | None:
    """A unified social credit code (GB 32100-2015) whose check digit is right, in its normal form; else None."""
    text = _plain(value)
    return text if len(text) == 18 and uscc.is_valid(text) else None


def serial(value: str) -> str | None:
    """A serial number that looks like one; what makers leave in the field when they give none is none."""
    text = _plain(value)
    bare = re.sub(r"[._/-]", "", text)
    if not _SERIAL.fullmatch(text) or text in _NO_SERIAL or bare in _NO_SERIAL or len(set(bare)) < 3:
        return None
    return text


def mac(value: str) -> str | None:
    """A MAC address of one machine: neither a broadcast, nor all zeros, nor one that a program chose."""
    text = re.sub(r"[:.-]", "", _plain(value))
    if not _MAC.fullmatch(text) or len(set(text)) == 1 or int(text[1], 16) & 0b11:
        return None
    return text


def _plain(value: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", value[:512])).upper()
