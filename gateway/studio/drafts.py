"""Drafts: what an integrator has written so far. Nobody else sees them and nothing of them runs until it is published.

Secrets are encrypted at once and never shown again; `********` keeps the one that was written before, in the draft or in
the connection that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import yaml
from sqlalchemy import Connection, delete, insert, select, update
from ulid import ULID

from connectors.registry import Catalogue
from connectors.settings import config_schema
from gateway.config import documents, history, secret_fields, store, yaml12
from gateway.config.documents import Documents
from gateway.errors import BadConfiguration, Conflict, NotFound, Problem
from gateway.secrets import SHOWN, Vault
from gateway.studio.tables import draft
from gateway.studio.writing import place_of

MOST = 100
"""Drafts that one person keeps."""
_D = draft.c


@dataclass(frozen=True, slots=True)
class Draft:
    """`body`: `connections` (as in the configuration, secrets encrypted), `mappings` (name: YAML text), `rules` and
    `bridges` (YAML text of a list; null: as they are). `base`: the configuration it was begun on."""

    id: str
    owner: str
    title: str
    body: Mapping[str, Any]
    base: int
    version: int
    made_at: int
    changed_at: int


def listed(conn: Connection, owner: str) -> list[Draft]:
    """Of this person, the latest first."""
    return [_of(r) for r in conn.execute(select(draft).where(_D.owner == owner).order_by(_D.changed_at.desc()))]


def get(conn: Connection, owner: str, draft_id: str) -> Draft:
    """Raises NotFound, also for somebody else's."""
    row = conn.execute(select(draft).where(_D.id == draft_id, _D.owner == owner)).first()
    if row is None:
        raise NotFound(f"You have no draft {draft_id!r}.")
    return _of(row)


def create(
    conn: Connection, owner: str, title: str, body: Mapping[str, Any], catalogue: Catalogue, vault: Vault, now: int
) -> Draft:
    """A new draft. Raises Conflict when the person keeps too many."""
    if len(listed(conn, owner)) >= MOST:
        raise Conflict(f"You keep {MOST} drafts; publish or delete some.")
    made = Draft(str(ULID()), owner, title, _sealed(body, {}, catalogue, vault), store.generation(conn), 1, now, now)
    conn.execute(insert(draft).values(_row(made)))
    return made


def change(
    conn: Connection, owner: str, draft_id: str, title: str, body: Mapping[str, Any], version: int, catalogue: Catalogue,
    vault: Vault, now: int,
) -> Draft:  # fmt: skip
    """Write a draft anew. Raises NotFound; Conflict when it is not at this version any more (another tab, another device)."""
    old = get(conn, owner, draft_id)
    made = Draft(
        draft_id, owner, title, _sealed(body, old.body, catalogue, vault), old.base, version + 1, old.made_at, now
    )
    done = conn.execute(update(draft).where(_D.id == draft_id, _D.version == version).values(_row(made)))
    if not done.rowcount:
        raise Conflict("The draft was changed elsewhere meanwhile; load it again.", current_version=old.version)
    return made


def remove(conn: Connection, owner: str, draft_id: str) -> None:
    """Raises NotFound."""
    if not conn.execute(delete(draft).where(_D.id == draft_id, _D.owner == owner)).rowcount:
        raise NotFound(f"You have no draft {draft_id!r}.")


def shown(body: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """A draft's body as its owner may see it: without secrets."""
    return {**body, "connections": [_hidden(c, catalogue) for c in body["connections"]]}


def document(body: Mapping[str, Any]) -> Documents:
    """What would be applied. Raises BadConfiguration; paths name connections and mappings by their names, and problems of
    rules and bridges say line and column."""
    given: dict[str, Any] = {}
    if body["connections"]:
        given["connections"] = list(body["connections"])
    if body["mappings"]:
        given["mappings"] = [{"mapping": name, "text": text} for name, text in body["mappings"].items()]
    for part in ("rules", "bridges"):
        if body.get(part) is not None:
            given[part] = _list(part, str(body[part]))
    return documents.validate(given)


def only_connection(body: Mapping[str, Any], connection: str) -> Documents:
    """The settings of one connection of a draft without anything around them, so that a mapping that is still wrong does
    not keep anyone from logging in."""
    own = [{k: v for k, v in c.items() if k not in ("mappings", "codes", "context", "checks", "as_role")}
           for c in body["connections"] if c.get("id") == connection]  # fmt: skip
    return documents.validate({"connections": own} if own else {})


def named(problems: list[Problem], body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Problems with the part of the draft they are about (`mapping NAME`, `connection ID`, `rules`, `bridges`), the path
    in it, and, where it is a text, line and column."""
    return [_named(problem, body) for problem in problems]


def overtaken(conn: Connection, found: Draft) -> list[str]:
    """What this draft would overwrite though it was changed by others since the draft was begun."""
    now = {(kind, store.id_of(kind, b)): b for kind, bodies in store.stored(conn).items() for b in bodies}
    try:
        base = history.items_of(conn, found.base)
    except NotFound:
        return []
    then = {(kind, store.id_of(kind, b)): b for kind, bodies in base.items() for b in bodies}
    mine = {("connection", str(c.get("id"))) for c in found.body["connections"]} | {
        ("mapping", n) for n in found.body["mappings"]
    }
    for part, kind in (("rules", "rule"), ("bridges", "bridge")):
        if found.body.get(part) is not None:
            mine |= {key for key in now.keys() | then.keys() if key[0] == kind}
    return sorted(f"{kind} {name}" for kind, name in mine if now.get((kind, name)) != then.get((kind, name)))


def _list(part: str, text: str) -> list[Any]:
    try:
        found = yaml12.load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadConfiguration("The draft cannot be read.", [Problem(part, f"{place}{error.problem}")]) from None
    except (yaml.YAMLError, RecursionError) as error:
        problem = Problem(part, f"not valid YAML: {' '.join(str(error).split())[:300]}")
        raise BadConfiguration("The draft cannot be read.", [problem]) from None
    if isinstance(found, dict) and set(found) == {part}:
        found = found[part]
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadConfiguration(
            "The draft cannot be read.", [Problem(part, "is no list", "begin each one with `- id: NAME`")]
        )
    return found


def _named(problem: Problem, body: Mapping[str, Any]) -> dict[str, Any]:
    part, _, rest = problem.path.partition("[")
    number, _, inner = rest.partition("]")
    inner = inner.removeprefix(".")
    told: dict[str, Any] = problem.as_dict() | {"part": part, "line": None, "column": None}
    if part in ("rules", "bridges"):
        place = place_of(str(body.get(part) or ""), problem.path.removeprefix(part))
        told |= {"path": problem.path, "line": place[0], "column": place[1]}
    elif part == "connections":
        told |= {"part": f"connection {_name(number, [str(c.get('id')) for c in body['connections']])}", "path": inner}
    elif part == "mappings":
        told |= {"part": f"mapping {_name(number, list(body['mappings']))}", "path": inner}
    words = str(told["message"]).split(": ", 1)[0].split()
    if words[:1] == ["line"] and len(words) == 4 and words[1].rstrip(",").isdigit() and words[3].isdigit():
        told |= {
            "line": int(words[1].rstrip(",")),
            "column": int(words[3]),
            "message": str(told["message"]).split(": ", 1)[1],
        }
    return told


def _name(number: str, names: list[str]) -> str:
    return names[int(number)] if number.isdigit() and int(number) < len(names) else number


def _of(row: Any) -> Draft:
    return Draft(
        row.id, row.owner, row.title, orjson.loads(row.body), row.base, row.version, row.made_at, row.changed_at
    )


def _row(d: Draft) -> dict[str, Any]:
    return {"id": d.id, "owner": d.owner, "title": d.title, "body": orjson.dumps(d.body).decode(), "base": d.base,
            "version": d.version, "made_at": d.made_at, "changed_at": d.changed_at}  # fmt: skip


def _sealed(body: Mapping[str, Any], before: Mapping[str, Any], catalogue: Catalogue, vault: Vault) -> dict[str, Any]:
    old = {c.get("id"): c for c in before.get("connections", ())}
    return {**body, "connections": [_seal(c, old.get(c.get("id")), catalogue, vault) for c in body["connections"]]}


def _seal(
    connection: Mapping[str, Any], old: Mapping[str, Any] | None, catalogue: Catalogue, vault: Vault
) -> dict[str, Any]:
    kind, config = catalogue.good.get(str(connection.get("connector"))), connection.get("config")
    if kind is None or not isinstance(config, dict):
        return dict(connection) | {"config": {}}  # nobody knows which of it is secret
    secrets = config_schema(kind).secrets
    kept: dict[str, str] = {}
    if old is not None and old.get("connector") == connection["connector"]:
        same_place = store.addresses(config) <= store.addresses(old.get("config", {}))
        if same_place:  # else a kept secret could be sent to whoever's address was written
            secret_fields.change(old.get("config", {}), secrets, lambda v, at: kept.setdefault(at, v))
    sealed = secret_fields.change(config, secrets, lambda v, at: kept.get(at, v) if v == SHOWN else vault.seal(v))
    return dict(connection) | {"config": sealed}


def _hidden(connection: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    return store.shown({"config": {}, "connector": "", **connection}, catalogue)
