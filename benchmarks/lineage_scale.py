"""What lineage costs at 100 million field values, extrapolated from what is measured at 10 million, hot and sealed.

    python -m benchmarks.lineage_scale [--values 10000000] [--database postgresql|sqlite] [--asks 300]

Tickets of 20 fields are written from alerts through two mappings, as the hub does. Size and drill-down are measured at a
tenth of the values and at all of them; what grows with their number is taken on, linearly for bytes, and by the growth
from the tenth to the whole for the time of a drill-down. Then everything is sealed into segments and asked again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.lineage import FIRST, NAMES, NOW, STAGE_1, STAGE_2, alert, databases, facts_of, sizes, timed
from benchmarks.meters import Claim
from lineage import (
    SourceRead,
    Write,
    drill,
    keep_segments,
    land,
    listed_segments,
    metadata,
    plan,
    record,
    seal_landing,
    seal_records,
)

FIELDS = len(NAMES)
BATCH = 500
TARGET = 100_000_000
LATER = NOW + 10**15
MEASURED = 10_000_000


def write(engine: Engine, first: int, last: int) -> float:
    """Tickets of these numbers; answers the seconds."""
    began = time.monotonic()
    with engine.connect() as conn:
        for start in range(first, last, BATCH):
            numbers = range(start, min(start + BATCH, last))
            ids = land(conn, [SourceRead("am-main/alert", str(n), alert(n), NOW + n) for n in numbers])
            made = plan(conn, (STAGE_1, STAGE_2))
            record(conn, [
                Write(FIRST + n, made, NAMES, (i,), facts_of(n), "rule:bench", NOW + n)
                for n, i in zip(numbers, ids, strict=True)
            ])  # fmt: skip
            conn.commit()
    return time.monotonic() - began


def asked(engine: Engine, tickets: int, asks: int) -> tuple[float, float]:
    """p50 and p99 of drill-downs of random fields of random tickets, in milliseconds."""
    r = random.Random(tickets)
    with engine.connect() as conn:
        return timed(asks, time.perf_counter, lambda _: drill(conn, FIRST + r.randrange(tickets), r.choice(NAMES)))


def seal(engine: Engine, tickets: int) -> tuple[int, float]:
    """Everything into segments; answers their bytes and the seconds it took."""
    began = time.monotonic()
    with engine.connect() as conn:
        for start in range(0, tickets, 5_000):
            seal_records(conn, range(FIRST + start, FIRST + min(start + 5_000, tickets)), LATER)
            conn.commit()
        after = 0
        while segment := seal_landing(conn, LATER, LATER, after=after, limit=20_000):
            after = segment.last
            conn.commit()
        return sum(segment.size for segment in listed_segments(conn)), time.monotonic() - began


def measure(engine: Engine, folder: Path, values: int, asks: int) -> list[Claim]:
    """All claims of one database."""
    name, tickets = engine.dialect.name, values // FIELDS
    tenth = max(tickets // 10, BATCH)
    metadata.create_all(engine, checkfirst=False)
    keep_segments(engine, folder)
    seconds = write(engine, 0, tenth)
    small = asked(engine, tenth, asks)
    seconds += write(engine, tenth, tickets)
    large = asked(engine, tickets, asks)
    hot = sum(size for table, size in sizes(engine).items() if table.startswith("lineage_"))
    sealed, sealing = seal(engine, tickets)
    cold = asked(engine, tickets, asks)
    more = TARGET / (tickets * FIELDS)
    growth = max(large[0] / small[0], 1.0) if small[0] else 1.0
    decades = _decades(more)
    return [
        Claim(f"{name}: {tickets * FIELDS:,} field values written", tickets * FIELDS / seconds, "values/s"),
        Claim(f"{name}: drill-down at {tenth * FIELDS:,} values, p50", small[0], "ms"),
        Claim(f"{name}: drill-down at {tickets * FIELDS:,} values, p50", large[0], "ms", at_most=5),
        Claim(f"{name}: drill-down at {tickets * FIELDS:,} values, p99", large[1], "ms"),
        Claim(f"{name}: drill-down at {TARGET:,} values, p50, extrapolated", large[0] * growth**decades, "ms"),
        Claim(f"{name}: lineage of {tickets * FIELDS:,} values", hot / 1e6, "MB"),
        Claim(f"{name}: lineage of {TARGET:,} values, extrapolated", hot * more / 1e9, "GB", at_most=10),
        Claim(f"{name}: the same, sealed", sealed / 1e6, "MB"),
        Claim(f"{name}: sealed at {TARGET:,} values, extrapolated", sealed * more / 1e9, "GB", at_most=2),
        Claim(f"{name}: sealing", tickets * FIELDS / sealing, "values/s"),
        Claim(f"{name}: drill-down from segments, p50", cold[0], "ms", at_most=20),
        Claim(f"{name}: drill-down from segments, p99", cold[1], "ms"),
    ]


def _decades(factor: float) -> float:
    count = 0.0
    while factor > 1.0001:
        count += min(factor, 10) / 10
        factor /= 10
    return count


def run(values: int = MEASURED, names: Sequence[str] = ("sqlite", "postgresql"), asks: int = 300) -> list[Claim]:
    """On each of these databases, one after the other."""
    claims: list[Claim] = []
    with databases() as engines:
        for engine in engines:
            if engine.dialect.name in names:
                with tempfile.TemporaryDirectory() as folder:
                    claims += measure(engine, Path(folder), values, asks)
    return claims


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks lineage-scale", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--values", type=int, default=MEASURED, help="field values to measure; default: 10 million")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append", help="default: both")
    parser.add_argument("--asks", type=int, default=300, help="drill-downs timed")
    given = parser.parse_args(arguments)
    claims = run(given.values, given.database or ("sqlite", "postgresql"), given.asks)
    sys.stdout.write("\n".join(claim.line() for claim in claims) + "\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
