"""The least that a durable HTTP endpoint does: FastAPI, one row inserted and committed per request.

    python -m benchmarks.bare PORT postgresql://...

Same server settings as `weft serve`; an asynchronous psycopg pool, prepared statements. No check, no tickets: it is the
yardstick for throughput.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from psycopg_pool import AsyncConnectionPool


def bare(url: str) -> FastAPI:
    pool = AsyncConnectionPool(url, min_size=8, max_size=16, open=False)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            async with pool.connection() as conn:
                await conn.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea NOT NULL)")
            yield

    app = FastAPI(lifespan=life)

    @app.post("/bare", status_code=202)
    async def store(request: Request) -> dict[str, bool]:
        body = await request.body()
        async with pool.connection() as conn:
            await conn.execute("INSERT INTO bare (body) VALUES (%b)", (body,), prepare=True)
        return {"stored": True}

    return app


if __name__ == "__main__":
    uvicorn.run(bare(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False,
                backlog=4096, server_header=False, date_header=False)  # fmt: skip
