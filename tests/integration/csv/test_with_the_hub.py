"""The connectors without code in a whole hub: files, a tap and a database become the hub's replica, with their origin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.drop_folder.kind import KIND
from connectors.drop_folder.sandbox import Sandbox as Drop
from connectors.singer.sandbox import Sandbox as TapSystem
from connectors.sql.sandbox import Sandbox as Plant
from gateway.config import documents, yaml12
from gateway.usecases import dead, syncing, tracing
from tests.integration.gateway.in_process import Build, House

STOCK = {
    "mapping": "stock_file",
    "from": {"connector": "csv", "stream": "stock"},
    "to": "StockLevel",
    "fields": {
        "item": "存货编码",
        "warehouse": "仓库",
        "quantity": {"expr": "数量", "on_error": "dead_letter"},
        "counted_at": "盘点时间",
    },
    "tests": [{"in": {"存货编码": "A", "仓库": "01", "数量": 1}, "out": {"item": "A", "quantity": 1}}],
}


def sync(house: House, connection: str, stream: str) -> dict[str, Any]:
    told = syncing.run(house.gateway, house.gateway.hub.connection(connection), stream)
    assert told["error"] == "", told
    house.ends()
    return {name: told[name] for name in ("read", "added", "changed", "unchanged", "absent", "bad")}


def origin(house: House, connection: str, stream: str, key: str, field: str) -> Any:
    with house.gateway.reading() as conn:
        return tracing.drill_replica(conn, connection, stream, key, field)


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Drop]:
    made = Drop(tmp_path / "drop")
    made.fill()
    yield made
    made.close()


def test_a_file_becomes_stock_and_the_next_one_changes_and_deletes(build: Build, drop: Drop) -> None:
    connection = {"id": "files", "connector": "csv", "config": drop.settings(), "mappings": {"stock": "stock_file"}}
    house = build({"mappings": [STOCK], "connections": [connection]})
    assert sync(house, "files", "stock") == {
        "read": 4,
        "added": 4,
        "changed": 0,
        "unchanged": 0,
        "absent": 0,
        "bad": 0,
    }
    found = origin(house, "files", "stock", "BRG-6205/01", "quantity")
    assert [(source.field, source.raw) for source in found.sources] == [("row['数量']", 12)]
    name = drop.drop_stock(**{"BRG-6205": Decimal("3.5")})
    rows = (drop.path / name).read_bytes().splitlines(keepends=True)
    drop.put(name, b"".join(row for row in rows if b"OIL-46" not in row))
    os.utime(drop.path / name, (4_000_000_000, 4_000_000_000))
    told = sync(house, "files", "stock")
    assert told["absent"] == 1
    assert origin(house, "files", "stock", "BRG-6205/01", "quantity").sources[0].raw == Decimal("3.5")


def test_a_bad_row_is_a_dead_letter_that_names_its_place_and_deletes_nothing(build: Build, drop: Drop) -> None:
    connection = {"id": "files", "connector": "csv", "config": drop.settings(), "mappings": {"stock": "stock_file"}}
    house = build({"mappings": [STOCK], "connections": [connection]})
    sync(house, "files", "stock")
    good = (drop.path / drop.drop_stock()).read_bytes()
    drop.put("stock-9.csv", good.replace(b";12;", b";viele;"))
    os.utime(drop.path / "stock-9.csv", (4_000_000_000, 4_000_000_000))
    told = syncing.run(house.gateway, house.gateway.hub.connection("files"), "stock")
    assert told["bad"] == 1
    assert told["absent"] == 0
    with house.gateway.reading() as conn:
        [letter] = dead.listed(conn)
    assert "stock-9.csv row 2: 数量: 'viele' is no number" in str(letter)


def test_a_manifest_of_files_is_applied_and_read(build: Build, tmp_path: Path) -> None:
    folder = tmp_path / "plant"
    folder.mkdir()
    (folder / "stock-1.csv").write_text("item,warehouse,quantity,counted_at\nBRG-6205,01,12,2026-11-22 08:00:00\n")
    os.utime(folder / "stock-1.csv", (1_700_000_000, 1_700_000_000))
    manifest: dict[str, Any] = yaml12.load(KIND.scaffold("plant_files"))
    manifest["complete"] = {"by": "rename"}
    house = build()
    given = {
        "connectors": [manifest],
        "connections": [{"id": "f", "connector": "plant_files", "config": {"folder": str(folder)}}],
    }
    house.gateway.apply(documents.validate(given))
    assert sync(house, "f", "stock")["added"] == 1
    assert origin(house, "f", "stock", "BRG-6205/01", "quantity").sources[0].raw == 12


def test_a_tap_becomes_devices(build: Build) -> None:
    system = TapSystem()
    system.fill()
    mapping = {
        "mapping": "tap_machines",
        "from": {"connector": "singer", "stream": "machines"},
        "to": "Device",
        "fields": {"id": "id", "name": "name", "serial": "serial"},
        "tests": [{"in": {"id": "a", "name": "b"}, "out": {"id": "a"}}],
    }
    connection = {
        "id": "tap",
        "connector": "singer",
        "config": system.settings(),
        "mappings": {"machines": "tap_machines"},
    }
    try:
        house = build({"mappings": [mapping], "connections": [connection]})
        assert sync(house, "tap", "machines")["added"] == 3
        del system.tables["machines"].rows["cnc-3"]
        told = sync(house, "tap", "machines")
        assert (told["unchanged"], told["absent"]) == (2, 1)
    finally:
        system.close()


def test_a_database_becomes_stock_and_only_changes_are_written(build: Build, tmp_path: Path) -> None:
    plant = Plant(tmp_path / "plant.db")
    plant.fill()
    mapping = {
        "mapping": "db_stock",
        "from": {"connector": "sql", "stream": "stock"},
        "to": "StockLevel",
        "fields": {
            "item": "item",
            "warehouse": "warehouse",
            "quantity": {"expr": "quantity", "on_error": "dead_letter"},
        },
        "tests": [{"in": {"item": "A", "warehouse": "01", "quantity": 1}, "out": {"item": "A"}}],
    }
    connection = {"id": "db", "connector": "sql", "config": plant.settings(), "mappings": {"stock": "db_stock"}}
    house = build({"mappings": [mapping], "connections": [connection]})
    assert sync(house, "db", "stock")["added"] == 4
    plant.set_stock("OIL-46", Decimal("2.25"))
    told = sync(house, "db", "stock")
    assert (told["changed"], told["unchanged"]) == (1, 3)
    assert origin(house, "db", "stock", "OIL-46/02", "quantity").sources[0].raw == Decimal("2.25")
    house.gateway.hub.connection("db").runtime.close()  # type: ignore[union-attr]
    plant.close()
