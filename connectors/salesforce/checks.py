"""What `check()` finds out: a real login, then every object, column and right the connector needs, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract import Health, MissingRight
from connectors.errors import AuthProblem, ConfigProblem, ConnectorError
from connectors.salesforce import soql
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.objects import objects

_SET = "Setup > Permission Sets > (set of the hub's user) > Object Settings > {object}"
_MAKE = "Setup > Object Manager > {object} > Fields & Relationships > New"
_READS = {
    "Account": "customers and questions about them",
    "Contact": "contacts",
    "Case": "complaints and the cases of tickets",
    "Task": "interactions",
    "Event": "interactions",
}


def check(client: SalesforceClient, config: SalesforceConfig) -> Health:
    """Never raises a ConnectorError: what fails is in the answer. Nothing is changed."""
    try:
        version = _version(client, config)
        found = client.query(soql.select(["Id", "Name", "IsSandbox"], "Organization", limit=1)).records
        missing = [*_missing(client, config)]
    except ConnectorError as error:
        return Health(ok=False, message=f"{error} {error.hint}".strip())
    where = str(found[0].get("Name")) if found else config.url
    message = f"Logged in to {where}; "
    message += f"{len(missing)} right(s) or column(s) are missing." if missing else "all rights are there."
    if client.usage is not None:
        message += f" API calls of 24 hours: {client.usage[0]} of {client.usage[1]}."
    return Health(ok=not missing, message=message, remote_version=version, missing_rights=tuple(missing))


def _version(client: SalesforceClient, config: SalesforceConfig) -> str:
    """The newest API version of the organization, which must know the configured one."""
    known = {str(v.get("version")): str(v.get("label")) for v in client.versions() if isinstance(v, dict)}
    if config.api_version not in known:
        raise ConfigProblem(
            f"The organization does not know API version {config.api_version}.",
            hint=f"Set `api_version` to one of {', '.join(sorted(known, reverse=True)[:5])}.",
        )
    newest = max(known, key=lambda text: [int(part) for part in text.split(".")])
    return f"{known[newest]} (API {newest}, used: {config.api_version})"


def _missing(client: SalesforceClient, config: SalesforceConfig) -> Iterator[MissingRight]:
    described = {name: _describe(client, name) for name in (*_READS, "CaseComment", "CaseStatus")}
    for of in objects(config):
        about = described[of.name]
        if about is None:
            yield _right(f"Read on {of.name}", _READS[of.name], of.name)
            continue
        for column in of.columns:
            top = column.partition(".")[0]
            names = {*_fields(about), *_relationships(about)}
            if top not in names:
                yield _column(of.name, column, "reading it")
    if described["CaseStatus"] is None:
        yield MissingRight(
            right="View Setup and Configuration",
            needed_for="reading cases: which statuses mean closed",
            grant_at="Setup > Permission Sets > (set of the hub's user) > System Permissions",
        )
    yield from _missing_writes(config, described)


def _missing_writes(
    config: SalesforceConfig, described: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[MissingRight]:
    case, account = described["Case"], described["Account"]
    if case is not None:
        for verb, flag in (("Create", "createable"), ("Edit", "updateable")):
            if case.get(flag) is not True:
                yield _right(f"{verb} on Case", "writing what became of a ticket", "Case")
        key = _fields(case).get(config.ticket_field)
        if key is not None and not (key.get("externalId") and key.get("unique")):
            yield MissingRight(
                right=f"Case.{config.ticket_field} as external id, unique",
                needed_for="making each ticket's case once",
                grant_at=f"Setup > Object Manager > Case > Fields & Relationships > {config.ticket_field} > Edit",
            )
        elif key is not None and key.get("createable") is not True:
            yield _right(f"Edit on Case.{config.ticket_field}", "making the ticket's case", "Case")
    comment = described["CaseComment"]
    if comment is None or comment.get("createable") is not True:
        yield _right("Create on CaseComment", "comments on cases", "Case")
    score = _fields(account).get(config.health_field) if account is not None else None
    if score is not None and score.get("updateable") is not True:
        yield _right(f"Edit on Account.{config.health_field}", "writing the health score", "Account")


def _describe(client: SalesforceClient, name: str) -> Mapping[str, Any] | None:
    """What the hub's user sees of an object; None: nothing."""
    try:
        answer = client.get(f"sobjects/{name}/describe")
    except AuthProblem:
        raise
    except ConfigProblem:  # without the right to read it, an object is unknown to the user
        return None
    return answer if isinstance(answer, dict) and answer.get("queryable") is True else None


def _fields(about: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    return {str(f.get("name")): f for f in (about or {}).get("fields", ()) if isinstance(f, dict)}


def _relationships(about: Mapping[str, Any]) -> set[str]:
    return {str(f.get("relationshipName")) for f in _fields(about).values() if f.get("relationshipName")}


def _right(right: str, needed_for: str, name: str) -> MissingRight:
    return MissingRight(right=right, needed_for=needed_for, grant_at=_SET.format(object=name))


def _column(name: str, column: str, needed_for: str) -> MissingRight:
    return MissingRight(
        right=f"Column {name}.{column}",
        needed_for=needed_for,
        grant_at=f"{_MAKE.format(object=name)}; or Field Permissions in the permission set of the hub's user",
    )
