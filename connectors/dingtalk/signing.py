"""The signature of a robot's call: DingTalk takes it for an hour from `timestamp` on."""

from __future__ import annotations

import base64
import hashlib
import hmac


def sign(timestamp_ms: int, secret: str) -> str:
    """Base64 of HMAC-SHA256, key the secret, message `timestamp newline secret`. To be put into a query as any text
    (DingTalk's documents show it percent-encoded already)."""
    message = f"{timestamp_ms}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
