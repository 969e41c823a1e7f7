"""Setting Zabbix up to send its problems to the hub, and taking that away again.

Four objects, found again by their name, which ends in the connection's id (the end of the hub's address): a webhook
media type, a user group that may read the hosts, a user that owns the media, and an action. The user is not the hub's
API account, because Zabbix leaves the author of a change out of the messages about it: the hub would never hear of
its own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from connectors.contract import Settings
from connectors.errors import AuthProblem, ConfigProblem
from connectors.zabbix.client import MayNotCall, ZabbixClient
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.problems import group_ids
from connectors.zabbix.webhook import PARAMETERS

ATTEMPTS, INTERVAL = 20, "30s"
"""Zabbix tries a message for ten minutes; what it then gives up the hub finds by reading."""
_READ = 2


class Administrator(Settings):
    """A super administrator's login for one installation. It is not kept."""

    token: SecretStr | None = None
    username: str = ""
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _one(self) -> Administrator:
        if (self.token is None) == (not self.username):
            raise ValueError("give either `token`, or `username` and `password`")
        return self


class Step(BaseModel):
    """One object of the installation and what was done to it."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["media type", "user group", "user", "action"]
    name: str
    id: str = ""
    done: Literal["created", "updated", "unchanged", "deleted", "absent"]


class InstallReport(BaseModel):
    """What an installation did, object by object, and what a person should know."""

    model_config = ConfigDict(frozen=True)
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()


class Borrowed:
    """A client of the administrator for the time of a `with`, or the connection's own where none is given."""

    def __init__(
        self,
        config: ZabbixConfig,
        administrator: Administrator | None,
        own: ZabbixClient,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._config, self._administrator, self._own, self._transport = config, administrator, own, transport
        self._made: ZabbixClient | None = None

    def __enter__(self) -> ZabbixClient:
        if self._administrator is None:
            return self._own
        login = {n: getattr(self._administrator, n) for n in ("token", "username", "password")}
        self._made = ZabbixClient(self._config.model_copy(update=login), transport=self._transport)
        return self._made

    def __exit__(self, *_: object) -> None:
        if self._made is not None:
            self._made.close()


def install(client: ZabbixClient, config: ZabbixConfig, hub_url: str) -> InstallReport:
    """Makes the four objects, or brings them to what they should be. Raises ConfigProblem, AuthProblem."""
    names = Names.of(hub_url)
    if config.webhook_token is None and config.webhook_secret is None:
        raise ConfigProblem("Set `webhook_token` or `webhook_secret` first: Zabbix's messages must prove their origin.")
    if config.username == names.user:
        raise ConfigProblem(
            f"The hub's API account must not be {names.user!r}: Zabbix leaves out the author of a change from the "
            "messages about it."
        )
    builder = _Builder(client, config, hub_url, names)
    try:
        return builder.install()
    except MayNotCall as e:
        raise AuthProblem(
            f"Installing needs a super administrator: {e}",
            hint="Give one for this once; the connection's own account needs no such right.",
        ) from e


def uninstall(client: ZabbixClient, hub_url: str) -> InstallReport:
    """Deletes the four objects, last made first. Raises AuthProblem, ConfigProblem."""
    names = Names.of(hub_url)
    steps = []
    try:
        for kind in reversed(_KINDS):
            name = getattr(names, kind.attribute)
            found = _find(client, kind, name)
            if found is not None:
                client.call(f"{kind.api}.delete", [found[kind.id_field]], write=True)
            done: Literal["deleted", "absent"] = "absent" if found is None else "deleted"
            steps.append(Step(kind=kind.label, name=name, id="" if found is None else found[kind.id_field], done=done))
    except MayNotCall as e:
        raise AuthProblem(f"Uninstalling needs a super administrator: {e}") from e
    return InstallReport(steps=tuple(steps))


class Names(BaseModel):
    """The names of the objects that belong to one connection of the hub."""

    model_config = ConfigDict(frozen=True)
    media_type: str
    group: str
    user: str
    action: str

    @classmethod
    def of(cls, hub_url: str) -> Names:
        """Raises ConfigProblem when it is no address of an inbound endpoint."""
        parts = urlsplit(hub_url)
        steps = [step for step in parts.path.split("/") if step]
        connection = steps[steps.index("inbound") + 1] if "inbound" in steps[:-1] else "".join(steps[-1:])
        if parts.scheme not in ("http", "https") or not parts.hostname or not connection:
            raise ConfigProblem(
                f"hub_url: {hub_url!r} is not the address of this connection's inbound endpoint, such as "
                "https://hub.example.com/v1/inbound/zbx-main."
            )
        return cls(
            media_type=f"Weft {connection}",
            group=f"Weft {connection}",
            user=f"weft-{connection}",
            action=f"Send problems to Weft {connection}",
        )


class _Kind(BaseModel):
    model_config = ConfigDict(frozen=True)
    label: Literal["media type", "user group", "user", "action"]
    api: str
    id_field: str
    name_field: str
    attribute: str
    select: tuple[str, ...]


_MEDIA_TYPE, _GROUP, _USER, _ACTION = _KINDS = (
    _Kind(
        label="media type",
        api="mediatype",
        id_field="mediatypeid",
        name_field="name",
        attribute="media_type",
        select=("selectMessageTemplates",),
    ),
    _Kind(label="user group", api="usergroup", id_field="usrgrpid", name_field="name", attribute="group", select=()),
    _Kind(
        label="user",
        api="user",
        id_field="userid",
        name_field="username",
        attribute="user",
        select=("selectMedias", "selectUsrgrps"),
    ),
    _Kind(
        label="action",
        api="action",
        id_field="actionid",
        name_field="name",
        attribute="action",
        select=("selectFilter", "selectOperations", "selectRecoveryOperations", "selectUpdateOperations"),
    ),
)


def _find(client: ZabbixClient, kind: _Kind, name: str, extra: Sequence[str] = ()) -> dict[str, Any] | None:
    query = {"output": "extend", "filter": {kind.name_field: [name]}}
    found = client.call(f"{kind.api}.get", query | dict.fromkeys((*kind.select, *extra), "extend"))
    return dict(found[0]) if found else None


class _Builder:
    def __init__(self, client: ZabbixClient, config: ZabbixConfig, hub_url: str, names: Names) -> None:
        self._client = client
        self._config = config
        self._hub_url = hub_url
        self._names = names
        # Host and template groups have rights of their own since 6.2.
        self._rights = "hostgroup_rights" if client.version()[:2] >= (6, 2) else "rights"
        self._select_rights = "selectHostGroupRights" if client.version()[:2] >= (6, 2) else "selectRights"

    def install(self) -> InstallReport:
        groups = self._group_ids()
        warnings = self._moved()
        media = self._ensure(_MEDIA_TYPE, self._media_type())
        group = self._ensure(_GROUP, self._group(groups), extra=(self._select_rights,))
        user = self._ensure(_USER, self._user(media.id, group.id), only_new={"passwd": secrets.token_hex(16) + "-ZzQ9"})
        action = self._ensure(_ACTION, self._action(media.id, user.id))
        return InstallReport(steps=(media, group, user, action), warnings=tuple(warnings))

    def _ensure(
        self,
        kind: _Kind,
        wanted: dict[str, Any],
        *,
        extra: Sequence[str] = (),
        only_new: Mapping[str, Any] | None = None,
    ) -> Step:
        """The object as wanted: made, changed or left alone."""
        name = str(wanted[kind.name_field])
        found = _find(self._client, kind, name, extra)
        if found is None:
            made = self._client.call(f"{kind.api}.create", wanted | dict(only_new or {}), write=True)
            return Step(kind=kind.label, name=name, id=str(made[f"{kind.id_field}s"][0]), done="created")
        object_id = str(found[kind.id_field])
        if covers(found, wanted):
            return Step(kind=kind.label, name=name, id=object_id, done="unchanged")
        changed = {k: v for k, v in wanted.items() if k != "eventsource"}  # an action's source can't be changed
        self._client.call(f"{kind.api}.update", {kind.id_field: object_id} | changed, write=True)
        return Step(kind=kind.label, name=name, id=object_id, done="updated")

    def _moved(self) -> list[str]:
        """A warning when the media type sends to another hub until now."""
        found = _find(self._client, _MEDIA_TYPE, self._names.media_type)
        if found is None:
            return []
        url = next((str(p["value"]) for p in found.get("parameters", ()) if p["name"] == "url"), self._hub_url)
        if url == self._hub_url:
            return []
        return [
            f"Media type {self._names.media_type!r} sent to {url} until now; it sends to {self._hub_url} from now on."
        ]

    def _group_ids(self) -> list[str]:
        if self._config.host_groups:
            return group_ids(self._client, self._config.host_groups)
        return sorted(str(g["groupid"]) for g in self._client.call("hostgroup.get", {"output": ["groupid"]}))

    # -- what the objects should be ---------------------------------------------------------------------------------

    def _media_type(self) -> dict[str, Any]:
        token, secret = self._config.webhook_token, self._config.webhook_secret
        own = {
            "url": self._hub_url,
            "token": token.get_secret_value() if token else "",
            "secret": secret.get_secret_value() if secret else "",
            "http_proxy": "",
        }
        template = {"subject": "{EVENT.NAME}", "message": "{EVENT.NAME} ({HOST.NAME}), event {EVENT.ID}"}
        return {
            "name": self._names.media_type,
            "type": 4,
            "status": 0,
            "description": "Sends problems to Weft. Made and kept up by Weft's installer.",
            "script": files("connectors.zabbix").joinpath("webhook.js").read_text("utf-8").strip(),
            "parameters": [{"name": n, "value": v} for n, v in sorted({**PARAMETERS, **own}.items())],
            "process_tags": 1,
            "timeout": "10s",
            "maxsessions": 10,
            "maxattempts": ATTEMPTS,
            "attempt_interval": INTERVAL,
            "message_templates": [{"eventsource": 0, "recovery": r, **template} for r in (0, 1, 2)],
        }

    def _group(self, host_groups: Sequence[str]) -> dict[str, Any]:
        return {
            "name": self._names.group,
            "gui_access": 3,
            "users_status": 0,
            self._rights: [{"id": g, "permission": _READ} for g in host_groups],
        }

    def _user(self, media_type_id: str, group_id: str) -> dict[str, Any]:
        media = {
            "mediatypeid": media_type_id,
            "sendto": "weft",
            "active": 0,
            "severity": 63,
            "period": "1-7,00:00-24:00",
        }
        return {
            "username": self._names.user,
            "name": "Weft",
            "roleid": self._role(),
            "usrgrps": [{"usrgrpid": group_id}],
            "timezone": "UTC",  # the times in the messages of 6.x are in the zone of their recipient, and say not which
            "medias": [media],
        }

    def _role(self) -> str:
        """A role of the least type; it decides nothing, as the user may not log in to the front end."""
        roles = self._client.call("role.get", {"output": ["roleid", "name"], "filter": {"type": [1]}})
        ordered = sorted(roles, key=lambda r: (r["name"] != "User role", r["name"] == "Guest role", int(r["roleid"])))
        if not ordered:
            raise ConfigProblem("Zabbix has no role of type User; make one (Users > User roles).")
        return str(ordered[0]["roleid"])

    def _action(self, media_type_id: str, user_id: str) -> dict[str, Any]:
        message = {
            "operationtype": 0,
            "opmessage": {"default_msg": 1, "mediatypeid": media_type_id},
            "opmessage_usr": [{"userid": user_id}],
        }
        conditions: list[dict[str, Any]] = []
        if self._config.lowest > 0:
            conditions.append({"conditiontype": 4, "operator": 5, "value": str(self._config.lowest)})
        if self._config.host_groups:
            conditions += [{"conditiontype": 0, "operator": 0, "value": g} for g in self._group_ids()]
        return {
            "name": self._names.action,
            "eventsource": 0,
            "status": 0,
            "esc_period": "1h",
            "pause_suppressed": 0 if self._config.include_suppressed else 1,
            "filter": {"evaltype": 0, "conditions": conditions},
            "operations": [message | {"esc_period": "0", "esc_step_from": 1, "esc_step_to": 1}],
            "recovery_operations": [message],
            "update_operations": [message],
        }


def covers(found: Any, wanted: Any) -> bool:
    """Whether an object of the API is as wanted in all that is wanted; the API gives every scalar as text."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(k in found and covers(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return False
        left = list(found)
        for want in wanted:
            match = next((i for i, f in enumerate(left) if covers(f, want)), None)
            if match is None:
                return False
            del left[match]
        return True
    return str(found).replace("\r\n", "\n") == str(wanted)
