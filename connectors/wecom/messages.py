"""A message as WeCom wants it: for a robot (text or markdown) and for an app (markdown), within their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.channels import Message, Target, fit, markdown, plain, size
from connectors.errors import BadRecord
from connectors.wecom.config import WecomConfig

TEXT_BYTES = 2048
MARKDOWN_BYTES = 4096
"""Of a robot."""
APP_BYTES = 2048
RECEIVERS = 1000
REPEAT_S = 14_400
"""So long WeCom itself keeps an app from sending the same content twice (its longest)."""
EVERYONE = "@all"


def robot_payload(target: Target, message: Message) -> dict[str, Any]:
    """To the robot's group. Markdown knows no @all and no mobile numbers: where one is needed it is a plain text."""
    users = dict.fromkeys((*target.users, *(m for m in message.mention if not _is_mobile(m))))
    mobiles = dict.fromkeys((*target.mobiles, *(m for m in message.mention if _is_mobile(m))))
    everyone = target.everyone or message.mention_all
    if everyone or mobiles:
        text: dict[str, Any] = {"content": plain(message, TEXT_BYTES)}
        text["mentioned_list"] = [*users, EVERYONE] if everyone else list(users)
        text["mentioned_mobile_list"] = list(mobiles)
        return {"msgtype": "text", "text": text}
    called = "".join(f" <@{user}>" for user in users)
    return {"msgtype": "markdown", "markdown": {"content": markdown(message, MARKDOWN_BYTES, mark=fit(called, 1024))}}


def room(target: Target, message: Message) -> int:
    """How many bytes of markdown the robot's group can be sent of such a message."""
    spoken = robot_payload(target, message)["msgtype"] == "text"
    return (TEXT_BYTES if spoken else MARKDOWN_BYTES) - 8 - sum(size(m) + 4 for m in (*target.users, *message.mention))


def app_payload(config: WecomConfig, target: Target, message: Message, mark: str) -> dict[str, Any]:
    """To people, by the app. `mark` makes the content unlike any other's, so that WeCom swallows only a true repeat.

    :raises BadRecord: nobody to send it to, or too many.
    """
    users = list(target.users)
    parties = list(target.groups)
    if target.mobiles:
        raise BadRecord("key.mobiles: an app sends to userids, not to mobile numbers; name them in users.")
    if target.everyone:
        users = [EVERYONE]
    elif target.default:
        users += [u for u in config.default_users if u not in users]
        parties += [p for p in config.default_parties if p not in parties]
    if not users and not parties:
        raise BadRecord("key.to: the connection names no default; set `default_users` or `default_parties`.")
    if len(users) > RECEIVERS:
        raise BadRecord(f"key.users: {len(users)} are too many; WeCom takes {RECEIVERS} a message.")
    told = f'\n<font color="comment">#{mark}</font>'
    return {
        "touser": EVERYONE if EVERYONE in users else "|".join(users),
        "toparty": "|".join(parties),
        "msgtype": "markdown",
        "markdown": {"content": markdown(message, APP_BYTES, mark=told)},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": REPEAT_S,
    }


def left_out(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Whom WeCom did not deliver to although it says yes."""
    fields = ("invaliduser", "invalidparty", "invalidtag", "unlicenseduser")
    return {name: str(answer[name]) for name in fields if answer.get(name)}


def _is_mobile(name: str) -> bool:
    digits = name.removeprefix("+")
    return digits.isdecimal() and len(digits) >= 11
