"""The table that is read: stock of an ERP system, and a connector that reads it by ODBC as one would write it.

`psycopg` instead of `odbc` reads the same rows with PostgreSQL's own driver, to tell the driver's share from the hub's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import psycopg
from psycopg.rows import tuple_row
from pydantic import Field
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from connectors.contract import Batch, Cursor, Health, Policy, Settings, Stream
from connectors.odbc import OdbcSettings, connect
from connectors.table import Table

COLUMNS = ("autoid", "inv_code", "inv_name", "wh_code", "batch", "unit", "qty", "free", "reserved", "safety", "stopped",
           "updated_at")  # fmt: skip
STREAM = Stream(name="stock", key=("inv_code", "wh_code", "batch"), schema_={})
BATCH = 2_000
SELECT = f"SELECT {', '.join(COLUMNS)} FROM stock"
MAPPING = """
mapping: bench_stock
from: {connector: bench, stream: stock}
to: StockLevel
fields:
  item: inv_code
  item_name: inv_name
  warehouse: wh_code
  batch: batch
  location: concat('W', wh_code)
  quantity: qty
  available: free
  reserved: reserved
  safety_stock: safety
  unit: unit
  frozen: stopped == 1
  counted_at: updated_at
tests:
  - in: {autoid: 7, inv_code: A, wh_code: '01', qty: 12, stopped: 0}
    out: {item: A, quantity: 12, location: W01, frozen: false}
"""
_MAKE = """
CREATE TABLE stock (
  autoid integer PRIMARY KEY, inv_code varchar(60) NOT NULL, inv_name varchar(255) NOT NULL, wh_code varchar(10) NOT NULL,
  batch varchar(60), unit varchar(20) NOT NULL, qty numeric(18,4) NOT NULL, free numeric(18,4) NOT NULL,
  reserved numeric(18,4) NOT NULL, safety numeric(18,4) NOT NULL, stopped smallint NOT NULL, updated_at timestamp NOT NULL)
"""
_FILL = """
INSERT INTO stock
SELECT n, 'ART-' || lpad((n % :items)::text, 6, '0'), '深沟球轴承 6205-2RS ' || (n % :items), lpad((n / :items)::text, 2, '0'),
       NULL, CASE n % 3 WHEN 0 THEN '个' WHEN 1 THEN 'kg' ELSE '套' END, 25 + (n::bigint * 7919 % 1000000) / 100.0,
       20 + (n::bigint * 7919 % 1000000) / 100.0, (n % 5), CASE n % 97 WHEN 0 THEN 0 ELSE 20 END, (n % 97 = 0)::int::smallint,
       timestamp '2026-11-01' + n * interval '1 second'
FROM generate_series(0, :rows - 1) n
"""


def fill(url: str, rows: int) -> None:
    """Make and fill the table."""
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text(_MAKE))
        conn.execute(text(_FILL), {"rows": rows, "items": max(1, rows // 10)})
        conn.execute(text("CREATE INDEX stock_updated ON stock (updated_at, autoid)"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE stock"))
    engine.dispose()


def touch(url: str, share: float) -> int:
    """Change so many of the rows; answers how many."""
    engine = create_engine(url)
    with engine.begin() as conn:
        every = max(1, round(1 / share))
        changed = text(
            "UPDATE stock SET qty = qty + 1, free = free + 1, "
            "updated_at = (SELECT max(updated_at) FROM stock) + (autoid + 1) * interval '1 ms' WHERE autoid % :every = 0"
        )
        done = conn.execute(changed, {"every": every}).rowcount
    engine.dispose()
    return done


class BenchConfig(Settings):
    url: str = Field(description="The source database.")
    driver: Literal["odbc", "psycopg"] = "odbc"


class Bench:
    name: ClassVar[str] = "bench"
    title: ClassVar[str] = "Bench"
    title_zh: ClassVar[str] = "基准"
    Config: ClassVar[type[Settings]] = BenchConfig
    policy: ClassVar[Policy] = Policy(rate_per_s=100_000, timeout_s=600)
    mappings: ClassVar[str] = "benchmarks"

    def __init__(self, config: BenchConfig) -> None:
        self._config = config

    @property
    def namespace(self) -> str:
        return "bench://stock"

    def check(self) -> Health:
        return Health(ok=True)

    def close(self) -> None:
        """Nothing is held."""

    def streams(self) -> Sequence[Stream]:
        return [STREAM]

    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        pages = self._by_odbc(cursor) if self._config.driver == "odbc" else self._by_psycopg(cursor)
        for page in pages:
            records = Table.of_rows(COLUMNS, page)
            times = [at.replace(tzinfo=UTC) for at in records.columns[-1]]
            yield Batch(records.replaced("updated_at", times), cursor=[times[-1].isoformat(), page[-1][0]])

    def _by_odbc(self, cursor: Cursor) -> Iterator[Sequence[Any]]:
        at = make_url(self._config.url)
        settings = OdbcSettings(driver="postgresql", server=str(at.host), port=at.port, username=at.username or "",
                                database=at.database or "", encrypt=False, timeout_s=600)  # fmt: skip
        session = connect(settings)
        try:
            rows = session.query(*_after(cursor, "?"))
            while page := rows.fetch(BATCH):
                yield page
        finally:
            session.close()

    def _by_psycopg(self, cursor: Cursor) -> Iterator[Sequence[Any]]:
        at = make_url(self._config.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(at) as conn, conn.cursor("stock", row_factory=tuple_row, binary=True) as rows:
            rows.itersize = BATCH
            rows.execute(*_after(cursor, "%s"))
            while page := rows.fetchmany(BATCH):
                yield page


def _after(cursor: Cursor, mark: str) -> tuple[str, tuple[Any, ...]]:
    if not isinstance(cursor, list):
        return f"{SELECT} ORDER BY updated_at, autoid", ()
    at = datetime.fromisoformat(str(cursor[0])).replace(tzinfo=None)
    return f"{SELECT} WHERE (updated_at, autoid) > ({mark}, {mark}) ORDER BY updated_at, autoid", (at, cursor[1])
