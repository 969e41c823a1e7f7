"""A long read costs little of either memory or time."""

from __future__ import annotations

import tracemalloc

from connectors.u8.sandbox import Sandbox
from tests.integration.u8.conftest import Make

ROWS = 30_000


def test_memory_stays_flat_however_many_rows_are_read(make: Make, sandbox: Sandbox) -> None:
    run = sandbox.data.run
    run("INSERT INTO Inventory (cInvCode, cInvName, iSafeNum) SELECT 'T' || i, '零件 ' || i, i FROM generate_series(1, ?) i",
        (ROWS,))  # fmt: skip
    run("INSERT INTO CurrentStock (cInvCode, cWhCode, iQuantity) SELECT 'T' || i, '01', i FROM generate_series(1, ?) i",
        (ROWS,))  # fmt: skip
    connector = make(page_size=1000, timeout_s=60)
    stock = next(s for s in connector.streams() if s.name == "stock")
    pages = connector.read(stock, None)
    next(pages)
    tracemalloc.start()
    read, peaks = 1000, []
    for batch in pages:
        read += len(batch.records)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
    tracemalloc.stop()
    assert read == ROWS + 5
    assert max(peaks[-5:]) < 1.5 * max(peaks[:5])
