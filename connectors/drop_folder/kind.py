"""Manifests of kind `csv`: a folder's files described once, for every connection that has such files."""

from __future__ import annotations

import re
import textwrap
import threading
from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, cast

from connectors.contract import Connector
from connectors.drop_folder.config import whole_path
from connectors.drop_folder.connector import FolderConnector, ReadsFolder, WritesFolder
from connectors.drop_folder.form import Section
from connectors.drop_folder.world import FolderWorld
from connectors.errors import ConfigProblem
from connectors.manifest import Input, Kind, Manifest

_INPUTS: Mapping[str, Input] = {
    "folder": Input(
        description="The folder, by its whole path as the hub sees it",
        description_zh="文件夹的完整路径",
        sample="/data/drop",
    ),
    "host": Input(
        default="localhost", description="Which machine the folder is on, for lineage", description_zh="文件服务器名称"
    ),
    "timeout_s": Input(
        type="int",
        default=120,
        min=Decimal(1),
        max=Decimal(3600),
        description="Longest wait for one workbook to be read",
    ),
    "batch_rows": Input(
        type="int", default=2000, min=Decimal(1), max=Decimal(2000), description="Rows that are handed on at once"
    ),
}


class CsvManifest(Manifest, Section):
    """The file's model: what every manifest has, and the folder's streams and exports."""

    kind: Literal["csv"]

    def standard_inputs(self) -> Mapping[str, Input]:
        return _INPUTS

    def mapped_streams(self) -> frozenset[str]:
        return frozenset(self.streams)


class ManifestFolder(FolderConnector):
    """A folder described by a manifest; the connection says where it is."""

    manifest: ClassVar[CsvManifest]

    def __init__(self, config: Any, **rest: Any) -> None:
        try:
            whole_path(config.folder)
        except ValueError as error:
            raise ConfigProblem(f"folder: {error}") from None
        super().__init__(config, **rest)

    def section(self) -> Section:
        return self.manifest


def bases(manifest: CsvManifest) -> tuple[type, ...]:
    """Reading where there are streams, writing where there are exports."""
    reads = (ReadsFolder,) if manifest.streams else ()
    writes = (WritesFolder,) if manifest.exports else ()
    return (ManifestFolder, *reads, *writes)


def world(connector: type[Connector]) -> type[Any]:
    """A folder of its own for every instance, also where the manifest names folders to write to."""
    manifest: CsvManifest = cast(Any, connector).manifest

    class ManifestFolderWorld(FolderWorld):
        connector_type = connector

        def section(self) -> Section:
            exports = {}
            for name, form in manifest.exports.items():
                moved = {"folder": str(self.root / name)}
                moved |= {"taken_to": str(self.root / f"{name}-taken")} if form.taken_to else {}
                exports[name] = form.model_copy(update=moved)
            return manifest.model_copy(update={"exports": exports, "archive_to": ""})

    return ManifestFolderWorld


def serve(connector: type[Connector], port: int) -> None:
    """A folder filled with the manifest's samples, until interrupted. `port` is not needed."""
    manifest: CsvManifest = cast(Any, connector).manifest
    made = world(connector)(SimpleNamespace(calls=0, take=lambda **_: None))
    try:
        for name in manifest.streams:
            made.seed(name, 20)
        print(f"folder: {made.drop}", flush=True)  # noqa: T201 - it tells where it is
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
        kind: csv
        title: {title}
        title_zh: {title} 文件
        complete: {{by: rest, rest_s: 10}}     # a file is taken when nobody has changed it for 10 s
        zone: Asia/Shanghai
        streams:
          stock:
            files: "stock-*.csv"              # .xlsx, .xls and .ods are read too
            key: [item, warehouse]
            mode: snapshot                    # the newest file is everything; `incremental`: every file once
            fields: {{quantity: number, counted_at: datetime}}
            samples:
              - {{item: BRG-6205, warehouse: "01", quantity: "12", counted_at: "2026-11-22 08:00:00"}}
        exports:
          order:
            title: Order from the supplier
            title_zh: 向供应商下单
            folder: /data/out
            file: order-{{command}}.csv
            key: item
            fields: {{item: text, quantity: {{type: number, required: true}}}}
        mappings:
          stock:
            to: StockLevel
            fields:
              item: item
              warehouse: warehouse
              quantity: {{expr: quantity, on_error: dead_letter}}
              counted_at: counted_at
            tests:
              - in: {{item: BRG-6205, warehouse: "01", quantity: 12, counted_at: "2026-11-22T00:00:00Z"}}
                out: {{item: BRG-6205, warehouse: "01", quantity: 12}}
        """)


KIND = Kind("csv", CsvManifest, cast(Any, bases), scaffold, world, serve)
