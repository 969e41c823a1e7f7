"""What notification channels share: whom a message is for, what it says, texts bounded in bytes, many messages in one.

Every channel offers the operation `send`:

key   `to: default` (whom the connection's settings name) or `to: all`; and/or `users`, `mobiles`, `groups`: a list, or a
      text of names separated by `|` or `,`. What a user is, is the channel's own: a WeCom userid, an e-mail address.
body  `title`; `text` in markdown; `link` to where one reads more; `priority` P0 to P3; `mention`: `all`, or names as above
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.contract import Command, Merged, Operation, Outcome, Receipt
from connectors.errors import BadRecord, ConfigProblem

PRIORITIES = ("P0", "P1", "P2", "P3")
MARKS: Mapping[str, str] = {"P0": "🔴", "P1": "🟠", "P2": "🟡", "P3": "🔵"}
WhenInDoubt = Literal["ask", "send_again"]
IN_DOUBT = (
    "A message whose answer was lost: `ask` a person whether it arrived (never twice), or `send_again` (never lost, "
    "perhaps twice)."
)
DAY_S = 86_400
_TEXT = {"type": "string"}
_NAMES = {"type": ["string", "array"], "items": _TEXT}
BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "title": {**_TEXT, "description": "One line: what it is about"},
        "text": {"type": ["string", "null"], "description": "More of it, in markdown"},
        "link": {"type": ["string", "null"], "description": "Where one reads more"},
        "priority": {"enum": [*PRIORITIES, None], "description": "How urgent: P0 is the most urgent"},
        "mention": {**_NAMES, "type": ["string", "array", "null"], "description": "`all`, or users and mobile numbers"},
        "thread": {
            "type": ["string", "null"],
            "description": "Messages of one thread belong together, e.g. a ticket id",
        },
    },
    "required": ["title"],
}


def send_operation(
    name: str = "send",
    title: str = "Send a message",
    title_zh: str = "发送消息",
    *,
    repeats_within_s: float = 0,
) -> Operation:
    """An operation that sends. None can be confirmed: no channel lets one ask whether a message arrived."""
    return Operation(
        name=name,
        title=title,
        title_zh=title_zh,
        body_schema=BODY,
        can_confirm=False,
        repeats_within_s=repeats_within_s,
    )


def unconfirmable(command: Command, where: str) -> ConfigProblem:
    """What `confirm` raises."""
    return ConfigProblem(
        f"{where} can't be asked whether a message arrived.",
        hint=f"Look there for '{str(command.body.get('title') or '')[:80]}'; send it again if it is missing.",
    )


# -- whom, and what ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a message is for. `default`: whom the settings name."""

    default: bool = False
    everyone: bool = False
    users: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: Mapping[str, Any]) -> Target:
        """:raises BadRecord: it names nobody, or not as described above."""
        unknown = sorted(key.keys() - {"to", "users", "mobiles", "groups"})
        if unknown:
            raise BadRecord(f"key.{unknown[0]}: is not known; a key has to, users, mobiles, groups.")
        to = key.get("to")
        if to not in (None, "default", "all"):
            raise BadRecord(f"key.to: {to!r} is neither 'default' nor 'all'; name people in users, mobiles or groups.")
        found = cls(
            to == "default", to == "all", *(names(key.get(n), f"key.{n}") for n in ("users", "mobiles", "groups"))
        )
        if found == cls():
            raise BadRecord("key: names nobody; write `to: default`, or users, mobiles or groups.")
        return found


@dataclass(frozen=True, slots=True)
class Message:
    """What a body says. `text` is markdown; whoever is mentioned is told with a sound."""

    title: str
    text: str = ""
    link: str = ""
    priority: str = ""
    mention_all: bool = False
    mention: tuple[str, ...] = ()
    thread: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Message:
        """:raises BadRecord: naming the field that does not fit."""
        unknown = sorted(body.keys() - BODY["properties"].keys())
        if unknown:
            raise BadRecord(f"body.{unknown[0]}: is not known; a message has {', '.join(BODY['properties'])}.")
        title = " ".join(_text(body, "title").split())
        if not title:
            raise BadRecord("body.title: is missing; say in one line what it is about.")
        priority = _text(body, "priority")
        if priority not in ("", *PRIORITIES):
            raise BadRecord(f"body.priority: {priority!r} is none of {', '.join(PRIORITIES)}.")
        link = _text(body, "link").strip()
        if link and not re.match(r"https?://\S", link):
            raise BadRecord(f"body.link: {link[:100]!r} is no http(s) address.")
        link = re.sub(r"[\s<>()\[\]\"]", lambda found: f"%{ord(found[0]):02X}", link)  # would end the link in markdown
        given = body.get("mention")
        everyone = given in ("all", "@all", ["all"], ["@all"])
        mention = () if everyone else names(given, "body.mention")
        return cls(title, _text(body, "text").strip(), link, priority, everyone, mention, _text(body, "thread"))

    @property
    def headline(self) -> str:
        """The title with its priority in front: `🔴 P0 Press 7 is too hot`."""
        if not self.priority:
            return self.title
        return f"{MARKS[self.priority]} {self.priority} {self.title}"


def names(given: Any, path: str) -> tuple[str, ...]:
    """Names from a list, or from a text that separates them by `|` or `,`; each once. Raises BadRecord."""
    if given is None:
        return ()
    parts = re.split(r"[|,，]", given) if isinstance(given, str) else given
    if not isinstance(parts, (list, tuple)) or not all(isinstance(p, (str, int)) for p in parts):
        raise BadRecord(f"{path}: must be a text or a list of texts.")
    return tuple(dict.fromkeys(name for p in parts if (name := str(p).strip())))


def _text(body: Mapping[str, Any], name: str) -> str:
    given = body.get(name)
    if given is not None and not isinstance(given, str):
        raise BadRecord(f"body.{name}: must be a text, not {type(given).__name__}.")
    return given or ""


def rejected(command: Command, reason: str) -> Receipt:
    """The receipt of a message that is not sent, for good."""
    return Receipt(command.id, Outcome.rejected, reason=reason)


# -- texts ------------------------------------------------------------------------------------------------------------


def size(text: str) -> int:
    """Bytes of UTF-8, which is what vendors count."""
    return len(text.encode("utf-8", "replace"))


def fit(text: str, limit: int, ending: str = "…") -> str:
    """The text in at most `limit` bytes of UTF-8, cut between characters and marked by the ending where it was cut."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    room = limit - size(ending)
    if room <= 0:
        return data[: max(0, limit)].decode("utf-8", "ignore")
    return data[:room].decode("utf-8", "ignore").rstrip() + ending


def fit_between(head: str, text: str, tail: str, limit: int) -> str:
    """`head`, as much of `text` as there is room for, and `tail`: what is cut is the middle, never title and link."""
    room = limit - size(head) - size(tail)
    if room <= 0:
        return fit(head + tail, limit)
    return head + fit(text, room) + tail


def markdown(message: Message, limit: int, *, mark: str = "") -> str:
    """Title in bold, text, and a link to it all, in at most `limit` bytes."""
    tail = f"\n\n[查看详情]({message.link})" if message.link else ""
    return fit_between(f"**{message.headline}**\n\n", message.text, tail + mark, limit)


def plain(message: Message, limit: int, *, mark: str = "") -> str:
    """The same without any marks, for where markdown is not shown."""
    tail = f"\n{message.link}" if message.link else ""
    return fit_between(f"{message.headline}\n", without_marks(message.text), tail + mark, limit)


def without_marks(text: str) -> str:
    """Markdown as a plain text: links as `name: address`, no stars, no quotes, no font tags."""
    text = re.sub(r"\[([^\]\n]*)\]\(([^)\s]+)\)", r"\1: \2", text)
    text = re.sub(r"</?font[^>\n]*>|\*\*|`", "", text)
    return re.sub(r"(?m)^(?:#{1,6}|>)[ \t]?", "", text)


# -- many in one ------------------------------------------------------------------------------------------------------


def merge(commands: Sequence[Command], limit: Callable[[Target, Message], int]) -> Merged:
    """One message that lists those that wait, the most urgent first, as many as fit. `limit`: the bytes of markdown that
    the channel takes for such a message. What can't be understood is left to be refused by itself."""
    try:
        target = Target.of(commands[0].key)
    except BadRecord:
        return Merged(commands[0], (commands[0].id,))
    read: list[tuple[str, Command, Message]] = []
    for command in commands:
        try:
            message = Message.of(command.body)
        except BadRecord:
            return Merged(command, (command.id,))
        read.append((message.priority or "P9", command, message))
    read.sort(key=lambda each: each[0])  # stable: of one priority the eldest first
    taken = 1
    while taken < len(read):
        longer = _together([message for _, _, message in read[: taken + 1]])
        if size(markdown(longer, 1 << 30)) > limit(target, longer):
            break
        taken += 1
    if taken == 1:
        return Merged(read[0][1], (read[0][1].id,))
    covered = [command for _, command, _ in read[:taken]]
    one = _together([message for _, _, message in read[:taken]])
    mention = "all" if one.mention_all else list(one.mention)
    body = {"title": one.title, "text": one.text, "priority": one.priority or None, "mention": mention}
    first = covered[0]
    return Merged(Command("+".join(c.id for c in covered), first.op, first.key, body), tuple(c.id for c in covered))


def _together(messages: Sequence[Message]) -> Message:
    lines = []
    for message in messages:
        title = message.title.replace("[", "［").replace("]", "］")
        named = f"[{title}]({message.link})" if message.link else title
        lines.append(f"{MARKS.get(message.priority, '▪')} {message.priority} {named}".replace("  ", " "))
    urgent = min((m.priority for m in messages if m.priority), default="")
    mention = tuple(dict.fromkeys(name for m in messages for name in m.mention))
    everyone = any(m.mention_all for m in messages)
    return Message(f"{len(messages)} 条通知", "\n".join(lines), "", urgent, everyone, () if everyone else mention)
