"""A message as Feishu wants it: a card with a coloured title, markdown and a button, within its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from connectors.channels import Message, Target, fit, fit_between
from connectors.errors import BadRecord
from connectors.feishu.config import FeishuConfig

BYTES = 20_000
"""Of the whole body; what the signature takes is left free."""
ROOM = BYTES - 200
REPEAT_S = 3500
"""For an hour Feishu takes a message's `uuid` once."""
_COLOURS = {"P0": "red", "P1": "orange", "P2": "yellow", "P3": "blue"}


def robot_payload(target: Target, message: Message, keyword: str = "") -> dict[str, Any]:
    """To the robot's group.

    :raises BadRecord: a mobile number, which a robot of Feishu can't call.
    """
    called = tuple(dict.fromkeys((*target.users, *message.mention)))
    if target.mobiles:
        raise BadRecord("key.mobiles: Feishu calls people by open_id or user_id; name them in users.")
    everyone = target.everyone or message.mention_all
    text = message.headline + message.text
    tail = f"\n\n{keyword}" if keyword and keyword not in text else ""
    card = _card(message, called, everyone, tail)
    return _within(lambda limit: {"msg_type": "interactive", "card": card(limit)}, ROOM)


def app_payload(config: FeishuConfig, target: Target, message: Message, number: str) -> tuple[dict[str, Any], str]:
    """(the message, the kind of its receiver). `number`: by which Feishu knows a repeat.

    :raises BadRecord: nobody, or several: one call is one message.
    """
    if target.mobiles or target.everyone:
        raise BadRecord("key: an app writes to one chat or one person; name it in users or groups.")
    receivers = [*target.groups, *target.users, *([config.default_receiver] if target.default else [])]
    receivers = [r for r in dict.fromkeys(receivers) if r]
    if not receivers:
        raise BadRecord("key.to: the connection names no default; set `default_receiver`.")
    if len(receivers) > 1:
        raise BadRecord(f"key: names {len(receivers)} receivers; an app's message goes to one. Make a chat of them.")
    card = _card(message, tuple(dict.fromkeys(message.mention)), message.mention_all, "")

    def made(limit: int) -> dict[str, Any]:
        content = orjson.dumps(card(limit)).decode()
        return {"receive_id": receivers[0], "msg_type": "interactive", "content": content, "uuid": number}

    return _within(made, ROOM), kind_of(receivers[0])


def kind_of(receiver: str) -> str:
    """By its form, as Feishu makes its ids."""
    for beginning, kind in (("oc_", "chat_id"), ("ou_", "open_id"), ("on_", "union_id")):
        if receiver.startswith(beginning):
            return kind
    return "email" if "@" in receiver else "user_id"


def _card(message: Message, called: tuple[str, ...], everyone: bool, tail: str) -> Callable[[int], dict[str, Any]]:
    at = "".join(f"<at id={name}></at>" for name in (("all",) if everyone else called))
    end = tail + (f"\n{fit(at, 4000)}" if at else "")
    button = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": "查看详情"},
        "type": "primary",
        "url": message.link,
    }

    def made(limit: int) -> dict[str, Any]:
        elements: list[dict[str, Any]] = []
        if message.text or end:
            elements.append({"tag": "markdown", "content": fit_between("", message.text, end, limit)})
        if message.link:
            elements.append({"tag": "action", "actions": [button]})
        title = {"tag": "plain_text", "content": fit(message.headline, 600)}
        header = {"title": title, "template": _COLOURS.get(message.priority, "grey")}
        return {"config": {"wide_screen_mode": True}, "header": header, "elements": elements}

    return made


def _within(made: Callable[[int], dict[str, Any]], limit: int) -> dict[str, Any]:
    """With the longest text whose JSON stays within the bytes; how much JSON adds to a text only shows in the end."""
    allowed = limit
    while (over := len(orjson.dumps(made(allowed))) - limit) > 0:
        allowed -= over
    return made(allowed)
