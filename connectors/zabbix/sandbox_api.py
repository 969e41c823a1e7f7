"""The methods of the stand-in's API, with the refusals of the real one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.zabbix.sandbox_state import Account, Row, State, pick

GONE = "No permissions to referred object or it does not exist!"
_TABLES = {  # API object -> (table, id field)
    "hostgroup": ("group", "groupid"),
    "mediatype": ("mediatype", "mediatypeid"),
    "usergroup": ("usergroup", "usrgrpid"),
    "user": ("user", "userid"),
    "action": ("action", "actionid"),
    "role": ("role", "roleid"),
    "host": ("host", "hostid"),
    "item": ("item", "itemid"),
    "trigger": ("trigger", "triggerid"),
}
_SUPER_ONLY = ("mediatype.", "usergroup.", "user.create", "user.update", "user.delete", "action.")
_ROLE_ACTIONS = {
    1: "close problems",
    4: "add problem comments",
    8: "change problem severity",
    2: "acknowledge problems",
    32: "suppress problems",
}


class ApiError(Exception):
    """An error answer of the API."""

    def __init__(self, code: int, message: str, data: str) -> None:
        super().__init__(data)
        self.answer = {"code": code, "message": message, "data": data}


def invalid(data: str) -> ApiError:
    return ApiError(-32602, "Invalid params.", data)


def refused(data: str) -> ApiError:
    return ApiError(-32500, "Application error.", data)


class Api:
    """Calls by name. `account` is None for the methods without login."""

    def __init__(self, state: State) -> None:
        self.state = state

    def call(self, method: str, params: Any, account: Account | None) -> Any:
        if method == "apiinfo.version":
            return self.state.version
        if method == "user.login":
            return self._login(params)
        assert account is not None
        if method in account.denied or (method.startswith(_SUPER_ONLY) and account.kind < 3):
            raise invalid(f'No permissions to call "{method}".')
        own: dict[str, Callable[[Any, Account], Any]] = {
            "user.logout": self._logout,
            "user.checkAuthentication": lambda _, who: {"userid": who.userid, "username": who.username},
            "event.get": lambda p, who: self._events(p, who),
            "problem.get": self._problems,
            "event.acknowledge": self._acknowledge,
            "history.get": self._history,
            "trend.get": self._trends,
        }
        if method in own:
            return own[method](params, account)
        api, _, verb = method.partition(".")
        if api in _TABLES and verb in ("get", "create", "update", "delete"):
            return self._generic(api, verb, params, account)
        raise ApiError(-32601, "Method not found.", f'Incorrect API "{api}".')

    # -- accounts ---------------------------------------------------------------------------------------------------

    def _login(self, params: Row) -> str:
        for account in self.state.accounts:
            if account.username == params.get("username") and account.password == params.get("password"):
                session = secrets.token_hex(16)
                self.state.sessions[session] = account
                return session
        raise refused("Incorrect user name or password or account is temporarily blocked.")

    def _logout(self, _: Any, account: Account) -> bool:
        for session in [s for s, a in self.state.sessions.items() if a is account]:
            del self.state.sessions[session]
        return True

    # -- tables -----------------------------------------------------------------------------------------------------

    def _generic(self, api: str, verb: str, params: Any, account: Account) -> Any:
        table, id_field = _TABLES[api]
        rows = self.state.tables[table]
        if verb == "get":
            return self._get(api, list(rows.values()), params, account)
        if verb == "delete":
            for object_id in params:
                if str(object_id) not in rows:
                    raise refused(GONE)
                del rows[str(object_id)]
            self.state.changes += 1
            return {f"{id_field}s": [str(i) for i in params]}
        self.state.changes += 1
        objects = params if isinstance(params, list) else [params]
        if verb == "update":
            for each in objects:
                if str(each[id_field]) not in rows:
                    raise refused(GONE)
                rows[str(each[id_field])].update(_texts(each))
            return {f"{id_field}s": [str(each[id_field]) for each in objects]}
        name = next((n for n in ("username", "host", "name") if n in objects[0]), "")
        for each in objects:
            if name and any(r.get(name) == each[name] for r in rows.values()):
                raise invalid(f'{api} "{each[name]}" already exists.')
        return {f"{id_field}s": [self.state.put(table, id_field, _texts(each))[id_field] for each in objects]}

    def _get(self, api: str, rows: list[Row], params: Row, account: Account) -> Any:
        id_field = _TABLES[api][1]
        if api == "host" and self.state.major_minor >= (7, 2) and "selectGroups" in params:
            raise invalid('Invalid parameter "/": unexpected parameter "selectGroups".')
        if params.get("editable") and not account.writable:
            rows = []
        for plural, singular in (("hostids", "hostid"), ("itemids", "itemid"), ("triggerids", "triggerid")):
            if plural in params:
                wanted = {str(i) for i in _list(params[plural])}
                rows = [r for r in rows if str(r.get(singular)) in wanted]
        rows = [r for r in rows if _filtered(r, params) and _found(r, params)]
        if params.get("countOutput"):
            return str(len(rows))
        rows = rows[: int(params["limit"])] if params.get("limit") else rows
        return [
            pick(r, params.get("output", "extend")) | {id_field: r[id_field]} | self._selected(api, r, params)
            for r in rows
        ]

    def _selected(self, api: str, row: Row, params: Row) -> Row:
        """What the `select...` parameters add to a row."""
        tables, extra = self.state.tables, {}
        if api == "host":
            groups = [pick(tables["group"][g], ["groupid", "name"]) for g in row["groups"]]
            extra = {"selectGroups": ("groups", groups), "selectHostGroups": ("hostgroups", groups)}
            extra |= {"selectInterfaces": ("interfaces", row["interfaces"])}
            extra |= {"selectInventory": ("inventory", row["inventory"])}
        elif api == "trigger":
            item, host = tables["item"][row["itemid"]], self.state.host_of(row)
            function = {"functionid": f"9{row['triggerid']}", "itemid": item["itemid"]}
            row["expression"] = f"{{{function['functionid']}}}>{row['threshold']}"
            extra = {"selectFunctions": ("functions", [function]), "selectItems": ("items", [dict(item)])}
            extra |= {"selectHosts": ("hosts", [pick(host, ["hostid", "host", "name"])])}
            return {name: value for select, (name, value) in extra.items() if select in params} | pick(
                row, [n for n in params.get("output", []) if n == "expression"]
            )
        elif api == "mediatype":
            extra = {"selectMessageTemplates": ("message_templates", row.get("message_templates", []))}
        elif api == "user":
            extra = {
                "selectMedias": ("medias", row.get("medias", [])),
                "selectUsrgrps": ("usrgrps", row.get("usrgrps", [])),
            }
        elif api == "usergroup":
            name = "selectHostGroupRights" if self.state.major_minor >= (6, 2) else "selectRights"
            field = "hostgroup_rights" if self.state.major_minor >= (6, 2) else "rights"
            extra = {name: (field, row.get(field, []))}
        return {name: value for select, (name, value) in extra.items() if select in params}

    # -- events -----------------------------------------------------------------------------------------------------

    def _events(self, params: Row, account: Account, *, problems_only: bool = False) -> Any:
        if self.state.major_minor >= (7, 2) and "select_acknowledges" in params:
            raise invalid('Invalid parameter "/": unexpected parameter "select_acknowledges".')
        if self.state.major_minor < (6, 4) and "selectAcknowledges" in params:
            params = {k: v for k, v in params.items() if k != "selectAcknowledges"}  # unknown there: silently ignored
        found = [e for e in self.state.tables["event"].values() if self._matches(e, params)]
        if problems_only:
            found = [e for e in found if e["value"] == "1" and e["r_eventid"] == "0"]
        if params.get("editable") and not account.writable:
            found = []
        found.sort(key=lambda e: int(e["eventid"]), reverse=str(params.get("sortorder", "ASC")).upper() == "DESC")
        if params.get("countOutput"):
            return str(len(found))
        found = found[: int(params["limit"])] if params.get("limit") else found
        return [
            pick(e, params.get("output", "extend")) | {"eventid": e["eventid"]} | self._of_event(e, params)
            for e in found
        ]

    def _problems(self, params: Row, account: Account) -> Any:
        if "selectHosts" in params and self.state.major_minor >= (7, 0):
            raise invalid('Invalid parameter "/": unexpected parameter "selectHosts".')
        return self._events({k: v for k, v in params.items() if k != "selectHosts"}, account, problems_only=True)

    def _matches(self, event: Row, params: Row) -> bool:
        trigger = self.state.tables["trigger"].get(event["objectid"])
        if trigger is None:
            return False
        host = self.state.host_of(trigger)
        number, clock = int(event["eventid"]), int(event["clock"])
        tests: list[tuple[str, Callable[[Any], bool]]] = [
            ("eventids", lambda v: event["eventid"] in map(str, _list(v))),
            ("objectids", lambda v: event["objectid"] in map(str, _list(v))),
            ("hostids", lambda v: host["hostid"] in map(str, _list(v))),
            ("groupids", lambda v: bool(set(host["groups"]) & set(map(str, _list(v))))),
            ("value", lambda v: event["value"] in map(str, _list(v))),
            ("severities", lambda v: event["severity"] in map(str, _list(v))),
            ("eventid_from", lambda v: number >= int(v)),
            ("eventid_till", lambda v: number <= int(v)),
            ("time_from", lambda v: clock >= int(v)),
            ("time_till", lambda v: clock <= int(v)),
            ("suppressed", lambda v: (event["suppressed"] == "1") is bool(v)),
            ("problem_time_from", lambda v: self._still_open(event, int(v))),
            ("problem_time_till", lambda v: clock <= int(v)),
        ]
        return all(test(params[name]) for name, test in tests if params.get(name) is not None)

    def _still_open(self, event: Row, clock: int) -> bool:
        return event["r_eventid"] == "0" or int(self.state.tables["event"][event["r_eventid"]]["clock"]) >= clock

    def _of_event(self, event: Row, params: Row) -> Row:
        trigger = self.state.tables["trigger"][event["objectid"]]
        host = self.state.host_of(trigger)
        acknowledges = [dict(a) for a in event["acknowledges"]]
        extra = {
            "selectHosts": ("hosts", [pick(host, ["hostid", "host", "name"])]),
            "selectTags": ("tags", event["tags"]),
            "selectRelatedObject": (
                "relatedObject",
                {"triggerid": trigger["triggerid"], "manual_close": trigger["manual_close"]},
            ),
            "select_acknowledges": ("acknowledges", acknowledges),
            "selectAcknowledges": ("acknowledges", acknowledges),
        }
        return {name: value for select, (name, value) in extra.items() if select in params}

    def _acknowledge(self, params: Row, account: Account) -> Any:
        action = int(params["action"])
        known = 511 if self.state.major_minor >= (6, 4) else 127 if self.state.major_minor >= (6, 2) else 31
        if action & ~known:
            raise invalid(f'Incorrect value for field "action": unexpected value "{action}".')
        for bit, right in _ROLE_ACTIONS.items():
            if action & bit and right in account.denied:
                raise invalid(f'Incorrect value for field "action": no permissions to {right}.')
        if action & 2 and action & 16:
            raise invalid('Incorrect value for field "action": value must be one of 2, 16.')
        events = [self.state.tables["event"].get(str(i)) for i in _list(params["eventids"])]
        problems = [e for e in events if e is not None and e["value"] == "1"]
        if len(problems) != len(events) or (action & 9 and not account.writable):
            raise refused(GONE)
        for event in problems:
            if action & 1 and self.state.tables["trigger"][event["objectid"]]["manual_close"] != "1":
                raise refused("Cannot close problem: trigger does not allow manual closing.")
        if action & 4 and not params.get("message"):
            raise invalid('Incorrect value for field "message": cannot be empty.')
        for event in problems:
            severity, until = int(params.get("severity", 0)), int(params.get("suppress_until", 0))
            self.state.acknowledge(event, account, action, str(params.get("message", ""))[:2048], severity, until)
        return {"eventids": [e["eventid"] for e in problems]}

    # -- values -----------------------------------------------------------------------------------------------------

    def _history(self, params: Row, _: Account) -> list[Row]:
        kind = str(params.get("history", 3))
        rows = []
        for item_id in map(str, _list(params.get("itemids", []))):
            item = self.state.tables["item"].get(item_id)
            if item is None or item["value_type"] != kind:
                continue
            for clock, value in self.state.history.get(item_id, ()):
                if int(params.get("time_from", 0)) <= clock <= int(params.get("time_till", 2**31)):
                    rows.append({"itemid": item_id, "clock": str(clock), "value": value, "ns": "0"})
        rows.sort(key=lambda r: int(r["clock"]), reverse=params.get("sortorder") == "DESC")
        return rows[: int(params["limit"])] if params.get("limit") else rows

    def _trends(self, params: Row, _: Account) -> list[Row]:
        """Complete hours only."""
        hours: dict[tuple[str, int], list[Decimal]] = {}
        for item_id in map(str, _list(params.get("itemids", []))):
            for clock, value in self.state.history.get(item_id, ()):
                hour = clock - clock % 3600
                whole = int(params.get("time_from", 0)) <= hour <= int(params.get("time_till", 2**31))
                if whole and hour + 3600 <= self.state.clock():
                    hours.setdefault((item_id, hour), []).append(Decimal(value))
        return [
            {
                "itemid": item_id,
                "clock": str(hour),
                "num": str(len(values)),
                "value_min": str(min(values)),
                "value_avg": str(sum(values, Decimal(0)) / len(values)),
                "value_max": str(max(values)),
            }
            for (item_id, hour), values in hours.items()
        ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> Any:
    """As the API gives back what was put in: every scalar a text."""
    if isinstance(value, dict):
        return {k: _texts(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_texts(v) for v in value]
    return str(value)


def _filtered(row: Row, params: Row) -> bool:
    tests = [
        str(row.get(name)) in map(str, _list(wanted))
        for name, wanted in (params.get("filter") or {}).items()
        if wanted is not None
    ]
    return not tests or (any(tests) if params.get("searchByAny") else all(tests))


def _found(row: Row, params: Row) -> bool:
    for name, wanted in (params.get("search") or {}).items():
        have, texts = str(row.get(name, "")).lower(), [str(w).lower() for w in _list(wanted)]
        if not any(have.startswith(t) if params.get("startSearch") else t in have for t in texts):
            return False
    return True
