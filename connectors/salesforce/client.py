"""Salesforce's REST API: the only network code of this connector, on top of simple-salesforce (`session`).

One call is one request; the only repeat is the one that a session which ran out asks for (a refusal: nothing has
happened). Every failure is classified by what must happen next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from xml.parsers.expat import ExpatError

import orjson

from connectors.errors import AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.faults import lost, refusal

if TYPE_CHECKING:
    from requests import RequestException
    from requests.adapters import BaseAdapter

    from connectors.salesforce.session import ExactSalesforce, Line

T = TypeVar("T")
RESERVED_S = 1800
"""When to look again whether enough of the organization's calls are free."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a query. `done`: these are all."""

    records: list[dict[str, Any]]
    done: bool
    total: int


class SalesforceClient:
    """A connection to one organization. Safe to use from several threads."""

    def __init__(self, config: SalesforceConfig, *, adapter: BaseAdapter | None = None) -> None:
        self._config = config
        self._adapter = adapter
        self._lock = threading.Lock()
        self._login_lock = threading.Lock()
        self._line: Line | None = None
        self._session: ExactSalesforce | None = None
        self._usage: tuple[int, int] | None = None

    def close(self) -> None:
        """Closes the connections. The session stays: other programs of the same user may have got the same one."""
        with self._lock:
            line, self._line, self._session = self._line, None, None
        if line is not None:
            line.close()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All calls of this thread end within so many seconds together."""
        with self._opened_line().within(seconds):
            yield

    @property
    def base(self) -> str:
        """The address of the organization's pages: that of its instance once logged in."""
        session = self._session
        return self._config.url if session is None else f"https://{session.sf_instance}"

    @property
    def usage(self) -> tuple[int, int] | None:
        """API calls of the last 24 hours and how many are allowed, as told by the last answer."""
        return self._usage

    # -- calls ------------------------------------------------------------------------------------------------------

    def query(self, soql: str, *, deleted: bool = False, sparing: bool = False) -> Page:
        """The first records of a query. `deleted`: with those in the recycle bin, and archived ones. `sparing`: not
        when most of the organization's API calls are used up (then Transient)."""
        if sparing:
            self._leave_some_calls()
        answer = self._call(lambda s: s.query(soql, include_deleted=deleted), "the query")
        if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
            raise Transient("Salesforce's answer to the query holds no records.")
        return Page(
            [_without_attributes(r) for r in answer["records"]],
            answer.get("done") is True,
            int(answer.get("totalSize") or 0),
        )

    def count(self, soql: str) -> int:
        """How many records a `SELECT COUNT() FROM ...` finds."""
        return self.query(soql).total

    def get(self, path: str) -> Any:
        """What is at a path behind /services/data/vNN.0/."""
        return self._call(lambda s: s.restful(path), path)

    def versions(self) -> list[Any]:
        """The API versions that the organization knows."""
        answer = self._call(lambda s: s.query_more("/services/data/", identifier_is_url=True), "/services/data/")
        if not isinstance(answer, list):
            raise ConfigProblem("The address answers without API versions.", hint="Is `url` a Salesforce organization?")
        return answer

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Makes a record. No answer is Ambiguous."""
        return self._change("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Changes a record, or makes it where the path names an external id. No answer is Ambiguous. None: changed."""
        return self._change("PATCH", path, body)

    def _change(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        data = orjson.dumps(dict(body), default=_exact)
        return self._call(lambda s: s.restful(path, method=method, data=data), f"{method} {path}", write=True)

    # -- one call ---------------------------------------------------------------------------------------------------

    def _call(self, ask: Callable[[ExactSalesforce], T], what: str, *, write: bool = False) -> T:
        session = self._logged_in()
        try:
            return self._once(session, ask, what, write)
        except _SessionEnded as ended:
            if self._config.login == "token":
                raise AuthProblem(
                    f"{ended.refusal} `token` is wrong or has run out.", hint="Get a new one, or use another login."
                ) from None
            self._forget(session)
        try:
            return self._once(self._logged_in(), ask, what, write)
        except _SessionEnded as ended:
            raise ended.refusal from None

    def _once(self, session: ExactSalesforce, ask: Callable[[ExactSalesforce], T], what: str, write: bool) -> T:
        from requests import RequestException
        from simple_salesforce.exceptions import SalesforceError

        line = self._opened_line()
        try:
            answer = ask(session)
        except RequestException as error:
            raise self._unreachable(error, what, write) from error
        except BadRecord as error:
            raise lost(f"The answer to {what} is no JSON", write) from error
        except SalesforceError as error:
            told = refusal(error.status, error.content, line.last_headers, write=write)
            if error.status == 401:
                raise _SessionEnded(told) from None
            raise told from None
        used = session.api_usage.get("api-usage")
        if used is not None:
            self._usage = (used.used, used.total)
        return answer

    def _unreachable(self, error: RequestException, what: str, write: bool) -> ConnectorError:
        from requests import exceptions as seen

        if isinstance(error, seen.SSLError) and "certificate" in str(error).lower():
            return ConfigProblem(
                "The certificate of `url` is not trusted.",
                hint="Name its authority in `ca_file`, or turn `verify_tls` off for a try.",
            )
        name = type(error).__name__
        if isinstance(error, seen.ConnectTimeout) or _was_never_sent(error):
            return Transient(f"Salesforce at {self._config.url} can't be reached ({name}).")
        return lost(f"Salesforce did not answer {what} ({name})", write)

    def _leave_some_calls(self) -> None:
        if self._usage is None:
            return
        used, allowed = self._usage
        if used * 100 > allowed * (100 - self._config.api_reserve_percent):
            raise Transient(
                f"{used} of the organization's {allowed} API calls of 24 hours are used; the rest is left to others.",
                retry_after=RESERVED_S,
                hint="Buy more calls, read less often, or lower `api_reserve_percent`.",
            )

    # -- the session ------------------------------------------------------------------------------------------------

    def _opened_line(self) -> Line:
        from connectors.salesforce.session import Line

        with self._lock:
            if self._line is None:
                self._line = Line(self._config, self._adapter)
            return self._line

    def _logged_in(self) -> ExactSalesforce:
        line = self._opened_line()
        session = self._session
        if session is not None:
            return session
        if not self._login_lock.acquire(timeout=line.left_s):
            raise Transient("Another call is still logging in to Salesforce.")
        try:
            if self._session is None:
                self._session = self._log_in(line)
            return self._session
        finally:
            self._login_lock.release()

    def _forget(self, session: ExactSalesforce) -> None:
        with self._lock:
            if self._session is session:
                self._session = None

    def _log_in(self, line: Line) -> ExactSalesforce:
        from requests import RequestException
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed

        from connectors.salesforce.session import log_in

        try:
            return log_in(self._config, line)
        except SalesforceAuthenticationFailed as error:
            raise _login_refused(str(error.code or ""), error.auth_message, line) from None
        except RequestException as error:
            raise self._unreachable(error, "the login", write=False) from error
        except (ExpatError, AttributeError):  # what simple-salesforce makes of a page or a list in place of an answer
            raise _login_refused("", "the answer is unreadable", line) from None


class _SessionEnded(Exception):
    """401: the session ran out, was ended or never was one."""

    def __init__(self, refusal: ConnectorError) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


_PASSING_LOGIN = frozenset({"server_unavailable", "unknown_error", "request_limit_exceeded", "login_rate_exceeded"})


def _login_refused(code: str, said: str, line: Line) -> ConnectorError:
    """A refused login: a wrong password, or the page of a proxy, which simple-salesforce takes for one."""
    status, symbol = line.last_status, code.rpartition(":")[2]
    passing = status in (200, 429, 502, 503, 504) or (status == 500 and not symbol.isidentifier())
    if passing or symbol.lower() in _PASSING_LOGIN:
        told = line.last_headers.get("retry-after", "")
        wait = int(told) if told.isdecimal() else None
        return Transient(f"Salesforce can't log anybody in now ({status} {code}).", retry_after=wait)
    return AuthProblem(
        f"Salesforce refuses the login: {code or status} ({said[:300]})",
        hint="Check the credentials, and in Setup > Users > Login History what Salesforce says of the hub's user.",
    )


def _was_never_sent(error: RequestException) -> bool:
    """Whether no connection came about, so that nothing can have happened."""
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError)


def _without_attributes(value: Any) -> Any:
    """A record without `attributes`, which tells type and path of each record in it."""
    if isinstance(value, dict):
        return {name: _without_attributes(item) for name, item in value.items() if name != "attributes"}
    if isinstance(value, list):
        return [_without_attributes(item) for item in value]
    return value


def _exact(value: object) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} is no value of a record")
