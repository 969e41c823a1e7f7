"""A request that is sent twice is done once: the header `Idempotency-Key`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Header, Response
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway import clock, tables
from gateway.api.shapes import answer
from gateway.errors import Problem, Refused
from gateway.tokens import Bearer

IdempotencyKey = Annotated[str | None, Header(max_length=255, pattern=r"^[\x21-\x7e]+$")]
KEPT = clock.DAY


def once(gateway: Any, who: Bearer, key: str | None, request: str, do: Any) -> Response:
    """The same `Idempotency-Key` again gives the first answer and does nothing; with another request it is refused."""
    if key is None:
        status, body = gateway.transact(do)
        return answer(body, status)
    digest = hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()
    c, now = tables.idempotency.c, clock.now()
    mine = (c.token_id == who.id) & (c.key == key)

    def keyed(conn: Connection) -> tuple[int, str]:
        conn.execute(delete(tables.idempotency).where(mine, c.at < now - KEPT))
        # the key is taken before anything is done, so that the same request at the same moment waits for this one
        insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        taken = insert(tables.idempotency).values(token_id=who.id, key=key, digest=digest, status=0, body="", at=now)
        if conn.execute(taken.on_conflict_do_nothing().returning(c.key)).first() is None:
            known = conn.execute(select(c.digest, c.status, c.body).where(mine)).one()
            if known.digest != digest:
                problem = Problem("Idempotency-Key", "was used for another request", "take a new key for each request")
                raise Refused("The idempotency key does not fit.", [problem])
            return known.status, known.body
        status, body = do(conn)
        told = bytes(answer(body, status).body).decode()
        conn.execute(update(tables.idempotency).where(mine).values(status=status, body=told))
        return status, told

    status, text = gateway.transact(keyed)
    return Response(text, status, media_type="application/json")
