"""The least that a durable HTTP endpoint does: FastAPI, one row inserted and committed per request.

    python -m benchmarks.bare PORT postgresql://...

`/bare` is what one writes with the parts the hub is made of: SQLAlchemy Core over psycopg, a connection pool, a plain
`def` endpoint. `/raw` is the fastest that could be found: no SQLAlchemy, an asynchronous psycopg pool, a prepared
statement. No check, no parsing, no tickets; same server settings as `weft serve`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import Depends, FastAPI, Request
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, create_engine, insert

TABLE = Table(
    "bare", MetaData(), Column("id", BigInteger, primary_key=True), Column("body", LargeBinary, nullable=False)
)


async def _body(request: Request) -> bytes:
    return await request.body()


def bare(url: str) -> FastAPI:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=16)
    TABLE.metadata.create_all(engine)
    pool = AsyncConnectionPool(url, min_size=8, max_size=16, open=False)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=life)

    @app.post("/bare", status_code=202)
    def store(body: bytes = Depends(_body)) -> dict[str, bool]:
        with engine.begin() as conn:
            conn.execute(insert(TABLE).values(body=body))
        return {"stored": True}

    @app.post("/raw", status_code=202)
    async def store_raw(request: Request) -> dict[str, bool]:
        body = await request.body()
        async with pool.connection() as conn:
            await conn.execute("INSERT INTO bare (body) VALUES (%b)", (body,), prepare=True)
        return {"stored": True}

    return app


if __name__ == "__main__":
    uvicorn.run(bare(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False,
                backlog=4096, server_header=False, date_header=False)  # fmt: skip
