"""A stand-in for Salesforce, for people who have none and for tests: its logins, its REST API and Bulk API 2.0.

    python -m connectors.salesforce.sandbox --port 8443

It speaks https only, as simple-salesforce does; it makes its own certificate and prints the file to name in `ca_file`,
its address and every kind of login it knows. It is filled with the example company. simple-salesforce works against it
unmodified; where it hard-wires `https://DOMAIN.salesforce.com`, give `domain="127.0.0.1:8443/x"`.

People change it over HTTP too, without a login, answers and bodies in JSON:

    GET    /sandbox/records/Case                    all records of an object, as kept
    POST   /sandbox/records/Case                    a new record, as a person makes it in the pages
    PATCH  /sandbox/records/Case/500...             a change by a person
    DELETE /sandbox/records/Case/500...             into the recycle bin
    PUT    /sandbox/columns/Account/Health_Score__c {"hidden": true}; also read_only, required, unique: column security
    PUT    /sandbox/objects/Case                    {"createable": false}; also readable, updateable, deletable
    POST   /sandbox/sessions/end                    every session ends: the next call gets INVALID_SESSION_ID
    POST   /sandbox/failures                        {"status": 400, "code": "UNABLE_TO_LOCK_ROW", "times": 2, "writes": true}
    PUT    /sandbox/limits                          {"used": 14900, "allowed": 15000}
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from connectors.salesforce import sandbox_login as login
from connectors.salesforce.config import Login
from connectors.salesforce.sandbox_bulk import Bulk
from connectors.salesforce.sandbox_company import fill
from connectors.salesforce.sandbox_http import Answer, Request, as_json
from connectors.salesforce.sandbox_rest import Rest
from connectors.salesforce.sandbox_state import ApiError, State

VERSIONS = {"58.0": "Summer '23", "59.0": "Winter '24", "62.0": "Winter '25", "66.0": "Spring '26"}


@dataclass(slots=True)
class Failure:
    """What the next `times` calls (or only those that change something) are answered instead."""

    status: int
    code: str
    message: str
    times: int
    writes: bool


class Sandbox:
    """An organization in memory. `handle` answers one request; `origin` is the address it believes to have."""

    def __init__(
        self, origin: str = "https://weft.my.salesforce.com", clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.origin = origin
        self.state = State(clock)
        self.account = login.Account(self.state.organization, str(self.state.hub))
        self.rest = Rest(self.state)
        self.bulk = Bulk(self.state)
        self.failures: list[Failure] = []
        self.calls: list[Request] = []

    def fill(self) -> Sandbox:
        """The example company. Returns itself."""
        fill(self.state)
        return self

    def fail(self, code: str, status: int = 400, *, message: str = "", times: int = 1, writes: bool = False) -> None:
        """Have the next calls refused."""
        self.failures.append(Failure(status, code, message or code, times, writes))

    def handle(self, request: Request) -> Answer:
        """The answer to a request; what stands before /services/ in its path is left out."""
        with self.state.lock:
            self.calls.append(request)
            try:
                return self._answer(request)
            except ApiError as error:
                return as_json(error.body, error.status, self.rest.usage)

    def _answer(self, request: Request) -> Answer:
        path = request.path
        if path[:1] == ["sandbox"]:
            return self._controlled(request, path[1:])
        if "services" in path:
            path = path[path.index("services") + 1 :]
        match path:
            case ["Soap", "u", version] if request.method == "POST":
                return login.soap(self.account, request, self.origin, version)
            case ["oauth2", "token"] if request.method == "POST":
                return login.oauth(self.account, request, self.origin)
            case ["data"]:
                return as_json([{"version": v, "label": n, "url": f"/services/data/v{v}"} for v, n in VERSIONS.items()])
            case ["data", version, *rest] if (number := version.removeprefix("v")) in VERSIONS:
                return self._api(request, number, rest)
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _api(self, request: Request, version: str, path: list[str]) -> Answer:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.account.sessions:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self._fail_if_due(request)
        if path[:1] == ["jobs"]:
            return self.bulk.answer(request, path[1:])
        answer = self.rest.answer(request, version, path)
        return Answer(answer.status, answer.body, {**answer.headers, **self.rest.usage})

    def _fail_if_due(self, request: Request) -> None:
        for failure in self.failures:
            if failure.times > 0 and not (failure.writes and request.method == "GET"):
                failure.times -= 1
                raise ApiError(failure.status, failure.code, failure.message)

    # -- the control surface ------------------------------------------------------------------------------------------

    def _controlled(self, request: Request, path: list[str]) -> Answer:
        try:
            return self._control(request, path)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return as_json({"error": f"no such thing, or not like this: {error!r}"}, 400)

    def _control(self, request: Request, path: list[str]) -> Answer:
        state = self.state
        match (request.method, path):
            case ("GET", ["records", name]):
                return as_json(list(state.tables[name].values()))
            case ("POST", ["records", name]):
                return as_json(state.put(name, None, **request.json), 201)
            case ("PATCH", ["records", name, identity]):
                return as_json(state.change(name, identity, None, **request.json))
            case ("DELETE", ["records", name, identity]):
                state.remove(name, identity)
            case ("PUT", ["columns", name, column]):
                _set(state.objects[name].columns[column], request.json, "hidden read_only required unique")
            case ("PUT", ["objects", name]):
                _set(state.objects[name], request.json, "readable createable updateable deletable")
            case ("POST", ["sessions", "end"]):
                self.account.sessions.clear()
            case ("POST", ["failures"]):
                given = request.json
                self.fail(given["code"], given.get("status", 400), message=given.get("message", ""),
                          times=given.get("times", 1), writes=given.get("writes", False))  # fmt: skip
            case ("PUT", ["limits"]):
                self.rest.used, self.rest.allowed = int(request.json["used"]), int(request.json["allowed"])
            case _:
                return as_json({"error": "see the docstring of connectors/salesforce/sandbox.py"}, 404)
        return as_json({"done": True})

    # -- how to reach it ----------------------------------------------------------------------------------------------

    def login(self, way: Login) -> dict[str, Any]:
        """The settings of a connection for one kind of login, but `url` and `ca_file`."""
        me = self.account
        user = {"username": me.username}
        app = {"consumer_key": me.consumer_key, "consumer_secret": me.consumer_secret}
        match way:
            case "password":
                return user | {"password": me.password, "security_token": me.security_token}
            case "organization":
                return user | {"password": me.password, "organization_id": me.organization}
            case "oauth_password":
                return user | {"password": me.password} | app
            case "jwt":
                return user | {"consumer_key": me.consumer_key, "private_key": me.private_key}
            case "client_credentials":
                return app
            case "token":
                return {"token": me.open()}


def _set(thing: object, values: dict[str, Any], allowed: str) -> None:
    for name, value in values.items():
        if name not in allowed.split() or not isinstance(value, bool):
            raise ValueError(f"{name}: only {allowed}, each true or false")
        setattr(thing, name, value)


def main(argv: list[str] | None = None) -> None:
    from connectors.salesforce.sandbox_server import Server

    parser = argparse.ArgumentParser(description="A stand-in for Salesforce.")
    parser.add_argument("--port", type=int, default=8443)
    args = parser.parse_args(argv)
    sandbox = Sandbox().fill()
    with Server(sandbox, args.port) as server:
        lines = [f"Salesforce stand-in: {server.url}", f"ca_file: {server.ca_file}"]
        for way in get_args(Login):
            fields = sandbox.login(way)
            if "private_key" in fields:
                fields["private_key"] = f"file:{server.keep('jwt.pem', fields['private_key'])}"
            lines.append(f"{way}: {fields}")
        print("\n".join(lines), flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
