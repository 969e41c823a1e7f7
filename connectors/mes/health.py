"""What `check()` finds out: who answers, whether its WSDL has every operation, and which of them the hub may not call.
Nothing is changed; whether reports may be made shows at the first one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import Health, MissingRight
from connectors.errors import AuthProblem, ConnectorError
from connectors.mes.calls import CALL_NAMES, STREAMS, CallName, at_path
from connectors.mes.client import MesClient
from connectors.mes.config import MesConfig

_NEEDED_FOR: Mapping[CallName, str] = {
    "equipment": "knowing the machines",
    "downtime": "stops, and the tickets they open",
    "oee": "OEE of machines and shifts",
    "work_orders": "work orders",
    "inspections": "quality and inbound inspections",
}
_GRANT_AT = "the MES's administration: rights of the hub's key or account"


def check(client: MesClient, config: MesConfig, now: datetime) -> Health:
    """Never raises a ConnectorError: what fails is in the answer."""
    try:
        lacking = _not_in_wsdl(client, config)
        version = _version(client, config)
    except ConnectorError as error:
        return Health(ok=False, message=_said(error))
    if lacking:
        names = ", ".join(f"{operation} (calls.{name})" for name, operation in lacking.items())
        return Health(ok=False, message=f"The WSDL has no operation {names}.", remote_version=version)
    missing, message = _missing_rights(client, config, now)
    if message:
        return Health(ok=False, message=message, remote_version=version, missing_rights=missing)
    if missing:
        said = f"{version} answers, but {len(missing)} right(s) are missing."
        return Health(ok=False, message=said, remote_version=version, missing_rights=missing)
    return Health(ok=True, message=f"{version} answers; all it is asked for is there.", remote_version=version)


def _not_in_wsdl(client: MesClient, config: MesConfig) -> dict[CallName, str]:
    known = client.operations()
    wanted: dict[CallName, str] = {name: config.call(name).operation for name in CALL_NAMES}
    return {name: operation for name, operation in wanted.items() if operation and operation not in known}


def _version(client: MesClient, config: MesConfig) -> str:
    call = config.call("info")
    if not call.operation:
        return client.server or f"SOAP {config.soap_version}"
    answer: Any = client.ask("info", {})
    told = [str(at_path(answer, path) or "") for name in ("name", "version") if (path := call.fields.get(name))]
    return " ".join(filter(None, told)) or client.server or f"SOAP {config.soap_version}"


def _missing_rights(client: MesClient, config: MesConfig, now: datetime) -> tuple[tuple[MissingRight, ...], str]:
    """Every stream asked for one row of the last minute; the first other failure in words."""
    missing = []
    for name in STREAMS:
        operation = config.call(name).operation
        if not operation:
            continue
        try:
            client.page(name, {"since": now - timedelta(minutes=1), "page": 1, "page_size": 1})
        except AuthProblem:
            missing.append(MissingRight(right=operation, needed_for=_NEEDED_FOR[name], grant_at=_GRANT_AT))
        except ConnectorError as error:
            return tuple(missing), _said(error)
    return tuple(missing), ""


def _said(error: ConnectorError) -> str:
    return f"{error} {error.hint}".strip()
