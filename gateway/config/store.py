"""Configuration in the database: read, applied as a whole, exported; one generation number tells every process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connectors.registry import Catalogue
from connectors.settings import config_schema
from core_tickets.people import Roster, keep_by_hand, load_roster
from gateway import clock, policies, tables
from gateway.automation.specs import Bridge, Rule
from gateway.config import history, secret_fields
from gateway.config.building import Builder
from gateway.config.documents import ConnectionSpec, Documents
from gateway.config.hub import Hub, Live
from gateway.config.manifests import catalogue_of
from gateway.config.syncs import SyncSpec
from gateway.errors import BadConfiguration, NotFound, Problem
from gateway.notify.tried import tested_channels
from gateway.policies import people as people_policy
from gateway.secrets import SHOWN, Vault

_PLACE = re.compile(r"(connectors|connections|mappings|rules|bridges|syncs|policies)\[(\d+)\]")
_LISTS = {
    "connectors": "connector",
    "connections": "connection",
    "mappings": "mapping",
    "rules": "rule",
    "bridges": "bridge",
    "syncs": "sync",
    "policies": "policy",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a dry run: `what` is added, changed, removed or unchanged."""

    kind: str
    id: str
    what: str
    fields: tuple[str, ...] = ()


def generation(conn: Connection) -> int:
    """Grows with every change of the configuration."""
    return conn.execute(select(tables.config_generation.c.generation)).scalar() or 0


def stored(conn: Connection) -> dict[str, list[dict[str, Any]]]:
    """All items by kind, in order; secrets as they are stored."""
    c = tables.config_item.c
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _LISTS.values()}
    for row in conn.execute(select(c.kind, c.body).order_by(c.kind, c.position, c.id)):
        found[row.kind].append(orjson.loads(row.body))
    return found


def load(conn: Connection, catalogue: Catalogue, vault: Vault, running: Mapping[str, Live] | None = None) -> Hub:
    """What runs: a connection that cannot work is listed as broken, everything else works. `running`: what ran so far;
    connections that did not change are taken over."""
    hub = _build(generation(conn), stored(conn), catalogue, vault, strict=False, running=running)
    return replace(hub, roster=load_roster(conn, hub.connections, now=clock.now()))


def _build(
    number: int, items: Mapping[str, list[dict[str, Any]]], catalogue: Catalogue, vault: Vault, *, strict: bool,
    running: Mapping[str, Live] | None = None, quiet: bool = False,
) -> Hub:  # fmt: skip
    catalogue = catalogue_of(catalogue, items["connector"], strict=strict)
    return Builder(catalogue, vault, strict, running or {}, quiet).build(
        number,
        [ConnectionSpec.model_validate(body) for body in items["connection"]],
        items["mapping"],
        [Rule.model_validate(body) for body in items["rule"]] or None,
        [Bridge.model_validate(body) for body in items["bridge"]],
        items["policy"],
        [SyncSpec.model_validate(body) for body in items["sync"]],
    )


def apply(
    conn: Connection, documents: Documents, catalogue: Catalogue, vault: Vault, now: int, *, dry_run: bool = False,
    actor: str = "", note: str = "",
) -> tuple[list[Change], Hub]:  # fmt: skip
    """Put the documents into force, all or nothing. Answers what changes and the hub as it would run; `actor` and `note`
    are remembered with it (gateway.config.history).

    Connections, mappings and bridges are added or replaced by id; `rules` replaces all rules. A secret left out or given
    as `********` keeps its stored value. Raises BadConfiguration with every problem.
    """
    _lock(conn)
    before = stored(conn)
    after = {kind: list(items) for kind, items in before.items()}
    changes: list[Change] = []
    for name, kind in _LISTS.items():
        given = getattr(documents, name)
        if given is None:
            continue
        bodies = [_body(item) for item in given]
        if kind == "connection":
            known = catalogue_of(catalogue, after["connector"], strict=False)
            bodies = [_sealed(b, before[kind], known, vault) for b in bodies]
        changes += _changes(kind, before[kind], bodies, replace=kind == "rule")
        after[kind] = bodies if kind == "rule" else _merged(kind, before[kind], bodies)
    try:
        hub = _checked(conn, after, catalogue, vault, dry_run=dry_run)
    except BadConfiguration as error:
        problems = [replace(p, path=_as_given(p.path, after, documents)) for p in error.problems]
        raise BadConfiguration(error.detail, problems) from None
    if not dry_run and before != after:
        _write(conn, before, after, now, actor, note)
    return changes, hub


def restore(
    conn: Connection, wanted: int, catalogue: Catalogue, vault: Vault, now: int, *, actor: str, note: str,
    dry_run: bool = False,
) -> tuple[list[Change], Hub]:  # fmt: skip
    """Put a configuration that was in force before into force again, exactly: every item as it was stored, in its order,
    and none besides. Raises NotFound, or BadConfiguration where it does not work any more; then nothing changed."""
    _lock(conn)
    before, after = stored(conn), _complete(history.items_of(conn, wanted))
    changes = differences(before, after)
    hub = _checked(conn, after, catalogue, vault, dry_run=dry_run)
    if not dry_run and before != after:
        _write(conn, before, after, now, actor, note)
    return changes, hub


def differences(before: history.Items, after: history.Items) -> list[Change]:
    """What of one configuration is added, changed or removed in another; nothing of what stays as it is."""
    found = [c for kind in _LISTS.values()
             for c in _changes(kind, list(before.get(kind, ())), list(after.get(kind, ())), replace=True)]  # fmt: skip
    return [c for c in found if c.what != "unchanged"]


def _complete(items: history.Items) -> dict[str, list[dict[str, Any]]]:
    return {kind: list(items.get(kind, ())) for kind in _LISTS.values()}


def _checked(
    conn: Connection, after: Mapping[str, list[dict[str, Any]]], catalogue: Catalogue, vault: Vault, *, dry_run: bool
) -> Hub:
    """The hub as it would run. Raises BadConfiguration with every problem."""
    hub = _build(generation(conn) + 1, after, catalogue, vault, strict=True, quiet=dry_run)
    hub = replace(hub, roster=_roster_then(conn, hub, dry_run))
    around = policies.Surroundings(hub.policies, hub.roster, _enabled(hub), _operations(hub), tested_channels(conn))
    if problems := policies.check(around):
        raise BadConfiguration("The policies do not fit the people and connections; nothing was changed.", problems)
    return hub


def _roster_then(conn: Connection, hub: Hub, dry_run: bool) -> Roster:
    """Everybody there would be with the people whom the configuration names; kept unless nothing shall change."""
    told = people_policy.KIND.of(hub.policies)
    with conn.begin_nested() as savepoint:
        keep_by_hand(conn, told.people, told.groups)
        roster = load_roster(conn, hub.connections, now=clock.now())
        if dry_run:
            savepoint.rollback()
    return roster


def _enabled(hub: Hub) -> dict[str, str]:
    return {live.id: live.spec.connector for live in hub.connections.values() if live.spec.enabled and not live.broken}


def _operations(hub: Hub) -> dict[str, frozenset[str]]:
    return {
        live.id: frozenset(operation.name for operation in live.runtime.operations())
        for live in hub.connections.values()
        if live.runtime is not None and live.spec.enabled and "writes" in live.can
    }


def _as_given(path: str, after: Mapping[str, list[dict[str, Any]]], documents: Documents) -> str:
    """A path that counts the places of the documents; what was stored before is named by its id instead."""
    found = _PLACE.match(path)
    if found is None or found[1] == "rules":
        return path
    kind = _LISTS[found[1]]
    own = id_of(kind, after[kind][int(found[2])])
    given = [id_of(kind, _body(item)) for item in getattr(documents, found[1]) or ()]
    return f"{found[1]}[{given.index(own) if own in given else own}]{path[found.end() :]}"


def remove(
    conn: Connection, kind: str, item_id: str, catalogue: Catalogue, vault: Vault, now: int, *, actor: str = ""
) -> None:
    """Remove one item. Raises NotFound, or BadConfiguration when something else needs it."""
    _lock(conn)
    before = stored(conn)
    after = before | {kind: [b for b in before[kind] if id_of(kind, b) != item_id]}
    if kind == "connection":  # how its streams were read is of no use without it
        after["sync"] = [b for b in before["sync"] if b["connection"] != item_id]
    if len(after[kind]) == len(before[kind]):
        raise NotFound(f"There is no {kind} {item_id!r}.")
    told = people_policy.KIND.of(_build(0, after, catalogue, vault, strict=False).policies)
    keep_by_hand(conn, told.people, told.groups)
    _write(conn, before, after, now, actor, "")


def export(conn: Connection, catalogue: Catalogue, hub: Hub) -> dict[str, Any]:
    """The configuration as a document that `apply` takes; secrets are references or `********`. A hub without rules
    prints the built-in ones, which are what runs."""
    items = stored(conn)
    rules = items["rule"] or [
        r.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for by_kind in hub.rules.by_kind.values()
        for r in by_kind
    ]
    bridges = [b.model_dump(mode="json", exclude_defaults=True) for b, _ in hub.bridge_specs]
    own = {"connectors": items["connector"]} if items["connector"] else {}
    return {
        **own,
        "connections": [shown(body, catalogue) for body in items["connection"]],
        "mappings": items["mapping"],
        "rules": rules,
        "bridges": bridges,
        **({"syncs": items["sync"]} if items["sync"] else {}),
        "policies": [{"policy": name} | _body(spec) for name, spec in hub.policies.specs.items()],
    }


def shown(body: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """A connection as it may be shown: secrets hidden, references kept."""
    config = dict(body.get("config", {}))
    kind = catalogue.good.get(body["connector"])
    if kind is None:
        return dict(body) | {"config": dict.fromkeys(config, SHOWN)}
    hidden = secret_fields.change(
        config, config_schema(kind).secrets, lambda v, _: v if v.startswith(("env:", "file:")) else SHOWN
    )
    return dict(body) | {"config": hidden}


def _body(item: Any) -> dict[str, Any]:
    if isinstance(item, dict):
        return item
    dumped: dict[str, Any] = item.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dumped


def id_of(kind: str, body: Mapping[str, Any]) -> str:
    """The name an item of this kind goes by."""
    if kind == "sync":
        return f"{body.get('connection')}/{body.get('stream')}"
    return str(body.get(kind if kind in ("mapping", "connector", "policy") else "id"))


def _sealed(body: dict[str, Any], before: list[dict[str, Any]], catalogue: Catalogue, vault: Vault) -> dict[str, Any]:
    kind = catalogue.good.get(body["connector"])
    if kind is None:
        return body
    old = next((b for b in before if b["id"] == body["id"] and b["connector"] == body["connector"]), None)
    kept: dict[str, str] = {}
    secrets = config_schema(kind).secrets
    if old is not None:
        secret_fields.change(old.get("config", {}), secrets, lambda v, at: kept.setdefault(at, v))

    moved = old is not None and addresses(body.get("config", {})) - addresses(old.get("config", {}))

    def seal(value: str, path: str) -> str:
        if value == SHOWN and moved:  # else a kept secret could be sent to whoever's address was written
            place, why = f"connections[{body['id']}].{path}", "is hidden, and the connection's address changed"
            raise BadConfiguration("A secret is missing.", [Problem(place, why, "write the secret again")])
        if value == SHOWN:
            if path not in kept:
                problem = Problem(
                    f"connections[{body['id']}].{path}", "is hidden, and no value is stored", "write the secret"
                )
                raise BadConfiguration("A secret is missing.", [problem])
            return kept[path]
        return _unchanged(kept.get(path), value, path, vault)

    return body | {"config": secret_fields.change(body.get("config", {}), secrets, seal)}


def merged(before: history.Items, documents: Documents) -> dict[str, list[dict[str, Any]]]:
    """The items there would be with these documents, to be looked at: secrets as they were given."""
    after = _complete(before)
    for name, kind in _LISTS.items():
        if (given := getattr(documents, name)) is not None:
            bodies = [_body(item) for item in given]
            after[kind] = bodies if kind == "rule" else _merged(kind, after[kind], bodies)
    return after


def addresses(value: Any) -> set[str]:
    """Every URL in a config, at any depth."""
    if isinstance(value, str):
        return {value} if "://" in value else set()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {address for part in parts for address in addresses(part)}


def _unchanged(old: str | None, new: str, path: str, vault: Vault) -> str:
    """The stored form if it is the same secret, so that applying the same file twice changes nothing."""
    if old is not None and not new.startswith(("env:", "file:")):
        try:
            if vault.reveal(old, path) == new:
                return old
        except BadConfiguration:
            return vault.seal(new)  # the old one cannot be read any more; the new one takes its place
    return vault.seal(new)


def _merged(kind: str, before: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    new = {id_of(kind, b): b for b in given}
    kept = [new.pop(id_of(kind, b), b) for b in before]
    return [*kept, *new.values()]


def _changes(kind: str, before: list[dict[str, Any]], given: list[dict[str, Any]], *, replace: bool) -> list[Change]:
    old = {id_of(kind, b): b for b in before}
    new = [id_of(kind, b) for b in given]
    stay = [each for each in old if each in set(new)]
    moved = (
        {a for a, b in zip(stay, [each for each in new if each in old], strict=True) if a != b} if replace else set()
    )
    changes = []
    for body in given:
        previous = old.pop(id_of(kind, body), None)
        if previous is None:
            changes.append(Change(kind, id_of(kind, body), "added"))
            continue
        fields = tuple(sorted(k for k in previous.keys() | body.keys() if previous.get(k) != body.get(k)))
        if id_of(kind, body) in moved:
            fields = (*fields, "order")
        changes.append(Change(kind, id_of(kind, body), "changed" if fields else "unchanged", fields))
    return changes + ([Change(kind, each, "removed") for each in old] if replace else [])


def _write(
    conn: Connection,
    before: Mapping[str, list[dict[str, Any]]],
    after: Mapping[str, Sequence[dict[str, Any]]],
    now: int,
    actor: str,
    note: str,
) -> None:
    number = generation(conn)
    history.remember(conn, number, before, now, "", "")  # of a hub that kept no history before
    history.remember(conn, number + 1, after, now, actor, note)
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    c = tables.config_item.c
    for kind, bodies in after.items():
        for gone in {id_of(kind, b) for b in before[kind]} - {id_of(kind, b) for b in bodies}:
            conn.execute(delete(tables.config_item).where(c.kind == kind, c.id == gone))
        old = {id_of(kind, b): (n, b) for n, b in enumerate(before[kind])}
        for n, body in enumerate(bodies):
            if old.get(id_of(kind, body)) == (n, body):
                continue
            text = orjson.dumps(body).decode()
            values = {
                "kind": kind,
                "id": id_of(kind, body),
                "position": n,
                "body": text,
                "version": 1,
                "updated_at": now,
            }
            changed = {"position": n, "body": text, "version": c.version + 1, "updated_at": now}
            statement = insert(tables.config_item).values(values)
            conn.execute(statement.on_conflict_do_update(index_elements=["kind", "id"], set_=changed))
    row = tables.config_generation
    conn.execute(update(row).values(generation=row.c.generation + 1))


def _lock(conn: Connection) -> None:
    """One change of the configuration at a time, so that each is checked against what it really adds to."""
    row = tables.config_generation
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    conn.execute(insert(row).values(id=1, generation=0).on_conflict_do_nothing())
    conn.execute(select(row.c.generation).with_for_update()).one()


def remember_rules(conn: Connection, hub: Hub, now: int) -> None:
    """Keep the text of the rules that run, so that a decision of today can be explained next year."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {"version": hub.rules.version, "body": hub.rules.text, "at": now}
    conn.execute(insert(tables.ruleset).values(values).on_conflict_do_nothing())
