"""A message as an e-mail: a number of ours that stays the same at every try, and headers nobody can write into."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from connectors.channels import Message, Target, fit, without_marks
from connectors.errors import BadRecord
from connectors.smtp.config import EmailConfig, is_address

TEXT_BYTES = 100_000
SUBJECT_BYTES = 400
RECEIVERS = 100


def receivers(config: EmailConfig, target: Target, message: Message) -> tuple[list[str], list[str]]:
    """(To, Cc). Raises BadRecord when nobody, too many, or one that is no address."""
    if target.mobiles:
        raise BadRecord("key.mobiles: mail goes to addresses, not to mobile numbers; name them in users.")
    named = (*target.users, *target.groups, *(m for m in message.mention))
    for address in named:
        if not is_address(address):
            raise BadRecord(f"key.users: {address[:100]!r} is no plain address such as duty@example.com.")
    by_default = target.default or target.everyone
    to = list(dict.fromkeys((*named, *(config.default_to if by_default else ()))))
    cc = [address for address in (config.default_cc if by_default else ()) if address not in to]
    if not to:
        raise BadRecord("key.to: the connection names no default; set `default_to`.")
    if len(to) + len(cc) > RECEIVERS:
        raise BadRecord(f"key.users: {len(to) + len(cc)} are too many; at most {RECEIVERS} a message.")
    return to, cc


def message_id(config: EmailConfig, number: str) -> str:
    """The Message-ID that a command has at every try: many servers and mailboxes show such a mail only once."""
    return f"<{number}.weft@{config.from_address.rpartition('@')[2]}>"


def mail(config: EmailConfig, to: list[str], cc: list[str], message: Message, number: str, at: datetime) -> bytes:
    """The mail as it goes over the line. `number`: the command's idempotency key. `at`: aware."""
    made = EmailMessage(policy=SMTP)
    made["From"] = formataddr((config.from_name, config.from_address))
    made["To"] = ", ".join(to)
    if cc:
        made["Cc"] = ", ".join(cc)
    made["Subject"] = fit(_printable(message.headline), SUBJECT_BYTES)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = message_id(config, number)
    if message.thread:  # mails of one ticket lie together in the mailbox
        root = hashlib.sha256(message.thread.encode("utf-8", "replace")).hexdigest()[:32]
        made["References"] = made["In-Reply-To"] = message_id(config, root)
    made["Auto-Submitted"] = "auto-generated"  # so that no absence notice comes back
    made["X-Auto-Response-Suppress"] = "All"
    if message.priority in ("P0", "P1") or message.mention_all:
        made["Importance"], made["X-Priority"] = "High", "1"
    parts = [message.headline, without_marks(message.text), message.link]
    text = fit("\n\n".join(part for part in parts if part), TEXT_BYTES)
    made.set_content(text + "\n", charset="utf-8", cte="base64")
    return made.as_bytes()


def _printable(text: str) -> str:
    """Without control characters and broken surrogates, none of which a header may hold."""
    return "".join(c if c.isprintable() else " " for c in text)
