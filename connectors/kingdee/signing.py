"""Kingdee's two signatures: of a login (LoginBySign), and of every call (header mode, as Kingdee's own SDK makes it).

Pure; `timestamp` is in seconds since 1970.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

_MASK = b"0054f397c6234378b09ca7d3e5debce7"
"""What the second half of every application id is masked with; a constant of the protocol, no secret."""


def login_signature(acct: str, user: str, app_id: str, app_secret: str, timestamp: int, *, sha1: bool = False) -> str:
    """The `sign` of LoginBySign: the hex digest of the five values, sorted as texts and joined."""
    joined = "".join(sorted([acct, user, app_id, app_secret, str(timestamp)])).encode()
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest() if sha1 else hashlib.sha256(joined).hexdigest()


def client_secret(app_id: str) -> tuple[str, str]:
    """The client's id and key for the gateway's signature, both hidden in the application id."""
    client, _, masked = app_id.partition("_")
    if len(masked) != 32:
        return client, ""
    return client, base64.b64encode(bytes(a ^ b for a, b in zip(_decoded(masked), _MASK, strict=False))).decode()


def signed_headers(
    url: str, app_id: str, app_secret: str, acct: str, user: str, lcid: int, org: str, timestamp: int
) -> Mapping[str, str]:
    """The headers that a call to this URL needs in header mode. The body is not part of what is signed."""
    client, key = client_secret(app_id)
    nonce = str(timestamp)
    path = quote(urlsplit(url).path, safe="/").replace("/", "%2F")
    signed = f"POST\n{path}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n"
    app_data = f"{acct},{user},{lcid},{org}"
    return {
        "X-Api-ClientID": client,
        "X-Api-Auth-Version": "2.0",
        "x-api-timestamp": str(timestamp),
        "x-api-nonce": nonce,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "X-Api-Signature": signature(signed, key),
        "X-Kd-Appkey": app_id,
        "X-Kd-Appdata": base64.b64encode(app_data.encode()).decode(),
        "X-Kd-Signature": signature(app_id + app_data, app_secret),
    }


def signature(text: str, key: str) -> str:
    """Base64 of the hex digits (not of the bytes) of HMAC-SHA256."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest().encode()).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
