"""A gateway of text messages that is a manifest: the one of docs/notification.md, and a stand-in behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.channel_sandbox import Server
from connectors.manifest import connector_of
from connectors.manifest.matching import nested
from connectors.rest.sandbox import Sandbox
from gateway.config import yaml12

PAGE = Path(__file__).parents[3] / "docs" / "notification.md"


@dataclass
class TextMessages:
    """The stand-in; `connectors` and `connections` are what a hub's configuration needs to send over it."""

    sandbox: Sandbox
    connectors: list[dict[str, Any]] = field(default_factory=list)
    connections: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sent(self) -> list[tuple[list[str], str]]:
        """The numbers and the title of each message, eldest first."""
        messages = [nested(effect.found) for effect in self.sandbox.effects]
        return [(message["key"]["mobiles"], message["body"]["title"]) for message in messages]


def manifest(name: str = "sms") -> str:
    """The manifest that the page shows, under this name."""
    blocks = re.findall(r"```yaml\n(connector: sms\n.*?)```", PAGE.read_text(), re.DOTALL)
    (text,) = blocks
    return str(text).replace("connector: sms", f"connector: {name}")


@contextmanager
def text_messages(name: str = "sms") -> Iterator[TextMessages]:
    """A gateway of this name that runs."""
    text = manifest(name)
    sandbox = Sandbox(connector_of(text))
    with Server(sandbox.handle) as server:
        config = {"url": server.url, "token": sandbox.config["token"]}
        connection = {"id": f"{name}-gateway", "connector": name, "config": config}
        yield TextMessages(sandbox, [yaml12.load(text)], [connection])
