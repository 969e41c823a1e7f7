"""The least that a sync by hand does: rows as tuples, COPY into a stage, upsert, cursor, a transaction per 10,000 rows.

    python -m benchmarks.sync_plain SOURCE TARGET

No mapping, no ids, no lineage, no bad records, no deletes: the yardstick of what PostgreSQL and its driver cost.
"""

from __future__ import annotations

import resource
import sys
import time

import orjson
import psycopg

COLUMNS = "autoid, inv_code, inv_name, wh_code, batch, unit, qty, free, reserved, safety, stopped, updated_at"
ROWS = 10_000
_MAKE = """
CREATE TABLE IF NOT EXISTS plain (
  autoid integer PRIMARY KEY, inv_code text NOT NULL, inv_name text NOT NULL, wh_code text NOT NULL, batch text,
  unit text NOT NULL, qty numeric(18,4) NOT NULL, free numeric(18,4) NOT NULL, reserved numeric(18,4) NOT NULL,
  safety numeric(18,4) NOT NULL, stopped smallint NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE IF NOT EXISTS plain_cursor (one integer PRIMARY KEY, at timestamp, autoid integer);
CREATE TEMPORARY TABLE stage (LIKE plain) ON COMMIT DELETE ROWS
"""
_NAMES = [name.strip() for name in COLUMNS.split(",")]
_UPSERT = f"""
INSERT INTO plain SELECT * FROM stage ON CONFLICT (autoid) DO UPDATE SET
{", ".join(f"{n} = excluded.{n}" for n in _NAMES[1:])}
WHERE ({", ".join(f"plain.{n}" for n in _NAMES[1:])}) IS DISTINCT FROM ({", ".join(f"excluded.{n}" for n in _NAMES[1:])})
"""
_AFTER = "INSERT INTO plain_cursor VALUES (1, %s, %s) ON CONFLICT (one) DO UPDATE SET at = excluded.at, autoid = excluded.autoid"


def main(source: str, target: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    cpu = time.process_time()
    with psycopg.connect(source) as reading, psycopg.connect(target) as conn:
        conn.execute(_MAKE)
        found = conn.execute("SELECT at, autoid FROM plain_cursor").fetchone()
        conn.commit()
        with reading.cursor("rows", binary=True) as rows:
            rows.itersize = ROWS
            after = "WHERE (updated_at, autoid) > (%s, %s)" if found else ""
            query = f"SELECT {COLUMNS} FROM stock {after} ORDER BY updated_at, autoid"
            rows.execute(query.encode(), found or ())
            while page := rows.fetchmany(ROWS):
                with conn.cursor() as writing, writing.copy("COPY stage FROM STDIN") as copy:
                    for row in page:
                        copy.write_row(row)
                conn.execute(_UPSERT.encode())
                conn.execute(_AFTER, (page[-1][-1], page[-1][0]))
                conn.commit()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "run_cpu_s": time.process_time() - cpu,
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1024,
    }
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
