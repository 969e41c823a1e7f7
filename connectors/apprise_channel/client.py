"""Apprise as the way to any channel: the only network code of this connector.

Apprise answers yes or no, and not why. Why is in its log only; we give each address a log of its own, that nobody else
reads, and look there for two things: an HTTP status, and a connection that was never made. Everything else is a doubt.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.apprise_channel.config import AppriseConfig
from connectors.errors import ConfigProblem, Transient

Fate = Literal["sent", "later", "login", "refused", "doubt"]
_STATUS = re.compile(r"\berror=(\d{3})\b")
_NEVER_MADE = (
    "NewConnectionError",
    "ConnectTimeout",
    "NameResolutionError",
    "Connection refused",
    "Name or service not known",
)
_OWN_HOSTS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "gotify", "gotifys"})
"""Schemes whose host is the host that is called; of others it may be a token."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message at one address, named by its place and scheme (all else in it may be secret)."""

    name: str
    fate: Fate
    reason: str = ""


class AppriseClient:
    """The addresses of one connection. Safe from any thread: every call makes its own."""

    def __init__(self, config: AppriseConfig) -> None:
        self._config = config

    def send(self, title: str, body: str, kind: str) -> list[Outcome]:
        """One message to each address, each tried once. `kind`: info, warning or failure; `body` is markdown."""
        return [self._one(name, server, title, body, kind) for name, server in self._servers()]

    def reach(self) -> tuple[int, int]:
        """(how many addresses there are, how many of their servers were asked): those of them that can be asked without
        sending must answer, whatever they say. Raises Transient for one that does not."""
        import requests

        asked, servers = 0, self._servers()
        for name, server in servers:
            site = _site(server)
            if not site:
                continue
            asked += 1
            try:
                requests.head(site, timeout=self._config.timeout_s, allow_redirects=False).close()
            except requests.RequestException as error:
                raise Transient(f"The server of {name} does not answer ({type(error).__name__}).") from None
        return len(servers), asked

    def _servers(self) -> Sequence[tuple[str, Any]]:
        with warnings.catch_warnings():  # of old modules that some plug-ins import
            warnings.simplefilter("ignore", DeprecationWarning)
            from apprise import Apprise

            found = []
            for place, url in enumerate(self._config.urls):
                text = url.get_secret_value()
                name = f"urls[{place}] ({_scheme(text)})"
                server = Apprise.instantiate(text)
                if server is None:
                    hint = "See github.com/caronc/apprise/wiki for how the address of this channel is written."
                    raise ConfigProblem(f"Apprise does not understand {name}.", hint=hint)
                found.append((name, server))
        return found

    def _one(self, name: str, server: Any, title: str, body: str, kind: str) -> Outcome:
        from apprise import Apprise, AppriseAsset, NotifyFormat

        log = _Log()
        server.logger = log.logger
        server.request_rate_per_sec = 0  # it would sleep; the hub's own rate holds
        server.retry, server.wait = 0, 0.0
        server.optional = False  # it would call every failure a success
        server.socket_connect_timeout = server.socket_read_timeout = self._config.timeout_s
        one = Apprise(asset=AppriseAsset(async_mode=False))
        one.add(server)
        if one.notify(title=title, body=body, notify_type=kind, body_format=NotifyFormat.MARKDOWN):
            return Outcome(name, "sent")
        return log.explain(name)


class _Log:
    """What Apprise says to itself while it sends to one address. Holds secrets, so that no line of it gets out."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.logger = logging.Logger("weft.apprise", logging.DEBUG)  # below no other: nothing is handed on
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        self.logger.addHandler(handler)

    def explain(self, name: str) -> Outcome:
        statuses = [int(found[1]) for line in self.lines if (found := _STATUS.search(line))]
        if statuses:
            return Outcome(name, _fate(statuses[-1]), f"HTTP {statuses[-1]}")
        if any(mark in line for line in self.lines for mark in _NEVER_MADE):
            return Outcome(name, "later", "can't be reached")
        return Outcome(name, "doubt", "Apprise says no, and not why")


def _fate(status: int) -> Fate:
    if status in (429, 503):
        return "later"
    if status in (401, 403):
        return "login"
    return "refused" if 300 <= status < 500 and status != 408 else "doubt"


def _scheme(url: str) -> str:
    scheme = url.partition("://")[0].lower()
    return scheme if re.fullmatch(r"[a-z0-9]{1,20}", scheme) else "?"


def _site(server: Any) -> str:
    """The root of the site that an address leads to; empty: it can't be told, or is no website."""
    fixed = getattr(server, "notify_url", None)
    if isinstance(fixed, str) and fixed.startswith("http"):
        found = re.match(r"https?://[^/@{}]+", fixed)
        return f"{found[0]}/" if found else ""
    protocols = {*_listed(server.protocol), *_listed(server.secure_protocol)}
    if not protocols & _OWN_HOSTS:
        return ""
    port = f":{server.port}" if server.port else ""
    return f"{'https' if server.secure else 'http'}://{server.host}{port}/"


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
