"""Signed links in messages: who has one is taken for its reader, for a time. 38 signs, so that a text message has room.

A link names one delivery (a notice, a person, a channel), so that what is answered by it is known as the answer to that.
Looking at it does nothing: a preview of a chat program or a mail scanner may follow it. Only the form on the page acts.
"""

from __future__ import annotations

import struct

from gateway.clock import SECOND
from gateway.errors import Refused
from gateway.secrets import Vault
from gateway.signed_tokens import SignedToken

_TOKEN = SignedToken("reply", struct.Struct(">QI"))


class LinkExpired(Refused):
    """This link is too old to answer by; look at the ticket itself. 链接已过期。"""

    status, title = 410, "Link expired"


def make(vault: Vault, delivery_id: int, until: int) -> str:
    """The last part of the address `/r/...`. `until`: microseconds UTC."""
    return _TOKEN.make(vault, delivery_id, until // SECOND)


def read(vault: Vault, token: str, now: int) -> int:
    """The delivery it is the answer to. Raises NotFound for what is no link of ours, LinkExpired."""
    delivery_id, until = _TOKEN.read(vault, token)
    if now >= until * SECOND:
        raise LinkExpired()
    return delivery_id
