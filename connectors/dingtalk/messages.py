"""A message as DingTalk wants it: for a robot (markdown with its @) and for an app (a work notice), within their bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from connectors.channels import Message, Target, fit, markdown
from connectors.dingtalk.config import DingtalkConfig
from connectors.errors import BadRecord

ROBOT_BYTES = 20_000
"""Of the whole body."""
NOTICE_BYTES = 2048
"""Of the whole `msg`."""
TITLE_BYTES = 200
USERS, DEPARTMENTS = 100, 20
REPEAT_S = 7200
"""A work notice of the same content reaches a person once a day. By the day, so near midnight it may come twice; two
hours are enough for a doubt to be settled."""


def robot_payload(target: Target, message: Message, keyword: str = "") -> dict[str, Any]:
    """To the robot's group. Who is called with @ must stand in the text too."""
    called = (*target.users, *target.mobiles, *message.mention)
    users = list(dict.fromkeys(name for name in called if not _is_mobile(name)))
    mobiles = list(dict.fromkeys(name for name in called if _is_mobile(name)))
    everyone = target.everyone or message.mention_all
    at = {"atMobiles": mobiles, "atUserIds": users, "isAtAll": everyone}
    mark = "".join(f" @{name}" for name in (*users, *mobiles))
    mark = f"\n\n{fit(mark.strip(), 2000)}" if mark else ""
    if keyword and keyword not in message.headline:
        mark = f"\n\n{keyword}{mark}"
    title = fit(message.headline, TITLE_BYTES)

    def payload(limit: int) -> dict[str, Any]:
        part = {"title": title, "text": markdown(message, limit, mark=mark)}
        return {"msgtype": "markdown", "markdown": part, "at": at}

    return _within(payload, ROBOT_BYTES)


def room(target: Target, message: Message) -> int:
    """How many bytes of markdown the robot's group can be sent of such a message, whatever of it JSON must escape."""
    return ROBOT_BYTES // 2 - sum(len(name.encode()) + 4 for name in (*target.users, *target.mobiles, *message.mention))


def notice_payload(config: DingtalkConfig, target: Target, message: Message, mark: str) -> dict[str, Any]:
    """To people, by the app. `mark` makes the content unlike any other's, so that DingTalk swallows only a true repeat.

    :raises BadRecord: nobody to send it to, or too many.
    """
    if target.mobiles:
        raise BadRecord("key.mobiles: a work notice goes to userids, not to mobile numbers; name them in users.")
    users, departments = list(target.users), list(target.groups)
    if target.default:
        users += [u for u in config.default_users if u not in users]
        departments += [d for d in config.default_departments if d not in departments]
    if not (users or departments or target.everyone):
        raise BadRecord("key.to: the connection names no default; set `default_users` or `default_departments`.")
    for name, given, most in (("users", users, USERS), ("groups", departments, DEPARTMENTS)):
        if len(given) > most:
            raise BadRecord(f"key.{name}: {len(given)} are too many; DingTalk takes {most} a notice.")

    def msg(limit: int) -> dict[str, Any]:
        text = markdown(message, limit, mark=f"\n\n#{mark}")
        return {"msgtype": "markdown", "markdown": {"title": fit(message.headline, TITLE_BYTES), "text": text}}

    payload: dict[str, Any] = {"msg": _within(msg, NOTICE_BYTES)}
    if target.everyone:
        return payload | {"to_all_user": True}
    return payload | {"userid_list": ",".join(users), "dept_id_list": ",".join(departments)}


def _within(made: Callable[[int], dict[str, Any]], limit: int) -> dict[str, Any]:
    """With the longest text whose JSON stays within the bytes; how much JSON adds to a text only shows in the end."""
    allowed = limit
    while (over := len(orjson.dumps(made(allowed))) - limit) > 0:
        allowed -= over
    return made(allowed)


def _is_mobile(name: str) -> bool:
    return re.fullmatch(r"(\+?\d{1,3}-?)?\d{11}", name) is not None
