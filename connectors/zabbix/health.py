"""What `check()` finds out: a real login, then every right the connector needs, one by one. Nothing is changed."""

from __future__ import annotations

from connectors.contract import Health, MissingRight
from connectors.errors import ConnectorError
from connectors.zabbix.client import MayNotCall, Refused, ZabbixClient
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.operations import ACKNOWLEDGE, CLOSE, MESSAGE, SEVERITY, SUPPRESS, missing_rights
from connectors.zabbix.problems import group_ids

_API = "Users > User roles > (role of the account) > Access to API"
_ACTIONS = "Users > User roles > (role of the account) > Access to actions"
_HOSTS = "Users > User groups > (group of the account) > Host permissions"

_READS = {
    "host.get": "finding the device of a ticket",
    "hostgroup.get": "the filter by host groups",
    "event.get": "reading problems and recoveries",
    "problem.get": "reading the open problems",
    "trigger.get": "host and item of a problem",
    "item.get": "the context question about CPU load",
    "history.get": "the context question about CPU load",
    "trend.get": "the context question about CPU load",
}
_WRITES = {
    CLOSE: ("Close problems", "closing a problem when its ticket is resolved"),
    ACKNOWLEDGE: ("Acknowledge problems", "acknowledging a problem when its ticket is taken"),
    MESSAGE: ("Add problem comments", "every change: the hub marks its own messages"),
    SEVERITY: ("Change severity", "changing a problem's severity"),
    SUPPRESS: ("Suppress problems", "suppressing a problem"),
}


def check(client: ZabbixClient, config: ZabbixConfig) -> Health:
    """Never raises a ConnectorError: what fails is in the answer."""
    version = ""
    try:
        version = client.version().text
        client.call("host.get", {"countOutput": True, "limit": 1})
    except MayNotCall:
        pass  # the login works; the right is named below
    except ConnectorError as e:
        return Health(ok=False, message=_said(e), remote_version=version)
    try:
        missing = [*_missing_reads(client), *_missing_writes(client)]
        if not any(m.right == "host.get" for m in missing):
            missing += _missing_hosts(client)
        if config.host_groups and not any(m.right == "hostgroup.get" for m in missing):
            group_ids(client, config.host_groups)
    except ConnectorError as e:
        return Health(ok=False, message=_said(e), remote_version=version)
    if missing:
        message = f"Logged in to Zabbix {version}, but {len(missing)} right(s) are missing."
    else:
        message = f"Logged in to Zabbix {version}; all rights are there."
    return Health(ok=not missing, message=message, remote_version=version, missing_rights=tuple(missing))


def _said(error: ConnectorError) -> str:
    return f"{error} {error.hint}".strip()


def _may_call(client: ZabbixClient, method: str, params: dict[str, object]) -> bool:
    try:
        client.call(method, params)
    except Refused:
        return True  # it looked at the parameters, so the method itself is allowed
    except MayNotCall:
        return False
    return True


def _missing_reads(client: ZabbixClient) -> list[MissingRight]:
    nothing: dict[str, object] = {"output": [], "limit": 1}
    missing = []
    for method, needed_for in _READS.items():
        params = nothing | ({"itemids": ["0"]} if method in ("history.get", "trend.get") else {})
        if not _may_call(client, method, params):
            missing.append(MissingRight(right=method, needed_for=needed_for, grant_at=_API))
    return missing


def _missing_writes(client: ZabbixClient) -> list[MissingRight]:
    try:
        lacking = missing_rights(client)
    except MayNotCall:
        return [MissingRight(right="event.acknowledge", needed_for="every change to a problem", grant_at=_API)]
    return [
        MissingRight(right=name, needed_for=needed_for, grant_at=_ACTIONS)
        for bit, (name, needed_for) in _WRITES.items()
        if bit in lacking
    ]


def _missing_hosts(client: ZabbixClient) -> list[MissingRight]:
    seen = int(client.call("host.get", {"countOutput": True}))
    if seen == 0:
        return [MissingRight(right="Read on host groups", needed_for="seeing any host or problem", grant_at=_HOSTS)]
    writable = int(client.call("host.get", {"countOutput": True, "editable": True}))
    if writable < seen:
        what = f"closing problems and changing severities on {seen - writable} of {seen} hosts"
        return [MissingRight(right="Read-write on host groups", needed_for=what, grant_at=_HOSTS)]
    return []
