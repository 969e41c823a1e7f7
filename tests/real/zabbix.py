"""A real Zabbix 6.0 for the tests: server, PHP front end and API, started from the machine's own programs in a few
seconds.

`setup/components.sh zabbix` unpacks the programs; an installed Zabbix is used as well. The schema goes into a new
database of a running PostgreSQL, without the stock templates (2 s instead of 30 s). The server runs in Asia/Shanghai
on purpose: a message whose time is read in the wrong zone is then eight hours off."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.real.postgres import COMPONENTS, MissingComponent, free_port

T = TypeVar("T")

KEPT_TABLES = frozenset(
    ("role", "role_rule", "users", "usrgrp", "users_groups", "hstgrp", "config", "config_autoreg_tls", "globalmacro")
)
"""What of the stock data the API and the server need; the templates, 99 % of it, they do not."""

PHP_EXTENSIONS = (
    "pgsql",
    "mbstring",
    "bcmath",
    "gd",
    "dom",
    "xml",
    "xmlreader",
    "xmlwriter",
    "ctype",
    "gettext",
    "sockets",
)


def find_root() -> Path:
    """The folder that holds `usr/sbin/zabbix_server` and the front end. Raises MissingComponent."""
    for root in (COMPONENTS, Path("/")):
        if (root / "usr/sbin/zabbix_server").exists() and (root / "usr/share/zabbix/api_jsonrpc.php").exists():
            return root
    raise MissingComponent("no Zabbix server and front end found: run `setup/components.sh zabbix`")


def environment(root: Path) -> dict[str, str]:
    """The environment in which a program of `root` finds its libraries."""
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"}
    if root != Path("/"):
        env["LD_LIBRARY_PATH"] = ":".join(str(p) for p in sorted((root / "usr/lib").glob("*-linux-gnu*")))
    return env


def wait_until(found: Callable[[], T | None], what: str, deadline_s: float = 30) -> T:
    """The first answer of `found` that is true; an AssertionError naming `what` when there is none in time."""
    end = time.monotonic() + deadline_s
    while True:
        answer = found()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not within {deadline_s} s"
        time.sleep(0.1)


def statements(script: str) -> Iterator[tuple[str, str]]:
    """The INSERTs of Zabbix's data script as (table, statement); a statement goes over several lines."""
    current: list[str] = []
    for line in script.splitlines(keepends=True):
        if line.startswith(("INSERT INTO ", "COMMIT", "START TRANSACTION")) and current:
            yield current[0].split(" ", 3)[2], "".join(current)
            current = []
        if current or line.startswith("INSERT INTO "):
            current.append(line)


class Zabbix:
    """A running Zabbix 6.0. `api()` calls it as the super administrator Admin / zabbix."""

    def __init__(self, postgres_url: str) -> None:
        self.root = find_root()
        self.folder = Path(tempfile.mkdtemp(prefix="weft-zabbix-"))
        self.folder.chmod(0o755)
        given = make_url(postgres_url).set(drivername="postgresql")
        self.admin_dsn = given.render_as_string(hide_password=False)
        self.database = given.set(database=f"zabbix_{os.getpid()}_{free_port()}")
        self.trapper_port = _low_port()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self.session = ""

    # -- starting and stopping -------------------------------------------------------------------------------------

    def start(self) -> Zabbix:
        try:
            self._load_schema()
            self.start_server()
            self._start_front_end()
            wait_until(self._answers, "the API's first answer", 60)
            self.session = self.api("user.login", username="Admin", password="zabbix")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        for process in reversed(self.processes):
            self._end(process)
        self.processes.clear()
        self.http.close()
        with psycopg.connect(self.admin_dsn, autocommit=True) as c:
            c.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(self._name()))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):  # the group: `php -S` leaves its workers on the port otherwise
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    def _spawn(self, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)
        return process

    def _name(self) -> sql.Identifier:
        return sql.Identifier(str(self.database.database))

    def _load_schema(self) -> None:
        scripts = self.root / "usr/share/zabbix-server-pgsql"
        with psycopg.connect(self.admin_dsn, autocommit=True) as c:
            c.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(self._name()))
        with psycopg.connect(self.database.render_as_string(hide_password=False)) as c:
            c.execute(gzip.decompress((scripts / "schema.sql.gz").read_bytes()))
            c.execute("SET session_replication_role = replica")  # the rows refer to rows that are left out
            data = gzip.decompress((scripts / "data.sql.gz").read_bytes()).decode()
            for table, statement in statements(data):
                if table in KEPT_TABLES:
                    c.execute(statement.encode())
            c.execute("UPDATE users SET passwd = %s WHERE username = 'Admin'", [FAST_PASSWORD_HASH])

    def start_server(self) -> None:
        """Starts the server (again)."""
        sockets = self.folder / "sockets"
        shutil.rmtree(sockets, ignore_errors=True)
        sockets.mkdir()
        conf = self.folder / "server.conf"
        options = {
            "LogType": "console",
            "ListenIP": "127.0.0.1",
            "ListenPort": self.trapper_port,
            "AllowRoot": 1,
            "PidFile": self.folder / "server.pid",
            "SocketDir": sockets,
            "FpingLocation": "/bin/false",
            "DBHost": self.database.host or "127.0.0.1",
            "DBPort": self.database.port or 5432,
            "DBName": self.database.database,
            "DBUser": self.database.username,
            "DBPassword": self.database.password or "",
            "CacheUpdateFrequency": 1,
            "HousekeepingFrequency": 0,
            "StartPollers": 1,
            "StartPollersUnreachable": 1,
            "StartPreprocessors": 1,
            "StartDBSyncers": 1,
            "StartTrappers": 2,
            "StartAlerters": 2,
            "StartDiscoverers": 0,
            "StartPingers": 0,
            "StartHTTPPollers": 0,
            "StartProxyPollers": 0,
            "StartLLDProcessors": 1,
            "StartReportWriters": 0,
        }
        conf.write_text("".join(f"{k}={v}\n" for k, v in options.items()))
        program = str(self.root / "usr/sbin/zabbix_server")
        self.server = self._spawn("server", [program, "-f", "-c", str(conf)], environment(self.root))

    def stop_server(self) -> None:
        """Stops the server only; the API goes on answering."""
        self._end(self.server)
        self.processes.remove(self.server)

    def _start_front_end(self) -> None:
        www = self.folder / "www"
        shutil.copytree(self.root / "usr/share/zabbix", www, copy_function=_link_or_copy, symlinks=True)
        conf = self.folder / "zabbix.conf.php"
        db = self.database
        conf.write_text(
            "<?php\n"
            f"$DB['TYPE']='POSTGRESQL'; $DB['SERVER']='{db.host}'; $DB['PORT']='{db.port}';\n"
            f"$DB['DATABASE']='{db.database}'; $DB['USER']='{db.username}'; $DB['PASSWORD']='{db.password or ''}';\n"
            "$DB['SCHEMA']=''; $DB['ENCRYPTION']=false; $DB['DOUBLE_IEEE754']=true; $ZBX_SERVER='127.0.0.1';\n"
            f"$ZBX_SERVER_PORT='{self.trapper_port}'; $ZBX_SERVER_NAME=''; $IMAGE_FORMAT_DEFAULT=IMAGE_FORMAT_PNG;\n"
        )
        # Debian compiles the path of the configuration in
        source = www / "include/classes/core/CConfigFile.php"
        text, changed = re.subn(r"(CONFIG_FILE_PATH = )'[^']*'", rf"\1'{conf}'", source.read_text())
        assert changed == 1, f"no CONFIG_FILE_PATH in {source}"
        source.unlink()
        source.write_text(text)
        command = [*self._php(), "-S", self.url.removeprefix("http://"), "-t", str(www)]
        self._spawn("php", command, environment(self.root) | {"PHP_CLI_SERVER_WORKERS": "3"})

    def _php(self) -> list[str]:
        """PHP with what Zabbix asks of it: with no ini files when unpacked, for those name folders of the system."""
        settings = {
            "memory_limit": "256M",
            "post_max_size": "16M",
            "max_execution_time": "300",
            "date.timezone": "Asia/Shanghai",
        }
        if self.root == Path("/"):
            return ["php", *(f"-d{k}={v}" for k, v in settings.items())]
        modules = sorted((self.root / "usr/lib/php").glob("2*"))[-1]
        command = [str(self.root / "usr/bin/php"), "-n", f"-dextension_dir={modules}"]
        command += [f"-d{k}={v}" for k, v in settings.items()]
        for extension in PHP_EXTENSIONS:
            if (modules / f"{extension}.so").exists():
                command.append(f"-dextension={extension}")
        if (modules / "opcache.so").exists():
            command += ["-dzend_extension=opcache", "-dopcache.enable_cli=1"]
        return command

    def _answers(self) -> bool:
        for process in self.processes:
            assert process.poll() is None, self.logs()
        try:
            return self.http.post("/api_jsonrpc.php", json=_call("apiinfo.version", {}, None)).status_code == 200
        except httpx.TransportError:
            return False

    def logs(self) -> str:
        """The last lines of each program, for a test that fails."""
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in self.folder.glob("*.log"))

    # -- using it --------------------------------------------------------------------------------------------------

    def api(self, method: str, params: list[Any] | None = None, **named: Any) -> Any:
        """The result of a call as Admin; an AssertionError with Zabbix's words when it refuses."""
        auth = None if method in ("user.login", "apiinfo.version") else self.session
        answer = self.http.post(
            "/api_jsonrpc.php", json=_call(method, named if params is None else params, auth)
        ).json()
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def host(self, name: str, group: str = "Weft tests") -> str:
        """The id of a new host in a host group, which is made when missing."""
        groups = self.api("hostgroup.get", filter={"name": [group]})
        group_id = groups[0]["groupid"] if groups else self.api("hostgroup.create", name=group)["groupids"][0]
        return str(self.api("host.create", host=name, groups=[{"groupid": group_id}])["hostids"][0])

    def item(self, host_id: str, key: str, *, units: str = "", value_type: int = 0, **more: Any) -> str:
        """The id of a new trapper item: its values are sent by `send`. `more` as item.create takes it."""
        named: dict[str, Any] = {"hostid": host_id, "name": f"Item {key}", "key_": key, "units": units}
        made = self.api("item.create", **named, type=2, value_type=value_type, **more)
        return str(made["itemids"][0])

    def trend(self, item_id: str, clock: int, num: int, low: float, mean: float, high: float) -> None:
        """Write an hour's trend, as the server does when the hour is over: `clock` is when the hour began."""
        row = (int(item_id), clock, num, low, mean, high)
        with psycopg.connect(self.database.render_as_string(hide_password=False)) as c:
            c.execute(
                "INSERT INTO trends (itemid, clock, num, value_min, value_avg, value_max) VALUES (%s, %s, %s, %s, %s, %s)",
                row,
            )

    def trigger(self, name: str, expression: str, **more: Any) -> str:
        """The id of a new trigger; `more` as trigger.create takes it (priority, manual_close, tags, opdata, ...)."""
        return str(self.api("trigger.create", description=name, expression=expression, **more)["triggerids"][0])

    def send(self, host: str, key: str, value: object, deadline_s: float = 30) -> None:
        """Sends a value and waits until the server has taken it (a new item is unknown to it for about a second)."""
        from zabbix_utils import Sender

        sender = Sender(server="127.0.0.1", port=self.trapper_port, timeout=10)

        def taken() -> bool:
            try:
                return int(sender.send_value(host, key, str(value)).processed) == 1
            except (OSError, ValueError):  # the server is just starting
                return False

        wait_until(taken, f"{host} {key}={value} taken by the server", deadline_s)

    def open_problems(self, trigger_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("problem.get", objectids=[trigger_id], sortfield=["eventid"])
        return found

    def provoke(self, trigger_id: str, *values: tuple[str, str, object], deadline_s: float = 40) -> str:
        """Sends values (host, key, value) until the trigger has a problem; its id.

        More than once, because a value that comes before the server has read its newest configuration is taken for the
        item and passes by the trigger.
        """
        sent_at = 0.0

        def found() -> str:
            nonlocal sent_at
            if problems := self.open_problems(trigger_id):
                return str(problems[-1]["eventid"])
            if time.monotonic() - sent_at > 2:
                for host, key, value in values:
                    self.send(host, key, value)
                sent_at = time.monotonic()
            return ""

        return wait_until(found, f"a problem of trigger {trigger_id}", deadline_s)

    def wait_for_recovery(self, trigger_id: str, deadline_s: float = 30) -> None:
        """Until the trigger has no open problem."""
        wait_until(lambda: not self.open_problems(trigger_id), f"the recovery of trigger {trigger_id}", deadline_s)


FAST_PASSWORD_HASH = "$2y$04$gKW.jxNbY3P3AOsDxJIWYOpOng6PTTvua1BRh08o/2.SVsj3KOEj2"
"""bcrypt of `zabbix` with the lowest cost: a login then takes no half second of a busy machine."""


def _call(method: str, params: Any, auth: str | None) -> dict[str, Any]:
    call: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
    return call if auth is None else call | {"auth": auth}


def _low_port() -> int:
    """A free port up to 32767: Zabbix refuses to listen above."""
    for port in random.sample(range(20000, 32767), 50):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20000 and 32767")


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
