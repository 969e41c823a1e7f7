"""What a connector's source must never do, found in its syntax tree.

Each finder takes one parsed file and yields `(line, what is wrong and what to do instead)`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Finding = tuple[int, str]
Finder = Callable[[ast.Module], Iterator[Finding]]

NOT_CHECKED = frozenset({"sandbox.py", "world.py"})
"""Stand-ins for the system, not connector code."""

_FORBIDDEN_ROOMS = frozenset(
    {"sqlalchemy", "alembic", "gateway", "core_tickets", "id_registry", "lineage", "mappings", "airflow"}
)
_BROAD = frozenset({"Exception", "BaseException"})
_NEEDS_TIMEOUT = frozenset(
    {
        f"httpx.{name}"
        for name in ("Client", "AsyncClient", "get", "post", "put", "patch", "delete", "request", "stream")
    }
    | {f"requests.{name}" for name in ("get", "post", "put", "patch", "delete", "head", "request")}
    | {"urllib.request.urlopen", "urlopen", "socket.create_connection", "smtplib.SMTP", "smtplib.SMTP_SSL", "ZabbixAPI"}
)
_SESSION_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "request", "send"})


def sources_of(connector: type) -> list[Path]:
    """The files a connector is made of: those of its folder, without its stand-in system and generated code."""
    folder = Path(inspect.getfile(connector)).parent
    return [p for p in sorted(folder.glob("*.py")) if p.name not in NOT_CHECKED and not p.name.endswith("_pb2.py")]


def findings(connector: type, finder: Finder) -> list[str]:
    """`file:line: what is wrong` for everything this finder finds in the connector's folder."""
    found = []
    for path in sources_of(connector):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        found += [f"{path.name}:{line}: {what}" for line, what in finder(tree)]
    return found


def sleeping(tree: ast.Module) -> Iterator[Finding]:
    names = _imported(tree)
    for call, name in _calls(tree, names):
        if name in ("time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep", "gevent.sleep"):
            yield call.lineno, f"{name}(): a connector never sleeps; raise Transient(retry_after=...)"
        if name.split(".")[0] in ("tenacity", "stamina", "backoff"):
            yield call.lineno, f"{name}: a connector never retries; the runtime does"


def broad_excepts(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or _dotted(kind) in _BROAD for kind in kinds):
                yield node.lineno, "a broad except hides bugs; name the exceptions that this call raises"
        if (
            isinstance(node, ast.Call)
            and _dotted(node.func).rpartition(".")[2] == "suppress"
            and any(_dotted(kind) in _BROAD for kind in node.args)
        ):
            yield node.lineno, "suppressing every exception hides bugs; name those that this call raises"


def floats(tree: ast.Module) -> Iterator[Finding]:
    for call, name in _calls(tree, _imported(tree)):
        if name == "float":
            yield call.lineno, "float(): quantities are Decimal"
        if name in ("json.loads", "json.load") and not _keyword(call, "parse_float"):
            yield call.lineno, f"{name}() without parse_float=Decimal makes floats of quantities"


def naive_times(tree: ast.Module) -> Iterator[Finding]:
    for call, name in _calls(tree, _imported(tree)):
        last = name.rpartition(".")[2]
        if "datetime" not in name:
            continue
        if last in ("utcnow", "utcfromtimestamp"):
            yield call.lineno, f"{name}() has no time zone; use datetime.now(UTC)"
        elif last == "now" and not (call.args or call.keywords):
            yield call.lineno, "datetime.now() without a time zone"
        elif last == "fromtimestamp" and len(call.args) < 2 and not _keyword(call, "tz"):
            yield call.lineno, "datetime.fromtimestamp() without a time zone"


def forbidden_imports(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module]
        else:
            continue
        for module in modules:
            if module.split(".")[0] in _FORBIDDEN_ROOMS:
                yield node.lineno, f"imports {module}: a connector knows only its system and connectors.contract"


def endless_calls(tree: ast.Module) -> Iterator[Finding]:
    names = _imported(tree)
    for call, name in _calls(tree, names):
        receiver, _, verb = name.rpartition(".")
        asked = name in _NEEDS_TIMEOUT or (
            verb in _SESSION_VERBS and receiver.rpartition(".")[2] in ("session", "_session")
        )
        limit = _keyword(call, "timeout")
        if asked and limit is None and not any(keyword.arg is None for keyword in call.keywords):
            yield call.lineno, f"{name}() without timeout= may wait for ever"
        if limit is not None and isinstance(limit, ast.Constant) and limit.value is None:
            yield call.lineno, f"{name}(timeout=None) may wait for ever"


def timing_leaks(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Compare) and any(isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops)):
            continue
        sides = [node.left, *node.comparators]
        secret = any(isinstance(side, ast.Call) and _dotted(side.func).endswith("get_secret_value") for side in sides)
        if secret and not any(isinstance(side, ast.Constant) for side in sides):
            yield node.lineno, "comparing a secret with == tells it by timing; use hmac.compare_digest"


def _imported(tree: ast.Module) -> Mapping[str, str]:
    """Local name → full dotted name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                names[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _calls(tree: ast.Module, names: Mapping[str, str]) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, dot, rest = _dotted(node.func).partition(".")
            yield node, names.get(first, first) + dot + rest


def _dotted(node: ast.AST | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
