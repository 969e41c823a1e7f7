"""Estimates by er-evaluation, with its own Python: `python matching_estimates.py HUB.json`. Knows nothing of this repository.

Prints one line of JSON: release → pairwise precision and recall with standard errors. HUB.json: {mention: its thing}.
"""

from __future__ import annotations

import json
import sys


def main(file: str) -> None:
    import pandas
    from er_evaluation.datasets import load_pv_disambiguations
    from er_evaluation.estimators import pairwise_precision_estimator, pairwise_recall_estimator

    predictions, reference = load_pv_disambiguations()
    with open(file, encoding="utf-8") as given:
        hub = pandas.Series(json.load(given), name="hub")
    releases = {str(name)[:10]: release for name, release in predictions.items()}
    wanted = {name: releases[name] for name in sorted(releases)[-4:]} | {"hub": hub}
    told = {}
    for name, prediction in wanted.items():
        precision, precision_error = pairwise_precision_estimator(prediction, reference, weights="cluster_size")
        recall, recall_error = pairwise_recall_estimator(prediction, reference, weights="cluster_size")
        told[name] = {"precision": precision, "precision_error": precision_error, "recall": recall,
                      "recall_error": recall_error}  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
