"""The signature of a robot's call: Feishu takes it for an hour from `timestamp` on."""

from __future__ import annotations

import base64
import hashlib
import hmac


def sign(timestamp_s: int, secret: str) -> str:
    """Base64 of HMAC-SHA256 of nothing; the key is `timestamp newline secret`. Key and message are swapped compared with
    DingTalk, and the time is in seconds."""
    return base64.b64encode(hmac.new(f"{timestamp_s}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()
