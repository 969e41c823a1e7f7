"""Secrets at rest: encrypted with keys that are not in the database; or references, read when needed.

A secret in a connection's `config` is given as `env:NAME`, `file:PATH`, or in the clear. The first two are kept as they
are and read at the time of use; the last is encrypted (`enc:...`) before it is stored and never shown again.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gateway.errors import BadConfiguration, Problem
from gateway.settings import Settings

ENCRYPTED = "enc:"
SHOWN = "********"
OWN = frozenset(f"WEFT_{name.upper()}" for name in Settings.model_fields)
"""The hub's own settings: who may set up a connection may not have them sent to it."""


class Vault:
    """Encrypts and reads secrets. The first key encrypts; all decrypt, so that keys can be renewed."""

    def __init__(self, keys: list[str], private: Iterable[Path] = ()) -> None:
        """`private`: files of the hub's own that no connection may name."""
        self._private = frozenset(p.resolve() for p in private)
        self._signing = [hmac.digest(k.encode(), b"weft signatures", "sha256") for k in keys]
        try:
            self._fernet = MultiFernet([Fernet(k) for k in keys])
        except (ValueError, TypeError):
            problem = Problem(
                "secret_key", "not a Fernet key", "32 bytes, url-safe base64: weft secret-key prints a new one"
            )
            raise BadConfiguration("The secret key cannot be used.", [problem]) from None

    def seal(self, value: str) -> str:
        """What is stored: references as they are, everything else encrypted."""
        if value.startswith(("env:", "file:", ENCRYPTED)):
            return value
        return ENCRYPTED + self._fernet.encrypt(value.encode()).decode()

    def sign(self, data: bytes, purpose: str) -> bytes:
        """16 bytes that nobody without the key can make; of the same data for another purpose they are others."""
        return _signature(self._signing[0], data, purpose)

    def signed(self, data: bytes, purpose: str, signature: bytes) -> bool:
        """Is it a signature of ours, by any of the keys?"""
        return any(hmac.compare_digest(_signature(key, data, purpose), signature) for key in self._signing)

    def reveal(self, stored: str, path: str) -> str:
        """The secret itself. Raises BadConfiguration naming `path` when it cannot be had."""
        kind, _, rest = stored.partition(":")
        if stored.startswith(ENCRYPTED):
            try:
                return self._fernet.decrypt(rest.encode()).decode()
            except InvalidToken:
                why = "it was encrypted with another secret key"
                raise _unreadable(path, why, "restore the old WEFT_SECRET_KEY or write the secret anew") from None
        if kind == "env":
            if rest in OWN:
                raise _unreadable(path, f"{rest} is the hub's own", "name another variable")
            value = os.environ.get(rest)
            if value is None:
                raise _unreadable(path, f"the environment has no {rest}", f"set {rest}, or write env:OTHER_NAME")
            return value
        if kind == "file":
            if Path(rest).resolve() in self._private:
                raise _unreadable(path, f"{rest} is the hub's own", "name another file")
            try:
                return Path(rest).read_text("utf-8").strip()
            except OSError as error:
                raise _unreadable(path, f"{rest} cannot be read: {error.strerror}", "check path and rights") from None
            except UnicodeDecodeError:
                raise _unreadable(path, f"{rest} is not text", "write the secret into it as UTF-8") from None
        return stored


def _signature(key: bytes, data: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + data, "sha256")[:16]


def _unreadable(path: str, why: str, hint: str) -> BadConfiguration:
    return BadConfiguration("A secret cannot be read.", [Problem(path, why, hint)])


def new_key() -> str:
    return Fernet.generate_key().decode()


def open_vault(settings: Settings) -> Vault:
    """The vault of these settings; on the first run a key is made and kept under `home`, readable by its owner only."""
    private = [settings.home / name for name in ("secret-key", "admin-token")]
    if settings.secret_key is not None:
        keys = [k.strip() for k in settings.secret_key.get_secret_value().split(",") if k.strip()]
        return Vault(keys, private)
    path = settings.home / "secret-key"
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        write_private(path, new_key())
    return Vault(path.read_text("ascii").split(), private)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; two starts at once make one file, the loser reads the winner's."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
