"""Yonyou's OpenAPI, the cloud relay in front of U8: requisitions are created by it.

A caller's own `biz_id` is bound to one document, so a call may be repeated. Numbers in its answers are texts, and so
is `errcode`. With `synchronous` off it answers before U8 has saved, with an address to ask for the outcome: such a call
counts as Ambiguous, and the requisition is then looked for in the database.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.exact import load_json
from connectors.u8.config import U8Config

if TYPE_CHECKING:
    from connectors.u8.requisitions import Line, Requisition

NOT_FOUND = "20002"
TOKEN_S = 7200
_RENEW_BEFORE_S = 300
_TOKEN = re.compile(r"token", re.IGNORECASE)
_ACCOUNT = re.compile(
    r"app_?key|app_?secret|from_account|to_account|应用.*(不存在|无效|停用)|未授权|无权", re.IGNORECASE
)
_OFFLINE = re.compile(r"未启动|离线|未连接|不在线|offline|not (?:online|running)", re.IGNORECASE)
_LATE = re.compile(r"超时|time[ -]?out|timed out", re.IGNORECASE)
_BUSY = re.compile(r"频繁|繁忙|限流|too many|busy", re.IGNORECASE)


def _without_query(record: logging.LogRecord) -> bool:
    """httpx logs the whole address of every call, and this API wants its secrets in the query."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            part.copy_with(query=None) if isinstance(part, httpx.URL) and b"app_key=" in part.query else part
            for part in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_query)


class Refused(ConfigProblem):
    """U8 understood the document and refuses it. The message is its own."""


class OpenApi:
    """Calls of one application for one company. Safe to use from several threads."""

    def __init__(self, config: U8Config, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._token = ("", 0.0)
        self._http = httpx.Client(
            base_url=config.openapi_url,
            timeout=config.timeout_s,
            transport=transport,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": "weft-u8"},
        )

    def close(self) -> None:
        self._http.close()

    def check(self) -> None:
        """Gets a token and reads one page of requisitions. Raises the errors of `connectors.errors`."""
        self._call("GET", "/api/purchaserequisitionlist/batch_get", {"page_index": "1", "rows_per_page": "1"})

    def create(self, wanted: Requisition) -> str:
        """Creates it; the number that U8 gave it.

        :raises Refused: U8 does not accept it. :raises Ambiguous: no answer, or accepted but not yet saved.
        """
        mode = {"biz_id": wanted.marker.removeprefix("weft:"), "sync": "1" if self._config.synchronous else "0"}
        answer = self._call(
            "POST", "/api/purchaserequisition/add", mode, {"purchaserequisition": self._document(wanted)}
        )
        code = str(answer.get("id") or "").strip()
        if not code:
            raise Ambiguous("The OpenAPI has accepted the requisition; whether U8 has saved it is not known yet.")
        return code

    def _document(self, wanted: Requisition) -> dict[str, Any]:
        config = self._config
        field = "memory" if config.marker_field == "cMemo" else config.marker_field.removeprefix("c").lower()
        head = {
            "date": wanted.day.isoformat(),
            "departmentcode": wanted.department,
            "personcode": wanted.person,
            "purchasetypecode": config.purchase_type,
            "businesstype": "普通采购",
            "maker": config.maker,
            "memory": wanted.memo,
        }
        marked = f"{wanted.memo[:200]} {wanted.marker}" if field == "memory" else wanted.marker
        lines = [_entry(line, place) for place, line in enumerate(wanted.lines, 1)]
        return {**{name: value for name, value in head.items() if value}, field: marked, "entry": lines}

    # -- one call -----------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, query: Mapping[str, str], body: Any = None) -> dict[str, Any]:
        """The answer of one call. A refused token is renewed once: the refusal says that nothing has happened."""
        token = self._valid_token()
        try:
            return self._answer(method, path, self._query(token, query), body)
        except _TokenRefused:
            self._forget(token)
        try:
            return self._answer(method, path, self._query(self._valid_token(), query), body)
        except _TokenRefused as error:
            raise AuthProblem(f"The OpenAPI refuses a token it has just given: {error}") from error

    def _query(self, token: str, more: Mapping[str, str]) -> dict[str, str]:
        config = self._config
        who = {"from_account": config.from_account, "to_account": config.to_account, "app_key": _secret(config.app_key)}
        return {**who, "token": token, "ds_sequence": str(config.ds_sequence), **more}

    def _valid_token(self) -> str:
        with self._lock:
            token, until = self._token
            if not token or time.monotonic() >= until:
                config = self._config
                who = {"from_account": config.from_account, "app_key": _secret(config.app_key)}
                try:
                    answer = self._answer(
                        "GET", "/system/token", {**who, "app_secret": _secret(config.app_secret)}, None
                    )
                except Refused as refusal:
                    raise AuthProblem(
                        f"The OpenAPI gives no token: {refusal}",
                        hint="check `from_account`, `app_key` and `app_secret`",
                    ) from refusal
                told = answer.get("token")
                token = str(told.get("id") or "") if isinstance(told, dict) else ""
                if not isinstance(told, dict) or not token:
                    raise Transient("The OpenAPI's answer holds no token.")
                lasts = str(told.get("expiresIn") or TOKEN_S)
                valid_s = int(lasts) if lasts.isdecimal() else TOKEN_S
                self._token = (token, time.monotonic() + max(60, valid_s - _RENEW_BEFORE_S))
            return token

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token[0] == token:
                self._token = ("", 0.0)

    def _answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        write = method == "POST"
        content = orjson.dumps(body) if write else None
        headers = {"Content-Type": "application/json"} if write else {}
        try:
            response = self._http.request(
                method, path, params=dict(query), content=content, headers=headers, timeout=self._config.timeout_s
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unreachable(error) from None
        except httpx.TransportError as error:
            raise _lost(f"The OpenAPI did not answer {path} ({type(error).__name__})", write=write) from None
        _check_status(response, path, write=write)
        try:
            answer = load_json(response.content)
        except BadRecord:
            raise _lost(f"The OpenAPI's answer to {path} is no JSON", write=write) from None
        if not isinstance(answer, dict) or "errcode" not in answer:
            raise _lost(f"The OpenAPI's answer to {path} is not of its form", write=write)
        self._check_code(answer, path, write=write)
        return answer

    def _check_code(self, answer: Mapping[str, Any], path: str, *, write: bool) -> None:
        code, said = str(answer["errcode"]), self._clean(str(answer.get("errmsg") or ""))
        if code == "0" or (code == NOT_FOUND and not write):
            return
        told = f"{said or 'no reason given'} ({code})"
        if path == "/system/token":
            raise (Transient if _BUSY.search(said) else Refused)(told)
        if _TOKEN.search(said):
            raise _TokenRefused(told)
        if _ACCOUNT.search(said):
            raise AuthProblem(
                f"The OpenAPI refuses the application: {told}", hint="check its rights at open.yonyouup.com"
            )
        if _OFFLINE.search(said):
            raise Transient(f"U8 can't be reached by the OpenAPI: {told}", hint="is Yonyou's client running beside U8?")
        if _LATE.search(said):
            raise _lost(f"U8 did not answer the OpenAPI: {told}", write=write)
        if _BUSY.search(said):
            raise Transient(f"The OpenAPI can't answer now: {told}")
        raise Refused(told)

    def _unreachable(self, error: httpx.TransportError) -> ConnectorError:
        if "certificate" in str(error).lower():
            return ConfigProblem("The certificate of `openapi_url` is not trusted.")
        return Transient(f"The OpenAPI at {self._config.openapi_url} can't be reached ({type(error).__name__}).")

    def _clean(self, text: str) -> str:
        for secret in (_secret(self._config.app_key), _secret(self._config.app_secret), self._token[0]):
            if secret:
                text = text.replace(secret, "***")
        return text[:500]


class _TokenRefused(AuthProblem):
    """The token has run out, or was replaced by another's."""


def _entry(line: Line, place: int) -> dict[str, Any]:
    entry = {
        "inventorycode": line.item,
        "quantity": str(line.quantity),
        "requiredate": line.required.isoformat(),
        "arrivedate": line.required.isoformat(),
        "vendorcode": line.supplier,
        "price": None if line.price is None else str(line.price),
        "ivouchrowno": str(place),
    }
    return {name: value for name, value in entry.items() if value not in (None, "")}


def _secret(value: Any) -> str:
    return "" if value is None else str(value.get_secret_value())


def _lost(what: str, *, write: bool) -> ConnectorError:
    return Ambiguous(f"{what}; it may have taken effect.") if write else Transient(f"{what}.")


def _check_status(response: httpx.Response, path: str, *, write: bool) -> None:
    status = response.status_code
    if status == 200:
        return
    said = f"The OpenAPI answers {path} with HTTP {status}"
    if status in (429, 503):
        after = response.headers.get("retry-after", "")
        raise Transient(f"{said}.", retry_after=int(after) if after.isdecimal() and after.isascii() else None)
    if status == 408 or status >= 500:
        raise _lost(said, write=write)
    if status in (401, 403):
        raise AuthProblem(f"{said}.", hint="check `from_account`, `app_key` and `app_secret`")
    raise ConfigProblem(f"{said}.", hint="check `openapi_url`")
