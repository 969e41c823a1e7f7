"""One list that comes in several answers: where the next one is, and whether the list held still meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

import httpx

from connectors.errors import ConfigProblem, Transient
from connectors.exact import dump_json
from connectors.manifest.exchange import Reply
from connectors.manifest.forms import Paging
from connectors.manifest.paths import at

Place: TypeAlias = int | str | None
"""A page's number, an offset, a token or a link; None: the first page."""


class Pages:
    """Walks through one list. Make a new one for each query.

    Two mistakes lose records without a word elsewhere and are named here: a system that ignores the page asked for, and
    a list whose length changes while it is read (where `total` says how long it is).
    """

    def __init__(self, paging: Paging, size: int, place: Place = None) -> None:
        self._paging = paging
        self._size = size
        self.place = place
        self._before = b""
        self._total: int | None = None
        self._from_start = place is None
        self._read = 0

    @property
    def values(self) -> Mapping[str, Any]:
        """What {page.…} stands for now."""
        kind, place = self._paging.kind, self.place
        return {
            "size": self._size if kind != "none" else None,
            "number": (place if place is not None else self._paging.start) if kind == "page" else None,
            "offset": (place or 0) if kind == "offset" else None,
            "token": place if kind == "token" else None,
        }

    @property
    def link(self) -> str:
        """The address to follow instead of the request; empty: there is none."""
        return str(self.place) if self._paging.kind in ("link", "header") and self.place is not None else ""

    def turn(self, reply: Reply, rows: Sequence[Any]) -> bool:
        """Take note of a page and go to the next; False: that was the last. Raises ConfigProblem, Transient."""
        self._read += len(rows)
        if reply.status == 404:  # some systems say so instead of giving an empty page
            self._count()
            return False
        self._hold_still(reply, rows)
        following = self._next(reply, rows)
        if following is None:
            self._count()
            return False
        self.place = following
        return True

    def _next(self, reply: Reply, rows: Sequence[Any]) -> Place:
        paging, place = self._paging, self.place
        match paging.kind:
            case "none":
                return None
            case "token":
                token = at(reply.body, paging.next)
                return token if isinstance(token, int | str) and not isinstance(token, bool) and token != "" else None
            case "link":
                return _relative(at(reply.body, paging.next), reply)
            case "header":
                return _relative(_link_header(reply.headers.get("link", "")), reply)
        if not rows or not self._more(reply):
            return None
        if paging.kind == "offset":
            return (place if isinstance(place, int) else 0) + len(rows)
        return (place if isinstance(place, int) else paging.start) + 1

    def _more(self, reply: Reply) -> bool:
        """Without a word from the system, the end is the page that is empty: a short one may be a filtered one."""
        if self._paging.more:
            return at(reply.body, self._paging.more) is True
        return not (self._total is not None and self._from_start and self._read >= self._total)

    def _hold_still(self, reply: Reply, rows: Sequence[Any]) -> None:
        if self._paging.total:
            total = at(reply.body, self._paging.total)
            if not isinstance(total, int) or isinstance(total, bool):
                raise ConfigProblem(f"there is no number at {self._paging.total} (paging.total)")
            if self._total is not None and total != self._total:
                raise Transient(f"the list changed from {self._total} to {total} records while it was read")
            self._total = total
        seen = hashlib.blake2b(dump_json(list(rows)), digest_size=16).digest() if rows else b""
        if seen and seen == self._before:
            raise ConfigProblem("the system gave the same page again", hint="does it know the paging's parameters?")
        self._before = seen

    def _count(self) -> None:
        if self._total is not None and self._from_start and self._read != self._total:
            raise Transient(f"the list changed while it was read: {self._read} records came, of {self._total}")


def _relative(link: Any, reply: Reply) -> str | None:
    """The link, its own host left out when it is the one that was asked."""
    if not isinstance(link, str) or not link:
        return None
    parts, asked = urlsplit(urljoin(reply.url, link)), urlsplit(reply.url)
    if (parts.scheme, parts.netloc) != (asked.scheme, asked.netloc):
        return link
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _link_header(value: str) -> str:
    """The address with rel=next of a Link header (RFC 8288)."""
    links = httpx.Response(200, headers={"link": value}).links if value else {}
    return str(links.get("next", {}).get("url", ""))
