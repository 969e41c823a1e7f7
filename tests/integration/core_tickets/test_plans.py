"""What a database does for a statement must not grow with the tickets that it is not about."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from core_tickets.collaboration.children import open_children


def test_the_required_children_of_a_ticket_are_found_by_key_and_not_among_all_that_are_open(shared: Engine) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(shared, "before_cursor_execute", lambda _c, _cur, sql, values, *_: asked.append((sql, values)))
    with shared.begin() as conn:
        open_children(conn, [1, 2])
        (statement, values) = asked[0]
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            conn.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN " if conn.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        plan = " ".join(str(part) for row in conn.exec_driver_sql(explain + statement, values) for part in row)
    assert "using ticket_pkey" in plan.lower() or "search ticket using integer primary key" in plan.lower(), plan
    assert "status" not in plan.lower()
