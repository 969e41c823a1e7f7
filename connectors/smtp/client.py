"""SMTP: the only network code of this connector. One connection a message; what went wrong is told by how far it came.

Until the server has the whole message nothing has happened. From the last dot on until its answer it may have.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence

from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient
from connectors.smtp.config import EmailConfig

_GREYLISTED = range(400, 500)


class Refused(Exception):
    """The server does not take this message, for good; the text is its reason."""


class SmtpClient:
    """One server. Safe from any thread: each call has a connection of its own."""

    def __init__(self, config: EmailConfig) -> None:
        self._config = config

    def send(self, data: bytes, to: Sequence[str]) -> Mapping[str, str]:
        """Hand a message over; answers whom of the receivers the server does not take, and why.

        :raises Refused: it takes none of them, or not the message. :raises ConnectorError: by what must happen next.
        """
        with self._session() as smtp:
            room = smtp.esmtp_features.get("size", "")
            if room.isdecimal() and 0 < int(room) < len(data):
                raise Refused(f"the message has {len(data)} bytes, the server takes {room}")
            self._sender(smtp, len(data))
            left_out = self._receivers(smtp, to)
            code, words = _asked(smtp, "DATA")
            if code != 354:
                raise _refusal(code, words, "the message")
            self._hand_over(smtp, data)
            return left_out

    def try_out(self, to: Sequence[str]) -> str:
        """Everything up to the message itself; answers the server's name."""
        with self._session() as smtp:
            self._sender(smtp, 1000)
            for address in to[:1]:
                code, words = _asked(smtp, f"RCPT TO:<{address}>")
                if code not in (250, 251) and code not in _GREYLISTED:
                    raise ConfigProblem(
                        f"The server does not take {address}: {code} {words}", hint="Check `default_to` and the login."
                    )
            _asked(smtp, "RSET")
            name = (smtp.ehlo_resp or b"").decode("utf-8", "replace").partition("\n")[0]
            return name.split(" ")[0][:100] or "SMTP"

    # -- one connection ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is ready for a message. All that goes wrong on it before the message is passing."""
        where = f"{self._config.host}:{self._config.port}"
        try:
            smtp = self._connected()
        except ssl.SSLCertVerificationError as error:
            hint = "Name the authority of the server's certificate in `ca_file`; is `host` its real name?"
            raise ConfigProblem(
                f"The certificate of {where} is not trusted: {error.verify_message}", hint=hint
            ) from error
        except ssl.SSLError as error:
            raise ConfigProblem(f"{where} speaks no TLS here.", hint="Check `port` and `security`.") from error
        except smtplib.SMTPResponseException as error:
            raise _refused_to_talk(where, error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise ConfigProblem(f"{where}: {error}", hint="Check `port` and `security`.") from error
        except (OSError, smtplib.SMTPException) as error:
            raise Transient(f"{where} can't be reached ({type(error).__name__}).") from error
        try:
            yield smtp
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        except (OSError, smtplib.SMTPException) as error:
            raise Transient(f"{where} broke off before the message ({type(error).__name__}).") from error
        finally:
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        context = ssl.create_default_context(cafile=config.ca_file or None) if config.security != "none" else None
        if config.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(config.host, config.port, timeout=config.timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(config.host, config.port, timeout=config.timeout_s)
        with contextlib.ExitStack() as until_ready:
            until_ready.callback(smtp.close)
            smtp.ehlo_or_helo_if_needed()
            if config.security == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo_or_helo_if_needed()
            if config.password is not None:
                smtp.login(config.username, config.password.get_secret_value())
            until_ready.pop_all()
        return smtp

    def _sender(self, smtp: smtplib.SMTP, size: int) -> None:
        options = f" SIZE={size}" if smtp.has_extn("size") else ""
        code, words = _asked(smtp, f"MAIL FROM:<{self._config.from_address}>{options}")
        if code == 250:
            return
        if code == 552:
            raise Refused(f"{code} {words}")
        said = f"The server does not take mail from {self._config.from_address}: {code} {words}"
        if code == 530:
            raise AuthProblem(said, hint="It wants a login, or TLS: set `username`, `password` and `security`.")
        if code >= 500:
            raise ConfigProblem(said, hint="Most servers take only the account's own address as `from_address`.")
        raise Transient(said)

    def _receivers(self, smtp: smtplib.SMTP, to: Sequence[str]) -> dict[str, str]:
        left_out: dict[str, str] = {}
        for address in to:
            code, words = _asked(smtp, f"RCPT TO:<{address}>")
            if code not in (250, 251):
                left_out[address] = f"{code} {words}"
        if len(left_out) == len(to):
            passing = [reason for reason in left_out.values() if reason.startswith("4")]
            if passing:
                raise Transient(f"The server takes no receiver now: {passing[0]}")
            raise Refused("; ".join(f"{address}: {reason}" for address, reason in left_out.items())[:500])
        return left_out

    def _hand_over(self, smtp: smtplib.SMTP, data: bytes) -> None:
        """The message itself, and whether the server has it."""
        lines = re.sub(rb"(?m)^\.", b"..", data)
        try:
            smtp.send(lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, words = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise Ambiguous(f"The server broke off during the message ({type(error).__name__}).") from error
        if code < 200:
            raise Ambiguous("The server's answer to the message is no SMTP.")
        if code != 250:
            raise _refusal(code, _text(words), "the message")


def _asked(smtp: smtplib.SMTP, line: str) -> tuple[int, str]:
    """One command and its answer. Raises Transient for what is no answer, and for a server that is leaving."""
    code, words = smtp.docmd(line)
    if code == 421 or code < 200:
        raise Transient(f"The server says {code} {_text(words)}" if code == 421 else "The server speaks no SMTP.")
    return code, _text(words)


def _text(words: bytes) -> str:
    return " ".join(words.decode("utf-8", "replace").split())[:300]


def _refusal(code: int, words: str, what: str) -> Exception:
    if 400 <= code < 500:
        return Transient(f"The server does not take {what} now: {code} {words}")
    return Refused(f"{code} {words}")


def _refused_to_talk(where: str, error: smtplib.SMTPResponseException) -> ConnectorError:
    code = error.smtp_code
    words = _text(error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode())
    said = f"{where} answers {code} {words}"
    if isinstance(error, smtplib.SMTPAuthenticationError) and code >= 500:
        return AuthProblem(
            f"The server refuses the login: {code} {words}",
            hint="Renew `password`; many servers want an authorization code (授权码) instead of the account's own.",
        )
    if code >= 500:
        return ConfigProblem(said, hint="Does it take mail from the hub's address?")
    return Transient(said)
