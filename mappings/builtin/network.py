"""Hosts, addresses and links."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote

from mappings.errors import EvaluationError
from mappings.registry import function
from mappings.values import describe, short_enough


@function(predicate=True)
def is_ip(value: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address. False with null.

    is_ip('10.0.0.1') == True
    is_ip('fe80::1') == True
    is_ip('web-1') == False
    """
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


@function()
def host_of(value: str) -> str:
    """The host of a `host:port`, an `[address]:port` or a URL; the text itself when it is neither.

    host_of('web-1:9100') == 'web-1'
    host_of('[fe80::1]:9100') == 'fe80::1'
    host_of('https://user@shop.example:8443/x?y') == 'shop.example'
    host_of('fe80::1') == 'fe80::1'
    """
    return _host_and_port(value)[0]


@function()
def port_of(value: str) -> int | None:
    """The port of a `host:port`, an `[address]:port` or a URL; null when there is none.

    port_of('web-1:9100') == 9100
    port_of('web-1') is None
    """
    port = _host_and_port(value)[1]
    return int(port) if port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536 else None


def _host_and_port(value: str) -> tuple[str, str]:
    text = short_enough(value).strip()
    if "://" in text:
        text = text.partition("://")[2]
        for end in "/?#":
            text = text.partition(end)[0]
        text = text.rpartition("@")[2]
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, ""


@function()
def url_encode(value: str) -> str:
    """The text as it may stand inside a link, every special sign escaped.

    concat('https://grafana/d?var=', url_encode('a b&c')) == 'https://grafana/d?var=a%20b%26c'
    """
    try:
        return short_enough(quote(short_enough(value), safe=""))
    except UnicodeEncodeError:
        raise EvaluationError(f"{describe(value)} cannot stand in a link") from None
