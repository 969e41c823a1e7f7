"""Plans: how a record's fields come about, as the texts of the mappings that run one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import orjson
from sqlalchemy import Connection, select

from lineage import tables
from lineage.errors import UnknownPlan
from lineage.state import State, state_of
from mappings import Mapping, MappingError, load_mapping
from mappings.external import ALLOWED

_REMEMBERED = 1024
_allowed = {*ALLOWED}
_made: dict[str, Plan] = {}
_compiled: dict[str, Plan] = {}


@dataclass(frozen=True, slots=True)
class Plan:
    """Mappings that run one after the other: the first on the source record, each next one on the outcome of the one
    before together with the write's facts. `fields` are what the last one sets, each behind `prefix`.

    Without stages a field is the part of the source record at its own path (its name without the prefix): "as
    answered". Equal content is the same plan in every process; its row id is the database's own matter.
    """

    sha256: str
    body: str = field(repr=False, compare=False)
    stages: tuple[Mapping, ...] = field(repr=False, compare=False)
    prefix: str = field(default="", compare=False)
    fields: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def own_name(self, field: str) -> str | None:
        """The field's name in the last stage; None when this plan does not set it."""
        if not field.startswith(self.prefix):
            return None
        own = field[len(self.prefix) :]
        if not self.stages:
            return own
        return own if field in self.fields else None


def plan(conn: Connection, stages: Sequence[Mapping], *, prefix: str = "") -> Plan:
    """The plan of these stages, stored if it is new. Keep it as long as you like, across transactions, rolled back or
    not: `record` stores it again where it is missing."""
    made = make_plan(stages, prefix)
    plan_id(conn, state_of(conn), made)
    return made


def plan_id(conn: Connection, state: State, wanted: Plan) -> int:
    """The row id of a plan, inserted if it is new."""
    key = wanted.sha256
    return state.plans.ids(conn, (key,), lambda _: {"sha256": key, "body": wanted.body})[key]


def load_plan(conn: Connection, row_id: int) -> Plan:
    """A stored plan, compiled from its stored texts. Raises UnknownPlan."""
    sha = state_of(conn).plans.keys(conn, (row_id,)).get(row_id)
    if sha is None:
        raise UnknownPlan(row_id, "there is no such plan")
    plan = _compiled.get(sha)
    if plan is None:
        body = conn.execute(select(tables.plan.c.body).where(tables.plan.c.id == row_id)).scalar_one()
        plan = compile_plan(row_id, sha, body)
        if len(_compiled) >= _REMEMBERED:
            _compiled.clear()
        _compiled[sha] = plan
    return plan


def allow_functions(*packages: str) -> None:
    """Let stored mappings call the Python functions of these packages too, as the installation allows live ones to."""
    _allowed.update(packages)


def compile_plan(row_id: int, sha: str, body: str) -> Plan:
    """The plan of a stored body. Raises UnknownPlan."""
    content = orjson.loads(body)
    try:
        stages = tuple(load_mapping(stage["text"], stage["name"], allow=tuple(_allowed)) for stage in content["stages"])
    except MappingError as problem:
        raise UnknownPlan(row_id, str(problem)) from problem
    return Plan(sha, body, stages, content["prefix"], _fields(stages, content["prefix"]))


def make_plan(stages: Sequence[Mapping], prefix: str = "") -> Plan:
    """The plan of these stages, not stored."""
    identity = orjson.dumps([prefix, *([stage.name, stage.version] for stage in stages)])
    key = sha256(identity).hexdigest()
    known = _made.get(key)
    if known is None:
        texts = [{"name": m.name, "version": m.version, "functions": m.functions, "text": m.text} for m in stages]
        body = orjson.dumps({"prefix": prefix, "stages": texts}).decode()
        known = Plan(key, body, tuple(stages), prefix, _fields(stages, prefix))
        if len(_made) >= _REMEMBERED:
            _made.clear()
        _made[key] = known
    return known


def _fields(stages: Sequence[Mapping], prefix: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in stages[-1].fields) if stages else ()
