"""simple-salesforce made safe. The only module that imports it, and imported late: it is slow to load.

What it lacks and gets here: a time limit on every call, logins and writes included; no settings of the environment
(REQUESTS_CA_BUNDLE would override our own authority, a proxy would see the token); no redirects with credentials; an
address of our choice, where it has `https://DOMAIN.salesforce.com` hard-wired; exact numbers. Its own renewal of a
session is not used: SFType repeats a refused call without end. `SalesforceClient` renews, once.
"""

from __future__ import annotations

import ssl
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.login import SalesforceLogin

from connectors.errors import BadRecord, ConfigProblem, Transient
from connectors.exact import load_json
from connectors.salesforce.config import SalesforceConfig

_DOMAIN = "the_url_of_the_connection"
_HARD_WIRED = f"https://{_DOMAIN}.salesforce.com"
"""What simple-salesforce makes of it; no real domain has an underscore."""
LEAST_S = 0.001


class Line(requests.Session):
    """A session to one organization. `adapter`: instead of the network, for tests."""

    def __init__(self, config: SalesforceConfig, adapter: BaseAdapter | None) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = (_authority(config.ca_file) or True) if config.verify_tls else False
        self._origin = config.url
        self._timeout_s = config.timeout_s
        self._here = threading.local()
        if adapter is not None:
            self.mount("https://", adapter)

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """All calls of this thread end within so many seconds together; each within the connection's own limit."""
        self._here.until = None if seconds is None else time.monotonic() + seconds
        try:
            yield
        finally:
            self._here.until = None

    @property
    def left_s(self) -> float:
        """How long the next call of this thread may take."""
        until = getattr(self._here, "until", None)
        return self._timeout_s if until is None else max(LEAST_S, min(until - time.monotonic(), self._timeout_s))

    @property
    def last_status(self) -> int:
        """The status of this thread's last answer; 0: there was none yet."""
        return int(getattr(self._here, "status", 0))

    @property
    def last_headers(self) -> Mapping[str, str]:
        return dict(getattr(self._here, "headers", {}))

    def request(self, method: str | bytes, url: str | bytes, **options: Any) -> requests.Response:  # type: ignore[override]
        """As simple-salesforce calls it, with our limits."""
        address = url.decode() if isinstance(url, bytes) else url
        if address.startswith(_HARD_WIRED):
            address = self._origin + address.removeprefix(_HARD_WIRED)
        self._here.status, self._here.headers = 0, {}
        options |= {"timeout": self.left_s, "allow_redirects": False}
        response = super().request(method, address, **options)
        self._here.status = response.status_code
        self._here.headers = {name.lower(): value for name, value in response.headers.items()}
        return response


def _authority(path: str) -> str:
    """The file, if there are certificates in it. Raises ConfigProblem."""
    try:
        if path:
            ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError, too
        raise ConfigProblem(f"`ca_file`: {path} can't be used: {error.strerror or error}") from error
    return path


class ExactSalesforce(Salesforce):
    """A logged-in organization whose numbers are `Decimal`; it never logs in by itself."""

    def parse_result_to_json(self, result: requests.Response) -> Any:
        """Raises BadRecord for what is no JSON object or array."""
        parsed = load_json(result.content)
        if not isinstance(parsed, (dict, list)):
            raise BadRecord("neither an object nor an array", record=parsed)
        return parsed


def log_in(config: SalesforceConfig, line: Line) -> ExactSalesforce:
    """By the kind of login that the settings make.

    Raises ConfigProblem for a private key that is none, and what simple-salesforce and requests raise:
    SalesforceAuthenticationFailed, RequestException, ExpatError for a page that is no XML, AttributeError for an answer
    without an address.
    """
    if config.login == "token":
        host = urlsplit(config.url).netloc
        return _opened(config, line, _text(config.token), host)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # simple-salesforce warns of what its error says, too
        session_id, instance = SalesforceLogin(session=line, sf_version=config.api_version, **_login_fields(config))
    if not session_id or not instance:
        raise Transient("Salesforce's answer to the login holds no session.")
    return _opened(config, line, session_id, str(instance).split("/")[0])


def _opened(config: SalesforceConfig, line: Line, session_id: str, instance: str) -> ExactSalesforce:
    return ExactSalesforce(session_id=session_id, instance=instance, version=config.api_version, session=line)


def _login_fields(config: SalesforceConfig) -> dict[str, Any]:
    fields: dict[str, Any] = {"domain": _DOMAIN}
    if config.username:
        fields["username"] = config.username
    if config.password is not None:
        fields["password"] = _text(config.password)
    match config.login:
        case "password":
            fields["security_token"] = escape(_text(config.security_token))  # goes into XML as it is
        case "organization":
            fields["organizationId"] = config.organization_id
        case "oauth_password" | "client_credentials":
            fields |= {"consumer_key": config.consumer_key, "consumer_secret": _text(config.consumer_secret)}
        case "jwt":
            fields |= {"consumer_key": config.consumer_key, "privatekey": _readable(_text(config.private_key))}
            fields |= {"instance_url": _DOMAIN, "domain": _audience(config.url)}
    return fields


def _readable(pem: str) -> str:
    """The key, if it is one that a JWT can be signed with."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key: object = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigProblem(
            "`private_key` is no RSA private key in PEM without a password.",
            hint="openssl genrsa -out key.pem 2048; its certificate goes into the connected app.",
        )
    return pem


def _audience(url: str) -> str:
    """A JWT is made out to login.salesforce.com, or to test.salesforce.com for a sandbox organization."""
    host = urlsplit(url).hostname or ""
    return "test" if ".sandbox." in host or host == "test.salesforce.com" else "login"


def _text(secret: Any) -> str:
    return "" if secret is None else str(secret.get_secret_value())
