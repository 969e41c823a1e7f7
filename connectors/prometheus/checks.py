"""Does a connection work: is each program up, does it know us, and which rights are missing. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.contract import Health, MissingRight
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError
from connectors.prometheus.client import Forbidden, HttpApi, Refused
from connectors.prometheus.config import PrometheusConfig

_NO_SILENCE = "00000000-0000-0000-0000-000000000000"


def health(config: PrometheusConfig, prometheus: HttpApi, alertmanager: HttpApi) -> Health:
    """The state of both programs, as far as their addresses are set."""
    versions: list[str] = []
    missing: list[MissingRight] = []
    troubles: list[str] = []
    for api, look in ((prometheus, _prometheus), (alertmanager, _alertmanager)):
        if not api.base:
            continue
        try:
            versions.append(look(api, missing))
        except ConnectorError as error:
            troubles.append(f"{error} ({error.hint})" if error.hint else str(error))
        except Refused as error:
            troubles.append(f"{api.base}: {error.status} {error.reason} (is the address right?)")
    closed = not (config.webhook_token.get_secret_value() or config.webhook_username)
    note = "messages coming in are refused until webhook_token or webhook_username is set" if closed else ""
    return Health(
        ok=not troubles and not missing,
        message="; ".join(troubles) or note,
        remote_version=", ".join(versions),
        missing_rights=tuple(missing),
    )


def _prometheus(api: HttpApi, missing: list[MissingRight]) -> str:
    _ready(api)
    _may(
        missing, api, "GET /api/v1/query", "the context of a ticket", lambda: api.read("/api/v1/query", {"query": "1"})
    )
    return f"Prometheus {_version(api, '/api/v1/status/buildinfo', 'data')}"


def _alertmanager(api: HttpApi, missing: list[MissingRight]) -> str:
    _ready(api)
    _may(missing, api, "GET /api/v2/alerts", "reading alerts", lambda: api.read("/api/v2/alerts", {"filter": 'a="b"'}))
    _may(missing, api, "GET /api/v2/silences", "finding our silences", lambda: api.read("/api/v2/silences"))
    # Whoever may write gets these two refused, for want of content: nothing changes.
    _may(
        missing,
        api,
        "POST /api/v2/silences",
        "making silences",
        lambda: api.write("POST", "/api/v2/silences", {}),
        refused=True,
    )
    _may(
        missing,
        api,
        "DELETE /api/v2/silence/{id}",
        "ending silences",
        lambda: api.write("DELETE", f"/api/v2/silence/{_NO_SILENCE}"),
        refused=True,
    )
    return f"Alertmanager {_version(api, '/api/v2/status', 'versionInfo')}"


def _ready(api: HttpApi) -> None:
    """Raises Transient (503) while the program starts."""
    if "<" in api.read("/-/ready", text=True):
        raise ConfigProblem(f"{api.base} answers with a web page", hint="is it this program's address?")


def _may(
    missing: list[MissingRight],
    api: HttpApi,
    right: str,
    needed_for: str,
    act: Callable[[], Any],
    *,
    refused: bool = False,
) -> None:
    """Note a right that is missing. `refused`: the act is meant to be refused for its content."""
    try:
        act()
    except Forbidden:
        where = f"the proxy before {api.base}: neither program knows rights of its own"
        missing.append(MissingRight(right=right, needed_for=needed_for, grant_at=where))
    except Refused:
        if not refused:
            raise


def _version(api: HttpApi, path: str, part: str) -> str:
    """The version a program tells, empty when this account may not ask for it."""
    try:
        told = api.read(path)
    except (AuthProblem, Refused):
        return ""
    info = told.get(part) if isinstance(told, dict) else None
    return str(info.get("version", "")) if isinstance(info, dict) else ""
