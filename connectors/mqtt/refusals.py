"""What went wrong with a broker, in words, and what a person can do about it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from paho.mqtt.client import WebsocketConnectionError
from paho.mqtt.reasoncodes import ReasonCode

from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.mqtt.config import MqttConfig

_REFUSED_FOR_GOOD = {
    "Unsupported protocol version": "set `protocol` to the version the broker speaks",
    "Client identifier not valid": "choose another `client_id`",
    "Packet too large": "a setting is too long for this broker",
    "Use another server": "set `url` to the address the broker's operator gives",
    "Server moved": "set `url` to the address the broker's operator gives",
}
_NO_RIGHT = frozenset({"Bad user name or password", "Not authorized", "Banned", "Bad authentication method"})
_NO_RIGHT_HINT = "check `username` and `password`, and that the account may connect with this `client_id`"


def tls_context(config: MqttConfig) -> ssl.SSLContext:
    """:raises ConfigProblem: a certificate file can't be used."""
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except (ssl.SSLError, OSError) as e:
        raise ConfigProblem(f"ca_file: {config.ca_file} holds no certificate (PEM)") from e
    if not config.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.cert_file:
        try:
            context.load_cert_chain(config.cert_file, config.key_file, config.key_password.get_secret_value())
        except (ssl.SSLError, OSError) as e:
            raise ConfigProblem(
                "cert_file, key_file: not a certificate and its private key (PEM), or `key_password` is wrong"
            ) from e
    return context


def unreachable(error: OSError | ValueError, config: MqttConfig) -> ConnectorError:
    """What to say when no connection came about."""
    where = f"{config.host}:{config.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigProblem(
            f"the certificate of {where} is not trusted: {error.verify_message}",
            hint="set `ca_file` to the broker's certificate authority, and use the host name the certificate is for",
        )
    if isinstance(error, ssl.SSLError):
        text = error.reason or str(error)
        if "WRONG_VERSION_NUMBER" in text or "UNEXPECTED_EOF" in text:
            return ConfigProblem(
                f"{where} does not speak TLS", hint="write mqtt:// or ws://, or use the encrypted port"
            )
        return _no_tls(text, config)
    if isinstance(error, WebsocketConnectionError):
        return Transient(f"{where} does not answer as a WebSocket: {error}", hint="check the path in `url`")
    if isinstance(error, TimeoutError):
        return Transient(f"{where} did not answer within {config.timeout_s:g} s")
    if isinstance(error, socket.gaierror):
        return Transient(f"the host name {config.host!r} is unknown", hint="check `url`")
    if not isinstance(error, OSError):
        return ConfigProblem(f"url: {error}")
    hint = "does this port speak TLS? Else write mqtt:// or ws://" if isinstance(error, ConnectionResetError) else ""
    text = error.strerror or str(error)
    return Transient(f"{where} can't be reached: {text}", hint=hint if config.encrypted else "")


def _no_tls(text: str, config: MqttConfig) -> ConnectorError:
    if "CERTIFICATE_REQUIRED" in text.upper().replace(" ", "_") or "HANDSHAKE_FAILURE" in text.upper().replace(
        " ", "_"
    ):
        return AuthProblem(
            "the broker wants a certificate of ours, and did not get one it trusts",
            hint="set `cert_file` and `key_file`",
        )
    return Transient(f"no encrypted connection to {config.host}:{config.port}: {text}")


def hung_up(how: str, config: MqttConfig) -> ConnectorError:
    """The line broke before the broker had answered."""
    if config.encrypted and ("alert" in how.lower() or "certificate" in how.lower()):
        return _no_tls(how, config)
    hint = (
        "it may want a certificate (`cert_file`), another `protocol`, or TLS (mqtts://)" if not config.cert_file else ""
    )
    return Transient(f"{config.host}:{config.port} closed the connection before it answered ({how})", hint=hint)


def refused(reason: ReasonCode) -> ConnectorError:
    text = str(reason)
    if text in _NO_RIGHT:
        return AuthProblem(f"the broker refused the login: {text}", hint=_NO_RIGHT_HINT)
    if text in _REFUSED_FOR_GOOD:
        return ConfigProblem(f"the broker refused the connection: {text}", hint=_REFUSED_FOR_GOOD[text])
    return Transient(f"the broker refused the connection: {text}")


def subscription_problem(filters: Sequence[tuple[str, int]], reasons: Sequence[ReasonCode]) -> ConnectorError | None:
    """What is wrong with the answer to a subscription; None: all was granted."""
    for (wanted, _), reason in zip(filters, reasons, strict=False):
        if not reason.is_failure:
            continue
        text = f"the broker refused the subscription to {wanted!r}: {reason}"
        if str(reason) == "Not authorized":
            return AuthProblem(text, hint="grant the account the right to read this topic")
        if str(reason) in ("Quota exceeded", "Implementation specific error"):
            return Transient(text)
        return ConfigProblem(text, hint="the broker does not allow this topic filter or shared subscriptions")
    return None
