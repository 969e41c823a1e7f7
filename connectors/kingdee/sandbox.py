"""A stand-in for Kingdee K3 Cloud, for people who have none and for tests: its WebAPI with logins, both signatures,
queries, the life cycle of bills, and its ways of failing.

    python -m connectors.kingdee.sandbox --port 8091

Set `url` to the address it prints; it knows the data centre `acct01`, the organisation 100, the user hubuser with the
password `hub-password`, and an application whose id and secret it prints. It is filled with the example company. It is
strict where Kingdee is: order and limits of pages, MsgCodes, HTTP 200 on errors, partial success, one bill per number.
Kingdee's own SDK works against it.

To change it from outside (JSON in and out), beside `Sandbox`'s attributes for tests in process:

    POST /sandbox/stock     {"item": "BRG-6205", "warehouse": "01", "quantity": 3}    what lies there from now on
    POST /sandbox/requests  {}                                                        the purchase requisitions it holds
    POST /sandbox/sessions  {}                                                        ends every session
    POST /sandbox/faults    {"skip": "Submit", "workflow": true, "ends_after": 20}    see `Bills` and `Door`
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import httpx

from connectors.kingdee.sandbox_bills import Bills
from connectors.kingdee.sandbox_data import Filler
from connectors.kingdee.sandbox_forms import all_forms
from connectors.kingdee.sandbox_logins import LOST, Door, WrongDataCenter
from connectors.kingdee.sandbox_query import query, shown
from connectors.kingdee.sandbox_state import Refusal, State, User

ACCT, USER, PASSWORD = "acct01", "hubuser", "hub-password"
APP_ID, APP_SECRET = "123456_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "0123456789abcdef0123456789abcdef"
"""Made-up credentials of the stand-in; they open nothing else."""
_AUTH = "Kingdee.BOS.WebApi.ServicesStub.AuthService."
_FORMS = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
_CENTERS = "Kingdee.BOS.ServiceFacade.ServicesStub.Account.AccountService.GetDataCenterList"
_LOGINS = ("ValidateUser", "LoginByAppSecret", "LoginBySign")
_SPELT = {"ExcuteOperation": "ExecuteOperation"}


class Sandbox:
    """A data centre in memory. `handle` answers one HTTP request. Take `state.lock` to look into a running one."""

    def __init__(self, *, example: bool = True, clock: Callable[[], datetime] | None = None) -> None:
        zone = ZoneInfo("Asia/Shanghai")
        self.state = State(clock or (lambda: datetime.now(zone).replace(tzinfo=None)))
        self.state.define(*all_forms())
        self.state.users[USER] = User(USER, PASSWORD)
        self.filler = Filler(self.state)
        self.state.backdate = self.state.clock() - timedelta(days=30)
        self.filler.base()
        if example:
            self.filler.example_company()
        self.state.backdate = None
        self.bills = Bills(self.state)
        self.door = Door(self.state, ACCT, APP_ID, APP_SECRET)
        self.charset = "utf-8"
        self.lost_shape = "result"
        """How a lost session shows: result, ctx, page, status, redirect."""
        self._tasks: dict[str, Any] = {}

    @property
    def user(self) -> User:
        return self.state.users[USER]

    # -- the API over HTTP ------------------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, as an httpx transport's handler."""
        path = request.url.path
        if request.method != "POST" or not path.lower().startswith("/k3cloud/") or not path.endswith(".common.kdsvc"):
            return self._page(404, "<html><body>404 - 找不到文件或目录。</body></html>")
        service = path.rpartition("/")[2].removesuffix(".common.kdsvc")
        try:
            body = _body(request)
        except ValueError as e:
            return self._text(
                200, f"response_error:{json.dumps({'Message': f'请求格式错误：{e}'}, ensure_ascii=False)}"
            )
        with self.state.lock:
            try:
                return self._dispatch(service, body, request)
            except WrongDataCenter:
                return self._text(500, "Fail to verify thirty passport, data center not exist")

    def _dispatch(self, service: str, body: Mapping[str, Any], request: httpx.Request) -> httpx.Response:
        if service == _CENTERS:
            return self._json([{"Id": ACCT, "Number": "001", "Name": "示例数据中心"}])
        if service.startswith(_AUTH) and service.removeprefix(_AUTH) in _LOGINS:
            answer, sid = self.door.log_in(service.removeprefix(_AUTH), body)
            return self._json(answer, sid)
        if not service.startswith((_AUTH, _FORMS)):
            return self._text(200, f"response_error:未找到服务{service}")
        name = service.rpartition(".")[2]
        user, made = self.door.user_of(request)
        if user is None:
            return self._lost(name)
        if name == "Logout":
            self.state.sessions = {sid: live for sid, live in self.state.sessions.items() if live.user is not user}
            return self._json(True)
        try:
            return self._json(self._result(name, body, user), made)
        except Refusal as refusal:
            return self._json(_shaped(name, _failure(refusal)), made)

    def _result(self, name: str, body: Mapping[str, Any], user: User) -> Any:
        form_id, data = _call_of(body)
        name = _SPELT.get(name, name)
        if name in ("ExecuteBillQuery", "BillQuery"):
            kind = self.state.form(str(data.get("FormId") or form_id))
            if (kind.id, "View") in user.denied:
                raise Refusal(f"您没有【{kind.title}】的【查看】权限，请联系系统管理员！", 1)
            fields, rows = query(self.state, {"FormId": form_id, **data})
            return rows if name == "ExecuteBillQuery" else [dict(zip(fields, row, strict=True)) for row in rows]
        if name == "QueryBusinessInfo":
            kind = self.state.form(str(data.get("FormId") or ""))
            keys = [{"Key": key} for key in (*kind.head.values(), *kind.lines.values())]
            status = {"IsSuccess": True, "Errors": [], "SuccessEntitys": []}
            return {"Result": {"ResponseStatus": status, "NeedReturnData": {"Id": kind.id, "Fields": keys}}}
        if name == "QueryAsyncResult":
            task = json.loads(str(body.get("queryInfo") or "{}"))["TaskId"]
            return {"Status": 2, "TaskId": task, "Result": self._tasks.pop(task)}
        result = self.bills.do(name, form_id, data, user)
        if body.get("beginmethod"):
            self._tasks[task := f"task-{len(self.state.history)}"] = result
            return {"Status": 0, "TaskId": task, "Result": None}
        return result

    # -- answers ------------------------------------------------------------------------------------------------------

    def _lost(self, name: str) -> httpx.Response:
        if self.lost_shape == "page":
            return self._page(200, "<html><head><title>用户登录</title></head><body>请登录</body></html>")
        if self.lost_shape == "status":
            return self._text(401, "Unauthorized")
        if self.lost_shape == "redirect":
            return httpx.Response(302, headers={"location": "/k3cloud/html5/login.aspx"})
        if self.lost_shape == "ctx":
            return self._text(200, 'response_error:{"Message":"ctx == null","ErrorCode":500}')
        return self._json(_shaped(name, _failure(Refusal(LOST, 1))))

    def _json(self, value: Any, sid: str = "") -> httpx.Response:
        content = json.dumps(value, ensure_ascii=False, default=_plain).encode(self.charset)
        headers = [("content-type", f"application/json; charset={self.charset}")]
        if sid:
            headers += [("set-cookie", f"kdservice-sessionid={sid}; path=/")]
            headers += [("set-cookie", f"ASP.NET_SessionId={sid[:24]}; path=/; HttpOnly")]
        return httpx.Response(200, content=content, headers=headers)

    def _text(self, status: int, text: str) -> httpx.Response:
        return httpx.Response(status, content=text.encode(self.charset), headers={"content-type": "text/plain"})

    def _page(self, status: int, text: str) -> httpx.Response:
        """As IIS on a Chinese Windows writes it: in GBK."""
        return httpx.Response(status, content=text.encode("gbk"), headers={"content-type": "text/html"})

    # -- from outside ---------------------------------------------------------------------------------------------------

    def control(self, what: str, given: Mapping[str, Any]) -> Any:
        """The control surface (see above). Raises LookupError for what there is not."""
        with self.state.lock:
            if what == "stock":
                return self.set_stock(str(given["item"]), str(given["warehouse"]), Decimal(str(given["quantity"])))
            if what == "requests":
                return [_told(doc) for doc in self.state.docs("PUR_Requisition").values()]
            if what == "sessions":
                self.state.sessions.clear()
                return "ended"
            if what == "faults":
                self.bills.skips += [given["skip"]] if "skip" in given else []
                self.bills.workflow = bool(given.get("workflow", self.bills.workflow))
                self.door.ends_after = int(given.get("ends_after", self.door.ends_after))
                return "set"
        raise LookupError(what)

    def set_stock(self, item: str, warehouse: str, quantity: Decimal) -> str:
        """What lies in a warehouse from now on; 0 takes the row away, as movements do."""
        rows = self.state.docs("STK_Inventory")
        keys = [n for n, row in rows.items() if str(row["finventorykey"]).startswith(f"{item}/{warehouse}/")]
        for key in keys:
            del rows[key]
        if quantity:
            self.filler.stock(item, warehouse, quantity)
        return "taken"


def _body(request: httpx.Request) -> dict[str, Any]:
    """JSON, or a form whose fields hold JSON. Raises ValueError."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.content.decode()))
    body = json.loads(request.content or b"{}", parse_float=Decimal)
    if not isinstance(body, dict):
        raise ValueError("不是JSON对象")
    return body


def _call_of(body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """FormId and data, of whichever envelope; data may be an object or its JSON text."""
    form_id, data = body.get("formid", ""), body.get("data")
    given = body.get("parameters")
    if given is not None:
        parts = json.loads(given, parse_float=Decimal) if isinstance(given, str) else given
        form_id, data = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    if isinstance(data, str):
        data = json.loads(data or "{}", parse_float=Decimal)
    return str(form_id), data if isinstance(data, dict) else {}


def _failure(refusal: Refusal) -> dict[str, Any]:
    errors = [{"FieldName": name or None, "Message": text, "DIndex": n} for name, text, n in refusal.errors]
    status = {"ErrorCode": 500, "IsSuccess": False, "Errors": errors, "SuccessEntitys": [], "SuccessMessages": []}
    return {"Result": {"ResponseStatus": {**status, "MsgCode": refusal.code}}}


def _shaped(name: str, failure: dict[str, Any]) -> Any:
    """A failure in the shape of the service that gives it."""
    return {"ExecuteBillQuery": [[failure]], "BillQuery": [failure]}.get(name, failure)


def _told(doc: Mapping[str, Any]) -> dict[str, Any]:
    lines = [{k: shown(v) for k, v in line.items()} for line in doc["entries"]]
    return {**{k: shown(v) for k, v in doc.items() if k != "entries"}, "entries": lines}


def _plain(value: Any) -> Any:
    """A decimal as Kingdee's JSON has it: a number with a point."""
    return float(value) if isinstance(value, Decimal) else str(value)


class Server:
    """A sandbox on a port of loopback: a context manager with `.url` (ending in /k3cloud/) and `.sandbox`."""

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.sandbox = sandbox
        self._httpd = ThreadingHTTPServer(("127.0.0.1", port), _handler(sandbox))
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_port}/k3cloud/"
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> Server:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(port: int = 0, *, example: bool = True) -> Server:
    """A started server with a new sandbox."""
    return Server(Sandbox(example=example), port).start()


def _handler(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.path.startswith("/sandbox/"):
                self._reply(_controlled(sandbox, self.path.removeprefix("/sandbox/"), body))
                return
            request = httpx.Request(
                "POST",
                f"http://{self.headers.get('host')}{self.path}",
                headers=list(self.headers.items()),
                content=body,
            )
            self._reply(sandbox.handle(request))

        def do_GET(self) -> None:
            self._reply(httpx.Response(200, text="K3 Cloud (stand-in)\n"))

        def _reply(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def _controlled(sandbox: Sandbox, what: str, body: bytes) -> httpx.Response:
    try:
        answer = sandbox.control(what, json.loads(body or b"{}"))
    except (LookupError, ValueError, TypeError, ArithmeticError, AssertionError) as e:
        return httpx.Response(400, text=f"no such thing: {e!r}\n")
    return httpx.Response(200, content=json.dumps(answer, ensure_ascii=False, default=_plain).encode())


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Kingdee K3 Cloud.")
    parser.add_argument("--port", type=int, default=8091)
    args = parser.parse_args(argv)
    with Server(Sandbox(), args.port) as server:
        print(f"K3 Cloud stand-in: {server.url}")  # noqa: T201
        print(f"data_center {ACCT}, organization 100, username {USER}")  # noqa: T201
        print(f"app_id {APP_ID}, app_secret {APP_SECRET}; or login: password with {PASSWORD}")  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
