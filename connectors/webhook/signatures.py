"""Proof of where a message comes from. Every comparison takes the same time whatever is wrong."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.contract import Delivery
from connectors.errors import AuthProblem, BadRecord
from connectors.manifest.shapes import moment
from connectors.manifest.templates import Values, fill_text
from connectors.webhook.form import BasicLogin, BearerToken, HmacSignature, Signature, StandardWebhooks

_UTC = ZoneInfo("UTC")
_HINT = "the sender's secret must equal this connection's"


def prove(signature: Signature, delivery: Delivery, values: Values) -> None:
    """:raises AuthProblem: the message does not prove where it comes from."""
    if isinstance(signature, HmacSignature):
        _prove_hmac(signature, delivery, values)
    elif isinstance(signature, StandardWebhooks):
        _prove_standard(signature, delivery, values)
    elif isinstance(signature, BearerToken):
        _prove_bearer(signature, delivery, values)
    else:
        _prove_basic(signature, delivery, values)


def sign(form: HmacSignature, secret: str, body: bytes, at: datetime, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a message that is genuine: for sandboxes and senders of one's own."""
    stamp = _stamp(form.timestamp, at)
    made = digest(form.algorithm, form.encoding, secret, signed_bytes(form.signed, stamp, body, headers))
    told = {"signature": made, "timestamp": stamp}
    parts = [f"{before}{told[name]}{behind}" for name, (before, behind) in form.parts.items()]
    stamped = {form.timestamp_header.lower(): stamp} if form.timestamp_header else {}
    return {form.header.lower(): ",".join(parts), **stamped}


def sign_standard(secret: str, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The same for Standard Webhooks."""
    stamp = _stamp("unix", at)
    signature = _standard(secret, message_id, stamp, body)
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def digest(algorithm: str, encoding: str, secret: str, signed: bytes) -> str:
    """A keyed digest as text."""
    made = hmac.new(secret.encode(), signed, getattr(hashlib, algorithm)).digest()
    return made.hex() if encoding == "hex" else base64.b64encode(made).decode()


def signed_bytes(template: str, stamp: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """What is signed: the body as it came, byte for byte, and the rest around it."""
    before, _, behind = template.partition("{body}")
    values = {"timestamp": stamp, "header": dict(headers)}
    return fill_text(before, values).encode() + body + fill_text(behind, values).encode()


def secrets_of(templates: Iterable[str], values: Values) -> list[str]:
    """Those that are filled in. Raises AuthProblem when there is none."""
    found = [secret for template in templates if (secret := fill_text(template, values))]
    if not found:
        raise AuthProblem("no secret is set for messages coming in", hint="fill it in; until then all are refused")
    return found


def _prove_hmac(form: HmacSignature, delivery: Delivery, values: Values) -> None:
    secrets = secrets_of(form.secrets, values)
    told = [part.strip() for part in delivery.headers.get(form.header.lower(), "").split(",")]
    given = _told(told, form.parts["signature"])
    if not given:
        raise AuthProblem(f"the header {form.header} holds no signature", hint=_HINT)
    stamp = delivery.headers.get(form.timestamp_header.lower(), "") if form.timestamp_header else ""
    if "timestamp" in form.parts:
        stamp = next(iter(_told(told, form.parts["timestamp"])), "")
    if stamp or form.timestamp_header or "timestamp" in form.parts:
        _in_time(stamp, form.timestamp, form.tolerance, delivery)
    signed = signed_bytes(form.signed, stamp, delivery.body, delivery.headers)
    wanted = [digest(form.algorithm, form.encoding, secret, signed) for secret in secrets]
    if form.encoding == "hex":
        given = [text.lower() for text in given]
    if not _any_same(given, wanted):
        raise AuthProblem("the signature is wrong", hint=_HINT)


def _prove_standard(form: StandardWebhooks, delivery: Delivery, values: Values) -> None:
    secrets = secrets_of(form.secrets, values)
    number, stamp, told = (delivery.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (number and stamp and told):
        raise AuthProblem("the headers webhook-id, webhook-timestamp and webhook-signature are needed", hint=_HINT)
    _in_time(stamp, "unix", form.tolerance, delivery)
    wanted = [_standard(secret, number, stamp, delivery.body) for secret in secrets]
    if not _any_same(told.split(" "), wanted):
        raise AuthProblem("the signature is wrong", hint=_HINT)


def _prove_bearer(form: BearerToken, delivery: Delivery, values: Values) -> None:
    (token,) = secrets_of([form.token], values)
    given = delivery.headers.get(form.header.lower(), "").strip()
    if form.header.lower() == "authorization":
        scheme, _, rest = given.partition(" ")
        given = rest.strip() if scheme.lower() == "bearer" else ""
    in_path = delivery.path_token if form.in_path else ""
    if not (_same(given, token) | _same(in_path, token)):
        raise AuthProblem("the token is missing or wrong", hint=_HINT)


def _prove_basic(form: BasicLogin, delivery: Delivery, values: Values) -> None:
    secrets_of([form.password], values)
    wanted = f"{fill_text(form.username, values)}:{fill_text(form.password, values)}"
    scheme, _, given = delivery.headers.get("authorization", "").partition(" ")
    try:
        told = base64.b64decode(given.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        told = ""
    if scheme.lower() != "basic" or not _same(told, wanted):
        raise AuthProblem("user or password is missing or wrong", hint=_HINT)


def _standard(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """By the library's keyed digest. Its `Webhook.verify` is not used: it reads the clock, where the hub's own time of
    arrival counts, and takes texts only, where a body may be any bytes."""
    from standardwebhooks.webhooks import hmac_data

    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    except binascii.Error:
        key = b""
    if not key:
        raise AuthProblem("the secret is no key of Standard Webhooks", hint="copy it whole: whsec_...")
    made: bytes = hmac_data(key, f"{message_id}.{stamp}.".encode() + body)
    return "v1," + base64.b64encode(made).decode()


def _in_time(stamp: str, format: str, tolerance: timedelta, delivery: Delivery) -> datetime:
    try:
        at = moment(stamp, format, _UTC)
    except (BadRecord, ValueError, OverflowError):
        raise AuthProblem(
            "the message's time is missing or unreadable", hint="is the timestamp's format right?"
        ) from None
    now = delivery.received_at or datetime.now(UTC)
    if abs(now - at) > tolerance:
        raise AuthProblem(
            f"the message's time is {abs(now - at)} away from the hub's",
            hint="an old message, or a clock that is wrong",
        )
    return at


def _stamp(format: str, at: datetime) -> str:
    if format == "iso":
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(int(at.timestamp() * (1 if format == "unix" else 1000)))


def _told(parts: Sequence[str], around: tuple[str, str]) -> list[str]:
    before, behind = around
    return [
        part[len(before) : len(part) - len(behind)]
        for part in parts
        if part.startswith(before) and part.endswith(behind) and len(part) > len(before) + len(behind)
    ]


def _any_same(given: Iterable[str], wanted: Sequence[str]) -> bool:
    found = False
    for text in list(given)[:16]:
        for each in wanted:
            found |= _same(text, each)
    return found


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
