"""Tokens that say a few numbers and prove that this hub said them: for links whose holder is taken for somebody."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

from gateway.errors import NotFound
from gateway.secrets import Vault


@dataclass(frozen=True, slots=True)
class SignedToken:
    """Tokens of one `purpose`: no other purpose takes them. `form`: the numbers they hold. They are not secret, and do
    not end by themselves: whoever reads one looks at the time it names."""

    purpose: str
    form: struct.Struct

    def make(self, vault: Vault, *numbers: int) -> str:
        """The token, in signs that an address takes as they are."""
        data = self.form.pack(*numbers)
        return _text(data + vault.sign(data, self.purpose))

    def read(self, vault: Vault, token: str) -> tuple[int, ...]:
        """Its numbers. Raises NotFound for what is none of ours, and for another spelling of one that is."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (ValueError, binascii.Error):
            raise _foreign() from None
        data, signature = raw[: self.form.size], raw[self.form.size :]
        if len(data) < self.form.size or not vault.signed(data, self.purpose, signature) or _text(raw) != token:
            raise _foreign()
        return tuple(self.form.unpack(data))


def _foreign() -> NotFound:
    return NotFound("This is no link of this hub.")


def _text(raw: bytes) -> str:
    """The one way to write these bytes."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
