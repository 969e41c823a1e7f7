"""Splink's opinion of the same records: its settings, made of the very model that decides online, and its run on DuckDB.

One settings object serves both engines: `settings_of(...)` knows no dialect; `write_settings` writes it for DuckDB and for Spark,
for a registry that outgrows one machine. The match prior is fixed in it. Splink is an optional extra: `weft[matching]`.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.errors import Refused
from id_registry.matching.comparing import Comparison, Digits, Exact, Part, Text, Tokens, Whole
from id_registry.matching.index import MOST, Held
from id_registry.matching.kinds import SCHEMES
from id_registry.matching.model import ENOUGH, Field, Model

if TYPE_CHECKING:
    from splink import SettingsCreator
    from splink.internals.comparison_level_creator import ComparisonLevelCreator

__all__ = ["DIALECTS", "MatchingNotInstalled", "Pair", "predict", "settings_of", "write_settings"]

DIALECTS = ("duckdb", "spark")
_SEED = 7


class MatchingNotInstalled(Refused):
    """The batch needs Splink: pip install 'weft[matching]'."""

    title = "Not installed"


class Pair(NamedTuple):
    """Two records, the lower gid first, and Splink's match weight in bits, the prior included."""

    a: int
    b: int
    weight: float


def settings_of(model: Model, *, rarity: bool) -> SettingsCreator:
    """The model as Splink's settings, for any of its engines. `rarity`: there are enough records for values' shares to count."""
    splink, levels, library = _splink()
    comparisons = [
        library.CustomComparison(output_column_name=name, comparison_levels=_levels(levels, fields, rarity=rarity))
        for name, fields in _grouped(model.fields).items()
    ]
    blocking = [splink.block_on(f"k_{name}") for name in _key_names(model.kind)]
    return splink.SettingsCreator(  # type: ignore[no-any-return]
        link_type="dedupe_only", unique_id_column_name="gid", comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocking, probability_two_random_records_match=model.prior,
        retain_matching_columns=False, linker_uid=f"weft-{model.kind}",
    )  # fmt: skip


def write_settings(model: Model, folder: Path, *, rarity: bool = True) -> list[Path]:
    """The settings as JSON, one file for each engine: KIND.duckdb.json and KIND.spark.json. Answers the files."""
    made = settings_of(model, rarity=rarity)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for dialect in DIALECTS:
        file = folder / f"{model.kind}.{dialect}.json"
        told = made.create_settings_dict(dialect) | {"sql_dialect": dialect}
        file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
        files.append(file)
    return files


def predict(model: Model, records: Iterator[Held], *, least: float, shared_by: int, threads: int = 2) -> list[Pair]:
    """Every pair of records that share a key and that Splink gives at least `least` bits, on DuckDB in memory."""
    splink, _, _ = _splink()
    table = _table(model, list(records), shared_by)
    if table is None:
        return []
    import duckdb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        connection = duckdb.connect(config={"threads": threads})
        try:
            api = splink.DuckDBAPI(connection=connection)
            enough = table.num_rows >= ENOUGH
            linker = splink.Linker(api.register(table), settings_of(model, rarity=enough), log_level=logging.ERROR)
            if enough:
                linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=_SEED)
            found = linker.inference.predict(threshold_match_weight=least)
            rows = connection.sql(
                f"SELECT gid_l, gid_r, match_weight FROM {found.physical_name} ORDER BY 1, 2"  # noqa: S608 - its own table
            ).fetchall()
        finally:
            connection.close()
    return [Pair(min(a, b), max(a, b), float(weight)) for a, b, weight in rows]


def columns_of(kind: str) -> tuple[list[str], list[str]]:
    """The compared columns and the blocking columns of the table that the settings are for."""
    return [f"v_{field.name}" for field in SCHEMES[kind].model.fields], [f"k_{name}" for name in _key_names(kind)]


def _splink() -> tuple[Any, Any, Any]:
    try:
        import splink
        import splink.comparison_level_library as levels
        import splink.comparison_library as library
    except ImportError as error:
        raise MatchingNotInstalled() from error
    return splink, levels, library


def _key_names(kind: str) -> Sequence[str]:
    return _KEYS[kind]


_COMPANY_KEYS = ("code", "full", "place", "core", "phone", "email", "head", "tail", "pinyin")
_KEYS = {
    "customer": _COMPANY_KEYS,
    "supplier": _COMPANY_KEYS,
    "person": ("name", "mobile", "phone", "email", "pinyin"),
    "device": ("serial", "mac", "tag", "name", "ip"),
}


def _table(model: Model, records: Sequence[Held], shared_by: int) -> Any:
    """What the settings are for: a row per record; values that too many share are left out, as they are online."""
    if len(records) < 2:
        return None
    import pyarrow

    scheme = SCHEMES[model.kind]
    bodies = [(held.gid, held.body) for held in records]
    columns: dict[str, list[Any]] = {"gid": [gid for gid, _ in bodies]}
    for field in model.fields:
        values = [body.get(field.name) for _, body in bodies]
        columns[f"v_{field.name}"] = (
            values if field.fade is None else _without_common(values, min(field.fade, shared_by))
        )
    keys = [dict(reversed(scheme.keys(body))) for _, body in bodies]  # of two of one name the first
    for name in _key_names(model.kind):
        columns[f"k_{name}"] = _without_common([key.get(name) for key in keys], MOST)
    types = [("gid", pyarrow.int64()), *((name, pyarrow.string()) for name in columns if name != "gid")]
    return pyarrow.table(columns, schema=pyarrow.schema(types))


def _without_common(values: list[str | None], most: int) -> list[str | None]:
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    return [value if value is not None and counts[value] <= most else None for value in values]


def _grouped(fields: Sequence[Field]) -> dict[str, list[Field]]:
    found: dict[str, list[Field]] = {}
    for field in fields:
        found.setdefault(field.group or field.name, []).append(field)
    return found


def _levels(library: Any, fields: Sequence[Field], *, rarity: bool) -> list[ComparisonLevelCreator]:
    """The levels of one comparison. Of fields that tell the same thing in several ways: equality in any of them, the most telling
    first, then how nearly the main one, which has the most levels, agrees."""
    main = max(fields, key=lambda field: len(field.m))
    made: list[Any] = [library.NullLevel(f"v_{main.name}")]
    for field in sorted(fields, key=lambda field: field.u[0]):
        exact = library.ExactMatchLevel(f"v_{field.name}", term_frequency_adjustments=rarity and field.rarity)
        made.append(_with(exact, field.m[0], field.u[0]))
    between = _between(library, main.compare, f"v_{main.name}")
    for level, m, u in zip(between, main.m[1:-1], main.u[1:-1], strict=True):
        made.append(_with(level, m, u))
    made.append(_with(library.ElseLevel(), main.m[-1], main.u[-1]))
    return made


def _with(level: Any, m: float, u: float) -> Any:
    return level.configure(m_probability=m, u_probability=u, fix_m_probability=True)


def _between(library: Any, compare: Comparison, column: str) -> list[Any]:
    """The levels between equal and different, in SQL that both engines know."""
    match compare:
        case Exact():
            return []
        case Text(near=near):
            return [library.JaroWinklerLevel(column, limit) for limit in near]
        case Digits(slips=slips):
            return [library.LevenshteinLevel(column, n) for n in range(1, slips + 1)]
        case Tokens(near=near):
            return [library.JaccardLevel(column, limit) for limit in near]
        case Part(near=limit, shortest=shortest):
            one, other = f"{column}_l", f"{column}_r"
            part = (
                f"length({one}) >= {shortest} AND length({other}) >= {shortest} "
                f"AND (instr({one}, {other}) > 0 OR instr({other}, {one}) > 0)"
            )
            return [library.CustomLevel(part, "one is a part of the other"), library.JaroWinklerLevel(column, limit)]
        case Whole():
            within = f"instr({column}_l, {column}_r) = 1 OR instr({column}_r, {column}_l) = 1"
            return [library.CustomLevel(within, "one is within the other")]
    raise TypeError(f"no SQL is known for {compare!r}")
