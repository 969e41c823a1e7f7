"""Manifests of kind `sql`: a database's tables described once, for every connection to such a system."""

from __future__ import annotations

import re
import textwrap
import threading
from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, ValidationError

from connectors.contract import Connector
from connectors.errors import ConfigProblem
from connectors.manifest import Input, Kind, Manifest
from connectors.manifest.inputs import sample_of
from connectors.sql.config import SqlPlace
from connectors.sql.connector import AnswersFromDatabase, DatabaseConnector, ReadsDatabase, WritesDatabase
from connectors.sql.form import SqlSection
from connectors.sql.sandbox import SqliteStore
from connectors.sql.world import SqlWorld

_TYPES = {"port": "int", "encrypt": "bool", "trust_server_certificate": "bool", "password": "secret"}


def _inputs() -> Mapping[str, Input]:
    """The place's own settings, as a manifest's."""
    found = {}
    for name, field in SqlPlace.model_fields.items():
        kind: Any = "number" if name == "timeout_s" else _TYPES.get(name, "text")
        default = Decimal(30) if name == "timeout_s" else field.default
        bare = default is None or default == ""
        found[name] = Input(
            type=kind, description=str(field.description), default=None if bare else default, optional=bare
        )
    return found


_INPUTS = _inputs()


class SqlManifest(Manifest, SqlSection):
    """The file's model. `sandbox`: a SQLite script that makes the tables of questions and operations for the exam."""

    kind: Literal["sql"]
    sandbox: str = Field("", description="a script for SQLite: CREATE TABLE and INSERT of what the exam needs")

    def standard_inputs(self) -> Mapping[str, Input]:
        return _INPUTS

    def mapped_streams(self) -> frozenset[str]:
        return frozenset(self.streams)


class ManifestDatabase(DatabaseConnector):
    """A database described by a manifest; the connection says where it is."""

    manifest: ClassVar[SqlManifest]

    def section(self) -> SqlSection:
        return self.manifest

    def place(self) -> SqlPlace:
        given = {name: getattr(self._config, name) for name in _INPUTS}
        try:
            return SqlPlace.model_validate({name: value for name, value in given.items() if value is not None})
        except ValidationError as refusal:
            first = refusal.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ConfigProblem(f"{where}: {first['msg']}" if where else first["msg"]) from None


def bases(manifest: SqlManifest) -> tuple[type, ...]:
    """Reading, answering and writing where the manifest has something of it."""
    reads = (ReadsDatabase,) if manifest.streams else ()
    answers = (AnswersFromDatabase,) if manifest.questions else ()
    writes = (WritesDatabase,) if manifest.operations else ()
    return (ManifestDatabase, *reads, *answers, *writes)


def world(connector: type[Connector]) -> type[Any]:
    """A SQLite file with the manifest's tables."""
    manifest: SqlManifest = cast(Any, connector).manifest

    class ManifestSqlWorld(SqlWorld):
        connector_type = connector

        def section(self) -> SqlSection:
            return manifest

        def config(self) -> dict[str, Any]:
            own = {name: sample_of(name, each) for name, each in manifest.config.items()}
            return {**own, **super().config()}

        def prepare(self) -> None:
            cast(SqliteStore, self.store).script(manifest.sandbox)
            super().prepare()

    return ManifestSqlWorld


def serve(connector: type[Connector], port: int) -> None:
    """A SQLite file filled with the manifest's samples, until interrupted."""
    made = world(connector)(SimpleNamespace(calls=0, take=lambda **_: None))
    try:
        for name in cast(Any, connector).manifest.streams:
            made.seed(name, 20)
        print(f"url: sqlite:///{made.path}", flush=True)  # noqa: T201 - it tells where it is
        threading.Event().wait()
    except KeyboardInterrupt:
        return
    finally:
        made.close()


def scaffold(name: str) -> str:
    """A manifest that passes the exam as it is."""
    title = re.sub(r"[_-]+", " ", name).capitalize()
    return textwrap.dedent(f"""\
        connector: {name}
        kind: sql
        title: {title}
        title_zh: {title} 数据库
        zone: Asia/Shanghai
        streams:
          orders:
            table: orders                     # or select: one SELECT, without ORDER BY
            key: id
            cursor: changed_at                # without it the whole table is read at every run
            lookback: 10m
            fields: {{quantity: number, changed_at: datetime}}
            samples:
              - {{id: PO-0001, item: BRG-6205, quantity: 12, changed_at: "2026-11-22 08:00:00"}}
        questions:
          machine_hours:
            title: Hours run
            title_zh: 运行小时数
            needs: [device]
            select: SELECT hours, read_at FROM machines WHERE id = :device
            fields: {{hours: int, read_at: datetime}}
            as_of: read_at
            link: "https://plant.example/machines/{{device}}"
            sample: {{device: press-7}}
            answer: {{hours: 4210}}
        operations:
          set_status:
            title: Set the work order's status
            title_zh: 设置工单状态
            key: id
            fields: {{status: {{type: text, required: true}}}}
            statements: ["UPDATE work_orders SET status = :status WHERE id = :id"]
            sample: {{id: WO-0001, status: done}}
        sandbox: |
          CREATE TABLE machines (id TEXT PRIMARY KEY, hours INTEGER, read_at TEXT);
          INSERT INTO machines VALUES ('press-7', 4210, '2026-11-22 08:00:00');
          CREATE TABLE work_orders (id TEXT PRIMARY KEY, status TEXT);
          INSERT INTO work_orders VALUES ('WO-0001', 'open');
        mappings:
          orders:
            to: Order
            fields:
              id: id
              kind: "'purchase'"
              item: item
              quantity: quantity
              changed_at: changed_at
            tests:
              - in: {{id: PO-0001, item: BRG-6205, quantity: 12, changed_at: "2026-11-22T00:00:00Z"}}
                out: {{id: PO-0001, quantity: 12}}
        """)  # noqa: S608 - an example, not a query


KIND = Kind("sql", SqlManifest, cast(Any, bases), scaffold, world, serve)
