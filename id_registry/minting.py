"""New numbers. PostgreSQL: one sequence per kind and year, so nobody waits for anybody. SQLite: a counter row.

A number that was given out and not used is not given out again: gaps are normal, and their size means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from id_registry.errors import BadInput, NumbersExhausted
from id_registry.global_ids import KINDS, LAST_SEQUENCE, kind_named, make_gid, year_of

__all__ = ["mint", "mint_each", "was_minted"]

_SEQUENCE_LOCK = 0x77_65_66_74_67_69_64
"""Advisory lock (64 bits, "weftgid") held while sequences come into being."""

# The regclass is looked up once per sequence, not once per number; a sequence that is not there gives nulls and no
# error, so that nothing has to be remembered about which ones exist: right after a rollback, and in any database.
_DRAW = """
SELECT w.i, array_agg(nextval(w.seq))
FROM (SELECT i, n, to_regclass(name) AS seq
      FROM unnest(%s::text[], %s::int[]) WITH ORDINALITY u(name, n, i) OFFSET 0) w, generate_series(1, w.n)
GROUP BY w.i
"""
_COUNT = (
    "INSERT INTO id_counter (kind, year, last) VALUES (?, ?, ?) "
    "ON CONFLICT (kind, year) DO UPDATE SET last = id_counter.last + excluded.last RETURNING last"
)


def mint(conn: Connection, kind: str, n: int, now: int) -> list[int]:
    """`n` new gids of a kind and of the UTC year of `now`, ascending, in one statement (a few more for a year's first).

    Raises UnknownKind, BadTime, BadInput (n below 0), NumbersExhausted.
    """
    return mint_each(conn, {kind: n}, now)[kind]


def mint_each(conn: Connection, wanted: Mapping[str, int], now: int) -> dict[str, list[int]]:
    """New gids of several kinds: kind -> how many, to kind -> ascending gids. One statement on PostgreSQL."""
    year = year_of(now)
    for kind, n in wanted.items():
        kind_named(kind)
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise BadInput(f"cannot mint {n!r} ids; give a whole number from 0", value=n, path="n")
    counts = {kind: n for kind, n in wanted.items() if n}
    if not counts:
        numbers: dict[str, list[int]] = {}
    elif conn.dialect.name == "postgresql":
        numbers = _draw(conn, counts, year)
    else:
        numbers = _count(conn, counts, year)
    return {kind: _gids(kind, year, numbers.get(kind, [])) for kind in wanted}


def was_minted(conn: Connection, gid: int) -> bool:
    """Whether this number may have been given out. On PostgreSQL a gap counts as given out."""
    number, rest = divmod(gid, 10**13)
    year, sequence = divmod(rest, 10**9)
    if conn.dialect.name == "postgresql":
        name = _sequence(number, year)
        if conn.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar_one() is None:
            return False
        reached = f"SELECT last_value >= %s FROM {name}"  # noqa: S608 - two numbers make the name
        return bool(conn.exec_driver_sql(reached, (sequence,)).scalar_one())
    last = conn.exec_driver_sql("SELECT last FROM id_counter WHERE kind = ? AND year = ?", (number, year)).scalar()
    return last is not None and last >= sequence


def _gids(kind: str, year: int, numbers: list[int]) -> list[int]:
    if numbers and numbers[-1] > LAST_SEQUENCE:
        raise NumbersExhausted(f"all {LAST_SEQUENCE:,} {kind} numbers of {year} are used up", kind=kind, year=year)
    first = make_gid(kind, year, 1) - 1
    return [first + n for n in numbers]


def _sequence(number: int, year: int) -> str:
    return f"gid_{number}_{year}"


def _draw(conn: Connection, counts: Mapping[str, int], year: int) -> dict[str, list[int]]:
    kinds = list(counts)
    names = [_sequence(KINDS[kind].number, year) for kind in kinds]
    asked = (names, [counts[kind] for kind in kinds])
    drawn = conn.exec_driver_sql(_DRAW, asked).all()
    if any(numbers[0] is None for _, numbers in drawn):
        # Held until the caller's transaction ends, so that a second creator finds the sequence or its absence settled.
        conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_SEQUENCE_LOCK,))
        for name in names:
            conn.exec_driver_sql(f"CREATE SEQUENCE IF NOT EXISTS {name}")
        drawn = conn.exec_driver_sql(_DRAW, asked).all()
    return {kinds[i - 1]: sorted(numbers) for i, numbers in drawn}


def _count(conn: Connection, counts: Mapping[str, int], year: int) -> dict[str, list[int]]:
    numbers = {}
    for kind, n in counts.items():
        last: int = conn.exec_driver_sql(_COUNT, (KINDS[kind].number, year, n)).scalar_one()
        numbers[kind] = list(range(last - n + 1, last + 1))
    return numbers
