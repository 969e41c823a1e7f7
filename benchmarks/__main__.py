"""All promises about speed, measured on this machine: `python -m benchmarks`. Exit code 1 when one does not hold."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import (
    batches,
    dags,
    ingest,
    lineage,
    lineage_scale,
    mapping,
    matching,
    mqtt,
    partitions,
    resolve,
    state,
    sync,
    web,
)
from benchmarks.meters import Claim

PARTS: dict[str, Callable[[], list[Claim]]] = {
    "mapping": mapping.run,
    "resolve": resolve.run,
    "lineage": lineage.run,
    "ingest": ingest.run,
    "batches": batches.run,
    "mqtt": mqtt.run,
    "sync": sync.run,
    "partitions": partitions.run,
    "dags": dags.run,
    "matching": matching.run,
    "state": state.run,
    "web": web.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "part", nargs="*", help=f"{', '.join(PARTS)}; default: all. Alone, with flags of its own: lineage-scale"
    )
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["lineage-scale"]:  # half an hour and more: asked for by name, with a size of its own
        return lineage_scale.main(words[1:])
    given = parser.parse_args(words)
    unknown = set(given.part) - PARTS.keys()
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    claims = [claim for part in given.part or PARTS for claim in PARTS[part]()]
    sys.stdout.write("\n".join(claim.line() for claim in claims) + "\n")
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
