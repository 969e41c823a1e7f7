"""Signed links in messages: who has one is taken for its reader, for a time. 38 signs, so that a text message has room.

A link names one delivery (a notice, a person, a channel), so that what is answered by it is known as the answer to that.
Looking at it does nothing: a preview of a chat program or a mail scanner may follow it. Only the form on the page acts.
"""

from __future__ import annotations

import base64
import binascii
import struct

from gateway.clock import SECOND
from gateway.errors import NotFound, Refused
from gateway.secrets import Vault

_FORM = struct.Struct(">QI")
_PURPOSE = "reply"


class LinkExpired(Refused):
    """This link is too old to answer by; look at the ticket itself. 链接已过期。"""

    status, title = 410, "Link expired"


def make(vault: Vault, delivery_id: int, until: int) -> str:
    """The last part of the address `/r/...`. `until`: microseconds UTC."""
    data = _FORM.pack(delivery_id, until // SECOND)
    return base64.urlsafe_b64encode(data + vault.sign(data, _PURPOSE)).decode().rstrip("=")


def read(vault: Vault, token: str, now: int) -> int:
    """The delivery it is the answer to. Raises NotFound for what is no link of ours, LinkExpired."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        raise NotFound("This is no link of this hub.") from None
    data, signature = raw[: _FORM.size], raw[_FORM.size :]
    if len(data) < _FORM.size or not vault.signed(data, _PURPOSE, signature) or make_plain(raw) != token:
        raise NotFound("This is no link of this hub.")
    delivery_id, until = _FORM.unpack(data)
    if now >= until * SECOND:
        raise LinkExpired()
    return int(delivery_id)


def make_plain(raw: bytes) -> str:
    """The one way to write these bytes: other spellings of the same are no links."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
