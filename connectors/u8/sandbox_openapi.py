"""The OpenAPI of the stand-in: token, reading of requisitions, and creating them in the very database that is read.

As the real one: every number is a text, `errcode` too; a token lasts; a `biz_id` makes one document, however often it
comes; with `sync=0` it answers at once with an address to ask, and the document is saved when it is asked, or by
`save_waiting`.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from connectors.u8.sandbox_stores import Store

OK = {"errcode": "0", "errmsg": ""}
Row = dict[str, Any]


@dataclass
class Application:
    """What the caller registered at Yonyou."""

    from_account: str = "weft-trial"
    to_account: str = "donghai"
    app_key: str = "opa0123456789abcd"
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16))


class Api:
    """Answers requests. `offline`: Yonyou's client beside U8 is not running; `lasts_s`: how long tokens last."""

    def __init__(self, store: Store, account: str, application: Application, clock: Callable[[], float]) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._documents: dict[str, str] = {}
        self._waiting: dict[str, Row] = {}
        self._trades = itertools.count(1)
        self.application = application
        self.lasts_s = 7200
        self.offline = False
        self.may_write = True
        self.changes = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        """As an httpx transport's handler."""
        query = dict(request.url.params)
        answer = self._answer(request.method, request.url.path, query, request.content)
        return httpx.Response(200, content=json.dumps(answer, ensure_ascii=False).encode())

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def save_waiting(self) -> None:
        """U8 saves what was accepted with sync=0."""
        with self._store.lock:
            for trade, body in list(self._waiting.items()):
                self._waiting.pop(trade)
                self._saved(body, body["biz_id"])

    # -- requests -------------------------------------------------------------------------------------------------------

    def _answer(self, method: str, path: str, query: dict[str, str], content: bytes) -> Row:
        app = self.application
        if query.get("from_account") != app.from_account or query.get("app_key") != app.app_key:
            return _error("10002", "from_account 或 app_key 无效")
        if path == "/system/token":
            return self._new_token(query)
        if self._tokens.get(query.get("token", ""), 0) < self._clock():
            return _error("20001", "token 无效或已过期")
        if path.startswith("/task/"):
            return self._asked(path.removeprefix("/task/"))
        if query.get("to_account") != app.to_account:
            return _error("10003", "to_account 未授权")
        if self.offline:
            return _error("30001", "开放平台客户端未启动或不在线")
        with self._store.lock:
            if (method, path) == ("POST", "/api/purchaserequisition/add"):
                return self._add(query, content)
            if (method, path) == ("GET", "/api/purchaserequisitionlist/batch_get"):
                return self._listed(query)
            if (method, path) == ("GET", "/api/purchaserequisition/get"):
                return self._one(query.get("id", ""))
        return _error("10001", f"没有这个接口 {path}")

    def _new_token(self, query: dict[str, str]) -> Row:
        if query.get("app_secret") != self.application.app_secret:
            return _error("10004", "app_secret 不正确")
        token = secrets.token_hex(16)
        self._tokens[token] = self._clock() + self.lasts_s
        return {**OK, "token": {"appKey": self.application.app_key, "expiresIn": self.lasts_s, "id": token}}

    def _listed(self, query: dict[str, str]) -> Row:
        size, page = int(query.get("rows_per_page", "20")), int(query.get("page_index", "1"))
        count = int(self._store.run("SELECT COUNT(*) FROM PU_AppVouch")[0][0])
        if not count:
            return _error("20002", "未检索到匹配的[采购请购单列表]数据")
        sql = "SELECT cCode, cMaker, cMemo FROM PU_AppVouch ORDER BY ID LIMIT ? OFFSET ?"
        found = self._store.run(sql, (size, (page - 1) * size))
        rows = [_filled(code=code, maker=maker, memory=memo, state="开立") for code, maker, memo in found]
        paging = {"page_index": str(page), "rows_per_page": str(size), "page_count": str(-(-count // size))}
        return {**OK, **paging, "row_count": str(count), "purchaserequisitionlist": rows}

    def _one(self, code: str) -> Row:
        heads = self._store.run("SELECT ID, cMaker, cMemo FROM PU_AppVouch WHERE cCode = ?", (code,))
        if not heads:
            return _error("20002", "未检索到匹配的[采购请购单]数据")
        number, maker, memo = heads[0]
        lines = self._store.run("SELECT cInvCode, fQuantity FROM PU_AppVouchs WHERE ID = ? ORDER BY AutoID", (number,))
        entry = [_filled(inventorycode=item, quantity=str(quantity)) for item, quantity in lines]
        return {**OK, "purchaserequisition": {**_filled(code=code, maker=maker, memory=memo), "entry": entry}}

    def _asked(self, trade: str) -> Row:
        body = self._waiting.pop(trade, None)
        if body is None:
            return _error("20003", "没有这笔交易")
        with self._store.lock:
            return self._saved(body, body["biz_id"])

    # -- creating -------------------------------------------------------------------------------------------------------

    def _add(self, query: dict[str, str], content: bytes) -> Row:
        business, trade = query.get("biz_id", ""), query.get("tradeid", "")
        if bool(business) == bool(trade):
            return _error("10005", "tradeid 与 biz_id 必须且只能传一个")
        try:
            body = json.loads(content, parse_float=Decimal)["purchaserequisition"]
        except (ValueError, KeyError, TypeError):
            return _error("40001", "请求体不是合法的请购单")
        if not self.may_write:
            return _error("10006", "该应用无权调用此接口")
        key = business or trade
        if key in self._documents:
            return {**OK, "id": self._documents[key], "tradeid": ""}
        wrong = self._wrong(body)
        if wrong:
            return _error("40002", wrong)
        if query.get("sync", "1") == "0":
            number = f"t{next(self._trades):08d}"
            self._waiting[number] = {**body, "biz_id": key}
            return {**OK, "tradeid": number, "url": f"/task/{number}"}
        return self._saved(body, key)

    def _saved(self, body: Row, key: str) -> Row:
        if key not in self._documents:
            self._documents[key] = self._insert(body)
            self.changes += 1
        return {**OK, "id": self._documents[key], "tradeid": ""}

    def _wrong(self, body: Row) -> str:
        entry = body.get("entry")
        if not isinstance(entry, list) or not entry:
            return "表体不能为空"
        for number, line in enumerate(entry, 1):
            sql = "SELECT bPurchase, dEDate FROM Inventory WHERE cInvCode = ?"
            items = self._store.run(sql, (line.get("inventorycode"),))
            if not items:
                return f"第{number}行 存货编码 {line.get('inventorycode')} 不存在"
            if items[0][1] is not None:
                return f"第{number}行 存货 {line.get('inventorycode')} 已停用"
            if str(items[0][0]) not in ("1", "True"):
                return f"第{number}行 存货 {line.get('inventorycode')} 不是外购件"
        return ""

    def _insert(self, body: Row) -> str:
        """What U8 does when it saves: number, ids, head and lines."""
        store = self._store
        store.run(
            "UPDATE VoucherHistory SET cNumber = CAST(CAST(cNumber AS INTEGER) + 1 AS VARCHAR(30))"
            " WHERE CardNumber = '27' AND cContent IS NULL"
        )
        serial = store.run("SELECT cNumber FROM VoucherHistory WHERE CardNumber = '27' AND cContent IS NULL")[0][0]
        entry = body["entry"]
        store.run(
            "UPDATE UA_Identity SET iFatherId = iFatherId + 1, iChildId = iChildId + ?"
            " WHERE cAcc_Id = ? AND cVouchType = 'PuApp'",
            (len(entry), self._account),
        )
        ids = "SELECT iFatherId, iChildId FROM UA_Identity WHERE cAcc_Id = ? AND cVouchType = 'PuApp'"
        head, last = (1_000_000_000 + int(number) for number in store.run(ids, (self._account,))[0])
        code = f"{int(serial):010d}"
        fields = {"memory": "cMemo", **{f"define{n}": f"cDefine{n}" for n in (1, 2, 3, 8, 9, 10, 11, 12, 13, 14)}}
        fields |= {"date": "dDate", "departmentcode": "cDepCode", "personcode": "cPersonCode", "maker": "cMaker"}
        given = {column: body[name] for name, column in fields.items() if name in body}
        given |= {"ID": head, "cCode": code, "cBusType": "普通采购", "iVTid": 8171}
        store.fill("PU_AppVouch", ", ".join(given), [tuple(given.values())])
        lines = [
            (last - len(entry) + n, head, line["inventorycode"], line["quantity"], line.get("requiredate"), n)
            for n, line in enumerate(entry, 1)
        ]
        store.fill("PU_AppVouchs", "AutoID, ID, cInvCode, fQuantity, dRequirDate, ivouchrowno", lines)
        return code


def _filled(**fields: Any) -> Row:
    """As the real one: texts, and what is empty is left out."""
    return {name: str(value) for name, value in fields.items() if value not in (None, "")}


def _error(code: str, text: str) -> Row:
    return {"errcode": code, "errmsg": text}
