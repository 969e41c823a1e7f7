"""kill -9 at any moment of a run: the next one goes on at the row where it was, and nothing is lost."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

READER = """
import json, sqlite3, sys
from connectors.drop_folder import CsvConfig, CsvConnector

folder, store = sys.argv[1:]
stream = {"files": "*.csv", "key": "id", "fields": {"qty": "number"}}
config = {"folder": folder, "complete": {"by": "rename"}, "batch_rows": 50, "streams": {"rows": stream}}
connector = CsvConnector(CsvConfig.model_validate(config))
database = sqlite3.connect(store)
database.execute("CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, qty TEXT)")
database.execute("CREATE TABLE IF NOT EXISTS cursor (only INTEGER PRIMARY KEY, value TEXT, batches INTEGER)")
database.commit()
found = database.execute("SELECT value FROM cursor").fetchone()
for batch in connector.read(connector.streams()[0], json.loads(found[0]) if found else None):
    for record in batch.records:
        database.execute("INSERT OR REPLACE INTO rows VALUES (?, ?)", (record["id"], str(record["qty"])))
    database.execute(
        "INSERT INTO cursor VALUES (1, ?, 1) ON CONFLICT DO UPDATE SET value = excluded.value, batches = batches + 1",
        (json.dumps(batch.cursor),))
    database.commit()
print("done")
"""


def test_a_killed_run_loses_nothing_and_reads_little_again(tmp_path: Path) -> None:
    folder, store, script = tmp_path / "drop", tmp_path / "store.db", tmp_path / "reader.py"
    folder.mkdir()
    script.write_text(textwrap.dedent(READER))
    for file in range(4):
        rows = "".join(f'"{file}-{n}",{n}.5\n' for n in range(5000))
        (folder / f"rows-{file}.csv").write_text(f"id,qty\n{rows}")
    dice, kills, ended = random.Random(7), 0, False
    for _ in range(40):
        reader = subprocess.Popen([sys.executable, str(script), str(folder), str(store)], stdout=subprocess.PIPE)
        try:
            reader.wait(0.35 + dice.random() * 0.5 if kills < 6 else 120)
        except subprocess.TimeoutExpired:
            reader.kill()
            kills += 1
        told = reader.communicate()[0]
        if told.strip() == b"done":
            ended = True
            break
    assert ended
    database = sqlite3.connect(store)
    assert database.execute("SELECT COUNT(*), SUM(qty) FROM rows").fetchone() == (
        20_000,
        4 * sum(n + 0.5 for n in range(5000)),
    )
    batches = database.execute("SELECT batches FROM cursor").fetchone()[0]
    database.close()
    assert batches == 404, "400 full batches and the end of each file; a killed run repeats none that was committed"
