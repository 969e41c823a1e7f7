"""Quality on records with known truth: the hub's model, learnt without labels, beside Splink in the same run."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.matching_truth import Pair, Score, Truth, best, febrl4, partners, rldata
from id_registry.matching.comparing import Comparison, Digits, Exact, Text
from id_registry.matching.learning import learn_m, learn_u
from id_registry.matching.model import Field, Model

RL_KEYS = (
    ("year", "month"),
    ("year", "day"),
    ("month", "day"),
    ("first", "last"),
    ("first", "month"),
    ("last", "month"),
)
RL_RULES = (("first", "last", "year"), ("first", "last", "month", "day"))
FEBRL_KEYS = (
    ("soc_sec_id",), ("date_of_birth",), ("given_name", "surname"), ("address_1",), ("surname", "postcode"),
    ("given_name", "postcode"), ("surname", "suburb"), ("given_name", "suburb"), ("suburb", "postcode"),
    ("surname", "street_number"),
)  # fmt: skip
FEBRL_RULES = (("soc_sec_id",), ("given_name", "surname", "date_of_birth"))


@dataclass(frozen=True)
class Result:
    """What one data set gave."""

    truth: Truth
    recall: float
    """Of the true pairs, the share that shares a key."""
    ours: Score
    linked: Score
    """Ours with each record's best partner only."""
    splink: Score
    splink_linked: Score
    cpu_s: float
    splink_cpu_s: float


def _field(name: str, compare: Comparison, *, rarity: bool = True) -> Field:
    """A field of which nothing is known yet but that equal values speak for one thing."""
    n = len(compare.levels)
    return Field(name, compare, (0.9, *[0.1 / (n - 1)] * (n - 1)), (0.01, *[0.99 / (n - 1)] * (n - 1)), rarity=rarity)


_NEAR = Text((0.95, 0.9, 0.8, 0.6))
_RL = (_field("first", _NEAR), _field("last", _NEAR), _field("year", Digits()), _field("month", Exact()), _field("day", Digits()),
       _field("second", Exact(), rarity=False), _field("other", Exact(), rarity=False))  # fmt: skip
_FEBRL = (
    _field("given_name", _NEAR), _field("surname", _NEAR), _field("date_of_birth", Digits(2)), _field("soc_sec_id", Digits(2)),
    _field("street_number", Digits()), _field("address_1", _NEAR), _field("address_2", _NEAR), _field("suburb", _NEAR),
    _field("postcode", Digits()), _field("state", Exact()),
)  # fmt: skip


def run() -> list[Result]:
    """RLdata10000, then febrl4."""
    return [
        _compare(rldata(), _RL, RL_KEYS, RL_RULES, 0.8, _splink_rldata()),
        _compare(febrl4(), _FEBRL, FEBRL_KEYS, FEBRL_RULES, 0.9, _splink_febrl()),
    ]


def _compare(
    truth: Truth, fields: tuple[Field, ...], keys: Sequence[Sequence[str]], rules: Sequence[Sequence[str]], recall: float,
    theirs: dict[str, Any],
) -> Result:  # fmt: skip
    begun = time.process_time()
    candidates = truth.blocked(keys)
    scored = ours(truth, fields, candidates, truth.expected(rules, recall))
    cpu = time.process_time() - begun
    begun = time.process_time()
    splink = _splink(truth, keys, rules, recall, theirs)
    splink_cpu = time.process_time() - begun
    return Result(
        truth, len(candidates & truth.pairs) / len(truth.pairs), best(scored, truth), best(partners(scored), truth),
        best(splink, truth), best(partners(splink), truth), cpu, splink_cpu,
    )  # fmt: skip


def ours(truth: Truth, fields: tuple[Field, ...], candidates: set[Pair], prior: float) -> list[tuple[float, Pair]]:
    """The weight of every candidate pair by a model learnt from these records, with no label looked at."""
    model = Model(truth.name, fields, prior)
    records = truth.records
    model = learn_u(model, records)
    model = learn_m(model, ((records[a], records[b]) for a, b in candidates))
    shares = truth.frequencies(field.name for field in fields if field.rarity)
    return [(model.weight(records[a], records[b], shares), (a, b)) for a, b in candidates]


# -- Splink, by its own comparison library and its own way of training --------------------------------------------------


def _splink_rldata() -> dict[str, Any]:
    import splink.comparison_library as cl

    return {
        "comparisons": [
            cl.JaroWinklerAtThresholds("first", [0.95, 0.9, 0.8]).configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("last", [0.95, 0.9, 0.8]).configure(term_frequency_adjustments=True),
            cl.LevenshteinAtThresholds("year", 1), cl.ExactMatch("month"), cl.LevenshteinAtThresholds("day", 1),
            cl.ExactMatch("second"), cl.ExactMatch("other"),
        ],
        "train": (("year", "month"), ("first", "last")),
    }  # fmt: skip


def _splink_febrl() -> dict[str, Any]:
    """As in Splink's own example for febrl4."""
    import splink.comparison_library as cl

    return {
        "comparisons": [
            cl.NameComparison("given_name"), cl.NameComparison("surname"), cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
        ],
        "train": (("date_of_birth",), ("postcode",)),
    }  # fmt: skip


def _splink(
    truth: Truth, keys: Sequence[Sequence[str]], rules: Sequence[Sequence[str]], recall: float, theirs: dict[str, Any]
) -> list[tuple[float, Pair]]:
    import duckdb
    import pyarrow
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    names = sorted({name for record in truth.records for name in record})
    columns: dict[str, list[Any]] = {name: [record.get(name) for record in truth.records] for name in names}
    table = pyarrow.table({"unique_id": list(range(len(truth.records))), **columns})
    settings = SettingsCreator(
        link_type="link_only" if truth.left else "dedupe_only", comparisons=theirs["comparisons"],
        blocking_rules_to_generate_predictions=[block_on(*key) for key in keys], retain_matching_columns=False,
    )  # fmt: skip
    connection = duckdb.connect(config={"threads": 2})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api = DuckDBAPI(connection=connection)
        if truth.left:
            given: Any = [api.register(table.slice(0, truth.left)), api.register(table.slice(truth.left))]
        else:
            given = api.register(table)
        linker = Linker(given, settings, log_level=logging.ERROR)
        linker.training.estimate_probability_two_random_records_match(
            [block_on(*rule) for rule in rules], recall=recall
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=7)
        for key in theirs["train"]:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*key))
        found = linker.inference.predict(threshold_match_weight=-30)
        rows = connection.sql(f"SELECT unique_id_l, unique_id_r, match_weight FROM {found.physical_name}").fetchall()
    connection.close()
    return [(float(weight), (min(a, b), max(a, b))) for a, b, weight in rows]
